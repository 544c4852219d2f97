// SPDX-License-Identifier: Apache-2.0
//
// Queries are lanes, keys and channels are walked: maxima and sums over the keys need no shuffles, and the scores
// of a block of keys never leave the first-level cache.

#include "vector_body.h"
#include "words_body.h"

#ifndef FLOW_ATTENTION_TYPES
#define FLOW_ATTENTION_TYPES
enum { KEYS = FLOW_ATTENTION_KEYS, QUERIES = FLOW_ATTENTION_QUERIES, MOST_WIDTH = FLOW_ATTENTION_MOST_WIDTH, STEP = 8 };

/// What a task carries from block to block: scores, weights, and the running sums of the softmax. Sixteen queries or
/// fewer are one vector, more are two.
typedef struct {
  v16f queries[MOST_WIDTH][2];
  v16f output[MOST_WIDTH][2];
  /// The largest score so far, in octaves; Σ weights; and what the output's unit is of it.
  v16f most[2], sum[2];
  float output_unit;
  union {
    struct {
      v16f scores[KEYS][2];
      float keys[KEYS * MOST_WIDTH], values[KEYS * MOST_WIDTH];
    };
    struct {
      v16i packed_queries[MOST_WIDTH / 4][2];
      v16f query_scale[2];
      v32w words[KEYS / 2][2];
      v16i weights[KEYS / 4][2];
      /// The score that weights are relative to.
      v16f unit[2];
      /// Scales of the values: of the block, and the largest so far.
      float value_scale, most_value_scale;
      /// 32767·k_scale/most k_scale and 255·v_scale/most v_scale of a block.
      int16_t key_units[KEYS], value_units[KEYS];
    };
  };
} attention_state;
#endif

#include "cached_attention_float.h"
#include "cached_attention_int8.h"

/// Columns `c`… of 16 rows as lanes, scaled; missing rows are zeros, and so are columns from `width` on.
FLOW_INLINE void ISA(take_columns)(
  v16f block[16], size_t rows, size_t columns, float scale, const float *q, size_t stride) {
  for (size_t i = 0; i < 16; i++) {
    block[i] = ISA(splat)(0.0f);
    // Of known length it is an instruction, not a call.
    if (i < rows && columns == 16) block[i] = ISA(load)(q + i * stride);
    else if (i < rows) memcpy(&block[i], q + i * stride, columns * sizeof(float));
    block[i] *= scale;
  }
  ISA(transpose)(block);
}

/// Rows of queries become lanes.
FLOW_INLINE void ISA(take_queries)(
  attention_state *s, size_t queries, size_t width, size_t padded, float scale, const float *q, size_t stride,
  int n) {
  v16f block[16];
  for (int j = 0; j < n; j++) {
    size_t rows = queries - 16 * j < 16 ? queries - 16 * j : 16;
    for (size_t c = 0; c < padded; c += 16) {
      size_t columns = c >= width ? 0 : width - c < 16 ? width - c : 16;
      ISA(take_columns)(block, rows, columns, scale, q + 16 * j * stride + c, stride);
      for (size_t i = 0; i < 16 && c + i < padded; i++) s->queries[c + i][j] = block[i];
    }
  }
}

/// Lanes become rows of outputs, each over the sum of its weights.
FLOW_INLINE void ISA(give_outputs)(
  attention_state *s, size_t queries, size_t width, float *o, size_t stride, int n) {
  v16f block[16];
  for (int j = 0; j < n; j++) {
    size_t rows = queries - 16 * j < 16 ? queries - 16 * j : 16;
    v16f inverse = s->output_unit / s->sum[j];
    for (size_t c = 0; c < width; c += 16) {
      size_t columns = width - c < 16 ? width - c : 16;
      for (size_t i = 0; i < 16; i++) block[i] = i < columns ? s->output[c + i][j] * inverse : inverse;
      ISA(transpose)(block);
      for (size_t i = 0; i < rows; i++) {
        float *row = o + (16 * j + i) * stride + c;
        if (columns == 16) ISA(store)(row, block[i]);
        else memcpy(row, &block[i], columns * sizeof(float));
      }
    }
  }
}

/// All blocks of visible keys, for n vectors of queries.
FLOW_INLINE void ISA(attend_blocks)(attention_state *s, const flow_head_cache *cache, size_t visible, int n) {
  size_t width = cache->width;
  if (cache->precision == FLOW_PRECISION_INT8) ISA(begin_int8)(s, width, n);
  for (size_t first = 0; first < visible; first += KEYS) {
    size_t count = visible - first < KEYS ? visible - first : KEYS, place = first * width;
    const float *k = (const float *)cache->keys + place, *v = (const float *)cache->values + place;
    if (cache->precision == FLOW_PRECISION_INT8) {
      if (width == 64 && count == KEYS) ISA(block_int8)(s, cache, first, KEYS, 64, n);
      else ISA(block_int8)(s, cache, first, count, width, n);
      continue;
    }
    if (cache->precision == FLOW_PRECISION_BFLOAT16) {
      ISA(widen)(KEYS * width, (const uint16_t *)cache->keys + place, s->keys);
      ISA(widen)(KEYS * width, (const uint16_t *)cache->values + place, s->values);
      k = s->keys, v = s->values;
    }
    ISA(block_float)(s, k, v, width, count, n);
  }
  if (cache->precision == FLOW_PRECISION_INT8) s->output_unit = s->value_scale * (32768.0f / 255);
}

static void ISA(flow_attend)(
  const flow_head_cache *cache, size_t visible, size_t queries, size_t width, float scale, const float *q,
  size_t q_stride, float *o, size_t o_stride) {
  attention_state s;
  for (int j = 0; j < 2; j++) s.most[j] = ISA(splat)(-1e30f), s.sum[j] = ISA(splat)(0.0f);
  s.output_unit = 1;
  memset(s.output, 0, cache->width * sizeof s.output[0]);
  scale *= 1.44269504f;
  if (queries > QUERIES / 2) {
    ISA(take_queries)(&s, queries, width, cache->width, scale, q, q_stride, 2);
    ISA(attend_blocks)(&s, cache, visible, 2);
    ISA(give_outputs)(&s, queries, width, o, o_stride, 2);
  } else {
    ISA(take_queries)(&s, queries, width, cache->width, scale, q, q_stride, 1);
    ISA(attend_blocks)(&s, cache, visible, 1);
    ISA(give_outputs)(&s, queries, width, o, o_stride, 1);
  }
}
