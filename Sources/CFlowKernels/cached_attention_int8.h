// SPDX-License-Identifier: Apache-2.0
//
// Blocks of keys and values in bytes. Scores and weights are words of 16 bits, pairs of keys to a lane: between the
// two products of a block a vector holds 32 of them. A score is a multiple of 1/32 of an octave, so that a weight is
// a fraction of a table, shifted.

#ifndef FLOW_ATTENTION_INT8_TYPES
#define FLOW_ATTENTION_INT8_TYPES
/// A block whose weights are less than 2⁻⁴⁰ of what they should be said to be, or whose values are less than 10⁻⁹,
/// is taken for one that reaches that: sums stay finite whatever the order of the blocks.
static const float least_weight_octaves = 40, least_value_ratio = 1e-9f;

/// Of four keys of bytes the first and third are a pair, the second and fourth another: as words one over the other
/// they are bytes in order.
static const int pair_keys[STEP / 2][2] = {{0, 2}, {1, 3}, {4, 6}, {5, 7}};
#endif

/// Lanes of queries as bytes around 128, each query with a scale of its own.
FLOW_INLINE void ISA(quantise_queries)(attention_state *s, size_t padded, int n) {
  for (int j = 0; j < n; j++) {
    v16f most = ISA(splat)(1e-30f);
    for (size_t c = 0; c < padded; c++) most = ISA(larger_magnitude)(most, s->queries[c][j]);
    v16f inverse = 127.0f / most;
    s->query_scale[j] = most * (1.0f / 127.0f);
    for (size_t c = 0; c < padded; c += 4) {
      v16i word = ISA(nearest)(s->queries[c][j] * inverse) + 128;
      for (int b = 1; b < 4; b++) word |= (ISA(nearest)(s->queries[c + b][j] * inverse) + 128) << (8 * b);
      s->packed_queries[c / 4][j] = word;
    }
  }
}

FLOW_INLINE void ISA(begin_int8)(attention_state *s, size_t width, int n) {
  ISA(quantise_queries)(s, width, n);
  s->value_scale = s->most_value_scale = 0;
  for (int j = 0; j < n; j++) {
    s->unit[j] = s->most[j];
    // Words cannot say that a number is not finite; the sum that all is divided by can.
    s->sum[j] = s->query_scale[j] * 0.0f;
  }
}

/// Bits that a sum of products of bytes loses to fit a word: 127²·width < 2^(15 + bits).
FLOW_INLINE int ISA(spare_bits)(size_t width) { return width <= 64 ? 5 : 6; }

/// unit·x/largest as words, in the order of the pairs.
FLOW_INLINE void ISA(relative_words)(const float *x, float largest, float unit, int16_t words[KEYS]) {
  for (size_t i = 0; i < KEYS; i += 16) {
    // Places beyond the visible keys hold anything; it must not overflow.
    v16f part = -ISA(larger)(ISA(load)(x + i) * -(unit / largest), ISA(splat)(-unit));
    v16i whole = ISA(nearest)(part);
    whole = __builtin_shufflevector(whole, whole, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
    v16h half = __builtin_convertvector(whole, v16h);
    memcpy(words + i, &half, sizeof half);
  }
}

/// What takes a score of a block from its words to 1/32 of an octave, as a fraction of a word.
FLOW_INLINE v32w ISA(score_factor)(v16f query_scale, float key_scale, size_t width) {
  v16f factor = query_scale * (key_scale * 32.0f * (float)(1 << ISA(spare_bits)(width)) * 32768.0f);
  // Scores of more than a thousand octaves are as good as that.
  v16i whole = ISA(nearest)(-ISA(larger)(-factor, ISA(splat)(-32767.0f)));
  return (v32w)(whole | whole << 16);
}

/// Scores of the 8 keys from `slot` of a block on, of which `count` are visible; the largest go to `most`.
FLOW_INLINE void ISA(score_int8)(
  attention_state *s, const flow_head_cache *cache, size_t first, size_t slot, size_t count, size_t width,
  const v32w factor[2], v32w most[2], int n) {
  const int8_t *k = (const int8_t *)cache->keys + (first + slot) * width;
  v16i acc[STEP][2];
  FLOW_UNROLL for (int i = 0; i < STEP; i++)
    FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(splat_int)(cache->key_offset + first + slot + i);
  _Pragma("clang loop unroll_count(4)") for (size_t c = 0; c < width / 4; c++)
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16i b = ISA(splat_int)(k + i * width + 4 * c);
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(dot4)(acc[i][j], s->packed_queries[c][j], b);
    }
  FLOW_UNROLL for (int pair = 0; pair < STEP / 2; pair++) {
    int low = pair_keys[pair][0], high = pair_keys[pair][1];
    v32w unit = (v32w)ISA(splat_int)(s->key_units + slot + 2 * pair);
    FLOW_UNROLL for (int j = 0; j < n; j++) {
      v32w words = ISA(merge_words)(acc[low][j], acc[high][j], ISA(spare_bits)(width));
      words = ISA(times_fraction)(ISA(times_fraction)(words, unit), factor[j]);
      if ((size_t)low >= count) words = (v32w)(((v16i)words & ~0xffff) | 0x8000);
      if ((size_t)high >= count) words = (v32w)(((v16i)words & 0xffff) | INT32_MIN);
      s->words[slot / 2 + pair][j] = words;
      most[j] = __builtin_elementwise_max(most[j], words);
    }
  }
}

