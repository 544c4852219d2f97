// SPDX-License-Identifier: Apache-2.0

#include "include/flow_inference.h"

#include <string.h>

#define FLOW_DOT4_BUILDS
#define FLOW_BODY "cached_attention_body.h"
#include "isa.h"

void flow_attend(
  const flow_head_cache *cache, size_t visible, size_t queries, size_t width, float scale, const float *q,
  size_t q_stride, float *o, size_t o_stride) {
  FLOW_PICK(flow_attend)(cache, visible, queries, width, scale, q, q_stride, o, o_stride);
}
