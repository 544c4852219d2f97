// SPDX-License-Identifier: Apache-2.0
//
// Thirty-two lanes of 16 bits, two to a lane of vector_body.h. All of it is exact: every build gives the same bits.

#ifndef FLOW_WORD_TYPES
#define FLOW_WORD_TYPES
typedef int16_t v32w __attribute__((vector_size(64)));
typedef int32_t v32i __attribute__((vector_size(128)));
#endif

FLOW_INLINE v32w ISA(splat_word)(int16_t x) { return (v32w){} + x; }

/// Bits drop…drop+15 of both, those of `low` in the low words.
FLOW_INLINE v32w ISA(merge_words)(v16i low, v16i high, int drop) {
  return (v32w)((((v16u)low >> drop) & 0xffffu) | (((v16u)high << (16 - drop)) & 0xffff0000u));
}

/// a·b/2¹⁵, to the nearest.
FLOW_INLINE v32w ISA(times_fraction)(v32w a, v32w b) {
#if FLOW_LEVEL >= 2
  return (v32w)_mm512_mulhrs_epi16((__m512i)a, (__m512i)b);
#elif FLOW_LEVEL == 1
  __m256i x[2], y[2];
  memcpy(x, &a, sizeof x);
  memcpy(y, &b, sizeof y);
  for (int i = 0; i < 2; i++) x[i] = _mm256_mulhrs_epi16(x[i], y[i]);
  memcpy(&a, x, sizeof a);
  return a;
#else
  v32i product = __builtin_convertvector(a, v32i) * __builtin_convertvector(b, v32i);
  return __builtin_convertvector((product + (1 << 14)) >> 15, v32w);
#endif
}

/// 32767·2^(−d/32) for d ≥ 0, by a table of the 32 fractions of the exponent.
FLOW_INLINE v32w ISA(power_of_half)(v32w d) {
  static const int16_t fractions[32] __attribute__((aligned(64))) = {
    32767, 32065, 31378, 30705, 30047, 29404, 28774, 28157, 27554, 26963, 26385, 25820, 25267, 24725, 24196, 23677,
    23170, 22673, 22187, 21712, 21247, 20791, 20346, 19910, 19483, 19066, 18657, 18258, 17866, 17483, 17109, 16742,
  };
#if FLOW_LEVEL >= 2
  __m512i table = _mm512_load_si512(fractions), x = (__m512i)d;
  // Shifts of 16 and more leave nothing.
  return (v32w)_mm512_srlv_epi16(_mm512_permutexvar_epi16(x, table), _mm512_srli_epi16(x, 5));
#else
  v32w power;
  for (int i = 0; i < 32; i++) power[i] = d[i] < 512 ? fractions[d[i] & 31] >> (d[i] >> 5) : 0;
  return power;
#endif
}

/// sum + both words of each lane, which are not negative.
FLOW_INLINE v16i ISA(add_words)(v16i sum, v32w x) {
#if FLOW_LEVEL == 3
  return (v16i)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, _mm512_set1_epi16(1));
#elif FLOW_LEVEL == 2
  return sum + (v16i)_mm512_madd_epi16((__m512i)x, _mm512_set1_epi16(1));
#else
  return sum + ((v16i)x & 0xffff) + ((v16i)x >> 16);
#endif
}
