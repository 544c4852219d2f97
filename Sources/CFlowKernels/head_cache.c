// SPDX-License-Identifier: Apache-2.0

#include "include/flow_inference.h"

#define FLOW_BODY "head_cache_body.h"
#include "isa.h"

size_t flow_head_cache_bytes(int precision, size_t width, size_t keys) {
  return width * keys * (precision == FLOW_PRECISION_FLOAT32 ? 4 : precision == FLOW_PRECISION_BFLOAT16 ? 2 : 1);
}

void flow_head_cache_write(
  const flow_head_cache *cache, size_t key, size_t rows, size_t width, const float *k, size_t k_stride,
  const float *v, size_t v_stride) {
  FLOW_PICK(flow_head_cache_write)(cache, key, rows, width, k, k_stride, v, v_stride);
}

void flow_head_cache_read(const flow_head_cache *cache, size_t key, size_t width, float *k, float *v) {
  size_t place = key * cache->width;
  switch (cache->precision) {
    case FLOW_PRECISION_INT8: {
      const int8_t *keys = (const int8_t *)cache->keys + place;
      const int8_t *values = (const int8_t *)cache->values + key / 4 * 4 * cache->width + key % 4;
      for (size_t c = 0; c < width; c++) {
        k[c] = cache->key_scale[key] * keys[c];
        v[c] = cache->value_scale[key] * values[4 * c];
      }
      break;
    }
    case FLOW_PRECISION_BFLOAT16:
      flow_from_bfloat16(width, (const uint16_t *)cache->keys + place, k);
      flow_from_bfloat16(width, (const uint16_t *)cache->values + place, v);
      break;
    default:
      memcpy(k, (const float *)cache->keys + place, width * sizeof(float));
      memcpy(v, (const float *)cache->values + place, width * sizeof(float));
  }
}
