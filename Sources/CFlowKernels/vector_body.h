// SPDX-License-Identifier: Apache-2.0
//
// Sixteen lanes of 32 bits, whatever the instruction set makes of them, and the operations on them that
// C has no operator for.

#ifndef FLOW_VECTOR_TYPES
#define FLOW_VECTOR_TYPES
#include <stdint.h>
#include <string.h>
typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef uint32_t v16u __attribute__((vector_size(64)));
typedef uint16_t v16h __attribute__((vector_size(32)));
typedef uint8_t v16b __attribute__((vector_size(16)));
typedef int8_t v16s __attribute__((vector_size(16)));
#define FLOW_INLINE static inline __attribute__((always_inline))
#define FLOW_UNROLL _Pragma("clang loop unroll(full)")
/// `call(n)` with n the constant that `count`, 1…8, is.
#define FLOW_EACH_COUNT(count, call) \
  switch (count) { \
    case 8: call(8); break; \
    case 7: call(7); break; \
    case 6: call(6); break; \
    case 5: call(5); break; \
    case 4: call(4); break; \
    case 3: call(3); break; \
    case 2: call(2); break; \
    default: call(1); break; \
  }
#endif

FLOW_INLINE v16f ISA(load)(const float *p) { v16f v; memcpy(&v, p, sizeof v); return v; }
FLOW_INLINE v16i ISA(load_int)(const void *p) { v16i v; memcpy(&v, p, sizeof v); return v; }
FLOW_INLINE void ISA(store)(float *p, v16f v) { memcpy(p, &v, sizeof v); }
FLOW_INLINE void ISA(store_int)(void *p, v16i v) { memcpy(p, &v, sizeof v); }
FLOW_INLINE v16f ISA(splat)(float x) { return (v16f){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
FLOW_INLINE v16i ISA(splat_int)(const void *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return (v16i){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}
FLOW_INLINE v16f ISA(to_float)(v16i v) { return __builtin_convertvector(v, v16f); }
FLOW_INLINE v16f ISA(from_bits)(v16i v) { v16f x; memcpy(&x, &v, sizeof x); return x; }

/// The larger of a and b, lane by lane; b where one of them is NaN. (The compiler's own maximum minds NaN, in three
/// instructions.)
FLOW_INLINE v16f ISA(larger)(v16f a, v16f b) {
#if FLOW_LEVEL >= 2
  return (v16f)_mm512_max_ps((__m512)a, (__m512)b);
#else
  v16i take = a > b;
  return (v16f)((take & (v16i)a) | (~take & (v16i)b));
#endif
}

/// The larger magnitude, lane by lane, as a number that is not negative; NaN where one of them is.
FLOW_INLINE v16f ISA(larger_magnitude)(v16f most, v16f x) {
  // Bits of magnitudes are in order, and those of NaN above all others.
  return ISA(from_bits)(__builtin_elementwise_max((v16i)most, (v16i)__builtin_elementwise_abs(x)));
}

/// The largest of `n` magnitudes, NaN if one of them is.
FLOW_INLINE float ISA(largest_magnitude)(size_t n, const float *x) {
  v16f lanes[4] = {};
  size_t fours = n / 64 * 64, whole = n / 16 * 16;
  // Four, so that one maximum need not wait for the one before.
  for (size_t c = 0; c < fours; c += 64)
    FLOW_UNROLL for (int j = 0; j < 4; j++) lanes[j] = ISA(larger_magnitude)(lanes[j], ISA(load)(x + c + 16 * j));
  for (size_t c = fours; c < whole; c += 16) lanes[0] = ISA(larger_magnitude)(lanes[0], ISA(load)(x + c));
  if (whole < n) {
    v16f rest = {};
    memcpy(&rest, x + whole, (n - whole) * sizeof(float));
    lanes[0] = ISA(larger_magnitude)(lanes[0], rest);
  }
  v16i all = (v16i)ISA(larger_magnitude)(
    ISA(larger_magnitude)(lanes[0], lanes[1]), ISA(larger_magnitude)(lanes[2], lanes[3]));
  int32_t bits = __builtin_reduce_max(all);
  float most;
  memcpy(&most, &bits, sizeof most);
  return most;
}

/// Widens 16 bfloat16.
FLOW_INLINE v16f ISA(load_bfloat16)(const uint16_t *p) {
  v16h half;
  memcpy(&half, p, sizeof half);
  v16u bits = __builtin_convertvector(half, v16u) << 16;
  v16f v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

/// Nearest integers; ties to even.
FLOW_INLINE v16i ISA(nearest)(v16f x) {
#if FLOW_LEVEL >= 2
  return (v16i)_mm512_cvtps_epi32((__m512)x);
#else
  return __builtin_convertvector(__builtin_elementwise_rint(x), v16i);
#endif
}

/// 2ˣ for x ≤ 126, relative error 2e-7: n + f with |f| ≤ ½ and a polynomial of degree 6; 2^−126 below, NaN for NaN.
FLOW_INLINE v16f ISA(exp2)(v16f x) {
#pragma clang fp reassociate(off)
  x = ISA(larger)(ISA(splat)(-126.0f), x);
  v16f n = __builtin_elementwise_rint(x), f = x - n;
  v16f p = f * 1.535336188e-4f + 1.339887440e-3f;
  p = p * f + 9.618437357e-3f;
  p = p * f + 5.550332471e-2f;
  p = p * f + 2.402264791e-1f;
  p = p * f + 6.931472028e-1f;
  p = p * f + 1.0f;
#if FLOW_LEVEL >= 2
  return (v16f)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  return p * ISA(from_bits)((__builtin_convertvector(n, v16i) + 127) << 23);
#endif
}

/// 2^(x·factor), relative error 7.5e-5. Infinite or 2^126, and 0 or 2^−126,
/// where it is beyond the range.
FLOW_INLINE v16f ISA(exp2_coarse)(v16f x, v16f factor) {
#pragma clang fp reassociate(off)
  // Adding 1.5·2²³ rounds to the nearest integer, and leaves it in the low bits.
#if FLOW_LEVEL >= 2
  v16f shifted = x * factor + 12582912.0f, n = shifted - 12582912.0f, f = x * factor - n;
#else
  v16f exponent = -ISA(larger)(-ISA(larger)(x * factor, ISA(splat)(-126.0f)), ISA(splat)(-126.0f));
  v16f shifted = exponent + 12582912.0f, f = exponent - (shifted - 12582912.0f);
#endif
  v16f p = ((f * 5.517167e-2f + 2.4261112e-1f) * f + 6.9326099e-1f) * f + 9.9992807e-1f;
#if FLOW_LEVEL >= 2
  return (v16f)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  return ISA(from_bits)((v16i)p + ((v16i)shifted << 23));
#endif
}

/// 1/x for normal x ≥ 1, relative error 2e-7.
FLOW_INLINE v16f ISA(reciprocal)(v16f x) {
#if FLOW_LEVEL >= 2
#pragma clang fp reassociate(off)
  v16f r = (v16f)_mm512_rcp14_ps((__m512)x);
  return r * (2.0f - x * r);
#else
  return 1.0f / x;
#endif
}

#define LOW(s, l) ((l) & (s) ? (l) - (s) + 16 : (l))
#define HIGH(s, l) ((l) & (s) ? (l) + 16 : (l) + (s))
#define LANES(f, s) \
  f(s, 0), f(s, 1), f(s, 2), f(s, 3), f(s, 4), f(s, 5), f(s, 6), f(s, 7), f(s, 8), f(s, 9), f(s, 10), f(s, 11), \
    f(s, 12), f(s, 13), f(s, 14), f(s, 15)
#define EXCHANGE(s) \
  FLOW_UNROLL for (int i = 0; i < 16; i++) if (!(i & s)) { \
    v16f a = r[i], b = r[i + s]; \
    r[i] = __builtin_shufflevector(a, b, LANES(LOW, s)); \
    r[i + s] = __builtin_shufflevector(a, b, LANES(HIGH, s)); \
  }
/// Lane l of r[i] changes places with lane i of r[l]: blocks of 1, 2, 4 and 8 lanes are exchanged.
FLOW_INLINE void ISA(transpose)(v16f r[16]) {
  EXCHANGE(1)
  EXCHANGE(2)
  EXCHANGE(4)
  EXCHANGE(8)
}
#undef LOW
#undef HIGH
#undef LANES
#undef EXCHANGE

#if FLOW_LEVEL == 1
/// Four-term dot products of eight lanes: the even bytes of both, then the odd ones, as 16-bit pairs.
FLOW_INLINE __m256i ISA(dot4_half)(__m256i acc, __m256i a, __m256i b) {
  __m256i low = _mm256_madd_epi16(
    _mm256_and_si256(a, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
  __m256i high = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
  return _mm256_add_epi32(acc, _mm256_add_epi32(low, high));
}
#endif

/// acc + Σ a·b over the four bytes of each lane, those of a unsigned, those of b signed; exact.
FLOW_INLINE v16i ISA(dot4)(v16i acc, v16i a, v16i b) {
#if FLOW_LEVEL == 3
  return (v16i)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)a, (__m512i)b);
#elif FLOW_LEVEL == 2
  __m512i x = (__m512i)a, y = (__m512i)b;
  __m512i low = _mm512_madd_epi16(
    _mm512_and_si512(x, _mm512_set1_epi16(255)), _mm512_srai_epi16(_mm512_slli_epi16(y, 8), 8));
  __m512i high = _mm512_madd_epi16(_mm512_srli_epi16(x, 8), _mm512_srai_epi16(y, 8));
  return acc + (v16i)_mm512_add_epi32(low, high);
#elif FLOW_LEVEL == 1
  __m256i x[2], y[2], z[2];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  memcpy(z, &acc, sizeof z);
  for (int i = 0; i < 2; i++) z[i] = ISA(dot4_half)(z[i], x[i], y[i]);
  memcpy(&acc, z, sizeof acc);
  return acc;
#else
  for (int shift = 0; shift < 32; shift += 8) acc += ((a >> shift) & 255) * ((b << (24 - shift)) >> 24);
  return acc;
#endif
}
