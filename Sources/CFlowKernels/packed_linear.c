// SPDX-License-Identifier: Apache-2.0

#include "include/flow_inference.h"

#include <math.h>
#include <string.h>

#define FLOW_DOT4_BUILDS
#define FLOW_BODY "packed_linear_body.h"
#include "isa.h"

void flow_linear_float(
  const flow_packed_linear *w, const float *x, size_t x_stride, size_t rows, const flow_linear_output *out) {
  FLOW_PICK(flow_linear_float)(w, x, x_stride, rows, out);
}

void flow_linear_int8(
  const flow_packed_linear *w, const flow_rows_int8 *x, size_t rows, const flow_linear_output *out) {
  FLOW_PICK(flow_linear_int8)(w, x, rows, out);
}

void flow_quantise_rows(
  size_t rows, size_t columns, size_t padded, const float *x, size_t x_stride, uint8_t *q, size_t q_stride,
  float *scale) {
  FLOW_PICK(flow_quantise_rows)(rows, columns, padded, x, x_stride, q, q_stride, scale);
}

static size_t element_bytes(int precision) {
  return precision == FLOW_PRECISION_FLOAT32 ? 4 : precision == FLOW_PRECISION_BFLOAT16 ? 2 : 1;
}

size_t flow_packed_bytes(int precision, size_t padded_inputs, size_t padded_outputs) {
  return element_bytes(precision) * padded_inputs * padded_outputs;
}

static void pack_row_int8(size_t inputs, const float *w, int8_t *packed, float *scale, int32_t *offset) {
  float most = 0;
  for (size_t k = 0; k < inputs; k++) most = fmaxf(most, fabsf(w[k]));
  float inverse = most > 0 ? 127.0f / most : 0.0f;
  int32_t sum = 0;
  for (size_t k = 0; k < inputs; k++) {
    int8_t q = (int8_t)lrintf(w[k] * inverse);
    packed[k / 4 * 4 * FLOW_PACKED_COLUMNS + k % 4] = q;
    sum += q;
  }
  *scale = most / 127.0f;
  *offset = -128 * sum;
}

void flow_pack_linear(
  int precision, size_t inputs, size_t outputs, size_t padded_inputs, const float *w, void *packed, float *scale,
  int32_t *offset) {
  for (size_t n = 0; n < outputs; n++, w += inputs) {
    size_t panel = n / FLOW_PACKED_COLUMNS * FLOW_PACKED_COLUMNS * padded_inputs, lane = n % FLOW_PACKED_COLUMNS;
    if (precision == FLOW_PRECISION_INT8) {
      pack_row_int8(inputs, w, (int8_t *)packed + panel + 4 * lane, scale + n, offset + n);
      continue;
    }
    for (size_t k = 0; k < inputs; k++) {
      size_t place = panel + k * FLOW_PACKED_COLUMNS + lane;
      if (precision == FLOW_PRECISION_FLOAT32) ((float *)packed)[place] = w[k];
      else flow_to_bfloat16(1, w + k, (uint16_t *)packed + place);
    }
  }
}
