// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

#ifndef FLOW_POINTS_BLOCK
#define FLOW_POINTS_BLOCK
/// Rows whose lengths are taken together, so that sines and cosines are those of vectors.
enum { POINT_BLOCK = 64 };
#endif

static void ISA(flow_see_states)(
  const flow_state_features *f, size_t rows, const float *x, size_t x_stride, float *y, size_t y_stride) {
  for (size_t i = 0; i < rows; i++, x += x_stride, y += y_stride) {
    for (size_t c = 0; c < f->columns; c++) y[c] = f->factor[c] * x[f->source[c]];
    for (size_t c = f->plain; c < f->columns; c++) y[c] = ISA(circular)(y[c], f->quarter[c]);
  }
}

/// cos √q and sin √q/√q.
static void ISA(circle_of_squares)(size_t n, float *q, float *sine) {
  for (size_t i = 0; i < n; i++) {
    float square = q[i], angle = __builtin_sqrtf(square);
    float quotient = ISA(circular)(angle, 0) / (angle > 1e-3f ? angle : 1.0f);
    sine[i] = angle > 1e-3f ? quotient : 1.0f - square * (1.0f / 6.0f);
    q[i] = ISA(circular)(angle, 1);
  }
}

/// cosh √q and sinh √q/√q; longer than 40 counts as 40, before which float32 ends.
static void ISA(hyperbola_of_squares)(size_t n, float *q, float *sine) {
  for (size_t i = 0; i < n; i++) {
    float square = q[i] > 0 ? q[i] : 0.0f, length = __builtin_sqrtf(square);
    square = square < 1600.0f ? square : 1600.0f;
    length = length < 40.0f ? length : 40.0f;
    float grown = ISA(exponential)(length), shrunk = ISA(exponential)(-length);
    float series = 1.0f + square * (1.0f / 6.0f + square * (1.0f / 120.0f + square * (1.0f / 5040.0f)));
    sine[i] = square < 0.25f ? series : 0.5f * (grown - shrunk) / length;
    q[i] = 0.5f * (grown + shrunk);
  }
}

/// y = cos θ·x + sin θ/θ·w with w = scale·(u − ⟨x, u⟩x) and θ = |w|, brought back to length one.
static inline __attribute__((always_inline)) void ISA(step_sphere)(
  size_t rows, size_t n, float scale, float *u, size_t u_stride, flow_points points) {
  float cosine[POINT_BLOCK], sine[POINT_BLOCK];
  for (size_t i = 0; i < rows; i++) {
    const float *x = points.x + i * points.stride;
    float *w = u + i * u_stride, dot = 0, square = 0;
    for (size_t c = 0; c < n; c++) dot += x[c] * w[c];
    for (size_t c = 0; c < n; c++) {
      w[c] = scale * (w[c] - dot * x[c]);
      square += w[c] * w[c];
    }
    cosine[i] = square;
  }
  ISA(circle_of_squares)(rows, cosine, sine);
  for (size_t i = 0; i < rows; i++) {
    float *x = points.x + i * points.stride, square = 0;
    const float *w = u + i * u_stride;
    for (size_t c = 0; c < n; c++) {
      x[c] = cosine[i] * x[c] + sine[i] * w[c];
      square += x[c] * x[c];
    }
    float inverse = 1.0f / __builtin_sqrtf(square);
    for (size_t c = 0; c < n; c++) x[c] *= inverse;
  }
}

/// The same with cosh and sinh and ⟨x, u⟩ = −x₀u₀ + Σ xᵢuᵢ; the first coordinate is made anew from the others. Lengths
/// are those of the space part after a boost to the origin, where nothing cancels.
static void ISA(step_hyperboloid)(
  size_t rows, size_t n, float scale, float *u, size_t u_stride, flow_points points) {
  float cosine[POINT_BLOCK], sine[POINT_BLOCK];
  for (size_t i = 0; i < rows; i++) {
    const float *x = points.x + i * points.stride;
    float *w = u + i * u_stride, dot = -x[0] * w[0];
    for (size_t c = 1; c < n; c++) dot += x[c] * w[c];
    for (size_t c = 0; c < n; c++) w[c] = scale * (w[c] + dot * x[c]);
    float along = 0, square = 0;
    for (size_t c = 1; c < n; c++) along += x[c] * w[c];
    along /= x[0] * (1.0f + x[0]);
    for (size_t c = 1; c < n; c++) square += (w[c] - along * x[c]) * (w[c] - along * x[c]);
    cosine[i] = square;
  }
  ISA(hyperbola_of_squares)(rows, cosine, sine);
  for (size_t i = 0; i < rows; i++) {
    float *x = points.x + i * points.stride, square = 1;
    const float *w = u + i * u_stride;
    for (size_t c = 1; c < n; c++) {
      x[c] = cosine[i] * x[c] + sine[i] * w[c];
      square += x[c] * x[c];
    }
    x[0] = __builtin_sqrtf(square);
  }
}

