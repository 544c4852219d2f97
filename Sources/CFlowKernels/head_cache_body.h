// SPDX-License-Identifier: Apache-2.0

#include "vector_body.h"

/// 127/most |x|, 0 for zeros; the scale that takes it back goes to `scale`, not finite if one of x is not.
FLOW_INLINE float ISA(inverse_scale)(size_t width, const float *x, float *scale) {
  float most = ISA(largest_magnitude)(width, x);
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
