// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

static void ISA(flow_softmax)(size_t rows, size_t columns, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < rows; i++, x += columns, y += columns) {
    float most = -__builtin_inff(), sum = 0;
    for (size_t j = 0; j < columns; j++) most = x[j] > most ? x[j] : most;
    for (size_t j = 0; j < columns; j++) {
      float e = ISA(exponential)(x[j] - most);
      y[j] = e;
      sum += e;
    }
    float inverse = flow_opaque(1.0f / sum);
    for (size_t j = 0; j < columns; j++) y[j] *= inverse;
  }
}
