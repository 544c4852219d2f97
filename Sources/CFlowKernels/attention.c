// SPDX-License-Identifier: Apache-2.0
//
// Attention and its derivatives, a head and a range of its queries a call: blocks of queries against tiles of the
// keys that they see, so that scores exist for one tile at a time.

#include "attention_ahead.h"
#include "attention_mask.h"

#define LOG2_E 1.44269504f
#define LN_2 0.693147181f

/// The next `n` floats of the scratch memory, aligned as its start.
static inline float *carve(float **scratch, size_t n) {
  float *start = *scratch;
  *scratch += (n + 15) / 16 * 16;
  return start;
}

static inline size_t token_stride(const flow_attention *a) { return a->heads * a->width; }

#define FLOW_BODY "attention_body.h"
#include "isa.h"

static size_t whole(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// What hessian_block carves, at the widest vectors; the other passes need less.
size_t flow_attention_scratch(const flow_attention *a) {
  size_t padded = whole(a->width, 16), tile = (size_t)FLOW_KEYS * FLOW_ATTENTION_BLOCK;
  return 7 * FLOW_ATTENTION_BLOCK * padded + 2 * FLOW_KEYS * padded + 4 * tile + 4 * FLOW_ATTENTION_BLOCK;
}

static size_t first_query(const flow_attention *a, size_t chunk) {
  size_t blocks = (a->queries + FLOW_ATTENTION_BLOCK - 1) / FLOW_ATTENTION_BLOCK;
  size_t query = chunk * blocks / a->chunks * FLOW_ATTENTION_BLOCK;
  return query < a->queries ? query : a->queries;
}

/// Adds n to a pointer that may be absent.
#define MOVE(pointer, n) ((pointer) = (pointer) ? (pointer) + (n) : NULL)

/// The operands of one head: pointers moved there, results by key to the chunk's own.
static flow_attention head_of(const flow_attention *call, size_t index, size_t chunk) {
  flow_attention a = *call;
  size_t batch = index / a.heads, column = index % a.heads * a.width, token = token_stride(&a);
  size_t query = batch * a.queries * token + column, key = batch * a.keys * token + column;
  size_t row = index * a.queries;
  MOVE(a.q, query), MOVE(a.q_tangent, query), MOVE(a.o, query), MOVE(a.o_tangent, query), MOVE(a.d, query);
  MOVE(a.k, key), MOVE(a.k_tangent, key), MOVE(a.v, key), MOVE(a.v_tangent, key);
  MOVE(a.log_sum, row), MOVE(a.log_sum_tangent, row), MOVE(a.log_sum_result, row);
  MOVE(a.o_result, query), MOVE(a.q_result, query), MOVE(a.k_result, key), MOVE(a.v_result, key);
  a.key_row = token;
  if (a.partial && chunk > 0) {
    size_t part = a.keys * a.width;
    a.k_result = a.partial + 2 * part * (index * (a.chunks - 1) + chunk - 1);
    a.v_result = a.k_result + part;
    a.key_row = a.width;
  }
  return a;
}

/// What the next head is going to read and write; nothing where it is not among tasks up to `last`.
static fetch_ahead ahead_of(const flow_attention *call, size_t next, size_t last) {
  fetch_ahead ahead = {
    .stride = token_stride(call) * sizeof(float), .lines = (call->width * sizeof(float) + FLOW_LINE - 1) / FLOW_LINE};
  if (next * call->chunks >= last) return ahead;
  flow_attention a = head_of(call, next, 0);
  const float *by_query[] = {a.q, a.d, a.q_tangent, a.o, a.o_tangent, a.o_result, a.q_result};
  const float *by_key[] = {a.k, a.v, a.k_tangent, a.v_tangent, a.k_result, a.v_result};
  for (size_t i = 0; i < sizeof by_query / sizeof *by_query; i++) fetch_rows(&ahead, by_query[i], a.queries);
  for (size_t i = 0; i < sizeof by_key / sizeof *by_key; i++) fetch_rows(&ahead, by_key[i], a.keys);
  size_t rows = 0;
  for (size_t i = 0; i < ahead.count; i++) rows += ahead.arrays[i].rows;
  if (rows * ahead.lines * FLOW_LINE > FLOW_MOST_AHEAD) ahead.count = 0;
  return ahead;
}

// Later parts of a head see more keys under a causal mask: long tasks come first.
#define FLOW_PASS(name) \
  void flow_##name(const flow_attention *call, size_t first, size_t last, float *scratch) { \
    for (size_t task = first; task < last; task++) { \
      size_t index = task / call->chunks, chunk = call->chunks - 1 - task % call->chunks; \
      flow_attention a = head_of(call, index, chunk); \
      fetch_ahead ahead = ahead_of(call, index + 1, last); \
      FLOW_PICK(name)(&a, first_query(call, chunk), first_query(call, chunk + 1), &ahead, scratch); \
    } \
  }
FLOW_PASS(attention_forward)
FLOW_PASS(attention_tangent)
FLOW_PASS(attention_gradient)
FLOW_PASS(attention_hessian)

static void add_row(size_t n, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

void flow_attention_collect(const flow_attention *call, size_t index) {
  flow_attention to = head_of(call, index, 0);
  for (size_t chunk = 1; chunk < call->chunks; chunk++) {
    flow_attention from = head_of(call, index, chunk);
    for (size_t j = 0; j < to.keys; j++) {
      add_row(to.width, from.k_result + j * from.key_row, to.k_result + j * to.key_row);
      add_row(to.width, from.v_result + j * from.key_row, to.v_result + j * to.key_row);
    }
  }
}
