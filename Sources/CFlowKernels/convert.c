// SPDX-License-Identifier: Apache-2.0

#define FLOW_BODY "convert_body.h"
#include "isa.h"

void flow_from_bytes(size_t n, float scale, float shift, const uint8_t *x, float *y) {
  FLOW_PICK(flow_from_bytes)(n, scale, shift, x, y);
}

void flow_to_bytes(size_t n, float scale, float shift, const float *x, uint8_t *y) {
  FLOW_PICK(flow_to_bytes)(n, scale, shift, x, y);
}

void flow_to_bfloat16(size_t n, const float *x, uint16_t *y) { FLOW_PICK(flow_to_bfloat16)(n, x, y); }

void flow_round_to_bfloat16(size_t n, const float *x, float *y) { FLOW_PICK(flow_round_to_bfloat16)(n, x, y); }

void flow_from_bfloat16(size_t n, const uint16_t *x, float *y) { FLOW_PICK(flow_from_bfloat16)(n, x, y); }
