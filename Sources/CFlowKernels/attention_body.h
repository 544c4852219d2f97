// SPDX-License-Identifier: Apache-2.0

#include <string.h>

#include "attention_product.h"
#include "attention_tile.h"

/// A block of queries: the keys that they see, extents rounded up to whole vectors, and scale = log₂e/√width, so that
/// scores are exponents of two.
typedef struct {
  visible_keys seen;
  size_t rows, columns, padded;
  float scale;
} ISA(block);

static inline size_t ISA(whole)(size_t n) { return (n + FLOW_LANES - 1) / FLOW_LANES * FLOW_LANES; }

static inline ISA(block) ISA(block_at)(const flow_attention *a, size_t first, size_t last) {
  if (last > first + FLOW_ATTENTION_BLOCK) last = first + FLOW_ATTENTION_BLOCK;
  return (ISA(block)){
    .seen = keys_of_block(a, first, last),
    .rows = last - first,
    .columns = ISA(whole)(last - first),
    .padded = ISA(whole)(a->width),
    .scale = LOG2_E / __builtin_sqrtf((float)a->width),
  };
}

/// Keys of a tile as they lie in a tensor, copied side by side.
static inline void ISA(pack_keys)(const flow_attention *a, const key_tile *t, const float *x, float *keys) {
  size_t token = token_stride(a);
  ISA(pack)(t->to - t->from, a->width, x + t->from * token, token, keys, ISA(whole)(a->width));
}

/// tile[j, i] = or += Σ_c keys[j, c] · queries[c, i].
static inline void ISA(multiply)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *keys, const float *queries,
  float *tile, bool add) {
  ISA(product)(
    t->to - t->from, b->columns - t->column, a->width, keys, b->padded, 1, queries + t->column, b->columns,
    tile + t->column, b->columns, add);
}

/// The scores of a tile's keys in powers of two, −∞ where hidden.
static inline void ISA(score)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *keys, const float *queries,
  float *scores) {
  ISA(multiply)(a, b, t, keys, queries, scores, false);
  if (t->sight == FLOW_PARTLY) ISA(hide)(a, &b->seen, t, b->columns, scores);
}

/// sums[i, :] += Σ_j tile[j, i] · keys[j, :].
static inline void ISA(add_by_query)(
  const ISA(block) *b, const key_tile *t, const float *tile, const float *keys, float *sums) {
  ISA(product)(
    b->rows - t->row, b->padded, t->to - t->from, tile + t->row, 1, b->columns, keys, b->padded,
    sums + t->row * b->padded, b->padded, true);
}

#include "attention_forward.h"
#include "attention_tangent.h"
#include "attention_gradient.h"
#include "attention_hessian.h"
