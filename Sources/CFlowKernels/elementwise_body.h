// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

#define EACH(expression) \
  do { \
    for (size_t i = 0; i < n; i++) { const float a = x[i]; y[i] = (expression); } \
    return; \
  } while (0)

static void ISA(flow_unary)(int op, size_t n, const float *restrict x, float *restrict y) {
  switch (op) {
    case FLOW_NEGATE: EACH(-a);
    case FLOW_EXP: EACH(ISA(exponential)(a));
    case FLOW_LOG: EACH(logf(a));
    case FLOW_SQRT: EACH(__builtin_sqrtf(a));
    case FLOW_RECIPROCAL_SQRT: EACH(1.0f / __builtin_sqrtf(a));
    case FLOW_SQUARE: EACH(a * a);
    case FLOW_TANH: EACH(ISA(hyperbolic_tangent)(a));
    case FLOW_SIGMOID: EACH(ISA(sigmoid)(a));
    case FLOW_SILU: EACH(ISA(silu)(a));
    case FLOW_GELU: EACH(ISA(gelu)(a));
    case FLOW_SINE:
      if (ISA(all_circular)(n, x)) EACH(ISA(circular)(a, 0));
      EACH(sinf(a));
    case FLOW_COSINE:
      if (ISA(all_circular)(n, x)) EACH(ISA(circular)(a, 1));
      EACH(cosf(a));
    case FLOW_RECIPROCAL: EACH(1.0f / a);
    case FLOW_ABSOLUTE: EACH(__builtin_fabsf(a));
    case FLOW_SIGN: EACH((float)((a > 0.0f) - (a < 0.0f)));
    case FLOW_SOFTPLUS: EACH((a > 0.0f ? a : 0.0f) + log1pf(ISA(exponential)(-__builtin_fabsf(a))));
    case FLOW_LOG_ONE_PLUS: EACH(log1pf(a));
    case FLOW_EXP_MINUS_ONE: EACH(expm1f(a));
    case FLOW_FLOOR: EACH(__builtin_floorf(a));
    default: __builtin_unreachable();
  }
}
#undef EACH

// A row of a binary operation: both operands run, or one of them stands still.
#define ROW(name, expression) \
  static void ISA(name)(size_t n, const float *x, size_t xs, const float *y, size_t ys, float *restrict z) { \
    if (xs && ys) for (size_t i = 0; i < n; i++) { const float a = x[i], b = y[i]; z[i] = (expression); } \
    else if (xs) { const float b = *y; for (size_t i = 0; i < n; i++) { const float a = x[i]; z[i] = (expression); } } \
    else { const float a = *x; for (size_t i = 0; i < n; i++) { const float b = y[i * ys]; z[i] = (expression); } } \
  }
ROW(row_add, a + b)
ROW(row_subtract, a - b)
ROW(row_multiply, a * b)
ROW(row_divide, a / b)
ROW(row_maximum, a > b ? a : b)
ROW(row_silu_gradient, a * ISA(silu_derivative)(b))
ROW(row_gelu_gradient, a * ISA(gelu_derivative)(b))
ROW(row_minimum, a < b ? a : b)
ROW(row_greater, a > b ? 1.0f : 0.0f)
ROW(row_equal, a == b ? 1.0f : 0.0f)
ROW(row_arctangent, atan2f(a, b))
ROW(row_silu_curvature, a * ISA(silu_second_derivative)(b))
ROW(row_gelu_curvature, a * ISA(gelu_second_derivative)(b))
#undef ROW

