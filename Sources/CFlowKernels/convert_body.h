// SPDX-License-Identifier: Apache-2.0

#include <string.h>

static void ISA(flow_from_bytes)(size_t n, float scale, float shift, const uint8_t *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] = x[i] * scale + shift;
}

static void ISA(flow_to_bytes)(size_t n, float scale, float shift, const float *restrict x, uint8_t *restrict y) {
  for (size_t i = 0; i < n; i++) {
    float v = x[i] * scale + shift;
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    y[i] = (uint8_t)(int32_t)(v + 0.5f);
  }
}

/// The upper half of a number's bits, rounded to the nearest bfloat16, ties to even; a NaN stays one.
static inline uint32_t ISA(bfloat16_bits)(const float *x) {
  uint32_t bits;
  memcpy(&bits, x, 4);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  uint32_t quiet = (bits >> 16) | 0x40u;
  return (bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
}

static void ISA(flow_to_bfloat16)(size_t n, const float *restrict x, uint16_t *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] = (uint16_t)ISA(bfloat16_bits)(x + i);
}

static void ISA(flow_round_to_bfloat16)(size_t n, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = ISA(bfloat16_bits)(x + i) << 16;
    memcpy(y + i, &bits, 4);
  }
}

static void ISA(flow_from_bfloat16)(size_t n, const uint16_t *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(y + i, &bits, 4);
  }
}
