// SPDX-License-Identifier: Apache-2.0

// Long rows go by in pieces, so that memory is fetched between computations: what fetches by itself stops at every
// page.
enum { FLOW_PIECE = 128, FLOW_AHEAD = 1024 };

#define FLOW_BODY "epilogue_body.h"
#include "isa.h"

void flow_add_bias(size_t rows, size_t columns, const float *bias, float *c) {
  FLOW_PICK(flow_add_bias)(rows, columns, bias, c);
}

void flow_bias_activate(int activation, size_t rows, size_t columns, const float *bias, float *z, float *y) {
  FLOW_PICK(flow_bias_activate)(activation, rows, columns, bias, z, y);
}

void flow_activation_tangent(int activation, size_t n, const float *z, float *c) {
  FLOW_PICK(flow_activation_tangent)(activation, n, z, c);
}

void flow_activation_gradient(
  int activation, size_t rows, size_t columns, const float *z, const float *dy, float *dz, float *db) {
  FLOW_PICK(flow_activation_gradient)(activation, rows, columns, z, dy, dz, db);
}

void flow_activation_backward(
  int activation, size_t rows, size_t columns, const float *z, float *d, float *y, float *db) {
  FLOW_PICK(flow_activation_backward)(activation, rows, columns, z, d, y, db);
}

void flow_accumulate_rows(size_t rows, size_t columns, const float *x, float *y) {
  FLOW_PICK(flow_accumulate_rows)(rows, columns, x, y);
}

void flow_bias_store(size_t rows, size_t columns, const float *bias, const float *x, float *y) {
  FLOW_PICK(flow_bias_store)(rows, columns, bias, x, y);
}

void flow_bias_activate_store(
  int activation, size_t rows, size_t columns, const float *bias, float *y, float *z) {
  FLOW_PICK(flow_bias_activate_store)(activation, rows, columns, bias, y, z);
}

void flow_bias_gated_store(
  size_t batch, size_t tokens, size_t channels, const float *bias, const float *t, const float *x,
  const float *gate, float *y, float *z) {
  FLOW_PICK(flow_bias_gated_store)(batch, tokens, channels, bias, t, x, gate, y, z);
}
