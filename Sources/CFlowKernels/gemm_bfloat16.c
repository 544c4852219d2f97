// SPDX-License-Identifier: Apache-2.0
//
// Products of bfloat16 matrices with float32 results, by oneDNN.

#include "include/flow_kernels.h"
#include "onednn.h"

#include <string.h>

typedef struct {
  int64_t m, n, k, a_stride, b_stride, c_stride;
  int64_t a_transposed, b_transposed;
} key;

typedef struct {
  key key;
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, c;
} entry;

enum { ENTRIES = 256 };
static _Thread_local entry cache[ENTRIES];

static void describe(
  dnnl_memory_desc_t *desc, int64_t rows, int64_t columns, int64_t stride, bool transposed, dnnl_data_type_t type) {
  dnnl_dims_t dims = {rows, columns};
  dnnl_dims_t strides = {transposed ? 1 : stride, transposed ? stride : 1};
  dnnl_memory_desc_init_by_strides(desc, 2, dims, type, strides);
}

static bool build(entry *e, const key *k) {
  dnnl_memory_desc_t a, b, c;
  describe(&a, k->m, k->k, k->a_stride, k->a_transposed, dnnl_bf16);
  describe(&b, k->k, k->n, k->b_stride, k->b_transposed, dnnl_bf16);
  describe(&c, k->m, k->n, k->c_stride, false, dnnl_f32);
  dnnl_engine_t engine = flow_onednn_engine();
  dnnl_matmul_desc_t operation;
  dnnl_primitive_desc_t description;
  if (dnnl_matmul_desc_init(&operation, &a, &b, NULL, &c)) return false;
  if (dnnl_primitive_desc_create(&description, &operation, NULL, engine, NULL)) return false;
  bool made = !dnnl_primitive_create(&e->primitive, description);
  dnnl_primitive_desc_destroy(description);
  if (!made) return false;
  made = !dnnl_memory_create(&e->a, &a, engine, DNNL_MEMORY_NONE) &&
         !dnnl_memory_create(&e->b, &b, engine, DNNL_MEMORY_NONE) &&
         !dnnl_memory_create(&e->c, &c, engine, DNNL_MEMORY_NONE);
  if (made) e->key = *k;
  return made;
}

static void discard(entry *e) {
  if (!e->primitive) return;
  dnnl_primitive_destroy(e->primitive);
  dnnl_memory_destroy(e->a);
  dnnl_memory_destroy(e->b);
  dnnl_memory_destroy(e->c);
  memset(e, 0, sizeof *e);
}

static void forget(void) {
  for (size_t i = 0; i < ENTRIES; i++) discard(&cache[i]);
}

static entry *find(const key *k) {
  entry *e = &cache[flow_onednn_slot((const int64_t *)k, sizeof *k / sizeof(int64_t), ENTRIES)];
  if (e->primitive && !memcmp(&e->key, k, sizeof *k)) return e;
  discard(e);
  flow_onednn_at_thread_end(forget);
  return build(e, k) ? e : NULL;
}

bool flow_gemm_bfloat16(
  size_t m, size_t n, size_t k, const uint16_t *a, size_t a_stride, bool a_transposed, const uint16_t *b,
  size_t b_stride, bool b_transposed, float *c, size_t c_stride) {
  dnnl_stream_t stream = flow_onednn_stream();
  key wanted = {(int64_t)m, (int64_t)n, (int64_t)k, (int64_t)a_stride, (int64_t)b_stride, (int64_t)c_stride,
                a_transposed, b_transposed};
  entry *e = find(&wanted);
  if (!e || !stream) return false;
  dnnl_memory_set_data_handle(e->a, (void *)a);
  dnnl_memory_set_data_handle(e->b, (void *)b);
  dnnl_memory_set_data_handle(e->c, c);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, e->a}, {DNNL_ARG_WEIGHTS, e->b}, {DNNL_ARG_DST, e->c}};
  return !dnnl_primitive_execute(e->primitive, stream, 3, arguments);
}
