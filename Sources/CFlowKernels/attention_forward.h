// SPDX-License-Identifier: Apache-2.0

/// Takes a tile into the running softmax: scores become 2^(score − most); `most` and `total` follow, and `shrink` is
/// what earlier sums are to be multiplied by.
static void ISA(accumulate_softmax)(
  size_t keys, size_t column, size_t columns, float *scores, float *most, float *total, float *shrink) {
  for (size_t i = column; i < columns; i += FLOW_LANES) {
    ISA(vector) before = ISA(load)(most + i), now = before;
    for (size_t j = 0; j < keys; j++) now = ISA(greater)(ISA(load)(scores + j * columns + i), now);
    // A query that has seen no key yet: −∞ − −∞ would be no number.
    ISA(vector) origin = ISA(select)(now == -__builtin_inff(), ISA(all)(0), now);
    ISA(vector) factor = ISA(power)(before - origin), sum = factor * ISA(load)(total + i);
    for (size_t j = 0; j < keys; j++) {
      float *score = scores + j * columns + i;
      ISA(vector) p = ISA(power)(ISA(load)(score) - origin);
      ISA(store)(score, p);
      sum += p;
    }
    ISA(store)(most + i, now);
    ISA(store)(total + i, sum);
    ISA(store)(shrink + i, factor);
  }
}

/// The logarithms of the sums of exponentials, and 1/total in place of total; zeros for a query that sees no key.
static inline void ISA(finish_softmax)(size_t columns, float *most, float *total) {
  for (size_t i = 0; i < columns; i += FLOW_LANES) {
    ISA(vector) sum = ISA(load)(total + i), zero = {0};
    // Not `> 0`: a sum that is no number is to stay none.
    ISA(integers) none = sum == 0.0f;
    ISA(vector) log_sum = LN_2 * (ISA(load)(most + i) + ISA(logarithm)(sum));
    ISA(store)(most + i, ISA(select)(none, zero, log_sum));
    ISA(store)(total + i, ISA(select)(none, zero, 1.0f / sum));
  }
}

/// y[i, :] = factor[i] · x[i, :]; x and y may be the same rows.
static void ISA(scale_rows)(
  size_t rows, size_t width, const float *factor, const float *x, size_t x_row, float *y, size_t y_row) {
  for (size_t i = 0; i < rows; i++, x += x_row, y += y_row) {
    const float f = factor[i];
    size_t c = 0;
    for (; c + FLOW_LANES <= width; c += FLOW_LANES) ISA(store)(y + c, f * ISA(load)(x + c));
    for (; c < width; c++) y[c] = f * x[c];
  }
}

static void ISA(forward_block)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  const ISA(block) b = ISA(block_at)(a, first, last, ahead);
  const size_t token = token_stride(a), columns = b.columns, padded = b.padded;
  float *queries = carve(&scratch, a->width * columns), *values = carve(&scratch, FLOW_KEYS * padded);
  float *scores = carve(&scratch, FLOW_KEYS * columns);
  float *sums = carve(&scratch, columns * padded), *most = carve(&scratch, columns);
  float *total = carve(&scratch, columns), *shrink = carve(&scratch, columns);

  ISA(pack_transposed)(b.rows, a->width, a->q + first * token, token, b.scale, queries, columns);
  for (size_t i = 0; i < columns; i++) most[i] = -__builtin_inff(), total[i] = 0;
  bool seen = false;
  for (key_tile t = {0}; next_tile(a, &b.seen, &t);) {
    if (t.sight == FLOW_HIDDEN) continue;
    ISA(score)(a, &b, &t, queries, scores);
    ISA(accumulate_softmax)(t.to - t.from, t.column, columns, scores, most, total, shrink);
    float *rows = sums + t.row * padded;
    if (seen) ISA(scale_rows)(b.rows - t.row, padded, shrink + t.row, rows, padded, rows, padded);
    ISA(pack_keys)(a, &b, &t, a->v, values);
    ISA(add_by_query)(&b, &t, scores, values, sums, seen);
    seen = true;
  }
  if (!seen) memset(sums, 0, b.rows * padded * sizeof(float));
  ISA(finish_softmax)(columns, most, total);
  ISA(scale_rows)(b.rows, a->width, total, sums, padded, a->o_result + first * token, token);
  memcpy(a->log_sum_result + first, most, b.rows * sizeof(float));
}

static void ISA(attention_forward)(
  const flow_attention *a, size_t first, size_t last, fetch_ahead *ahead, float *scratch) {
  for (; first < last; first += FLOW_ATTENTION_BLOCK) ISA(forward_block)(a, first, last, ahead, scratch);
}