/// The weight of a pair of keys as bytes in words, 255·p·v_scale/most v_scale; Σ 32767·p is added to `sum`.
FLOW_INLINE v16i ISA(weigh_pair)(attention_state *s, size_t pair, v32w most, int j, v16i *sum) {
  v32w power = ISA(power_of_half)(__builtin_elementwise_sub_sat(most, s->words[pair][j]));
  *sum = ISA(add_words)(*sum, power);
  return (v16i)ISA(times_fraction)(power, (v32w)ISA(splat_int)(s->value_units + 2 * pair));
}

/// The weights of a block relative to its largest score `most`, in every word of a lane the same.
FLOW_INLINE v16f ISA(weigh_int8)(attention_state *s, v32w most, size_t count, int j) {
  v16i sum = {};
  for (size_t g = 0; g < (count + 3) / 4; g++) {
    v16i even = ISA(weigh_pair)(s, 2 * g, most, j, &sum), odd = ISA(weigh_pair)(s, 2 * g + 1, most, j, &sum);
    s->weights[g][j] = even | odd << 8;
  }
  return ISA(to_float)(sum);
}

/// Makes the block's largest score the unit of what was summed so far; returns what it has to be multiplied by.
FLOW_INLINE v16f ISA(change_unit)(attention_state *s, int j, v32w most) {
  v16f block = ISA(to_float)(((v16i)most << 16) >> 16) * (1.0f / 32);
  v16f unit = ISA(larger)(block, s->most[j] - least_weight_octaves);
  v16f ratio = ISA(exp2)(s->unit[j] - unit);
  s->most[j] = ISA(larger)(s->most[j], unit);
  s->unit[j] = unit;
  return ratio;
}

/// output = output·before + Σ_keys weights·values.
FLOW_INLINE void ISA(block_int8)(
  attention_state *s, const flow_head_cache *cache, size_t first, size_t count, size_t width, int n) {
  const int8_t *v = (const int8_t *)cache->values + first * width, *k = (const int8_t *)cache->keys + first * width;
  float most_key = ISA(largest_magnitude)(count, cache->key_scale + first);
  float most_value = ISA(largest_magnitude)(count, cache->value_scale + first);
  float poison = (most_key + most_value) * 0.0f;
  float key_scale = __builtin_fmaxf(most_key, 1e-30f);
  float value_scale = __builtin_fmaxf(__builtin_fmaxf(most_value, 1e-30f), s->most_value_scale * least_value_ratio);
  ISA(relative_words)(cache->key_scale + first, key_scale, 32767, s->key_units);
  ISA(relative_words)(cache->value_scale + first, value_scale, 255, s->value_units);
  v32w factor[2], most[2];
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    factor[j] = ISA(score_factor)(s->query_scale[j], key_scale, width);
    most[j] = ISA(splat_word)(INT16_MIN);
  }
  for (size_t i = 0; i < count; i += STEP) {
    // What comes after the scores: this block's values, and the keys of the next block.
    for (size_t line = 0; line < STEP * width; line += 64) {
      __builtin_prefetch(v + i * width + line);
      __builtin_prefetch(k + (KEYS + i) * width + line);
    }
    if (count == KEYS) ISA(score_int8)(s, cache, first, i, STEP, width, factor, most, n);
    else ISA(score_int8)(s, cache, first, i, count - i, width, factor, most, n);
  }
  v16f before[2];
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16u lanes = (v16u)most[j];
    most[j] = __builtin_elementwise_max(most[j], (v32w)(lanes << 16 | lanes >> 16));
    v16f ratio = ISA(change_unit)(s, j, most[j]);
    s->sum[j] = s->sum[j] * ratio + ISA(weigh_int8)(s, most[j], count, j) + poison;
    before[j] = ratio * (s->value_scale / value_scale);
  }
  s->value_scale = value_scale;
  s->most_value_scale = __builtin_fmaxf(s->most_value_scale, value_scale);
  for (size_t c = 0; c < width; c += STEP) {
    v16i acc[STEP][2];
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = (v16i){};
    _Pragma("clang loop unroll_count(4)") for (size_t g = 0; g < (count + 3) / 4; g++)
      FLOW_UNROLL for (int i = 0; i < STEP; i++) {
        v16i b = ISA(splat_int)(v + (g * width + c + i) * 4);
        FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(dot4)(acc[i][j], s->weights[g][j], b);
      }
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++)
        s->output[c + i][j] = s->output[c + i][j] * before[j] + ISA(to_float)(acc[i][j]);
  }
}
