// SPDX-License-Identifier: Apache-2.0
//
// Moves: memory-bound, the same for every instruction set.

#include "include/flow_kernels.h"

#include <string.h>

void flow_permute(const size_t extent[5], const size_t stride[5], size_t run, const float *x, float *y) {
  for (size_t a = 0; a < extent[0]; a++)
    for (size_t b = 0; b < extent[1]; b++)
      for (size_t c = 0; c < extent[2]; c++)
        for (size_t d = 0; d < extent[3]; d++) {
          const float *from = x + a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3];
          if (run > 1)
            for (size_t e = 0; e < extent[4]; e++, y += run)
              memcpy(y, from + e * stride[4], run * sizeof(float));
          else
            for (size_t e = 0; e < extent[4]; e++) *y++ = from[e * stride[4]];
        }
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

static size_t output_extent(size_t extent, size_t kernel, size_t stride, size_t padding) {
  return (extent + 2 * padding - kernel) / stride + 1;
}

void flow_unfold(
  size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t padding,
  const float *picture, float *patches) {
  size_t rows = output_extent(height, kernel, stride, padding);
  size_t columns = output_extent(width, kernel, stride, padding);
  size_t bytes = channels * sizeof(float);
  for (size_t row = 0; row < rows; row++)
    for (size_t column = 0; column < columns; column++)
      for (size_t ky = 0; ky < kernel; ky++)
        for (size_t kx = 0; kx < kernel; kx++, patches += channels) {
          size_t y = row * stride + ky - padding, x = column * stride + kx - padding;  // wraps when outside
          if (y < height && x < width)
            memcpy(patches, picture + (y * width + x) * channels, bytes);
          else
            memset(patches, 0, bytes);
        }
}

void flow_fold(
  size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t padding,
  const float *patches, float *picture) {
  size_t rows = output_extent(height, kernel, stride, padding);
  size_t columns = output_extent(width, kernel, stride, padding);
  for (size_t row = 0; row < rows; row++)
    for (size_t column = 0; column < columns; column++)
      for (size_t ky = 0; ky < kernel; ky++)
        for (size_t kx = 0; kx < kernel; kx++, patches += channels) {
          size_t y = row * stride + ky - padding, x = column * stride + kx - padding;  // wraps when outside
          if (y >= height || x >= width) continue;
          float *pixel = picture + (y * width + x) * channels;
          for (size_t c = 0; c < channels; c++) pixel[c] += patches[c];
        }
}
