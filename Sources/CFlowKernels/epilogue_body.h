// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

/// Asks for numbers that are going to be read.
static inline void ISA(fetch)(const float *x) {
  for (size_t j = 0; j < FLOW_PIECE; j += 16) __builtin_prefetch(x + j, 0, 2);
}

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
  static inline __attribute__((always_inline)) void ISA(name##_backward_piece)( \
    size_t n, const float *restrict z, float *restrict d, float *restrict y, float *restrict db) { \
    for (size_t j = 0; j < n; j++) { \
      const float a = z[j], e = d[j] * g(a); \
      y[j] = f(a); \
      d[j] = e; \
      db[j] += e; \
    } \
  } \
  static void ISA(name##_backward)( \
    size_t rows, size_t columns, const float *z, float *d, float *y, float *db) { \
    for (size_t i = 0; i < rows; i++, z += columns, d += columns, y += columns) { \
      size_t j = 0; \
      for (; j + FLOW_PIECE <= columns; j += FLOW_PIECE) { \
        ISA(fetch)(z + j + FLOW_AHEAD); \
        ISA(name##_backward_piece)(FLOW_PIECE, z + j, d + j, y + j, db + j); \
      } \
      ISA(name##_backward_piece)(columns - j, z + j, d + j, y + j, db + j); \
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

// Results that nobody reads soon go past the caches: a plain store first reads what it overwrites. Rows are whole
// vectors, aligned; other rows are stored plainly.
typedef float ISA(streamed) __attribute__((vector_size(4 * FLOW_LANES)));

static inline bool ISA(streams)(size_t columns, const float *y) {
  return columns % FLOW_LANES == 0 && (uintptr_t)y % sizeof(ISA(streamed)) == 0;
}

static inline ISA(streamed) ISA(read)(const float *x) {
  ISA(streamed) v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline void ISA(stream)(float *y, ISA(streamed) v) { __builtin_nontemporal_store(v, (ISA(streamed) *)y); }

/// Makes what was streamed visible to whoever is told next that it is there.
static inline void ISA(settle)(void) {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

static void ISA(flow_bias_store)(
  size_t rows, size_t columns, const float *restrict bias, const float *restrict x, float *restrict y) {
  if (!ISA(streams)(columns, y)) {
    for (size_t i = 0; i < rows; i++, x += columns, y += columns)
      for (size_t j = 0; j < columns; j++) y[j] = x[j] + bias[j];
    return;
  }
  for (size_t i = 0; i < rows; i++, x += columns, y += columns)
    for (size_t j = 0; j < columns; j += FLOW_LANES) ISA(stream)(y + j, ISA(read)(x + j) + ISA(read)(bias + j));
  ISA(settle)();
}

#define ACTIVATION(name, f) \
  static void ISA(name##_store)( \
    size_t rows, size_t columns, const float *restrict bias, float *restrict y, float *restrict z) { \
    const bool streams = ISA(streams)(columns, z); \
    for (size_t i = 0; i < rows; i++, y += columns, z += columns) { \
      for (size_t j = 0; j < columns; j++) y[j] += bias[j]; \
      if (streams) for (size_t j = 0; j < columns; j += FLOW_LANES) ISA(stream)(z + j, ISA(read)(y + j)); \
      else memcpy(z, y, columns * sizeof(float)); \
      for (size_t j = 0; j < columns; j++) y[j] = f(y[j]); \
    } \
    ISA(settle)(); \
  }
ACTIVATION(silu, ISA(silu))
ACTIVATION(gelu, ISA(gelu))
#undef ACTIVATION

static void ISA(flow_bias_activate_store)(
  int activation, size_t rows, size_t columns, const float *bias, float *y, float *z) {
  (activation == FLOW_ACTIVATE_SILU ? ISA(silu_store) : ISA(gelu_store))(rows, columns, bias, y, z);
}

static void ISA(flow_bias_gated_store)(
  size_t batch, size_t tokens, size_t channels, const float *restrict bias, const float *restrict t,
  const float *restrict x, const float *restrict gate, float *restrict y, float *restrict z) {
  if (!ISA(streams)(channels, y) || !ISA(streams)(channels, z)) {
    for (size_t b = 0; b < batch; b++, gate += channels)
      for (size_t i = 0; i < tokens; i++, t += channels, x += channels, y += channels, z += channels)
        for (size_t c = 0; c < channels; c++) {
          y[c] = t[c] + bias[c];
          z[c] = x[c] + gate[c] * y[c];
        }
    return;
  }
  for (size_t b = 0; b < batch; b++, gate += channels)
    for (size_t i = 0; i < tokens; i++, t += channels, x += channels, y += channels, z += channels)
      for (size_t c = 0; c < channels; c += FLOW_LANES) {
        ISA(streamed) a = ISA(read)(t + c) + ISA(read)(bias + c);
        ISA(stream)(y + c, a);
        ISA(stream)(z + c, ISA(read)(x + c) + ISA(read)(gate + c) * a);
      }
  ISA(settle)();
}
