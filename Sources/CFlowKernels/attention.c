// SPDX-License-Identifier: Apache-2.0

#define FLOW_BODY "attention_body.h"
#include "isa.h"

void flow_masked_softmax(
  size_t queries, size_t keys, size_t stride, size_t first, size_t tokens, size_t window, size_t sink,
  float *scores) {
  FLOW_PICK(flow_masked_softmax)(queries, keys, stride, first, tokens, window, sink, scores);
}

void flow_softmax_gradient(size_t queries, size_t keys, size_t stride, const float *p, float *dp) {
  FLOW_PICK(flow_softmax_gradient)(queries, keys, stride, p, dp);
}

void flow_rotary(
  size_t batch, size_t tokens, size_t heads, size_t width, float direction, const float *x,
  const float *cosine, const float *sine, float *y) {
  FLOW_PICK(flow_rotary)(batch, tokens, heads, width, direction, x, cosine, sine, y);
}
