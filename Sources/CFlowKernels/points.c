// SPDX-License-Identifier: Apache-2.0

#include "include/flow_points.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FLOW_BODY "points_body.h"
#include "isa.h"

void flow_see_states(
  const flow_state_features *features, size_t rows, const float *x, size_t x_stride, float *y, size_t y_stride) {
  FLOW_PICK(flow_see_states)(features, rows, x, x_stride, y, y_stride);
}

void flow_step_points(
  int manifold, size_t rows, size_t ambient, float scale, float *u, size_t u_stride, flow_points points) {
  FLOW_PICK(flow_step_points)(manifold, rows, ambient, scale, u, u_stride, points);
}

void flow_normalise_ball(
  size_t rows, size_t ambient, float *u, size_t u_stride, const float *x, size_t x_stride) {
  for (size_t i = 0; i < rows; i++, u += u_stride, x += x_stride) {
    float square = 0;
    for (size_t c = 0; c < ambient; c++) square += x[c] * x[c];
    for (size_t c = 0; c < ambient; c++) u[c] *= 0.5f * (1.0f - square);
  }
}

static void draw_torus(size_t n, float *x) {
  for (size_t c = 0; c < n; c++) {
    float angle = 6.28318531f * x[c];
    x[c] = angle < 6.28318531f ? angle : 0.0f;
  }
}

static void draw_sphere(size_t n, float *x) {
  float square = 0;
  for (size_t c = 0; c < n; c++) square += x[c] * x[c];
  // All normals zero happens once in 2²⁴ to the power of n.
  if (square < 1e-30f) x[0] = square = 1.0f;
  float inverse = 1.0f / sqrtf(square);
  for (size_t c = 0; c < n; c++) x[c] *= inverse;
}

/// The rotation of a unit quaternion.
static void draw_rotation(const float *quaternion, float *x) {
  float q[4];
  memcpy(q, quaternion, sizeof q);
  draw_sphere(4, q);
  float a = q[0], b = q[1], c = q[2], d = q[3];
  float rows[9] = {
    1 - 2 * (c * c + d * d), 2 * (b * c - a * d), 2 * (b * d + a * c),
    2 * (b * c + a * d), 1 - 2 * (b * b + d * d), 2 * (c * d - a * b),
    2 * (b * d - a * c), 2 * (c * d + a * b), 1 - 2 * (b * b + c * c)};
  memcpy(x, rows, sizeof rows);
}

/// exp of the normal tangent x at the centre of the ball.
static void draw_ball(size_t n, float *x) {
  float square = 0;
  for (size_t c = 0; c < n; c++) square += x[c] * x[c];
  float length = sqrtf(square), share = length > 1e-6f ? tanhf(0.5f * length) / length : 0.5f;
  for (size_t c = 0; c < n; c++) x[c] *= share;
}

/// exp of the normal tangent (0, x₁, …) at (1, 0, …).
static void draw_hyperboloid(size_t n, float *x) {
  float square = 0;
  for (size_t c = 1; c < n; c++) square += x[c] * x[c];
  float length = sqrtf(square), share = length > 1e-6f ? sinhf(length) / length : 1.0f;
  for (size_t c = 1; c < n; c++) x[c] *= share;
  x[0] = coshf(length);
}

void flow_draw_points(
  int manifold, uint64_t key, uint64_t stream, uint64_t first, size_t rows, size_t ambient, flow_points points) {
  // Each row begins at a whole block of four random numbers.
  size_t numbers = manifold == FLOW_ROTATION ? 4 : (ambient + 3) / 4 * 4;
  for (size_t i = 0; i < rows; i++) {
    float *x = points.x + i * points.stride, quaternion[4];
    uint64_t place = (first + i) * numbers;
    switch (manifold) {
      case FLOW_TORUS:
        flow_uniform(key, stream, place, ambient, x);
        draw_torus(ambient, x);
        break;
      case FLOW_ROTATION:
        flow_normal(key, stream, place, 4, quaternion);
        draw_rotation(quaternion, x);
        break;
      default:
        flow_normal(key, stream, place, ambient, x);
        if (manifold == FLOW_SPHERE) draw_sphere(ambient, x);
        if (manifold == FLOW_BALL) draw_ball(ambient, x);
        if (manifold == FLOW_HYPERBOLOID) draw_hyperboloid(ambient, x);
        break;
    }
  }
}
