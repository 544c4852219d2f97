// SPDX-License-Identifier: Apache-2.0
//
// Functions of symmetric matrices and their derivatives of every order, from eigenvalues and divided differences. In
// double precision throughout, so that close eigenvalues cost a float nothing; one build for all instruction sets.

#include "include/flow_kernels.h"

#include <math.h>
#include <string.h>

/// Taylor coefficients f⁽ʲ⁾(μ)/j! that are taken, beyond the order of the difference.
enum { TERMS = 20, MOST = FLOW_SPECTRAL_ORDER + TERMS };

static void exponential_series(double mu, int count, double *t) {
  t[0] = exp(mu);
  for (int j = 1; j < count; j++) t[j] = t[j - 1] / j;
}

static void logarithm_series(double mu, int count, double *t) {
  double power = 1.0;
  t[0] = log(mu);
  for (int j = 1; j < count; j++) {
    power /= -mu;
    t[j] = -power / j;
  }
}

static void power_series(double mu, double exponent, int count, double *t) {
  t[0] = pow(mu, exponent);
  for (int j = 1; j < count; j++) t[j] = t[j - 1] * (exponent - j + 1) / (j * mu);
}

/// Of c₀, which is cos √x: from its expansion at 0 where that converges without cancelling, else from 4x·y″ + 2y′ + y = 0.
static void cosine_root_series(double mu, int count, double *t) {
  if (fabs(mu) < 20.0) {
    // Σₙ (−1)ⁿ·C(n, j)·μⁿ⁻ʲ/(2n)!
    double first = 1.0;
    for (int j = 0; j < count; j++) {
      double term = first, sum = 0.0;
      for (int n = j; n < j + 24; n++) {
        sum += term;
        term *= -mu * (n + 1) / ((n + 1 - j) * (2.0 * n + 1) * (2.0 * n + 2));
      }
      t[j] = sum;
      first /= -(2.0 * j + 1) * (2.0 * j + 2);
    }
    return;
  }
  double r = sqrt(fabs(mu));
  t[0] = mu > 0.0 ? cos(r) : cosh(r);
  if (count > 1) t[1] = -0.5 * (mu > 0.0 ? sin(r) : sinh(r)) / r;
  for (int j = 0; j + 2 < count; j++)
    t[j + 2] = -((j + 1) * (4.0 * j + 2) * t[j + 1] + t[j]) / (4.0 * mu * (j + 1) * (j + 2));
}

/// Of c₁ = −2·c₀′.
static void sine_root_series(double mu, int count, double *t) {
  cosine_root_series(mu, count + 1, t);
  for (int j = 0; j < count; j++) t[j] = -2.0 * (j + 1) * t[j + 1];
}

/// Of log c₁: with a the series of c₁, j·a₀·tⱼ = j·aⱼ − Σᵢ i·tᵢ·aⱼ₋ᵢ.
static void log_sine_root_series(double mu, int count, double *t) {
  double a[MOST + 2];
  sine_root_series(mu, count, a);
  t[0] = log(a[0]);
  for (int j = 1; j < count; j++) {
    double sum = j * a[j];
    for (int i = 1; i < j; i++) sum -= i * t[i] * a[j - i];
    t[j] = sum / (j * a[0]);
  }
}

static void angle_over_sine_series(double mu, int count, double *t) {
  double factorial = 1.0;
  for (int j = 0; j < count; j++) {
    if (j > 0) factorial *= j;
    t[j] = flow_angle_over_sine_value(j, mu - 1.0) / factorial;
  }
}

/// A function whose pieces are lines: the constant term and the slope.
static void line_series(double value, double slope, int count, double *t) {
  memset(t, 0, count * sizeof(double));
  t[0] = value;
  if (count > 1) t[1] = slope;
}

static void series(const flow_spectral *f, double mu, bool leading, int count, double *t) {
  switch (f->function) {
    case FLOW_SPECTRAL_EXP: exponential_series(mu, count, t); break;
    case FLOW_SPECTRAL_LOG: logarithm_series(mu, count, t); break;
    case FLOW_SPECTRAL_POWER: power_series(mu, f->parameter, count, t); break;
    case FLOW_SPECTRAL_COSINE_ROOT: cosine_root_series(mu, count, t); break;
    case FLOW_SPECTRAL_SINE_ROOT: sine_root_series(mu, count, t); break;
    case FLOW_SPECTRAL_LOG_SINE_ROOT: log_sine_root_series(mu, count, t); break;
    case FLOW_SPECTRAL_ANGLE_OVER_SINE: angle_over_sine_series(mu, count, t); break;
    case FLOW_SPECTRAL_AT_LEAST:
      line_series(leading ? mu : f->parameter, leading ? 1.0 : 0.0, count, t);
      break;
    case FLOW_SPECTRAL_LEADING: line_series(leading ? 1.0 : 0.0, 0.0, count, t); break;
  }
}

/// Half of the widest spread of arguments that the series at their middle is good for: a quarter of the way to the
/// nearest pole; a bound on the powers of the variable where there is none.
static double reach(const flow_spectral *f, double mu) {
  switch (f->function) {
    case FLOW_SPECTRAL_EXP: return 0.7;
    case FLOW_SPECTRAL_COSINE_ROOT:
    case FLOW_SPECTRAL_SINE_ROOT: return 2.0;
    case FLOW_SPECTRAL_LOG:
    case FLOW_SPECTRAL_POWER: return 0.25 * mu;
    case FLOW_SPECTRAL_LOG_SINE_ROOT: return 0.25 * (9.869604401089358 - mu);
    case FLOW_SPECTRAL_ANGLE_OVER_SINE: return 0.25 * (1.0 + mu);
    default: return INFINITY;
  }
}

