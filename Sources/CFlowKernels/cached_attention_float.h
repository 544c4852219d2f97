// SPDX-License-Identifier: Apache-2.0
//
// Blocks of keys and values in float.

/// Scores of the 8 keys from `slot` on, of which `count` are visible; the largest go to `most`.
FLOW_INLINE void ISA(put_scores)(
  attention_state *s, const v16f scores[STEP][2], size_t slot, size_t count, v16f most[2], int n) {
  v16f hidden = ISA(splat)(-3e38f);
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16f largest = hidden;
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16f score = (size_t)i < count ? scores[i][j] : hidden;
      s->scores[slot + i][j] = score;
      largest = ISA(larger)(largest, score);
    }
    most[j] = ISA(larger)(most[j], largest);
  }
}

/// Scores of 8 keys [8][width], float.
FLOW_INLINE void ISA(score_float)(
  attention_state *s, const float *k, size_t width, v16f acc[STEP][2], int n) {
  FLOW_UNROLL for (int i = 0; i < STEP; i++)
    FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = ISA(splat)(0.0f);
  for (size_t c = 0; c < width; c++)
    FLOW_UNROLL for (int i = 0; i < STEP; i++) {
      v16f b = ISA(splat)(k[i * width + c]);
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] += s->queries[c][j] * b;
    }
}

/// output = output·before + Σ_keys weights·values, over keys and values [count][width].
FLOW_INLINE void ISA(block_float)(
  attention_state *s, const float *k, const float *v, size_t width, size_t count, int n) {
  v16f most[2] = {ISA(splat)(-3e38f), ISA(splat)(-3e38f)}, scores[STEP][2];
  for (size_t i = 0; i < count; i += STEP) {
    ISA(score_float)(s, k + i * width, width, scores, n);
    ISA(put_scores)(s, scores, i, count - i, most, n);
  }
  v16f before[2];
  FLOW_UNROLL for (int j = 0; j < n; j++) {
    v16f both = ISA(larger)(s->most[j], most[j]), sum = ISA(splat)(0.0f);
    before[j] = ISA(exp2)(s->most[j] - both);
    s->most[j] = both;
    for (size_t i = 0; i < count; i++) {
      s->scores[i][j] = ISA(exp2)(s->scores[i][j] - both);
      sum += s->scores[i][j];
    }
    s->sum[j] = s->sum[j] * before[j] + sum;
  }
  for (size_t c = 0; c < width; c += STEP) {
    v16f acc[STEP][2];
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] = s->output[c + i][j] * before[j];
    for (size_t key = 0; key < count; key++)
      FLOW_UNROLL for (int i = 0; i < STEP; i++) {
        v16f b = ISA(splat)(v[key * width + c + i]);
        FLOW_UNROLL for (int j = 0; j < n; j++) acc[i][j] += s->scores[key][j] * b;
      }
    FLOW_UNROLL for (int i = 0; i < STEP; i++)
      FLOW_UNROLL for (int j = 0; j < n; j++) s->output[c + i][j] = acc[i][j];
  }
}

FLOW_INLINE void ISA(widen)(size_t n, const uint16_t *x, float *y) {
  for (size_t i = 0; i < n; i += 16) ISA(store)(y + i, ISA(load_bfloat16)(x + i));
}
