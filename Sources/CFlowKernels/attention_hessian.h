// SPDX-License-Identifier: Apache-2.0

/// What of each query the second derivatives need beside its score: the logarithm of its sum of exponentials,
/// δ = Σ_c d∘o, and the tangents of both.
typedef struct {
  float *log_sum, *mean, *log_sum_rate, *mean_rate;
} ISA(query_sums);

/// With weights p of the scores, ṗ = p∘(ṡ − μ), e = p∘(g − δ) and ė = ṗ∘(g − δ) + p∘(ġ − δ̇): scores become ṗ,
/// g becomes scale·e, rates of the scores (in powers of two) become scale·ė. `g_rates` is NULL where ġ = 0.
static void ISA(weigh_second)(
  size_t keys, size_t column, size_t columns, float scale, const ISA(query_sums) *s, float *scores, float *g,
  float *rates, const float *g_rates) {
  for (size_t j = 0; j < keys; j++, scores += columns, g += columns, rates += columns)
    for (size_t i = column; i < columns; i += FLOW_LANES) {
      ISA(vector) p = ISA(power)(ISA(load)(scores + i) - ISA(load)(s->log_sum + i));
      ISA(vector) p_rate = p * (LN_2 * ISA(load)(rates + i) - ISA(load)(s->log_sum_rate + i));
      ISA(vector) centred = ISA(load)(g + i) - ISA(load)(s->mean + i);
      ISA(vector) g_rate = g_rates ? ISA(load)(g_rates + j * columns + i) : (ISA(vector)){0};
      ISA(store)(scores + i, p_rate);
      ISA(store)(g + i, scale * p * centred);
      ISA(store)(rates + i, scale * (p_rate * centred + p * (g_rate - ISA(load)(s->mean_rate + i))));
    }
}

/// The tangents of gradient_block's results, d held: ṗᵀ·d, ė·k + e·k̇, ėᵀ·q + eᵀ·q̇.
static void ISA(hessian_block)(
  const flow_attention *a, size_t first, size_t last, bool add, fetch_ahead *ahead, float *scratch) {
  const ISA(block) b = ISA(block_at)(a, first, last, ahead);
  const size_t token = token_stride(a), columns = b.columns, padded = b.padded, width = a->width;
  const bool moves = a->q_tangent || a->k_tangent;
  const float *q = a->q + first * token, *d = a->d + first * token;
  const float *q_rate = a->q_tangent ? a->q_tangent + first * token : NULL;
  float *queries_t = carve(&scratch, width * columns), *query_rates_t = carve(&scratch, width * columns);
  float *cotangents_t = carve(&scratch, width * columns), *query_rates = carve(&scratch, columns * padded);
  float *queries = carve(&scratch, columns * padded), *cotangents = carve(&scratch, columns * padded);
  float *keys = carve(&scratch, FLOW_KEYS * padded);
  float *scores = carve(&scratch, FLOW_KEYS * columns), *rates = carve(&scratch, FLOW_KEYS * columns);
  float *g = carve(&scratch, FLOW_KEYS * columns), *g_rates = carve(&scratch, FLOW_KEYS * columns);
  float *sums = carve(&scratch, columns * padded), *spare = carve(&scratch, FLOW_KEYS * padded);
  const ISA(query_sums) s = {
    carve(&scratch, columns), carve(&scratch, columns), carve(&scratch, columns), carve(&scratch, columns)};

  ISA(pack_transposed)(b.rows, width, q, token, b.scale, queries_t, columns);
  ISA(pack_transposed)(b.rows, width, d, token, 1, cotangents_t, columns);
  ISA(pack)(b.rows, width, q, token, queries, padded);
  ISA(pack)(b.rows, width, d, token, cotangents, padded);
  if (q_rate) {
    ISA(pack_transposed)(b.rows, width, q_rate, token, b.scale, query_rates_t, columns);
    ISA(pack)(b.rows, width, q_rate, token, query_rates, padded);
  }
  ISA(pack_scaled)(b.rows, a->log_sum + first, LOG2_E, s.log_sum, columns);
  ISA(pack_scaled)(b.rows, a->log_sum_tangent + first, 1, s.log_sum_rate, columns);
  ISA(dot_rows)(b.rows, width, token, d, a->o + first * token, s.mean, columns);
  ISA(dot_rows)(b.rows, width, token, d, a->o_tangent + first * token, s.mean_rate, columns);
  memset(sums, 0, b.rows * padded * sizeof(float));
  if (!add) ISA(clear_unseen)(a, &b.seen);
  for (key_tile t = {0}; next_tile(a, &b.seen, &t);) {
    if (!add && (t.sight == FLOW_HIDDEN || !moves)) ISA(clear_keys)(a, t.from, t.to);
    if (t.sight == FLOW_HIDDEN) continue;
    ISA(score)(a, &b, &t, queries_t, scores);
    ISA(multiply)(a, &b, &t, a->v, cotangents_t, g, false);
    if (a->v_tangent) ISA(multiply)(a, &b, &t, a->v_tangent, cotangents_t, g_rates, false);
    if (q_rate) ISA(multiply)(a, &b, &t, a->k, query_rates_t, rates, false);
    if (a->k_tangent) ISA(multiply)(a, &b, &t, a->k_tangent, queries_t, rates, q_rate);
    if (!moves) memset(rates, 0, (t.to - t.from) * columns * sizeof(float));
    ISA(weigh_second)(
      t.to - t.from, t.column, columns, b.scale * LN_2, &s, scores, g, rates, a->v_tangent ? g_rates : NULL);
    if (moves) ISA(add_by_key)(a, &b, &t, scores, cotangents, spare, a->v_result, add);
    ISA(add_by_key)(a, &b, &t, rates, queries, spare, a->k_result, add);
    if (q_rate) ISA(add_by_key)(a, &b, &t, g, query_rates, spare, a->k_result, true);
    ISA(pack_keys)(a, &b, &t, a->k, keys);
    ISA(add_by_query)(&b, &t, rates, keys, sums, true);
    if (a->k_tangent) {
      ISA(pack_keys)(a, &b, &t, a->k_tangent, keys);
      ISA(add_by_query)(&b, &t, g, keys, sums, true);
    }
  }
  float *result = a->q_result + first * token;
  for (size_t i = 0; i < b.rows; i++, result += token) memcpy(result, sums + i * padded, width * sizeof(float));
}

static void ISA(attention_hessian)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  if (first >= last) ISA(clear_keys)(a, 0, a->keys);
  for (size_t block = first; block < last; block += FLOW_ATTENTION_BLOCK)
    ISA(hessian_block)(a, block, last, block > first, ahead, scratch);
}
