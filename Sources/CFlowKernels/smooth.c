// SPDX-License-Identifier: Apache-2.0
//
// Analytic functions that geodesics are made of, each with all its derivatives. Computed in double precision, so that
// the branches meet to the last bit of a float; one build for all instruction sets.

#include "include/flow_kernels.h"

#include <math.h>

static double stumpff(int k, double x) {
  if (k > 1 && fabs(x) < 1.0) {
    double term = 1.0;
    for (int j = 2; j <= k; j++) term /= j;
    double sum = term;
    for (int n = 1; n < 12; n++) {
      term *= -x / ((2 * n + k - 1) * (2 * n + k));
      sum += term;
    }
    return sum;
  }
  double r = sqrt(fabs(x)), c, factorial = 1.0;
  int j = k % 2;
  if (j == 0) c = x > 0.0 ? cos(r) : cosh(r);
  else c = r == 0.0 ? 1.0 : (x > 0.0 ? sin(r) : sinh(r)) / r;
  for (; j < k; j += 2) {
    c = (1.0 / factorial - c) / x;
    factorial *= (j + 1) * (j + 2);
  }
  return c;
}

void flow_stumpff(int k, size_t n, const float *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = (float)stumpff(k, x[i]);
}

double flow_angle_over_sine_value(int order, double w) {
  if (fabs(w) < 0.5) {
    // Σ fₘ wᵐ with f₀ = 1 and fₘ = −fₘ₋₁·m/(2m + 1), differentiated `order` times.
    double f = 1.0, power = 1.0, sum = 0.0;
    for (int m = 0; m < order + 28; m++) {
      if (m > 0) f *= -(double)m / (2 * m + 1);
      if (m < order) continue;
      double falling = 1.0;
      for (int j = 0; j < order; j++) falling *= m - j;
      sum += f * falling * power;
      power *= w;
    }
    return sum;
  }
  if (w < -2.0 + 1e-12) w = -2.0 + 1e-12;
  double c = 1.0 + w, s = -w * (2.0 + w);
  double value = s > 0.0 ? 2.0 * atan2(sqrt(-w), sqrt(2.0 + w)) / sqrt(s) : 2.0 * asinh(sqrt(0.5 * w)) / sqrt(-s);
  double before = 0.0;
  // (1 − c²)·F⁽ⁿ⁺¹⁾ = (2n + 1)·c·F⁽ⁿ⁾ + n²·F⁽ⁿ⁻¹⁾ − [n = 0]
  for (int m = 0; m < order; m++) {
    double next = ((2 * m + 1) * c * value + (double)m * m * before - (m == 0)) / s;
    before = value;
    value = next;
  }
  return value;
}

void flow_angle_over_sine(int order, size_t n, const float *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = (float)flow_angle_over_sine_value(order, x[i]);
}
