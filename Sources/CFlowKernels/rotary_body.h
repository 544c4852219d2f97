// SPDX-License-Identifier: Apache-2.0

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
