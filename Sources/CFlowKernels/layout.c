// SPDX-License-Identifier: Apache-2.0
//
// Moves: memory-bound, the same for every instruction set.

#include "include/flow_kernels.h"

#include <string.h>

void flow_walk(const size_t extent[5], const ptrdiff_t stride[5], size_t run, const float *x, float *y) {
  const ptrdiff_t n[5] = {
    (ptrdiff_t)extent[0], (ptrdiff_t)extent[1], (ptrdiff_t)extent[2], (ptrdiff_t)extent[3], (ptrdiff_t)extent[4]};
  for (ptrdiff_t a = 0; a < n[0]; a++)
    for (ptrdiff_t b = 0; b < n[1]; b++)
      for (ptrdiff_t c = 0; c < n[2]; c++)
        for (ptrdiff_t d = 0; d < n[3]; d++) {
          const float *from = x + a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3];
          if (run > 1)
            for (ptrdiff_t e = 0; e < n[4]; e++, y += run)
              memcpy(y, from + e * stride[4], run * sizeof(float));
          else
            for (ptrdiff_t e = 0; e < n[4]; e++) *y++ = from[e * stride[4]];
        }
}

typedef float four __attribute__((vector_size(16)));
typedef float loose_four __attribute__((vector_size(16), aligned(4)));

/// A square of four rows and columns, by its diagonal halves.
static inline void transpose_four(const float *x, size_t x_stride, float *y, size_t y_stride) {
  four a = *(const loose_four *)x, b = *(const loose_four *)(x + x_stride);
  four c = *(const loose_four *)(x + 2 * x_stride), d = *(const loose_four *)(x + 3 * x_stride);
  four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(loose_four *)y = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(loose_four *)(y + y_stride) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(loose_four *)(y + 2 * y_stride) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
  *(loose_four *)(y + 3 * y_stride) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

void flow_transpose(size_t rows, size_t columns, const float *x, size_t x_stride, float *y, size_t y_stride) {
  size_t i = 0;
  // Sixteen rows at a time: a column of them is one line of y.
  for (; i + 16 <= rows; i += 16) {
    size_t j = 0;
    for (; j + 4 <= columns; j += 4)
      for (size_t r = 0; r < 16; r += 4)
        transpose_four(x + (i + r) * x_stride + j, x_stride, y + j * y_stride + i + r, y_stride);
    for (; j < columns; j++)
      for (size_t r = 0; r < 16; r++) y[j * y_stride + i + r] = x[(i + r) * x_stride + j];
  }
  for (; i < rows; i++)
    for (size_t j = 0; j < columns; j++) y[j * y_stride + i] = x[i * x_stride + j];
}

void flow_gather(size_t rows, size_t width, const int32_t *index, const float *table, float *y) {
  for (size_t i = 0; i < rows; i++) memcpy(y + i * width, table + (size_t)index[i] * width, width * sizeof(float));
}

void flow_scatter_add(size_t rows, size_t width, const int32_t *index, const float *x, float *table) {
  for (size_t i = 0; i < rows; i++) {
    float *row = table + (size_t)index[i] * width;
    for (size_t c = 0; c < width; c++) row[c] += x[i * width + c];
  }
}
