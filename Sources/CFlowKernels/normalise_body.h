// SPDX-License-Identifier: Apache-2.0

#include <string.h>

/// Mean and 1/√(var + ε) of a row.
static inline void ISA(moments)(size_t n, const float *x, float epsilon, float *mean, float *inverse) {
  float sum = 0, squares = 0;
  for (size_t c = 0; c < n; c++) sum += x[c];
  *mean = sum / n;
  for (size_t c = 0; c < n; c++) squares += (x[c] - *mean) * (x[c] - *mean);
  *inverse = flow_opaque(1.0f / __builtin_sqrtf(squares / n + epsilon));
}

/// The moments of up to FLOW_ROWS rows. All sums come before all roots: a row would wait for its own.
static inline void ISA(moments_of_rows)(
  size_t rows, size_t n, const float *x, float epsilon, float *restrict mean, float *restrict inverse) {
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * n;
    float sum = 0;
    for (size_t c = 0; c < n; c++) sum += row[c];
    mean[i] = sum / n;
    for (size_t c = 0; c < n; c += 16) __builtin_prefetch(row + FLOW_ROWS * n + c, 0, 2);
  }
  for (size_t i = 0; i < rows; i++) {
    const float *row = x + i * n, m = mean[i];
    float squares = 0;
    for (size_t c = 0; c < n; c++) squares += (row[c] - m) * (row[c] - m);
    inverse[i] = squares;
  }
  for (size_t i = 0; i < rows; i++) inverse[i] = 1.0f / __builtin_sqrtf(inverse[i] / n + epsilon);
}

static void ISA(flow_modulated_norm)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict shift, float *restrict y) {
  float mean[FLOW_ROWS], inverse[FLOW_ROWS];
  for (size_t b = 0; b < batch; b++, scale += channels, shift += channels)
    for (size_t t = 0; t < tokens; t++, x += channels, y += channels) {
      const size_t i = t % FLOW_ROWS, rows = tokens - t < FLOW_ROWS ? tokens - t : FLOW_ROWS;
      if (i == 0) ISA(moments_of_rows)(rows, channels, x, epsilon, mean, inverse);
      const float m = mean[i], r = inverse[i];
      for (size_t c = 0; c < channels; c++) y[c] = (x[c] - m) * r * (offset + scale[c]) + shift[c];
    }
}