/// exp_x(v) = x ⊕ tanh(|v|/(1 − |x|²))·v/|v| with ⊕ Möbius's addition, kept below the length 1 − 1e-5.
static void ISA(step_ball)(size_t rows, size_t n, float scale, float *u, size_t u_stride, flow_points points) {
  for (size_t i = 0; i < rows; i++) {
    float *x = points.x + i * points.stride, *v = u + i * u_stride, xx = 0, vv = 0, xv = 0;
    for (size_t c = 0; c < n; c++) {
      v[c] *= scale;
      xx += x[c] * x[c];
      vv += v[c] * v[c];
      xv += x[c] * v[c];
    }
    float length = __builtin_sqrtf(vv), rest = 1.0f - xx;
    // v ← tanh(|v|/(1 − |x|²))·v/|v|, whose length is below one.
    float much = ISA(hyperbolic_tangent)(length / rest);
    float share = length > 1e-20f ? much / length : 1.0f / rest;
    xv *= share, vv = much * much;
    float of_x = 1.0f + 2.0f * xv + vv, of_v = rest * share, inverse = 1.0f / (1.0f + 2.0f * xv + xx * vv);
    float square = 0;
    for (size_t c = 0; c < n; c++) {
      x[c] = (of_x * x[c] + of_v * v[c]) * inverse;
      square += x[c] * x[c];
    }
    float most = 1.0f - 1e-5f, shorter = square > most * most ? most / __builtin_sqrtf(square) : 1.0f;
    for (size_t c = 0; c < n; c++) x[c] *= shorter;
  }
}

/// R ← R·Exp(ω) with ω = scale·vee(skew(Rᵀu)), and one step of Newton's towards the nearest rotation.
static void ISA(step_rotation)(size_t rows, float scale, float *u, size_t u_stride, flow_points points) {
  float cosine[POINT_BLOCK], sine[POINT_BLOCK];
  for (size_t i = 0; i < rows; i++) {
    const float *r = points.x + i * points.stride;
    float *w = u + i * u_stride, a[9];
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) a[3 * j + k] = r[j] * w[k] + r[3 + j] * w[3 + k] + r[6 + j] * w[6 + k];
    w[0] = 0.5f * scale * (a[7] - a[5]);
    w[1] = 0.5f * scale * (a[2] - a[6]);
    w[2] = 0.5f * scale * (a[3] - a[1]);
    cosine[i] = w[0] * w[0] + w[1] * w[1] + w[2] * w[2];
    w[3] = cosine[i];
  }
  ISA(circle_of_squares)(rows, cosine, sine);
  for (size_t i = 0; i < rows; i++) {
    float *r = points.x + i * points.stride;
    const float *w = u + i * u_stride;
    float s = sine[i], square = w[3], turned[9];
    // (1 − cos θ)/θ², which cancels near 0.
    float b = square > 1e-3f ? (1.0f - cosine[i]) / square : 0.5f - square * (1.0f / 24.0f);
    float x = w[0], y = w[1], z = w[2];
    float e[9] = {1 - b * (y * y + z * z), b * x * y - s * z, b * x * z + s * y,
                  b * x * y + s * z, 1 - b * (x * x + z * z), b * y * z - s * x,
                  b * x * z - s * y, b * y * z + s * x, 1 - b * (x * x + y * y)};
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++)
        turned[3 * j + k] = r[3 * j] * e[k] + r[3 * j + 1] * e[3 + k] + r[3 * j + 2] * e[6 + k];
    float g[9];
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++)
        g[3 * j + k] = (j == k ? 1.5f : 0.0f) - 0.5f * (turned[j] * turned[k] + turned[3 + j] * turned[3 + k] +
                                                        turned[6 + j] * turned[6 + k]);
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++)
        r[3 * j + k] = turned[3 * j] * g[k] + turned[3 * j + 1] * g[3 + k] + turned[3 * j + 2] * g[6 + k];
  }
}

static void ISA(step_flat)(
  size_t rows, size_t n, float scale, bool wraps, const float *u, size_t u_stride, flow_points points) {
  const float turn = 6.28318531f;
  for (size_t i = 0; i < rows; i++) {
    float *x = points.x + i * points.stride;
    const float *w = u + i * u_stride;
    for (size_t c = 0; c < n; c++) {
      float y = x[c] + scale * w[c], wrapped = y - turn * __builtin_floorf(y * (1.0f / turn));
      wrapped = wrapped < 0 ? wrapped + turn : wrapped;
      wrapped = wrapped < turn ? wrapped : 0.0f;
      x[c] = wraps ? wrapped : y;
    }
  }
}

static void ISA(flow_step_points)(
  int manifold, size_t rows, size_t n, float scale, float *u, size_t u_stride, flow_points points) {
  for (size_t row = 0; row < rows; row += POINT_BLOCK) {
    size_t count = rows - row < POINT_BLOCK ? rows - row : POINT_BLOCK;
    float *w = u + row * u_stride;
    flow_points some = {points.x + row * points.stride, points.stride};
    switch (manifold) {
      case FLOW_SPHERE:
        if (n == 3) ISA(step_sphere)(count, 3, scale, w, u_stride, some);
        else ISA(step_sphere)(count, n, scale, w, u_stride, some);
        break;
      case FLOW_ROTATION: ISA(step_rotation)(count, scale, w, u_stride, some); break;
      case FLOW_HYPERBOLOID: ISA(step_hyperboloid)(count, n, scale, w, u_stride, some); break;
      case FLOW_BALL: ISA(step_ball)(count, n, scale, w, u_stride, some); break;
      default: ISA(step_flat)(count, n, scale, manifold == FLOW_TORUS, w, u_stride, some); break;
    }
  }
}
