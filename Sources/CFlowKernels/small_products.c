// SPDX-License-Identifier: Apache-2.0
//
// Products of matrices of a few rows. One build: the extents are too small for vectors to matter.

#include "include/flow_kernels.h"

static inline __attribute__((always_inline)) void products(
  size_t batch, size_t m, size_t n, size_t k, const float *restrict a, bool ta, const float *restrict b, bool tb,
  float *restrict c) {
  const size_t a_row = ta ? 1 : k, a_term = ta ? m : 1, b_term = tb ? 1 : n, b_column = tb ? k : 1;
  for (size_t l = 0; l < batch; l++, a += m * k, b += k * n, c += m * n)
    for (size_t i = 0; i < m; i++)
      for (size_t j = 0; j < n; j++) {
        float sum = 0.0f;
        for (size_t t = 0; t < k; t++) sum += a[i * a_row + t * a_term] * b[t * b_term + j * b_column];
        c[i * n + j] = sum;
      }
}

void flow_small_products(
  size_t batch, size_t m, size_t n, size_t k, const float *a, bool transpose_a, const float *b, bool transpose_b,
  float *c) {
  // Rotations: the compiler unrolls what it knows the extents of.
  if (m == 3 && n == 3 && k == 3 && !(transpose_a && transpose_b)) {
    if (transpose_a) products(batch, 3, 3, 3, a, true, b, false, c);
    else if (transpose_b) products(batch, 3, 3, 3, a, false, b, true, c);
    else products(batch, 3, 3, 3, a, false, b, false, c);
  } else {
    products(batch, m, n, k, a, transpose_a, b, transpose_b, c);
  }
}
