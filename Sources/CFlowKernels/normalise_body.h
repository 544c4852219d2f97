// SPDX-License-Identifier: Apache-2.0

#include <string.h>

/// Mean and 1/√(var + ε) of a row.
static inline void ISA(moments)(size_t n, const float *x, float epsilon, float *mean, float *inverse) {
  float sum = 0, squares = 0;
  for (size_t c = 0; c < n; c++) sum += x[c];
  *mean = sum / n;
  for (size_t c = 0; c < n; c++) squares += (x[c] - *mean) * (x[c] - *mean);
  *inverse = 1.0f / __builtin_sqrtf(squares / n + epsilon);
}

static void ISA(flow_modulated_norm)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict shift, float *restrict y) {
  for (size_t b = 0; b < batch; b++, scale += channels, shift += channels)
    for (size_t t = 0; t < tokens; t++, x += channels, y += channels) {
      float mean, inverse;
      ISA(moments)(channels, x, epsilon, &mean, &inverse);
      for (size_t c = 0; c < channels; c++) y[c] = (x[c] - mean) * inverse * (offset + scale[c]) + shift[c];
    }
}

// With n = (x − mean)·inverse and dn = dy·(offset + scale): dx = inverse·(dn − mean(dn) − n·mean(n dn)).
static void ISA(flow_modulated_norm_gradient)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict dy, float *restrict dx, float *restrict dscale,
  float *restrict dshift) {
  for (size_t b = 0; b < batch; b++, scale += channels, dscale += channels, dshift += channels) {
    memset(dscale, 0, channels * sizeof(float));
    memset(dshift, 0, channels * sizeof(float));
    for (size_t t = 0; t < tokens; t++, x += channels, dy += channels, dx += channels) {
      float mean, inverse, sum = 0, product = 0;
      ISA(moments)(channels, x, epsilon, &mean, &inverse);
      for (size_t c = 0; c < channels; c++) {
        float n = (x[c] - mean) * inverse, dn = dy[c] * (offset + scale[c]);
        sum += dn;
        product += n * dn;
        dscale[c] += n * dy[c];
        dshift[c] += dy[c];
      }
      sum /= channels;
      product /= channels;
      for (size_t c = 0; c < channels; c++) {
        float n = (x[c] - mean) * inverse;
        dx[c] = inverse * (dy[c] * (offset + scale[c]) - sum - n * product);
      }
    }
  }
}

// With n as above and m = dx − mean(dx) − n·mean(n dx): dy = inverse·m·(offset + scale) + n·dscale + dshift.
static void ISA(flow_modulated_norm_tangent)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict dx, const float *restrict dscale,
  const float *restrict dshift, float *restrict dy) {
  for (size_t b = 0; b < batch; b++, scale += channels) {
    for (size_t t = 0; t < tokens; t++, x += channels, dx += channels, dy += channels) {
      float mean, inverse, sum = 0, product = 0;
      ISA(moments)(channels, x, epsilon, &mean, &inverse);
      for (size_t c = 0; c < channels; c++) {
        sum += dx[c];
        product += (x[c] - mean) * dx[c];
      }
      sum /= channels;
      product *= inverse / channels;
      if (dscale)
        for (size_t c = 0; c < channels; c++) {
          float n = (x[c] - mean) * inverse;
          dy[c] = inverse * (dx[c] - sum - n * product) * (offset + scale[c]) + n * dscale[c] + dshift[c];
        }
      else
        for (size_t c = 0; c < channels; c++) {
          float n = (x[c] - mean) * inverse;
          dy[c] = inverse * (dx[c] - sum - n * product) * (offset + scale[c]);
        }
    }
    if (dscale) dscale += channels, dshift += channels;
  }
}

static inline float ISA(inverse_rms)(size_t n, const float *x, float epsilon) {
  float squares = 0;
  for (size_t c = 0; c < n; c++) squares += x[c] * x[c];
  return 1.0f / __builtin_sqrtf(squares / n + epsilon);
}

static void ISA(flow_rms_norm)(
  size_t rows, size_t channels, float epsilon, const float *restrict x, const float *restrict weight,
  float *restrict y) {
  for (size_t i = 0; i < rows; i++, x += channels, y += channels) {
    float inverse = ISA(inverse_rms)(channels, x, epsilon);
    for (size_t c = 0; c < channels; c++) y[c] = x[c] * inverse * weight[c];
  }
}

// With r = inverse: dy = r·(dx − x·r²·mean(x dx))·weight + x·r·dweight.
static void ISA(flow_rms_norm_tangent)(
  size_t rows, size_t channels, float epsilon, const float *restrict x, const float *restrict weight,
  const float *restrict dx, const float *restrict dweight, float *restrict dy) {
  for (size_t i = 0; i < rows; i++, x += channels, dx += channels, dy += channels) {
    float inverse = ISA(inverse_rms)(channels, x, epsilon), product = 0;
    for (size_t c = 0; c < channels; c++) product += x[c] * dx[c];
    product *= inverse * inverse / channels;
    for (size_t c = 0; c < channels; c++) dy[c] = inverse * (dx[c] - x[c] * product) * weight[c];
    if (dweight)
      for (size_t c = 0; c < channels; c++) dy[c] += x[c] * inverse * dweight[c];
  }
}

static void ISA(flow_rms_norm_gradient)(
  size_t rows, size_t channels, float epsilon, const float *restrict x, const float *restrict weight,
  const float *restrict dy, float *restrict dx, float *restrict dweight) {
  for (size_t i = 0; i < rows; i++, x += channels, dy += channels, dx += channels) {
    float inverse = ISA(inverse_rms)(channels, x, epsilon), product = 0;
    for (size_t c = 0; c < channels; c++) product += x[c] * dy[c] * weight[c];
    product *= inverse * inverse / channels;
    for (size_t c = 0; c < channels; c++) {
      dx[c] = inverse * (dy[c] * weight[c] - x[c] * product);
      dweight[c] += x[c] * inverse * dy[c];
    }
  }
}
