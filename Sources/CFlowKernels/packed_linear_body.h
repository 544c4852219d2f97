// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"
#include "vector_body.h"

#ifndef FLOW_LINEAR_TILE
#define FLOW_LINEAR_TILE
enum { MOST_TILE_ROWS = 8, TILE_COLUMNS = FLOW_PACKED_COLUMNS };
#endif

// As many rows as leave the sums in registers: 32 registers of 16 lanes, or 16 of 8.
#if FLOW_LEVEL >= 2
#define TILE_ROWS 8
#else
#define TILE_ROWS 2
#endif

/// x/(1 + 2^exponent), which is x·σ(−exponent·ln 2).
FLOW_INLINE v16f ISA(gated_lanes)(v16f x, v16f exponent) {
  exponent = -ISA(larger)(-exponent, ISA(splat)(-126.0f));
  return x * ISA(reciprocal)(1.0f + ISA(exp2)(exponent));
}

/// The same for exponent = x·factor, relative error 1.4e-4: what rows of bytes can use.
FLOW_INLINE v16f ISA(gated_coarse)(v16f x, v16f factor) {
  v16f sum = 1.0f + ISA(exp2_coarse)(x, factor);
#if FLOW_LEVEL >= 2
  return x * (v16f)_mm512_rcp14_ps((__m512)sum);
#else
  return x / sum;
#endif
}

FLOW_INLINE v16f ISA(activated)(v16f x, int activation, bool coarse) {
  v16f factor;
  // gelu in its tanh form: x·σ(2u) with u = √(2/π)(x + 0.044715 x³); the exponent is −2u·log₂e, or 9 |x| where that is
  // more and σ is 0 or 1.
  if (activation == FLOW_LINEAR_GELU) factor = ISA(larger)(-2.302208198f - 0.1029432397f * x * x, ISA(splat)(-9.0f));
  else if (activation == FLOW_LINEAR_SILU) factor = ISA(splat)(-1.44269504f);
  else return x;
  return coarse ? ISA(gated_coarse)(x, factor) : ISA(gated_lanes)(x, x * factor);
}

/// Finishes a row of a tile: y = activation(sum + bias), stored or added to the output behind the row's gate.
FLOW_INLINE void ISA(finish)(const flow_linear_output *out, size_t row, size_t column, v16f y, bool coarse) {
  float *target = out->y + row * out->stride + column;
  y = ISA(activated)(y, out->activation, coarse);
  if (out->gates) y = ISA(load)(target) + ISA(load)(out->gates[row] + column) * y;
  ISA(store)(target, y);
}

/// One tile of 8-bit products: `rows` rows of a against 32 columns of w.
FLOW_INLINE void ISA(tile_int8)(
  const flow_packed_linear *w, const flow_rows_int8 *a, size_t row, int rows, size_t column,
  const flow_linear_output *out) {
  size_t steps = w->padded_inputs / 4, panel = TILE_COLUMNS * w->padded_inputs;
  const int8_t *b = (const int8_t *)w->weights + column * w->padded_inputs;
  const uint8_t *x = a->x + row * a->stride;
  v16i acc[MOST_TILE_ROWS][2];
  v16i first = ISA(load_int)(w->offset + column), second = ISA(load_int)(w->offset + column + 16);
  FLOW_UNROLL for (int i = 0; i < rows; i++) acc[i][0] = first, acc[i][1] = second;
  for (size_t k = 0; k < steps; k++, b += 128) {
    v16i b0 = ISA(load_int)(b), b1 = ISA(load_int)(b + 64);
    // The next panel, into the second-level cache: it comes from beyond, and this one leaves the loads half idle.
    __builtin_prefetch(b + panel, 0, 2), __builtin_prefetch(b + panel + 64, 0, 2);
    FLOW_UNROLL for (int i = 0; i < rows; i++) {
      v16i v = ISA(splat_int)(x + i * a->stride + 4 * k);
      acc[i][0] = ISA(dot4)(acc[i][0], v, b0);
      acc[i][1] = ISA(dot4)(acc[i][1], v, b1);
    }
  }
  v16f s0 = ISA(load)(w->scale + column), s1 = ISA(load)(w->scale + column + 16);
  v16f c0 = ISA(load)(w->bias + column), c1 = ISA(load)(w->bias + column + 16);
  FLOW_UNROLL for (int i = 0; i < rows; i++) {
    float scale = a->scale[row + i];
    ISA(finish)(out, row + i, column, ISA(to_float)(acc[i][0]) * (s0 * scale) + c0, true);
    ISA(finish)(out, row + i, column + 16, ISA(to_float)(acc[i][1]) * (s1 * scale) + c1, true);
  }
}

