// SPDX-License-Identifier: Apache-2.0

/// Scores become weights p, rates of the scores (in powers of two) become p·rate; `mean` sums the latter.
static void ISA(weigh_rates)(
  size_t keys, size_t column, size_t columns, const float *log_sum, float *scores, float *rates, float *mean) {
  for (size_t i = column; i < columns; i += FLOW_LANES) {
    ISA(vector) origin = ISA(load)(log_sum + i), sum = ISA(load)(mean + i);
    for (size_t j = 0; j < keys; j++) {
      float *score = scores + j * columns + i, *rate = rates + j * columns + i;
      ISA(vector) p = ISA(power)(ISA(load)(score) - origin), r = LN_2 * p * ISA(load)(rate);
      ISA(store)(score, p);
      ISA(store)(rate, r);
      sum += r;
    }
    ISA(store)(mean + i, sum);
  }
}

/// Ȯ = (p∘ṡ)·v − μ∘o + p·v̇ with μ = Σ_j p∘ṡ, which is also the tangent of the logarithm of the sum.
static void ISA(tangent_block)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  const ISA(block) b = ISA(block_at)(a, first, last, ahead);
  const size_t token = token_stride(a), columns = b.columns, padded = b.padded;
  const bool moves = a->q_tangent || a->k_tangent;
  float *queries = carve(&scratch, a->width * columns), *query_rates = carve(&scratch, a->width * columns);
  float *values = carve(&scratch, FLOW_KEYS * padded);
  float *scores = carve(&scratch, FLOW_KEYS * columns), *rates = carve(&scratch, FLOW_KEYS * columns);
  float *sums = carve(&scratch, columns * padded), *mean = carve(&scratch, columns);
  float *log_sum = carve(&scratch, columns);

  ISA(pack_transposed)(b.rows, a->width, a->q + first * token, token, b.scale, queries, columns);
  if (a->q_tangent)
    ISA(pack_transposed)(b.rows, a->width, a->q_tangent + first * token, token, b.scale, query_rates, columns);
  ISA(pack_scaled)(b.rows, a->log_sum + first, LOG2_E, log_sum, columns);
  memset(mean, 0, columns * sizeof(float));
  memset(sums, 0, b.rows * padded * sizeof(float));
  for (key_tile t = {0}; next_tile(a, &b.seen, &t);) {
    if (t.sight == FLOW_HIDDEN) continue;
    ISA(score)(a, &b, &t, queries, scores);
    if (a->q_tangent) ISA(multiply)(a, &b, &t, a->k, query_rates, rates, false);
    if (a->k_tangent) ISA(multiply)(a, &b, &t, a->k_tangent, queries, rates, a->q_tangent);
    if (!moves) memset(rates, 0, (t.to - t.from) * columns * sizeof(float));
    ISA(weigh_rates)(t.to - t.from, t.column, columns, log_sum, scores, rates, mean);
    if (moves) {
      ISA(pack_keys)(a, &b, &t, a->v, values);
      ISA(add_by_query)(&b, &t, rates, values, sums, true);
    }
    if (a->v_tangent) {
      ISA(pack_keys)(a, &b, &t, a->v_tangent, values);
      ISA(add_by_query)(&b, &t, scores, values, sums, true);
    }
  }
  const float *o = a->o + first * token;
  float *result = a->o_result + first * token;
  for (size_t i = 0; i < b.rows; i++, o += token, result += token)
    for (size_t c = 0; c < a->width; c++) result[c] = sums[i * padded + c] - mean[i] * o[c];
  memcpy(a->log_sum_result + first, mean, b.rows * sizeof(float));
}

static void ISA(attention_tangent)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  for (; first < last; first += FLOW_ATTENTION_BLOCK) ISA(tangent_block)(a, first, last, ahead, scratch);
}
