// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "attention_product.h"
#include "attention_tile.h"

/// A block of queries: the keys that they see, extents rounded up to whole vectors, scale = log₂e/√width, so that
/// scores are exponents of two, and what its products fetch.
typedef struct {
  visible_keys seen;
  size_t rows, columns, padded;
  float scale;
  fetch_ahead *ahead;
} ISA(block);

static inline size_t ISA(whole)(size_t n) { return (n + FLOW_LANES - 1) / FLOW_LANES * FLOW_LANES; }

static inline ISA(block) ISA(block_at)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead) {
  if (last > first + FLOW_ATTENTION_BLOCK) last = first + FLOW_ATTENTION_BLOCK;
  return (ISA(block)){
    .seen = keys_of_block(a, first, last),
    .rows = last - first,
    .columns = ISA(whole)(last - first),
    .padded = ISA(whole)(a->width),
    .scale = LOG2_E / __builtin_sqrtf((float)a->width),
    .ahead = ahead,
  };
}

/// Where a tile's keys start in a tensor.
static inline const float *ISA(keys_at)(const flow_attention *a, const key_tile *t, const float *x) {
  return x + t->from * token_stride(a);
}

/// A tile's keys copied side by side.
static inline void ISA(pack_keys)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *x, float *keys) {
  ISA(pack)(t->to - t->from, a->width, ISA(keys_at)(a, t, x), token_stride(a), keys, b->padded);
}

/// tile[j, i] = or += Σ_c x[from + j, c] · queries[c, i].
static inline void ISA(multiply)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *x, const float *queries, float *tile,
  bool add) {
  ISA(product)(
    t->to - t->from, b->columns - t->column, a->width, ISA(keys_at)(a, t, x), token_stride(a), 1, queries + t->column,
    b->columns, tile + t->column, b->columns, add, b->ahead);
}

/// The scores of a tile's keys in powers of two, −∞ where hidden.
static inline void ISA(score)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *queries, float *scores) {
  ISA(multiply)(a, b, t, a->k, queries, scores, false);
  if (t->sight == FLOW_PARTLY) ISA(hide)(a, &b->seen, t, b->columns, scores);
}

/// sums[i, :] = or += Σ_j tile[j, i] · keys[j, :].
static inline void ISA(add_by_query)(
  const ISA(block) *b, const key_tile *t, const float *tile, const float *keys, float *sums, bool add) {
  ISA(product)(
    b->rows - t->row, b->padded, t->to - t->from, tile + t->row, 1, b->columns, keys, b->padded,
    sums + t->row * b->padded, b->padded, add, b->ahead);
}

#include "attention_forward.h"
#include "attention_tangent.h"
#include "attention_gradient.h"
#include "attention_hessian.h"
