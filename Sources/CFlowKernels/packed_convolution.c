// SPDX-License-Identifier: Apache-2.0

#include "include/flow_inference.h"

#include <math.h>
#include <string.h>

#define FLOW_DOT4_BUILDS
#define FLOW_BODY "packed_convolution_body.h"
#include "isa.h"

void flow_convolve_rows(
  const flow_packed_convolution *w, const flow_bordered_picture *x, size_t line, size_t lines, float *y,
  size_t stride, bool adding) {
  FLOW_PICK(flow_convolve_rows)(w, x, line, lines, y, stride, adding);
}

/// Where output n of a panel has its weight of `tap` and input k, in elements; int8 has fours of inputs together.
static size_t place(const flow_packed_convolution *w, size_t n, size_t tap, size_t k) {
  size_t panel = n / FLOW_PACKED_COLUMNS * FLOW_PACKED_COLUMNS * FLOW_TAPS * w->padded_inputs;
  size_t lane = n % FLOW_PACKED_COLUMNS, row = tap * w->padded_inputs + k;
  if (w->precision != FLOW_PRECISION_INT8) return panel + row * FLOW_PACKED_COLUMNS + lane;
  return panel + row / 4 * 4 * FLOW_PACKED_COLUMNS + 4 * lane + k % 4;
}

static void pack_int8(const flow_packed_convolution *w, size_t n, const float *from, float *scale, int32_t *offset) {
  float most = 0;
  for (size_t i = 0; i < FLOW_TAPS * w->inputs; i++) most = fmaxf(most, fabsf(from[i]));
  float inverse = most > 0 ? 127.0f / most : 0.0f;
  for (size_t tap = 0; tap < FLOW_TAPS; tap++) {
    int32_t sum = 0;
    for (size_t k = 0; k < w->inputs; k++) {
      int8_t q = (int8_t)lrintf(from[tap * w->inputs + k] * inverse);
      ((int8_t *)w->weights)[place(w, n, tap, k)] = q;
      sum += q;
    }
    offset[tap * w->padded_outputs + n] = -128 * sum;
  }
  scale[n] = most / 127.0f;
}

void flow_pack_convolution(const flow_packed_convolution *w, const float *from, float *scale, int32_t *offset) {
  for (size_t n = 0; n < w->outputs; n++, from += FLOW_TAPS * w->inputs) {
    if (w->precision == FLOW_PRECISION_INT8) {
      pack_int8(w, n, from, scale, offset);
      continue;
    }
    for (size_t tap = 0; tap < FLOW_TAPS; tap++)
      for (size_t k = 0; k < w->inputs; k++) {
        size_t at = place(w, n, tap, k);
        if (w->precision == FLOW_PRECISION_FLOAT32) ((float *)w->weights)[at] = from[tap * w->inputs + k];
        else flow_to_bfloat16(1, from + tap * w->inputs + k, (uint16_t *)w->weights + at);
      }
  }
}
