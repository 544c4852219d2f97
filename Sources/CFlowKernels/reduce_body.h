// SPDX-License-Identifier: Apache-2.0

#include <string.h>

static void ISA(flow_sum)(size_t outer, size_t reduced, size_t inner, const float *x, float *y) {
  if (inner == 1) {
    for (size_t o = 0; o < outer; o++, x += reduced) {
      float sum = 0;
      for (size_t r = 0; r < reduced; r++) sum += x[r];
      y[o] = sum;
    }
    return;
  }
  for (size_t o = 0; o < outer; o++, y += inner) {
    memset(y, 0, inner * sizeof(float));
    for (size_t r = 0; r < reduced; r++, x += inner)
      for (size_t i = 0; i < inner; i++) y[i] += x[i];
  }
}

static void ISA(flow_largest)(
  size_t outer, size_t reduced, size_t inner, const float *restrict x, float *restrict y) {
  for (size_t o = 0; o < outer; o++, y += inner) {
    for (size_t i = 0; i < inner; i++) y[i] = -__builtin_inff();
    if (inner == 1)
      for (size_t r = 0; r < reduced; r++, x++) y[0] = *x > y[0] ? *x : y[0];
    else
      for (size_t r = 0; r < reduced; r++, x += inner)
        for (size_t i = 0; i < inner; i++) y[i] = x[i] > y[i] ? x[i] : y[i];
  }
}

static double ISA(flow_sum_of_squares)(size_t n, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}

static bool ISA(flow_all_finite)(size_t n, const float *x) {
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    bad |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return !bad;
}
