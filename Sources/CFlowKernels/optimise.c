// SPDX-License-Identifier: Apache-2.0

#define FLOW_BODY "optimise_body.h"
#include "isa.h"

void flow_adamw(
  size_t n, const flow_adamw_step *step, const float *g, float *w, float *m, float *v, float *e) {
  FLOW_PICK(flow_adamw)(n, step, g, w, m, v, e);
}
