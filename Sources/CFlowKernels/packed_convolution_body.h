// SPDX-License-Identifier: Apache-2.0

#include "vector_body.h"

#ifndef FLOW_CONVOLUTION_TILE
#define FLOW_CONVOLUTION_TILE
enum { MOST_PLACES = 8 };
#endif

// As many places as leave the sums in registers: 32 registers of 16 lanes, or 16 of 8.
#if FLOW_LEVEL >= 2
#define TILE_PLACES 8
#else
#define TILE_PLACES 2
#endif

/// The sums of `places` neighbours in a line, the first at row `at` of x, for 16 outputs or 32: 8-bit products. A tap's
/// sum is exact, and counts as much as the scales of its rows say.
FLOW_INLINE void ISA(sums_int8)(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t at, int places, size_t column, int vectors,
  v16f sum[MOST_PLACES][2]) {
  const int8_t *b = (const int8_t *)w->weights + column * FLOW_TAPS * w->padded_inputs;
  FLOW_UNROLL for (int i = 0; i < places; i++) sum[i][0] = sum[i][1] = ISA(splat)(0.0f);
  for (size_t tap = 0; tap < FLOW_TAPS; tap++) {
    size_t row = at + tap / 3 * (x->width + 2) + tap % 3;
    const uint8_t *a = (const uint8_t *)x->rows + row * x->stride;
    const int32_t *offset = w->offset + tap * w->padded_outputs + column;
    v16i acc[MOST_PLACES][2];
    FLOW_UNROLL for (int j = 0; j < vectors; j++) {
      v16i first = ISA(load_int)(offset + 16 * j);
      FLOW_UNROLL for (int i = 0; i < places; i++) acc[i][j] = first;
    }
    for (size_t k = 0; k < w->padded_inputs; k += 4, b += 128) {
      v16i part[2];
      FLOW_UNROLL for (int j = 0; j < vectors; j++) part[j] = ISA(load_int)(b + 64 * j);
      FLOW_UNROLL for (int i = 0; i < places; i++) {
        v16i v = ISA(splat_int)(a + i * x->stride + k);
        FLOW_UNROLL for (int j = 0; j < vectors; j++) acc[i][j] = ISA(dot4)(acc[i][j], v, part[j]);
      }
    }
    FLOW_UNROLL for (int i = 0; i < places; i++)
      FLOW_UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += ISA(to_float)(acc[i][j]) * x->scale[row + i];
  }
  FLOW_UNROLL for (int j = 0; j < vectors; j++) {
    v16f scale = ISA(load)(w->scale + column + 16 * j), bias = ISA(load)(w->bias + column + 16 * j);
    FLOW_UNROLL for (int i = 0; i < places; i++) sum[i][j] = sum[i][j] * scale + bias;
  }
}

/// The same for floats; the weights are float32 or bfloat16.
FLOW_INLINE void ISA(sums_float)(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t at, int places, size_t column, int vectors,
  bool half, v16f sum[MOST_PLACES][2]) {
  const float *wide = (const float *)w->weights + column * FLOW_TAPS * w->padded_inputs;
  const uint16_t *narrow = (const uint16_t *)w->weights + column * FLOW_TAPS * w->padded_inputs;
  FLOW_UNROLL for (int j = 0; j < vectors; j++) {
    v16f bias = ISA(load)(w->bias + column + 16 * j);
    FLOW_UNROLL for (int i = 0; i < places; i++) sum[i][j] = bias;
  }
  for (size_t tap = 0; tap < FLOW_TAPS; tap++) {
    const float *a = (const float *)x->rows + (at + tap / 3 * (x->width + 2) + tap % 3) * x->stride;
    size_t first = tap * w->padded_inputs * FLOW_PACKED_COLUMNS;
    for (size_t k = 0; k < w->inputs; k++, first += FLOW_PACKED_COLUMNS) {
      v16f part[2];
      FLOW_UNROLL for (int j = 0; j < vectors; j++)
        part[j] = half ? ISA(load_bfloat16)(narrow + first + 16 * j) : ISA(load)(wide + first + 16 * j);
      FLOW_UNROLL for (int i = 0; i < places; i++) {
        v16f v = ISA(splat)(a[i * x->stride + k]);
        FLOW_UNROLL for (int j = 0; j < vectors; j++) sum[i][j] += v * part[j];
      }
    }
  }
}

FLOW_INLINE void ISA(convolve_tile)(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t at, int places, size_t column, int vectors,
  float *y, size_t stride, bool adding) {
  v16f sum[MOST_PLACES][2];
  if (w->precision == FLOW_PRECISION_INT8) ISA(sums_int8)(w, x, at, places, column, vectors, sum);
  else if (w->precision == FLOW_PRECISION_BFLOAT16)
    ISA(sums_float)(w, x, at, places, column, vectors, true, sum);
  else ISA(sums_float)(w, x, at, places, column, vectors, false, sum);
  FLOW_UNROLL for (int i = 0; i < places; i++)
    FLOW_UNROLL for (int j = 0; j < vectors; j++) {
      float *target = y + i * stride + column + 16 * j;
      ISA(store)(target, adding ? ISA(load)(target) + sum[i][j] : sum[i][j]);
    }
}

// Tiles of fewer places are builds of their own, so that the sums stay in registers; so are those of 16 outputs.

/// Panel by panel of weights, which stays in the first-level cache for all places of the lines.
static void ISA(flow_convolve_rows)(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t line, size_t lines, float *y,
  size_t stride, bool adding) {
  for (size_t column = 0; column < w->outputs; column += FLOW_PACKED_COLUMNS) {
    bool narrow = w->outputs - column <= 16;
    for (size_t i = 0; i < lines; i++)
      for (size_t place = 0; place < x->width; place += TILE_PLACES) {
        size_t places = x->width - place < TILE_PLACES ? x->width - place : TILE_PLACES;
        size_t at = (line + i) * (x->width + 2) + place;
        float *target = y + (i * x->width + place) * stride;
#define TILE(n) \
  if (narrow) ISA(convolve_tile)(w, x, at, n, column, 1, target, stride, adding); \
  else ISA(convolve_tile)(w, x, at, n, column, 2, target, stride, adding)
        FLOW_EACH_COUNT(places, TILE)
#undef TILE
      }
  }
}
#undef TILE_PLACES