static void ISA(flow_binary)(int op, const flow_loops *loops, const float *x, const float *y, float *restrict z) {
  void (*row)(size_t, const float *, size_t, const float *, size_t, float *restrict);
  switch (op) {
    case FLOW_ADD: row = ISA(row_add); break;
    case FLOW_SUBTRACT: row = ISA(row_subtract); break;
    case FLOW_MULTIPLY: row = ISA(row_multiply); break;
    case FLOW_DIVIDE: row = ISA(row_divide); break;
    case FLOW_MAXIMUM: row = ISA(row_maximum); break;
    case FLOW_SILU_GRADIENT: row = ISA(row_silu_gradient); break;
    case FLOW_GELU_GRADIENT: row = ISA(row_gelu_gradient); break;
    case FLOW_MINIMUM: row = ISA(row_minimum); break;
    case FLOW_GREATER: row = ISA(row_greater); break;
    case FLOW_EQUAL: row = ISA(row_equal); break;
    case FLOW_ARCTANGENT: row = ISA(row_arctangent); break;
    case FLOW_SILU_CURVATURE: row = ISA(row_silu_curvature); break;
    case FLOW_GELU_CURVATURE: row = ISA(row_gelu_curvature); break;
    default: __builtin_unreachable();
  }
  const size_t *extent = loops->extent, *xs = loops->x, *ys = loops->y;
  for (size_t i = 0; i < extent[0]; i++)
    for (size_t j = 0; j < extent[1]; j++, z += extent[2])
      row(extent[2], x + i * xs[0] + j * xs[1], xs[2], y + i * ys[0] + j * ys[1], ys[2], z);
}

static void ISA(flow_accumulate)(size_t n, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void ISA(flow_affine)(size_t n, float scale, float shift, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] = scale * x[i] + shift;
}

static void ISA(flow_blend)(
  size_t n, float a, const float *restrict x, float b, const float *restrict y, float *restrict z) {
  for (size_t i = 0; i < n; i++) z[i] = a * x[i] + b * y[i];
}

static void ISA(flow_power)(size_t n, float exponent, const float *restrict x, float *restrict y) {
  if (exponent == 3.0f)
    for (size_t i = 0; i < n; i++) y[i] = x[i] * x[i] * x[i];
  else if (exponent == 4.0f)
    for (size_t i = 0; i < n; i++) y[i] = (x[i] * x[i]) * (x[i] * x[i]);
  else
    for (size_t i = 0; i < n; i++) y[i] = powf(x[i], exponent);
}

static void ISA(flow_clamp)(size_t n, float lower, float upper, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) {
    float a = x[i] < lower ? lower : x[i];
    y[i] = a > upper ? upper : a;
  }
}

static void ISA(flow_select)(
  size_t n, const float *c, const float *x, size_t xs, const float *y, size_t ys, float *restrict z) {
  if (xs && ys) for (size_t i = 0; i < n; i++) z[i] = c[i] != 0.0f ? x[i] : y[i];
  else if (xs) { const float b = *y; for (size_t i = 0; i < n; i++) z[i] = c[i] != 0.0f ? x[i] : b; }
  else { const float a = *x; for (size_t i = 0; i < n; i++) z[i] = c[i] != 0.0f ? a : y[i * ys]; }
}

static void ISA(flow_gated_add)(
  size_t batch, size_t tokens, size_t channels, const float *restrict x, const float *restrict g,
  const float *restrict y, float *restrict z) {
  for (size_t b = 0; b < batch; b++, g += channels)
    for (size_t t = 0; t < tokens; t++, x += channels, y += channels, z += channels)
      for (size_t c = 0; c < channels; c++) z[c] = x[c] + g[c] * y[c];
}

static void ISA(flow_gated_add_gradient)(
  size_t batch, size_t tokens, size_t channels, const float *restrict g, const float *restrict y,
  const float *restrict dz, float *restrict dy, float *restrict dg) {
  for (size_t b = 0; b < batch; b++, g += channels, dg += channels) {
    memset(dg, 0, channels * sizeof(float));
    for (size_t t = 0; t < tokens; t++, y += channels, dz += channels, dy += channels)
      for (size_t c = 0; c < channels; c++) {
        dy[c] = g[c] * dz[c];
        dg[c] += y[c] * dz[c];
      }
  }
}

static void ISA(flow_gated_add_tangent)(
  size_t batch, size_t tokens, size_t channels, const float *restrict dx, const float *restrict g,
  const float *restrict dg, const float *restrict y, const float *restrict dy, float *restrict dz) {
  for (size_t b = 0; b < batch; b++, g += channels, dg += channels)
    for (size_t t = 0; t < tokens; t++, dx += channels, y += channels, dy += channels, dz += channels)
      for (size_t c = 0; c < channels; c++) dz[c] = dx[c] + dg[c] * y[c] + g[c] * dy[c];
}