/// f[x₀, …, x_k] of arguments in rising order; `leading` tells on which side of a kink each is.
static double divided_difference(const flow_spectral *f, int k, const double *x, const bool *leading) {
  double mu = 0.5 * (x[0] + x[k]), half = 0.5 * (x[k] - x[0]);
  if (leading[0] == leading[k] && half <= reach(f, mu)) {
    // Σₘ t₍ₘ₊ₖ₎·hₘ(x − μ), hₘ the complete homogeneous polynomials.
    int terms = half == 0.0 ? 1 : TERMS;
    double t[MOST + 2], h[TERMS] = {1.0}, sum = 0.0;
    series(f, mu, leading[0], k + terms, t);
    for (int i = 0; i <= k; i++)
      for (int m = 1; m < terms; m++) h[m] += (x[i] - mu) * h[m - 1];
    for (int m = terms - 1; m >= 0; m--) sum += t[m + k] * h[m];
    return sum;
  }
  double gap = x[k] - x[0];
  // Across a kink, where nothing keeps eigenvalues apart: what is infinite there becomes a number.
  if (leading[0] != leading[k] && gap < 1e-7) gap = 1e-7;
  return (divided_difference(f, k - 1, x + 1, leading + 1) - divided_difference(f, k - 1, x, leading)) / gap;
}

/// f[λ of the path], the path's indices being sorted first: eigenvalues rise with their index.
static double path_difference(const flow_spectral *f, int k, int n, const double *lambda, const int *path) {
  int sorted[FLOW_SPECTRAL_ORDER + 1];
  double x[FLOW_SPECTRAL_ORDER + 1];
  bool leading[FLOW_SPECTRAL_ORDER + 1];
  for (int i = 0; i <= k; i++) {
    int j = i;
    for (; j > 0 && sorted[j - 1] > path[i]; j--) sorted[j] = sorted[j - 1];
    sorted[j] = path[i];
  }
  for (int i = 0; i <= k; i++) {
    x[i] = lambda[sorted[i]];
    leading[i] = f->function == FLOW_SPECTRAL_LEADING ? sorted[i] >= n - (int)f->parameter
      : f->function == FLOW_SPECTRAL_AT_LEAST ? x[i] > f->parameter : false;
  }
  return divided_difference(f, k, x, leading);
}

/// Adds f[…]·∏ G_m[path[m], path[m+1]] over all paths that go on from `step`.
static void walk(
  const flow_spectral *f, int k, int n, const double *lambda, const double *const *g, int step, double product,
  int *path, double *sum) {
  if (step > k) {
    sum[path[0] * n + path[k]] += product * path_difference(f, k, n, lambda, path);
    return;
  }
  for (int i = 0; i < n; i++) {
    double next = step == 0 ? 1.0 : product * g[step - 1][path[step - 1] * n + i];
    if (next == 0.0) continue;
    path[step] = i;
    walk(f, k, n, lambda, g, step + 1, next, path, sum);
  }
}

/// C = op(A)·op(B) of n×n matrices, the left or right one read transposed.
static void product(int n, const double *a, bool ta, const double *b, bool tb, double *c) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double sum = 0.0;
      for (int l = 0; l < n; l++) sum += (ta ? a[l * n + i] : a[i * n + l]) * (tb ? b[j * n + l] : b[l * n + j]);
      c[i * n + j] = sum;
    }
}

/// Eigenvalues that the function has no value for, which rounding makes of ones at the edge, are moved inside.
static void clamp_eigenvalues(const flow_spectral *f, int n, double *lambda) {
  double least = -INFINITY, most = INFINITY;
  if (f->function == FLOW_SPECTRAL_LOG || f->function == FLOW_SPECTRAL_POWER)
    least = fmax(1e-7 * lambda[n - 1], 1e-30);
  if (f->function == FLOW_SPECTRAL_ANGLE_OVER_SINE) least = -1.0 + 1e-7;
  if (f->function == FLOW_SPECTRAL_LOG_SINE_ROOT) most = 9.8696;
  for (int i = 0; i < n; i++) lambda[i] = fmin(fmax(lambda[i], least), most);
}

void flow_spectral_map(
  const flow_spectral *f, int k, int n, double *lambda, const double *v, const float *const *e, float *y,
  double *workspace) {
  const size_t size = (size_t)n * n;
  double *sum = workspace, *scratch = workspace + size;
  const double *g[FLOW_SPECTRAL_ORDER];
  int path[FLOW_SPECTRAL_ORDER + 1];
  clamp_eigenvalues(f, n, lambda);
  for (int m = 0; m < k; m++) {
    // v holds an eigenvector a row: G = v·E·vᵀ.
    double *rotated = workspace + (2 + m) * size;
    for (size_t i = 0; i < size; i++) sum[i] = e[m][i];
    product(n, v, false, sum, false, scratch);
    product(n, scratch, false, v, true, rotated);
    g[m] = rotated;
  }
  memset(sum, 0, size * sizeof(double));
  if (k == 0)
    for (int i = 0; i < n; i++) sum[i * n + i] = path_difference(f, 0, n, lambda, &i);
  else
    walk(f, k, n, lambda, g, 0, 1.0, path, sum);
  product(n, v, true, sum, false, scratch);
  product(n, scratch, false, v, false, sum);
  for (size_t i = 0; i < size; i++) y[i] = (float)sum[i];
}
