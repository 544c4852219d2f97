// SPDX-License-Identifier: Apache-2.0
//
// Queries are lanes, keys and channels are walked: maxima and sums over the keys need no shuffles, and the scores
// of a block of keys never leave the first-level cache.

#include "vector_body.h"

#ifndef FLOW_ATTENTION_TYPES
#define FLOW_ATTENTION_TYPES
enum { KEYS = FLOW_ATTENTION_KEYS, QUERIES = FLOW_ATTENTION_QUERIES, MOST_WIDTH = FLOW_ATTENTION_MOST_WIDTH, STEP = 8 };

/// What a task carries from block to block: scores, weights, and the running sums of the softmax. Sixteen queries or
/// fewer are one vector, more are two.
typedef struct {
  v16f queries[MOST_WIDTH][2];
  v16f scores[KEYS][2];
  v16f output[MOST_WIDTH][2];
  v16f most[2], sum[2];
  v16i packed_queries[MOST_WIDTH / 4][2];
  v16i weights[KEYS / 4][2];
  v16f query_scale[2];
  /// 255·v_scale/most v_scale of a block.
  float value_units[KEYS];
  float keys[KEYS * MOST_WIDTH], values[KEYS * MOST_WIDTH];
} attention_state;
#endif

/// Columns `c`… of 16 rows as lanes, scaled; missing rows are zeros, and so are columns from `width` on.
FLOW_INLINE void ISA(take_columns)(
  v16f block[16], size_t rows, size_t columns, float scale, const float *q, size_t stride) {
  for (size_t i = 0; i < 16; i++) {
    block[i] = ISA(splat)(0.0f);
    if (i < rows) memcpy(&block[i], q + i * stride, columns * sizeof(float));
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
    v16f inverse = 1.0f / s->sum[j];
    for (size_t c = 0; c < width; c += 16) {
      size_t columns = width - c < 16 ? width - c : 16;
      for (size_t i = 0; i < 16; i++) block[i] = i < columns ? s->output[c + i][j] * inverse : inverse;
      ISA(transpose)(block);
      for (size_t i = 0; i < rows; i++) memcpy(o + (16 * j + i) * stride + c, &block[i], columns * sizeof(float));
    }
  }
}

/// Lanes of queries as bytes around 128, each query with a scale of its own.
FLOW_INLINE void ISA(quantise_queries)(attention_state *s, size_t padded, int n) {
  for (int j = 0; j < n; j++) {
    v16f most = ISA(splat)(1e-30f);
    for (size_t c = 0; c < padded; c++) most = ISA(larger)(most, __builtin_elementwise_abs(s->queries[c][j]));
    v16f inverse = 127.0f / most;
    s->query_scale[j] = most * (1.0f / 127.0f);
    for (size_t c = 0; c < padded; c += 4) {
      v16i word = ISA(nearest)(s->queries[c][j] * inverse) + 128;
      for (int b = 1; b < 4; b++) word |= (ISA(nearest)(s->queries[c + b][j] * inverse) + 128) << (8 * b);
      s->packed_queries[c / 4][j] = word;
    }
  }
}

/// Scores of the 8 keys from `slot` on, of which `count` are visible; the largest go to `most`.
FLOW_INLINE void ISA(put_scores)(
  attention_state *s, const v16f scores[STEP][2], size_t slot, size_t count, v16f most[2], int n) {
  v16f hidden = ISA(splat)(-3e38f);
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16f largest = hidden;
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16f score = (size_t)i < count ? scores[i][j] : hidden;
      s->scores[slot + i][j] = score;
      largest = ISA(larger)(largest, score);
    }
    most[j] = ISA(larger)(most[j], largest);
  }
}

