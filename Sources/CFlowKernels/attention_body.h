// SPDX-License-Identifier: Apache-2.0

#include "functions_body.h"

static inline float ISA(largest)(size_t n, const float *x) {
  float most = -__builtin_inff();
  for (size_t j = 0; j < n; j++) most = x[j] > most ? x[j] : most;
  return most;
}

static inline float ISA(exponentials)(size_t n, float most, float *restrict x) {
  float sum = 0;
  for (size_t j = 0; j < n; j++) {
    float e = ISA(exponential)(x[j] - most);
    x[j] = e;
    sum += e;
  }
  return sum;
}

static inline void ISA(clear)(float *x, size_t from, size_t to) {
  if (from < to) memset(x + from, 0, (to - from) * sizeof(float));
}

static void ISA(flow_masked_softmax)(
  size_t queries, size_t keys, size_t stride, size_t first, size_t tokens, size_t window, size_t sink,
  float *scores) {
  for (size_t i = 0; i < queries; i++, scores += stride) {
    size_t sink_end = 0, begin = 0, end = keys;
    if (tokens) {
      size_t frame = (first + i) / tokens;
      end = (frame + 1) * tokens < keys ? (frame + 1) * tokens : keys;
      begin = frame + 1 > window ? (frame + 1 - window) * tokens : 0;
      sink_end = sink * tokens < begin ? sink * tokens : begin;
    }
    if (begin == sink_end) begin = sink_end = 0;
    float most = ISA(largest)(sink_end, scores), recent = ISA(largest)(end - begin, scores + begin);
    most = recent > most ? recent : most;
    float sum = ISA(exponentials)(sink_end, most, scores) + ISA(exponentials)(end - begin, most, scores + begin);
    float inverse = 1.0f / sum;
    for (size_t j = 0; j < sink_end; j++) scores[j] *= inverse;
    for (size_t j = begin; j < end; j++) scores[j] *= inverse;
    ISA(clear)(scores, sink_end, begin);
    ISA(clear)(scores, end, keys);
  }
}

static void ISA(flow_softmax_gradient)(
  size_t queries, size_t keys, size_t stride, const float *restrict p, float *restrict dp) {
  for (size_t i = 0; i < queries; i++, p += stride, dp += stride) {
    float product = 0;
    for (size_t j = 0; j < keys; j++) product += p[j] * dp[j];
    for (size_t j = 0; j < keys; j++) dp[j] = p[j] * (dp[j] - product);
  }
}

static void ISA(flow_rotary)(
  size_t batch, size_t tokens, size_t heads, size_t width, float direction, const float *restrict x,
  const float *restrict cosine, const float *restrict sine, float *restrict y) {
  size_t pairs = width / 2;
  for (size_t b = 0; b < batch; b++)
    for (size_t t = 0; t < tokens; t++)
      for (size_t h = 0; h < heads; h++, x += width, y += width)
        for (size_t i = 0; i < pairs; i++) {
          float c = cosine[t * pairs + i], s = direction * sine[t * pairs + i];
          float even = x[2 * i], odd = x[2 * i + 1];
          y[2 * i] = even * c - odd * s;
          y[2 * i + 1] = even * s + odd * c;
        }
}
