// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

static void ISA(flow_norm_rows)(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *restrict x, const float *restrict scale,
  const float *restrict shift, float *restrict y) {
  for (size_t i = 0; i < rows; i++, x += stride, y += stride) {
    float sum = 0, squares = 0;
    for (size_t c = 0; c < channels; c++) sum += x[c];
    float mean = sum / channels;
    for (size_t c = 0; c < channels; c++) squares += (x[c] - mean) * (x[c] - mean);
    float inverse = flow_opaque(1.0f / __builtin_sqrtf(squares / channels + epsilon));
    for (size_t c = 0; c < channels; c++) y[c] = (x[c] - mean) * inverse * (1.0f + scale[c]) + shift[c];
  }
}

static void ISA(flow_head_rows)(
  size_t rows, size_t channels, size_t head_width, float epsilon, const float *restrict x, size_t x_stride,
  const float *restrict weight, const float *restrict cosine, const float *restrict sine, float *restrict y,
  size_t y_stride) {
  size_t pairs = head_width / 2;
  for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride, cosine += pairs, sine += pairs) {
    float squares = 0;
    for (size_t c = 0; c < channels; c++) squares += x[c] * x[c];
    float inverse = flow_opaque(1.0f / __builtin_sqrtf(squares / channels + epsilon));
    for (size_t head = 0; head < channels; head += head_width)
      for (size_t p = 0; p < pairs; p++) {
        size_t c = head + 2 * p;
        float even = x[c] * weight[c] * inverse, odd = x[c + 1] * weight[c + 1] * inverse;
        y[c] = even * cosine[p] - odd * sine[p];
        y[c + 1] = even * sine[p] + odd * cosine[p];
      }
  }
}

static void ISA(flow_norm_silu_rows)(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *restrict x, const float *restrict weight,
  float *restrict y) {
  for (size_t i = 0; i < rows; i++, x += stride, y += stride) {
    float squares = 0;
    for (size_t c = 0; c < channels; c++) squares += x[c] * x[c];
    float inverse = flow_opaque(1.0f / __builtin_sqrtf(squares / channels + epsilon));
    for (size_t c = 0; c < channels; c++) y[c] = ISA(silu)(x[c] * inverse * weight[c]);
  }
}
