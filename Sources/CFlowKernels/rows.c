// SPDX-License-Identifier: Apache-2.0

#include "include/flow_inference.h"

#include <string.h>

#define FLOW_BODY "rows_body.h"
#include "isa.h"

void flow_norm_rows(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *x, const float *scale,
  const float *shift, float *y) {
  FLOW_PICK(flow_norm_rows)(rows, channels, stride, epsilon, x, scale, shift, y);
}

void flow_head_rows(
  size_t rows, size_t channels, size_t head_width, float epsilon, const float *x, size_t x_stride,
  const float *weight, const float *cosine, const float *sine, float *y, size_t y_stride) {
  FLOW_PICK(flow_head_rows)(
    rows, channels, head_width, epsilon, x, x_stride, weight, cosine, sine, y, y_stride);
}

void flow_norm_silu_rows(
  size_t rows, size_t channels, size_t stride, float epsilon, const float *x, const float *weight, float *y) {
  FLOW_PICK(flow_norm_silu_rows)(rows, channels, stride, epsilon, x, weight, y);
}

void flow_pixel_rows(size_t rows, size_t k, const float *x, size_t stride, uint8_t *pixels) {
  size_t run = 3 * k, line = rows * run;
  for (size_t i = 0; i < rows; i++, x += stride)
    for (size_t j = 0; j < k; j++) flow_to_bytes(run, 127.5f, 127.5f, x + j * run, pixels + j * line + i * run);
}

/// Where row `token` of 2×2 patches starts in a picture [height, width, channels].
static size_t corner(const flow_patches *p, size_t token) {
  size_t columns = p->width / 2;
  return (token / columns * 2 * p->width + token % columns * 2) * p->channels;
}

void flow_patch_rows(
  const flow_patches *p, size_t token, size_t rows, const float *noisy, const float *previous, float *y,
  size_t stride) {
  size_t run = 2 * p->channels, line = p->width * p->channels;
  for (size_t i = 0; i < rows; i++, y += stride) {
    size_t at = corner(p, token + i);
    for (size_t half = 0; half < 2; half++) {
      memcpy(y + half * run, noisy + at + half * line, run * sizeof(float));
      memcpy(y + (2 + half) * run, previous + at + half * line, run * sizeof(float));
    }
  }
}

void flow_unpatch_rows(
  const flow_patches *p, size_t token, size_t rows, const float *x, size_t stride, const float *previous, float keep,
  float take, float *z) {
  size_t run = 2 * p->channels, line = p->width * p->channels;
  for (size_t i = 0; i < rows; i++, x += stride)
    for (size_t half = 0; half < 2; half++) {
      size_t at = corner(p, token + i) + half * line;
      for (size_t c = 0; c < run; c++)
        z[at + c] = keep * z[at + c] + take * (previous[at + c] + x[half * run + c]);
    }
}
