// SPDX-License-Identifier: Apache-2.0

/// Rows that are taken together.
enum { FLOW_ROWS = 16 };

#define FLOW_BODY "normalise_body.h"
#include "isa.h"

void flow_modulated_norm(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *shift, float *y) {
  FLOW_PICK(flow_modulated_norm)(batch, tokens, channels, epsilon, offset, x, scale, shift, y);
}

void flow_modulated_norm_gradient(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dy, float *dx, float *dscale, float *dshift) {
  FLOW_PICK(flow_modulated_norm_gradient)(
    batch, tokens, channels, epsilon, offset, x, scale, dy, dx, dscale, dshift);
}

void flow_modulated_norm_tangent(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dx, const float *dscale, const float *dshift, float *dy) {
  FLOW_PICK(flow_modulated_norm_tangent)(
    batch, tokens, channels, epsilon, offset, x, scale, dx, dscale, dshift, dy);
}

void flow_modulated_norm_tangent_gradient(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *x, const float *scale,
  const float *dx, const float *dscale, const float *d, float *gx, float *gdx, float *gscale, float *gdscale,
  float *gdshift) {
  FLOW_PICK(flow_modulated_norm_tangent_gradient)(
    batch, tokens, channels, epsilon, offset, x, scale, dx, dscale, d, gx, gdx, gscale, gdscale, gdshift);
}

void flow_rms_norm(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, float *y) {
  FLOW_PICK(flow_rms_norm)(rows, channels, epsilon, x, weight, y);
}

void flow_rms_norm_tangent(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dx,
  const float *dweight, float *dy) {
  FLOW_PICK(flow_rms_norm_tangent)(rows, channels, epsilon, x, weight, dx, dweight, dy);
}

void flow_rms_norm_tangent_gradient(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dx,
  const float *dweight, const float *d, float *gx, float *gdx, float *gweight, float *gdweight) {
  FLOW_PICK(flow_rms_norm_tangent_gradient)(
    rows, channels, epsilon, x, weight, dx, dweight, d, gx, gdx, gweight, gdweight);
}

void flow_rms_norm_gradient(
  size_t rows, size_t channels, float epsilon, const float *x, const float *weight, const float *dy,
  float *dx, float *dweight) {
  FLOW_PICK(flow_rms_norm_gradient)(rows, channels, epsilon, x, weight, dy, dx, dweight);
}
