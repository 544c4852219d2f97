// SPDX-License-Identifier: Apache-2.0

#include <math.h>

#define FLOW_BODY "elementwise_body.h"
#include "isa.h"

void flow_unary(int op, size_t n, const float *x, float *y) { FLOW_PICK(flow_unary)(op, n, x, y); }

void flow_binary(int op, const flow_loops *loops, const float *x, const float *y, float *z) {
  FLOW_PICK(flow_binary)(op, loops, x, y, z);
}

void flow_accumulate(size_t n, const float *x, float *y) { FLOW_PICK(flow_accumulate)(n, x, y); }

void flow_affine(size_t n, float scale, float shift, const float *x, float *y) {
  FLOW_PICK(flow_affine)(n, scale, shift, x, y);
}

void flow_blend(size_t n, float a, const float *x, float b, const float *y, float *z) {
  FLOW_PICK(flow_blend)(n, a, x, b, y, z);
}

void flow_power(size_t n, float exponent, const float *x, float *y) { FLOW_PICK(flow_power)(n, exponent, x, y); }

void flow_clamp(size_t n, float lower, float upper, const float *x, float *y) {
  FLOW_PICK(flow_clamp)(n, lower, upper, x, y);
}

void flow_select(
  size_t n, const float *c, const float *x, size_t x_stride, const float *y, size_t y_stride, float *z) {
  FLOW_PICK(flow_select)(n, c, x, x_stride, y, y_stride, z);
}

void flow_gated_add(
  size_t batch, size_t tokens, size_t channels, const float *x, const float *g, const float *y, float *z) {
  FLOW_PICK(flow_gated_add)(batch, tokens, channels, x, g, y, z);
}

void flow_gated_add_gradient(
  size_t batch, size_t tokens, size_t channels, const float *g, const float *y, const float *dz,
  float *dy, float *dg) {
  FLOW_PICK(flow_gated_add_gradient)(batch, tokens, channels, g, y, dz, dy, dg);
}

void flow_gated_add_tangent(
  size_t batch, size_t tokens, size_t channels, const float *dx, const float *g, const float *dg,
  const float *y, const float *dy, float *dz) {
  FLOW_PICK(flow_gated_add_tangent)(batch, tokens, channels, dx, g, dg, y, dy, dz);
}
