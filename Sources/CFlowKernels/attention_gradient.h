// SPDX-License-Identifier: Apache-2.0

/// y[i] = Σ_c x[i, c] · z[i, c], elements `rows`…`columns` cleared.
static void ISA(dot_rows)(
  size_t rows, size_t width, size_t row, const float *x, const float *z, float *y, size_t columns) {
  memset(y, 0, columns * sizeof(float));
  for (size_t i = 0; i < rows; i++, x += row, z += row)
    for (size_t c = 0; c < width; c++) y[i] += x[c] * z[c];
}

/// result[j, :] = or += Σ_i tile[j, i] · rows[i, :], for keys j of the whole call. The first block of queries writes
/// what the others add to.
static void ISA(add_by_key)(
  const flow_attention *a, const ISA(block) *b, const key_tile *t, const float *tile, const float *rows,
  float *spare, float *result, bool add) {
  const bool direct = b->padded == a->width;
  float *c = result + t->from * a->key_row;
  ISA(product)(
    t->to - t->from, b->padded, b->rows - t->row, tile + t->row, b->columns, 1, rows + t->row * b->padded, b->padded,
    direct ? c : spare, direct ? a->key_row : b->padded, direct && add, b->ahead);
  if (direct) return;
  for (size_t j = t->from; j < t->to; j++, c += a->key_row, spare += b->padded)
    for (size_t i = 0; i < a->width; i++) c[i] = add ? c[i] + spare[i] : spare[i];
}

static void ISA(clear_keys)(const flow_attention *a, size_t from, size_t to) {
  for (size_t j = from; j < to; j++) {
    memset(a->k_result + j * a->key_row, 0, a->width * sizeof(float));
    memset(a->v_result + j * a->key_row, 0, a->width * sizeof(float));
  }
}

/// Clears the results by key that the first block of queries is not going to write.
static inline void ISA(clear_unseen)(const flow_attention *a, const visible_keys *seen) {
  ISA(clear_keys)(a, seen->sink, seen->begin);
  ISA(clear_keys)(a, seen->end, a->keys);
}

/// Scores become weights p, and g = d·vᵀ becomes e = scale·p∘(g − δ), the gradient of the scores.
static void ISA(weigh_gradients)(
  size_t keys, size_t column, size_t columns, float scale, const float *log_sum, const float *mean, float *scores,
  float *g) {
  for (size_t j = 0; j < keys; j++, scores += columns, g += columns)
    for (size_t i = column; i < columns; i += FLOW_LANES) {
      ISA(vector) p = ISA(power)(ISA(load)(scores + i) - ISA(load)(log_sum + i));
      ISA(store)(scores + i, p);
      ISA(store)(g + i, scale * p * (ISA(load)(g + i) - ISA(load)(mean + i)));
    }
}

/// dv = pᵀ·d, dq = e·k, dk = eᵀ·q with δ = Σ_c d∘o.
static void ISA(gradient_block)(
  const flow_attention *a, size_t first, size_t last, bool add, fetch_ahead *ahead, float *scratch) {
  const ISA(block) b = ISA(block_at)(a, first, last, ahead);
  const size_t token = token_stride(a), columns = b.columns, padded = b.padded;
  const float *q = a->q + first * token, *d = a->d + first * token;
  float *queries_t = carve(&scratch, a->width * columns), *cotangents_t = carve(&scratch, a->width * columns);
  float *queries = carve(&scratch, columns * padded), *cotangents = carve(&scratch, columns * padded);
  float *keys = carve(&scratch, FLOW_KEYS * padded), *spare = carve(&scratch, FLOW_KEYS * padded);
  float *scores = carve(&scratch, FLOW_KEYS * columns), *g = carve(&scratch, FLOW_KEYS * columns);
  float *sums = carve(&scratch, columns * padded);
  float *log_sum = carve(&scratch, columns), *mean = carve(&scratch, columns);

  ISA(pack_transposed)(b.rows, a->width, q, token, b.scale, queries_t, columns);
  ISA(pack_transposed)(b.rows, a->width, d, token, 1, cotangents_t, columns);
  ISA(pack)(b.rows, a->width, q, token, queries, padded);
  ISA(pack)(b.rows, a->width, d, token, cotangents, padded);
  ISA(pack_scaled)(b.rows, a->log_sum + first, LOG2_E, log_sum, columns);
  ISA(dot_rows)(b.rows, a->width, token, d, a->o + first * token, mean, columns);
  bool seen = false;
  if (!add) ISA(clear_unseen)(a, &b.seen);
  for (key_tile t = {0}; next_tile(a, &b.seen, &t);) {
    if (t.sight == FLOW_HIDDEN) {
      if (!add) ISA(clear_keys)(a, t.from, t.to);
      continue;
    }
    ISA(score)(a, &b, &t, queries_t, scores);
    ISA(multiply)(a, &b, &t, a->v, cotangents_t, g, false);
    ISA(weigh_gradients)(t.to - t.from, t.column, columns, b.scale * LN_2, log_sum, mean, scores, g);
    ISA(add_by_key)(a, &b, &t, scores, cotangents, spare, a->v_result, add);
    ISA(add_by_key)(a, &b, &t, g, queries, spare, a->k_result, add);
    ISA(pack_keys)(a, &b, &t, a->k, keys);
    ISA(add_by_query)(&b, &t, g, keys, sums, seen);
    seen = true;
  }
  if (!seen) memset(sums, 0, b.rows * padded * sizeof(float));
  float *result = a->q_result + first * token;
  for (size_t i = 0; i < b.rows; i++, result += token) memcpy(result, sums + i * padded, a->width * sizeof(float));
}

static void ISA(attention_gradient)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  if (first >= last) ISA(clear_keys)(a, 0, a->keys);
  for (size_t block = first; block < last; block += FLOW_ATTENTION_BLOCK)
    ISA(gradient_block)(a, block, last, block > first, ahead, scratch);
}
