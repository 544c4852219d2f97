// SPDX-License-Identifier: Apache-2.0

#define FLOW_BODY "rotary_body.h"
#include "isa.h"

void flow_rotary(
  size_t batch, size_t tokens, size_t heads, size_t width, float direction, const float *x,
  const float *cosine, const float *sine, float *y) {
  FLOW_PICK(flow_rotary)(batch, tokens, heads, width, direction, x, cosine, sine, y);
}