// With n = (x − mean)·inverse and dn = dy·(offset + scale): dx = inverse·(dn − mean(dn) − n·mean(n dn)).
static void ISA(flow_modulated_norm_gradient)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict dy, float *restrict dx, float *restrict dscale,
  float *restrict dshift) {
  float mean[FLOW_ROWS], inverse[FLOW_ROWS], sums[FLOW_ROWS], products[FLOW_ROWS];
  for (size_t b = 0; b < batch; b++, scale += channels, dscale += channels, dshift += channels) {
    memset(dscale, 0, channels * sizeof(float));
    memset(dshift, 0, channels * sizeof(float));
    for (size_t t = 0, rows; t < tokens; t += rows) {
      rows = tokens - t < FLOW_ROWS ? tokens - t : FLOW_ROWS;
      ISA(moments_of_rows)(rows, channels, x, epsilon, mean, inverse);
      for (size_t i = 0; i < rows; i++) {
        const float *from = x + i * channels, *d = dy + i * channels, m = mean[i], r = inverse[i];
        float sum = 0, product = 0;
        for (size_t c = 0; c < channels; c++) {
          float n = (from[c] - m) * r, dn = d[c] * (offset + scale[c]);
          sum += dn;
          product += n * dn;
          dscale[c] += n * d[c];
          dshift[c] += d[c];
        }
        sums[i] = sum / channels;
        products[i] = product / channels;
      }
      for (size_t i = 0; i < rows; i++, x += channels, dy += channels, dx += channels) {
        const float m = mean[i], r = inverse[i], sum = sums[i], product = products[i];
        for (size_t c = 0; c < channels; c++)
          dx[c] = r * (dy[c] * (offset + scale[c]) - sum - (x[c] - m) * r * product);
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
      sum = flow_opaque(sum / channels);
      product = flow_opaque(product * inverse / channels);
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

// With e = d·(offset + scale) and P v = v − mean(v) − n·mean(n v), the tangent is r·P(dx)·(offset + scale) + n·dscale +
// dshift, and for N = d·dscale − r·(e·mean(n dx) + dx·mean(n e)), what reaches n:
// gdx = r·P(e), gx = r·P(N) − r²·n·mean(e·P(dx)), gscale = Σ r·P(dx)·d, gdscale = Σ n·d, gdshift = Σ d.
static void ISA(flow_modulated_norm_tangent_gradient)(
  size_t batch, size_t tokens, size_t channels, float epsilon, float offset, const float *restrict x,
  const float *restrict scale, const float *restrict dx, const float *restrict dscale, const float *restrict d,
  float *restrict gx, float *restrict gdx, float *restrict gscale, float *restrict gdscale,
  float *restrict gdshift) {
  for (size_t b = 0; b < batch; b++, scale += channels, gscale += channels) {
    memset(gscale, 0, channels * sizeof(float));
    if (dscale) {
      memset(gdscale, 0, channels * sizeof(float));
      memset(gdshift, 0, channels * sizeof(float));
    }
    for (size_t t = 0; t < tokens; t++, x += channels, dx += channels, d += channels) {
      float mean, r, e_mean = 0, dx_mean = 0, ne = 0, ndx = 0, edx = 0, a = 0, na = 0;
      ISA(moments)(channels, x, epsilon, &mean, &r);
      for (size_t c = 0; c < channels; c++) {
        float n = (x[c] - mean) * r, e = d[c] * (offset + scale[c]);
        e_mean += e;
        dx_mean += dx[c];
        ne += n * e;
        ndx += n * dx[c];
        edx += e * dx[c];
      }
      if (dscale)
        for (size_t c = 0; c < channels; c++) {
          float n = (x[c] - mean) * r, through = d[c] * dscale[c];
          a += through;
          na += n * through;
          gdscale[c] += n * d[c];
          gdshift[c] += d[c];
        }
      float count = (float)channels;
      e_mean /= count, dx_mean /= count, ne /= count, ndx /= count, edx /= count, a /= count, na /= count;
      float N_mean = a - r * (e_mean * ndx + dx_mean * ne);
      float slope = na - 2 * r * ne * ndx + r * (edx - e_mean * dx_mean - ne * ndx);
      for (size_t c = 0; c < channels; c++) {
        float n = (x[c] - mean) * r, e = d[c] * (offset + scale[c]);
        float N = (dscale ? d[c] * dscale[c] : 0.0f) - r * (e * ndx + dx[c] * ne);
        gx[c] = r * (N - N_mean - n * slope);
        gdx[c] = r * (e - e_mean - n * ne);
        gscale[c] += r * (dx[c] - dx_mean - n * ndx) * d[c];
      }
      gx += channels, gdx += channels;
    }
    if (dscale) dscale += channels, gdscale += channels, gdshift += channels;
  }
}

static inline float ISA(inverse_rms)(size_t n, const float *x, float epsilon) {
  float squares = 0;
  for (size_t c = 0; c < n; c++) squares += x[c] * x[c];
  return flow_opaque(1.0f / __builtin_sqrtf(squares / n + epsilon));
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
    product = flow_opaque(product * inverse * inverse / channels);
    for (size_t c = 0; c < channels; c++) dy[c] = inverse * (dx[c] - x[c] * product) * weight[c];
    if (dweight)
      for (size_t c = 0; c < channels; c++) dy[c] += x[c] * inverse * dweight[c];
  }
}

// As flow_modulated_norm_tangent_gradient with n = x·r and P v = v − n·mean(n v).
static void ISA(flow_rms_norm_tangent_gradient)(
  size_t rows, size_t channels, float epsilon, const float *restrict x, const float *restrict weight,
  const float *restrict dx, const float *restrict dweight, const float *restrict d, float *restrict gx,
  float *restrict gdx, float *restrict gweight, float *restrict gdweight) {
  for (size_t i = 0; i < rows; i++, x += channels, dx += channels, d += channels, gx += channels, gdx += channels) {
    float r = ISA(inverse_rms)(channels, x, epsilon), ne = 0, ndx = 0, edx = 0, na = 0;
    for (size_t c = 0; c < channels; c++) {
      float n = x[c] * r, e = d[c] * weight[c];
      ne += n * e;
      ndx += n * dx[c];
      edx += e * dx[c];
    }
    if (dweight)
      for (size_t c = 0; c < channels; c++) {
        float n = x[c] * r;
        na += n * d[c] * dweight[c];
        gdweight[c] += n * d[c];
      }
    float count = (float)channels;
    ne /= count, ndx /= count, edx /= count, na /= count;
    float slope = na - 2 * r * ne * ndx + r * (edx - ne * ndx);
    for (size_t c = 0; c < channels; c++) {
      float n = x[c] * r, e = d[c] * weight[c];
      float N = (dweight ? d[c] * dweight[c] : 0.0f) - r * (e * ndx + dx[c] * ne);
      gx[c] = r * (N - n * slope);
      gdx[c] = r * (e - n * ne);
      gweight[c] += r * (dx[c] - n * ndx) * d[c];
    }
  }
}

static void ISA(flow_rms_norm_gradient)(
  size_t rows, size_t channels, float epsilon, const float *restrict x, const float *restrict weight,
  const float *restrict dy, float *restrict dx, float *restrict dweight) {
  for (size_t i = 0; i < rows; i++, x += channels, dy += channels, dx += channels) {
    float inverse = ISA(inverse_rms)(channels, x, epsilon), product = 0;
    for (size_t c = 0; c < channels; c++) product += x[c] * dy[c] * weight[c];
    product = flow_opaque(product * inverse * inverse / channels);
    for (size_t c = 0; c < channels; c++) {
      dx[c] = inverse * (dy[c] * weight[c] - x[c] * product);
      dweight[c] += x[c] * inverse * dy[c];
    }
  }
}