/// Scores of 8 keys, 8-bit, but for the scale of the query.
FLOW_INLINE void ISA(score_int8)(
  attention_state *s, const flow_head_cache *cache, size_t key, size_t width, v16f scores[STEP][2], int n) {
  const int8_t *k = (const int8_t *)cache->keys + key * width;
  v16i acc[STEP][2];
  FLOW_UNROLL for (int i = 0; i < STEP; i++)
    FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(splat_int)(cache->key_offset + key + i);
  _Pragma("clang loop unroll_count(4)") for (size_t c = 0; c < width / 4; c++)
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16i b = ISA(splat_int)(k + i * width + 4 * c);
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(dot4)(acc[i][j], s->packed_queries[c][j], b);
    }
  FLOW_UNROLL for (int i = 0; i < STEP; i++) {
    v16f scale = ISA(splat)(cache->key_scale[key + i]);
    FLOW_UNROLL for (int j = 0; j < n; j++) scores[i][j] = ISA(to_float)(acc[i][j]) * scale;
  }
}

/// Scores of 8 keys [8][width], float.
FLOW_INLINE void ISA(score_float)(
  attention_state *s, const float *k, size_t width, v16f acc[STEP][2], int n) {
  FLOW_UNROLL for (int i = 0; i < STEP; i++)
    FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(splat)(0.0f);
  for (size_t c = 0; c < width; c++)
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16f b = ISA(splat)(k[i * width + c]);
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] += s->queries[c][j] * b;
    }
}

/// Takes a block into the running softmax: what was summed so far shrinks by `before`, the block by `now`.
FLOW_INLINE void ISA(join)(attention_state *s, int j, v16f most, v16f sum, v16f *before, v16f *now) {
  v16f both = ISA(larger)(s->most[j], most);
  *before = ISA(exp2)(s->most[j] - both);
  *now = ISA(exp2)(most - both);
  s->most[j] = both;
  s->sum[j] = s->sum[j] * *before + sum * *now;
}

/// Weights p of `count` keys as bytes of a lane, 255·p·v_scale/most v_scale; Σ p is added to `sum`.
FLOW_INLINE v16i ISA(weigh_group)(attention_state *s, size_t key, size_t count, v16f most, int j, v16f *sum) {
  v16f units[4] = {};
  FLOW_UNROLL for (int b = 0; b < 4; b++) {
    if ((size_t)b >= count) break;
    v16f p = ISA(exp2_coarse)(s->scores[key + b][j] - most, s->query_scale[j]);
    *sum += p;
    units[b] = p * s->value_units[key + b];
  }
  return ISA(pack_bytes)(units);
}

/// The weights of a block, and their sum.
FLOW_INLINE v16f ISA(weigh_int8)(attention_state *s, v16f most, size_t count, int j) {
  v16f sum = ISA(splat)(0.0f);
  size_t whole = count / 4;
  for (size_t g = 0; g < whole; g++) s->weights[g][j] = ISA(weigh_group)(s, 4 * g, 4, most, j, &sum);
  if (count % 4) s->weights[whole][j] = ISA(weigh_group)(s, 4 * whole, count % 4, most, j, &sum);
  return sum;
}

/// The largest of `n` scales, more than 0.
FLOW_INLINE float ISA(largest_of)(size_t n, const float *x) {
  v16f lanes = ISA(splat)(1e-30f);
  size_t whole = n / 16 * 16;
  for (size_t i = 0; i < whole; i += 16) lanes = ISA(larger)(lanes, ISA(load)(x + i));
  float largest = ISA(largest_lane)(lanes);
  for (size_t i = whole; i < n; i++) largest = __builtin_fmaxf(largest, x[i]);
  return largest;
}

