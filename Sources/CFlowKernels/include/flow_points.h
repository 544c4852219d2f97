// SPDX-License-Identifier: Apache-2.0
//
// Points of manifolds on the inference path: what a network sees of them, where a step along a tangent vector takes
// them, and where they come from. A row is a point; rows are `stride` floats apart, so that a factor of a product is
// worked on in place. Single-threaded; nothing is allocated.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// Rows of points that a kernel moves.
typedef struct {
  float *x;
  size_t stride;
} flow_points;

/// What a network sees of a point: column c is factor[c]·x[source[c]], of which from column `plain` on the sine is taken
/// after a turn by quarter[c] quarters.
typedef struct {
  size_t columns, plain;
  const int32_t *source;
  const float *factor;
  const int32_t *quarter;
} flow_state_features;

/// Rows of y, `y_stride` apart, from rows of points.
void flow_see_states(
  const flow_state_features *features, size_t rows, const float *x, size_t x_stride, float *y, size_t y_stride);

/// The manifolds whose steps are one kernel.
enum { FLOW_EUCLIDEAN, FLOW_TORUS, FLOW_SPHERE, FLOW_ROTATION, FLOW_HYPERBOLOID, FLOW_BALL };

/// x ← exp_x(scale·P_x u) for rows of points of `ambient` numbers; u is overwritten.
/// Torus: angles in [0, 2π). Sphere: unit vectors. Rotation: 3×3 matrices, row-major. Hyperboloid: ⟨x, x⟩ = −1, the
/// first coordinate being the one of negative sign. Ball: the Poincaré ball of curvature −1.
void flow_step_points(
  int manifold, size_t rows, size_t ambient, float scale, float *u, size_t u_stride, flow_points points);

/// u ← u/λ with λ the conformal factor 2/(1 − |x|²), for rows of points of the ball.
void flow_normalise_ball(
  size_t rows, size_t ambient, float *u, size_t u_stride, const float *x, size_t x_stride);

/// Rows `first`, `first + 1`, … of the uniform distribution on the torus, the sphere or the rotations, of the standard
/// normal one in ℝⁿ, or of exp of a standard normal tangent at the centre of a hyperbolic space. Row i depends on key, stream and i alone.
void flow_draw_points(
  int manifold, uint64_t key, uint64_t stream, uint64_t first, size_t rows, size_t ambient, flow_points points);