/// One tile of float products; the weights are float32 or bfloat16.
FLOW_INLINE void ISA(tile_float)(
  const flow_packed_linear *w, const float *a, size_t a_stride, size_t row, int rows, size_t column, bool half,
  const flow_linear_output *out) {
  const float *wide = (const float *)w->weights + column * w->padded_inputs;
  const uint16_t *narrow = (const uint16_t *)w->weights + column * w->padded_inputs;
  const float *x = a + row * a_stride;
  v16f acc[MOST_TILE_ROWS][2];
  v16f c0 = ISA(load)(w->bias + column), c1 = ISA(load)(w->bias + column + 16);
  FLOW_UNROLL for (int i = 0; i < rows; i++) acc[i][0] = c0, acc[i][1] = c1;
  for (size_t k = 0; k < w->inputs; k++) {
    v16f b0 = half ? ISA(load_bfloat16)(narrow + 32 * k) : ISA(load)(wide + 32 * k);
    v16f b1 = half ? ISA(load_bfloat16)(narrow + 32 * k + 16) : ISA(load)(wide + 32 * k + 16);
    FLOW_UNROLL for (int i = 0; i < rows; i++) {
      v16f v = ISA(splat)(x[i * a_stride + k]);
      acc[i][0] += v * b0;
      acc[i][1] += v * b1;
    }
  }
  FLOW_UNROLL for (int i = 0; i < rows; i++) {
    ISA(finish)(out, row + i, column, acc[i][0], false);
    ISA(finish)(out, row + i, column + 16, acc[i][1], false);
  }
}

// Tiles of fewer rows are builds of their own, so that the sums stay in registers.
static void ISA(flow_linear_int8)(
  const flow_packed_linear *w, const flow_rows_int8 *a, size_t count, const flow_linear_output *out) {
  for (size_t column = 0; column < w->padded_outputs; column += TILE_COLUMNS)
    for (size_t row = 0; row < count; row += TILE_ROWS) {
      size_t rows = count - row < TILE_ROWS ? count - row : TILE_ROWS;
#define TILE(n) ISA(tile_int8)(w, a, row, n, column, out)
      FLOW_EACH_COUNT(rows, TILE)
#undef TILE
    }
}

static void ISA(flow_linear_float)(
  const flow_packed_linear *w, const float *a, size_t a_stride, size_t count, const flow_linear_output *out) {
  bool half = w->precision == FLOW_PRECISION_BFLOAT16;
  for (size_t column = 0; column < w->padded_outputs; column += TILE_COLUMNS)
    for (size_t row = 0; row < count; row += TILE_ROWS) {
      size_t rows = count - row < TILE_ROWS ? count - row : TILE_ROWS;
#define TILE(n) \
  if (half) ISA(tile_float)(w, a, a_stride, row, n, column, true, out); \
  else ISA(tile_float)(w, a, a_stride, row, n, column, false, out)
      FLOW_EACH_COUNT(rows, TILE)
#undef TILE
    }
}
#undef TILE_ROWS

/// 64 numbers in −127…127, rounded, as bytes around 128.
FLOW_INLINE void ISA(store_bytes)(uint8_t *q, const v16f x[4]) {
#if FLOW_LEVEL >= 2
  __m512i part[4];
  FLOW_UNROLL for (int i = 0; i < 4; i++) part[i] = (__m512i)ISA(nearest)(x[i]);
  __m512i low = _mm512_packs_epi32(part[0], part[1]), high = _mm512_packs_epi32(part[2], part[3]);
  // Packing goes by quarters of a vector: the fours of a quarter belong to the four parts.
  const v16i order = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  __m512i bytes = _mm512_permutexvar_epi32((__m512i)order, _mm512_packs_epi16(low, high));
  _mm512_storeu_si512(q, _mm512_xor_si512(bytes, _mm512_set1_epi8(-128)));
#else
  FLOW_UNROLL for (int i = 0; i < 4; i++) {
    v16b bytes = __builtin_convertvector(ISA(nearest)(x[i]) + 128, v16b);
    memcpy(q + 16 * i, &bytes, sizeof bytes);
  }
#endif
}

/// x ≈ scale·(q − 128) with q in 1…255, a row at a time; the padding is 128, which stands for 0. A row with a number
/// that is not finite has such a scale, and any bytes.
static void ISA(flow_quantise_rows)(
  size_t count, size_t columns, size_t padded, const float *x, size_t x_stride, uint8_t *q, size_t q_stride,
  float *scale) {
  size_t fours = columns / 64 * 64, whole = columns / 16 * 16;
  for (size_t i = 0; i < count; i++, x += x_stride, q += q_stride) {
    float most = ISA(largest_magnitude)(columns, x);
    float inverse = most > 0 ? 127.0f / most : 0.0f;
    scale[i] = most / 127.0f;
    for (size_t c = 0; c < fours; c += 64) {
      v16f part[4];
      FLOW_UNROLL for (int j = 0; j < 4; j++) part[j] = ISA(load)(x + c + 16 * j) * inverse;
      ISA(store_bytes)(q + c, part);
    }
    for (size_t c = fours; c < whole; c += 16) {
      v16b bytes = __builtin_convertvector(ISA(nearest)(ISA(load)(x + c) * inverse) + 128, v16b);
      memcpy(q + c, &bytes, sizeof bytes);
    }
    for (size_t c = whole; c < columns; c++) q[c] = (uint8_t)((int32_t)__builtin_rintf(x[c] * inverse) + 128);
    for (size_t c = columns; c < padded; c++) q[c] = 128;
  }
}