/// output = output·before + Σ_keys weights·values, 8-bit.
FLOW_INLINE void ISA(block_int8)(
  attention_state *s, const flow_head_cache *cache, size_t first, size_t count, size_t width, int n) {
  size_t groups = (count + 3) / 4;
  v16f most[2] = {ISA(splat)(-3e38f), ISA(splat)(-3e38f)}, scores[STEP][2];
  const int8_t *v = (const int8_t *)cache->values + first * width, *k = (const int8_t *)cache->keys + first * width;
  for (size_t i = 0; i < count; i += STEP) {
    // What comes after the scores: this block's values, and the keys of the next block.
    for (size_t line = 0; line < STEP * width; line += 64) {
      __builtin_prefetch(v + i * width + line);
      __builtin_prefetch(k + (KEYS + i) * width + line);
    }
    ISA(score_int8)(s, cache, first + i, width, scores, n);
    if (count == KEYS) ISA(put_scores)(s, scores, i, STEP, most, n);
    else ISA(put_scores)(s, scores, i, count - i, most, n);
  }
  const float *value_scale = cache->value_scale + first;
  float largest = ISA(largest_of)(count, value_scale);
  for (size_t i = 0; i < KEYS; i += 16)
    ISA(store)(s->value_units + i, ISA(load)(value_scale + i) * (255.0f / largest));
  v16f before[2], now[2];
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16f sum = ISA(weigh_int8)(s, most[j], count, j);
    ISA(join)(s, j, most[j] * s->query_scale[j], sum, &before[j], &now[j]);
    now[j] *= largest / 255.0f;
  }
  for (size_t c = 0; c < width; c += STEP) {
    v16i acc[STEP][2];
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = (v16i){};
    _Pragma("clang loop unroll_count(4)") for (size_t g = 0; g < groups; g++)
      FLOW_UNROLL for (int i = 0; i < STEP; i++) {
        v16i b = ISA(splat_int)(v + (g * width + c + i) * 4);
        FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(dot4)(acc[i][j], s->weights[g][j], b);
      }
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++)
        s->output[c + i][j] = s->output[c + i][j] * before[j] + ISA(to_float)(acc[i][j]) * now[j];
  }
}

/// The same in float, over keys and values [count][width].
FLOW_INLINE void ISA(block_float)(
  attention_state *s, const float *k, const float *v, size_t width, size_t count, int n) {
  v16f most[2] = {ISA(splat)(-3e38f), ISA(splat)(-3e38f)}, scores[STEP][2];
  for (size_t i = 0; i < count; i += STEP) {
    ISA(score_float)(s, k + i * width, width, scores, n);
    ISA(put_scores)(s, scores, i, count - i, most, n);
  }
  v16f before[2], now[2];
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16f sum = ISA(splat)(0.0f);
    for (size_t i = 0; i < count; i++) {
      s->scores[i][j] = ISA(exp2)(s->scores[i][j] - most[j]);
      sum += s->scores[i][j];
    }
    ISA(join)(s, j, most[j], sum, &before[j], &now[j]);
  }
  for (size_t c = 0; c < width; c += STEP) {
    v16f acc[STEP][2];
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(splat)(0.0f);
    for (size_t key = 0; key < count; key++)
      FLOW_UNROLL for (int i = 0; i < STEP; i++) {
        v16f b = ISA(splat)(v[key * width + c + i]);
        FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] += s->scores[key][j] * b;
      }
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++)
        s->output[c + i][j] = s->output[c + i][j] * before[j] + acc[i][j] * now[j];
  }
}

FLOW_INLINE void ISA(widen)(size_t n, const uint16_t *x, float *y) {
  for (size_t i = 0; i < n; i += 16) ISA(store)(y + i, ISA(load_bfloat16)(x + i));
}

/// All blocks of visible keys, for n vectors of queries.
FLOW_INLINE void ISA(attend_blocks)(attention_state *s, const flow_head_cache *cache, size_t visible, int n) {
  size_t width = cache->width;
  if (cache->precision == FLOW_PRECISION_INT8) ISA(quantise_queries)(s, width, n);
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
}

