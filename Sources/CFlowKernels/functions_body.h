// SPDX-License-Identifier: Apache-2.0
//
// Functions of one number that the compiler can vectorise: no branches, no calls.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/// eˣ, relative error 2e-7 (Cephes reduction and polynomial) for x in −87.3…88.37; ∞ above, e^−87.3 below, NaN stays
/// NaN.
static inline float ISA(exponential)(float x) {
#pragma clang fp reassociate(off)
  x = x > 88.8f ? 88.8f : x;
  x = x < -87.3f ? -87.3f : x;
  float n = __builtin_floorf(x * 1.44269504f + 0.5f);
  // ln 2 in two parts, the first of few bits so that n · first is exact: not to be reassociated.
  float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits = ((int32_t)n + 127) << 23;
  float power;
  memcpy(&power, &bits, 4);
  return p * power;
}

/// 1/x for normal x below 2¹²⁶, relative error 2e-7: a division takes as long as this and an exponential together.
static inline float ISA(inverse)(float x) {
#pragma clang fp reassociate(off)
  // Exponent and mantissa, negated in one subtraction, are within a nineteenth; each step of Newton's squares the error.
  int32_t bits;
  memcpy(&bits, &x, 4);
  bits = 0x7ef311c7 - bits;
  float y;
  memcpy(&y, &bits, 4);
  y = y + y * (1.0f - x * y);
  y = y + y * (1.0f - x * y);
  return y + y * (1.0f - x * y);
}

/// 1/(1 + e⁻ˣ), absolute error 1.5e-7; relative error 5e-6 at the far end, which is e⁻⁸⁷ below −87.
static inline float ISA(sigmoid)(float x) {
#pragma clang fp reassociate(off)
  // e⁻ˣ = 2ⁿ·2ᶠ with n the integer nearest to −x·log₂e: adding 1.5·2²³ rounds to it and leaves it in the lowest bits.
  x = x > 87.0f ? 87.0f : x;
  x = x < -87.0f ? -87.0f : x;
  float shifted = x * -1.44269504f + 12582912.0f;
  float f = x * -1.44269504f - (shifted - 12582912.0f);
  float p = 1.327647042e-3f;
  p = p * f + 9.675541618e-3f;
  p = p * f + 5.550713281e-2f;
  p = p * f + 2.402211972e-1f;
  p = p * f + 6.931469671e-1f;
  p = p * f + 1.0f;
  uint32_t n, bits;
  memcpy(&n, &shifted, 4);
  memcpy(&bits, &p, 4);
  bits += n << 23;
  memcpy(&p, &bits, 4);
  return ISA(inverse)(1.0f + p);
}

/// tanh; the series near 0 keeps the relative error where 1 − 2/(e²ˣ + 1) cancels.
static inline float ISA(hyperbolic_tangent)(float x) {
  float square = x * x;
  float series = x * (1.0f + square * (-1.0f / 3.0f + square * (2.0f / 15.0f)));
  float far = 1.0f - 2.0f / (ISA(exponential)(2.0f * x) + 1.0f);
  return square < 0.0025f ? series : far;
}

/// The tanh form of GELU, x·σ(2u) with u = √(2/π)(x + 0.044715 x³).
static inline float ISA(gelu)(float x) {
  float u2 = 1.59576912f * (x + 0.044715f * x * x * x);
  return x * ISA(sigmoid)(u2);
}

static inline float ISA(gelu_derivative)(float x) {
  float s = ISA(sigmoid)(1.59576912f * (x + 0.044715f * x * x * x));
  float du2 = 1.59576912f * (1.0f + 0.134145f * x * x);
  return s + x * s * (1.0f - s) * du2;
}

static inline float ISA(silu)(float x) { return x * ISA(sigmoid)(x); }

static inline float ISA(silu_derivative)(float x) {
  float s = ISA(sigmoid)(x);
  return s * (1.0f + x * (1.0f - s));
}

/// With s = σ(x): s(1−s)(2 + x(1−2s)).
static inline float ISA(silu_second_derivative)(float x) {
  float s = ISA(sigmoid)(x);
  return s * (1.0f - s) * (2.0f + x * (1.0f - 2.0f * s));
}

/// With u = 2√(2/π)(x + 0.044715 x³) and s = σ(u): s(1−s)(2u′ + x u″ + x u′²(1−2s)).
static inline float ISA(gelu_second_derivative)(float x) {
  float s = ISA(sigmoid)(1.59576912f * (x + 0.044715f * x * x * x));
  float first = 1.59576912f * (1.0f + 0.134145f * x * x), second = 0.428129f * x;
  return s * (1.0f - s) * (2.0f * first + x * second + x * first * first * (1.0f - 2.0f * s));
}

/// sin(x + quarters·π/2), absolute error 2e-7 for |x| up to 2048 (Cephes polynomials): the nearest multiple of π/2 is
/// taken off in three parts, of which the first two have so few bits that their products are exact.
static inline float ISA(circular)(float x, int32_t quarters) {
#pragma clang fp reassociate(off)
  float shifted = x * 0.636619772f + 12582912.0f;
  int32_t n;
  memcpy(&n, &shifted, 4);
  float multiple = shifted - 12582912.0f;
  float r = ((x - multiple * 1.5703125f) - multiple * 4.8351288e-4f) - multiple * 3.1380598e-7f;
  float square = r * r;
  float sine = r + r * square * (-1.6666654611e-1f + square * (8.3321608736e-3f + square * -1.9515295891e-4f));
  float cosine = 1.0f - 0.5f * square +
                 square * square * (4.166664568298827e-2f + square * (-1.388731625493765e-3f + square * 2.443315711809948e-5f));
  n += quarters;
  float value = n & 1 ? cosine : sine;
  return n & 2 ? -value : value;
}

/// Whether every number is within the range of `circular`; NaN is not.
static inline bool ISA(all_circular)(size_t n, const float *x) {
  uint32_t out = 0;
  for (size_t i = 0; i < n; i++) out |= !(__builtin_fabsf(x[i]) <= 2048.0f);
  return !out;
}
