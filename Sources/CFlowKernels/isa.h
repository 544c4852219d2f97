// SPDX-License-Identifier: Apache-2.0
//
// One body, several builds. A kernel file defines its functions in a body header with names wrapped
// in ISA(…), includes this file with FLOW_BODY naming that header, and gets each function for the
// scalar, AVX2 and AVX-512 instruction sets, vectorised by the compiler. FLOW_PICK chooses at run
// time. With FLOW_DOT4_BUILDS defined there is a fourth build, for the 8-bit dot products of AVX-512
// VNNI. FLOW_LEVEL tells a body which build it is in, FLOW_LANES the floats in a vector of the set. Float
// reductions may be reassociated inside the bodies, nowhere else.

#include "include/flow_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FLOW_PASTE_(a, b) a##b
#define FLOW_PASTE(a, b) FLOW_PASTE_(a, b)
#define ISA(name) FLOW_PASTE(name, FLOW_SUFFIX)

#pragma clang fp contract(fast) reassociate(on)

/// The same number, of which the compiler does not know how it was made: where reassociation is on, x · (1/y) in a loop
/// becomes a division for every x.
static inline __attribute__((unused)) float flow_opaque(float x) {
  __asm__("" : "+m"(x));
  return x;
}

#define FLOW_SUFFIX _scalar
#define FLOW_LEVEL 0
#define FLOW_LANES 4
#include FLOW_BODY
#undef FLOW_SUFFIX
#undef FLOW_LEVEL
#undef FLOW_LANES

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define FLOW_SUFFIX _avx2
#define FLOW_LEVEL 1
#define FLOW_LANES 8
#include FLOW_BODY
#undef FLOW_SUFFIX
#undef FLOW_LEVEL
#undef FLOW_LANES
#pragma clang attribute pop

#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define FLOW_SUFFIX _avx512
#define FLOW_LEVEL 2
#define FLOW_LANES 16
#include FLOW_BODY
#undef FLOW_SUFFIX
#undef FLOW_LEVEL
#undef FLOW_LANES
#pragma clang attribute pop

#if defined(FLOW_DOT4_BUILDS)
#pragma clang attribute push( \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#define FLOW_SUFFIX _vnni
#define FLOW_LEVEL 3
#define FLOW_LANES 16
#include FLOW_BODY
#undef FLOW_SUFFIX
#undef FLOW_LEVEL
#undef FLOW_LANES
#pragma clang attribute pop
#define FLOW_PICK(name) \
  (flow_isa() == FLOW_ISA_VNNI     ? name##_vnni   \
   : flow_isa() == FLOW_ISA_AVX512 ? name##_avx512 \
   : flow_isa() == FLOW_ISA_AVX2   ? name##_avx2   \
                                   : name##_scalar)
#else
#define FLOW_PICK(name) \
  (flow_isa() >= FLOW_ISA_AVX512 ? name##_avx512 : flow_isa() == FLOW_ISA_AVX2 ? name##_avx2 : name##_scalar)
#endif
#else
#define FLOW_PICK(name) name##_scalar
#endif
