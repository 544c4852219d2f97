// SPDX-License-Identifier: Apache-2.0

#define FLOW_BODY "softmax_body.h"
#include "isa.h"

void flow_softmax(size_t rows, size_t columns, const float *x, float *y) {
  FLOW_PICK(flow_softmax)(rows, columns, x, y);
}
