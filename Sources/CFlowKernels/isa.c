// SPDX-License-Identifier: Apache-2.0

#include "include/flow_kernels.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool supported(int isa) {
  if (isa == FLOW_ISA_SCALAR) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == FLOW_ISA_AVX2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (isa == FLOW_ISA_AVX512)
    return supported(FLOW_ISA_AVX2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
  if (isa == FLOW_ISA_VNNI) return supported(FLOW_ISA_AVX512) && __builtin_cpu_supports("avx512vnni");
#endif
  return false;
}

static int detect(void) {
  static const char *const names[] = {"scalar", "avx2", "avx512", "vnni"};
  const char *wanted = getenv("FLOW_ISA");
  for (int isa = FLOW_ISA_VNNI; isa >= 0; isa--)
    if (supported(isa) && (!wanted || !strcmp(wanted, names[isa]))) return isa;
  fprintf(stderr, "FLOW_ISA=%s: give scalar, avx2, avx512 or vnni, one that this processor has\n", wanted);
  abort();
}

static _Atomic int selected = -1;

int flow_isa(void) {
  int isa = atomic_load_explicit(&selected, memory_order_relaxed);
  if (isa >= 0) return isa;
  isa = detect();
  atomic_store_explicit(&selected, isa, memory_order_relaxed);
  return isa;
}

bool flow_isa_select(int isa) {
  if (isa < FLOW_ISA_SCALAR || isa > FLOW_ISA_VNNI || !supported(isa)) return false;
  atomic_store_explicit(&selected, isa, memory_order_relaxed);
  return true;
}

bool flow_has_bfloat16_products(void) {
#if defined(__x86_64__)
  return flow_isa() >= FLOW_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}
