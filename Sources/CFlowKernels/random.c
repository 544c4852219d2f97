// SPDX-License-Identifier: Apache-2.0
//
// Philox 4×32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011).
// One build for all instruction sets: random numbers must not depend on the machine.

#include "include/flow_kernels.h"

#include <math.h>
#include <string.h>

static void philox(uint64_t key, uint64_t stream, uint64_t block, uint32_t out[4]) {
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/// 24 random bits as a number in [0, 1).
static float unit(uint32_t bits) { return (float)(bits >> 8) * 0x1p-24f; }

void flow_uniform(uint64_t key, uint64_t stream, uint64_t offset, size_t n, float *y) {
  for (size_t i = 0; i < n; i += 4) {
    uint32_t bits[4];
    philox(key, stream, (offset + i) / 4, bits);
    for (size_t k = 0; k < 4 && i + k < n; k++) y[i + k] = unit(bits[k]);
  }
}

void flow_normal(uint64_t key, uint64_t stream, uint64_t offset, size_t n, float *y) {
  for (size_t i = 0; i < n; i += 4) {
    uint32_t bits[4];
    float z[4];
    philox(key, stream, (offset + i) / 4, bits);
    for (int k = 0; k < 4; k += 2) {
      float radius = sqrtf(-2.0f * logf(1.0f - unit(bits[k]))), angle = 6.28318531f * unit(bits[k + 1]);
      z[k] = radius * cosf(angle);
      z[k + 1] = radius * sinf(angle);
    }
    memcpy(y + i, z, (n - i < 4 ? n - i : 4) * sizeof(float));
  }
}