static void ISA(flow_attend)(
  const flow_head_cache *cache, size_t visible, size_t queries, size_t width, float scale, const float *q,
  size_t q_stride, float *o, size_t o_stride) {
  attention_state s;
  for (int j = 0; j < 2; j++) s.most[j] = ISA(splat)(-1e30f), s.sum[j] = ISA(splat)(0.0f);
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

/// 127/most |x|, 0 for zeros; the scale that takes it back goes to `scale`.
FLOW_INLINE float ISA(inverse_scale)(size_t width, const float *x, float *scale) {
  size_t whole = width / 16 * 16;
  v16f lanes = ISA(splat)(0.0f);
  for (size_t c = 0; c < whole; c += 16) lanes = ISA(larger)(lanes, __builtin_elementwise_abs(ISA(load)(x + c)));
  float most = ISA(largest_lane)(lanes);
  for (size_t c = whole; c < width; c++) most = __builtin_fmaxf(most, __builtin_fabsf(x[c]));
  *scale = most / 127.0f;
  return most > 0 ? 127.0f / most : 0.0f;
}

/// The bytes of 16 channels of `rows` tokens, those of token i in byte i of each lane.
FLOW_INLINE v16i ISA(interleave)(size_t rows, const float *x, size_t stride, const float *inverse) {
  v16i word = {};
  for (size_t i = 0; i < rows; i++)
    word |= (ISA(nearest)(ISA(load)(x + i * stride) * inverse[i]) & 255) << (8 * (int)i);
  return word;
}

static void ISA(write_key_int8)(const flow_head_cache *cache, size_t key, size_t width, const float *k) {
  float inverse = ISA(inverse_scale)(width, k, cache->key_scale + key);
  int8_t *q = (int8_t *)cache->keys + key * cache->width;
  int32_t sum = 0;
  size_t whole = width / 16 * 16;
  for (size_t c = 0; c < whole; c += 16) {
    v16i lanes = ISA(nearest)(ISA(load)(k + c) * inverse);
    v16s bytes = __builtin_convertvector(lanes, v16s);
    memcpy(q + c, &bytes, sizeof bytes);
    sum += __builtin_reduce_add(lanes);
  }
  for (size_t c = whole; c < width; c++) {
    q[c] = (int8_t)__builtin_rintf(k[c] * inverse);
    sum += q[c];
  }
  cache->key_offset[key] = -128 * sum;
}

/// Values of tokens in one group of four: a whole group at once, or byte by byte.
static void ISA(write_values_int8)(
  const flow_head_cache *cache, size_t key, size_t rows, size_t width, const float *v, size_t stride) {
  float inverse[4];
  for (size_t i = 0; i < rows; i++)
    inverse[i] = ISA(inverse_scale)(width, v + i * stride, cache->value_scale + key + i);
  int8_t *q = (int8_t *)cache->values + key / 4 * 4 * cache->width + key % 4;
  size_t whole = rows == 4 ? width / 16 * 16 : 0;
  for (size_t c = 0; c < whole; c += 16) ISA(store_int)(q + 4 * c, ISA(interleave)(4, v + c, stride, inverse));
  for (size_t c = whole; c < width; c++)
    for (size_t i = 0; i < rows; i++) q[4 * c + i] = (int8_t)__builtin_rintf(v[i * stride + c] * inverse[i]);
}

static void ISA(flow_head_cache_write)(
  const flow_head_cache *cache, size_t key, size_t rows, size_t width, const float *k, size_t k_stride,
  const float *v, size_t v_stride) {
  if (cache->precision == FLOW_PRECISION_INT8) {
    for (size_t i = 0; i < rows; i++) ISA(write_key_int8)(cache, key + i, width, k + i * k_stride);
    for (size_t i = 0; i < rows;) {
      size_t group = 4 - (key + i) % 4, count = rows - i < group ? rows - i : group;
      ISA(write_values_int8)(cache, key + i, count, width, v + i * v_stride, v_stride);
      i += count;
    }
    return;
  }
  for (size_t i = 0; i < rows; i++, k += k_stride, v += v_stride) {
    size_t place = (key + i) * cache->width;
    if (cache->precision == FLOW_PRECISION_BFLOAT16) {
      flow_to_bfloat16(width, k, (uint16_t *)cache->keys + place);
      flow_to_bfloat16(width, v, (uint16_t *)cache->values + place);
    } else {
      memcpy((float *)cache->keys + place, k, width * sizeof(float));
      memcpy((float *)cache->values + place, v, width * sizeof(float));
    }
  }
}
