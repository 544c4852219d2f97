// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

static void ISA(flow_add_bias)(size_t rows, size_t columns, const float *restrict bias, float *restrict c) {
  for (size_t i = 0; i < rows; i++, c += columns)
    for (size_t j = 0; j < columns; j++) c[j] += bias[j];
}

// The loops of one activation f with derivative g.
#define ACTIVATION(name, f, g) \
  static void ISA(name##_rows)( \
    size_t rows, size_t columns, const float *restrict bias, float *restrict z, float *restrict y) { \
    for (size_t i = 0; i < rows; i++, z += columns, y += columns) \
      for (size_t j = 0; j < columns; j++) { const float a = z[j] + bias[j]; z[j] = a; y[j] = f(a); } \
  } \
  static void ISA(name##_rows_in_place)(size_t rows, size_t columns, const float *restrict bias, float *restrict z) { \
    for (size_t i = 0; i < rows; i++, z += columns) \
      for (size_t j = 0; j < columns; j++) z[j] = f(z[j] + bias[j]); \
  } \
  static void ISA(name##_tangent)(size_t n, const float *restrict z, float *restrict c) { \
    for (size_t i = 0; i < n; i++) c[i] *= g(z[i]); \
  } \
  static void ISA(name##_gradient)( \
    size_t rows, size_t columns, const float *restrict z, const float *restrict dy, float *restrict dz, \
    float *restrict db) { \
    for (size_t i = 0; i < rows; i++, z += columns, dy += columns, dz += columns) \
      for (size_t j = 0; j < columns; j++) { const float d = dy[j] * g(z[j]); dz[j] = d; db[j] += d; } \
  } \
  static void ISA(name##_backward)( \
    size_t rows, size_t columns, const float *restrict z, float *restrict d, float *restrict y, \
    float *restrict db) { \
    for (size_t i = 0; i < rows; i++, z += columns, d += columns, y += columns) \
      for (size_t j = 0; j < columns; j++) { \
        const float a = z[j], e = d[j] * g(a); \
        y[j] = f(a); \
        d[j] = e; \
        db[j] += e; \
      } \
  }
ACTIVATION(silu, ISA(silu), ISA(silu_derivative))
ACTIVATION(gelu, ISA(gelu), ISA(gelu_derivative))
#undef ACTIVATION

static void ISA(flow_bias_activate)(
  int activation, size_t rows, size_t columns, const float *bias, float *z, float *y) {
  bool silu = activation == FLOW_ACTIVATE_SILU;
  if (y) (silu ? ISA(silu_rows) : ISA(gelu_rows))(rows, columns, bias, z, y);
  else (silu ? ISA(silu_rows_in_place) : ISA(gelu_rows_in_place))(rows, columns, bias, z);
}

static void ISA(flow_activation_tangent)(int activation, size_t n, const float *z, float *c) {
  (activation == FLOW_ACTIVATE_SILU ? ISA(silu_tangent) : ISA(gelu_tangent))(n, z, c);
}

static void ISA(flow_activation_gradient)(
  int activation, size_t rows, size_t columns, const float *z, const float *dy, float *dz, float *db) {
  (activation == FLOW_ACTIVATE_SILU ? ISA(silu_gradient) : ISA(gelu_gradient))(rows, columns, z, dy, dz, db);
}

static void ISA(flow_activation_backward)(
  int activation, size_t rows, size_t columns, const float *z, float *d, float *y, float *db) {
  (activation == FLOW_ACTIVATE_SILU ? ISA(silu_backward) : ISA(gelu_backward))(rows, columns, z, d, y, db);
}

static void ISA(flow_accumulate_rows)(size_t rows, size_t columns, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < rows; i++, x += columns)
    for (size_t j = 0; j < columns; j++) y[j] += x[j];
}
