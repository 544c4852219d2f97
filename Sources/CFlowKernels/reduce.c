// SPDX-License-Identifier: Apache-2.0

#include <math.h>

#define FLOW_BODY "reduce_body.h"
#include "isa.h"

void flow_sum(size_t outer, size_t reduced, size_t inner, const float *x, float *y) {
  FLOW_PICK(flow_sum)(outer, reduced, inner, x, y);
}

void flow_largest(size_t outer, size_t reduced, size_t inner, const float *x, float *y) {
  FLOW_PICK(flow_largest)(outer, reduced, inner, x, y);
}

double flow_sum_of_squares(size_t n, const float *x) { return FLOW_PICK(flow_sum_of_squares)(n, x); }

bool flow_all_finite(size_t n, const float *x) { return FLOW_PICK(flow_all_finite)(n, x); }
