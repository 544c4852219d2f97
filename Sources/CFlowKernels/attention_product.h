// SPDX-License-Identifier: Apache-2.0
//
// Products of matrices that fit in cache: a block of the result stays in registers while the inner axis goes by.
// At the sizes of attention's tiles a library's product spends much of its time on packing and on its call.

typedef float ISA(vector) __attribute__((vector_size(4 * FLOW_LANES)));
/// A vector at any float's address.
typedef float ISA(loose) __attribute__((vector_size(4 * FLOW_LANES), aligned(4)));

static inline ISA(vector) ISA(load)(const float *x) { return *(const ISA(loose) *)x; }
static inline void ISA(store)(float *x, ISA(vector) y) { *(ISA(loose) *)x = y; }

/// `rows` × `vectors` constants: the loops over them unroll and `sum` becomes registers.
static inline __attribute__((always_inline)) void ISA(product_block)(
  const size_t rows, const size_t vectors, size_t inner, const float *restrict a, size_t a_row, size_t a_inner,
  const float *restrict b, size_t b_row, float *restrict c, size_t c_row, bool add, fetch_ahead *ahead) {
  const char *soon = take_lines(ahead, inner, b);
  const size_t stride = ahead->stride;
  ISA(vector) sum[12][4];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++)
      sum[i][j] = add ? ISA(load)(c + i * c_row + j * FLOW_LANES) : (ISA(vector)){0};
  for (size_t k = 0; k < inner; k++, a += a_inner, b += b_row, soon += stride) {
    // Into the second-level cache: the first is full of operands.
    __builtin_prefetch(soon, 0, 2);
    ISA(vector) right[4];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++) right[j] = ISA(load)(b + j * FLOW_LANES);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (size_t j = 0; j < vectors; j++) sum[i][j] += a[i * a_row] * right[j];
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < vectors; j++) ISA(store)(c + i * c_row + j * FLOW_LANES, sum[i][j]);
}

// Columns of the result `vectors` vectors wide, in blocks of at most `most` rows and nearly equal: a short last
// block would wait for its own sums.
#define FLOW_CASE(n, vectors) \
  case n: \
    ISA(product_block)(n, vectors, inner, a + i * a_row, a_row, a_inner, b, b_row, c + i * c_row, c_row, add, ahead); \
    break;
#define FLOW_CASES_6(v) \
  FLOW_CASE(1, v) FLOW_CASE(2, v) FLOW_CASE(3, v) FLOW_CASE(4, v) FLOW_CASE(5, v) FLOW_CASE(6, v)
#define FLOW_CASES_8(v) FLOW_CASES_6(v) FLOW_CASE(7, v) FLOW_CASE(8, v)
#define FLOW_CASES_12(v) FLOW_CASES_8(v) FLOW_CASE(9, v) FLOW_CASE(10, v) FLOW_CASE(11, v) FLOW_CASE(12, v)
#define FLOW_PANEL(vectors, most) \
  static void ISA(product_panel_##vectors)( \
    size_t rows, size_t inner, const float *a, size_t a_row, size_t a_inner, const float *b, size_t b_row, \
    float *c, size_t c_row, bool add, fetch_ahead *ahead) { \
    size_t blocks = (rows + most - 1) / most; \
    for (size_t i = 0, n; blocks > 0; blocks--, i += n) { \
      n = (rows - i + blocks - 1) / blocks; \
      switch (n) { FLOW_CASES_##most(vectors) } \
    } \
  }

// As many sums as there are registers, less the operands.
FLOW_PANEL(1, 12)
#if FLOW_LANES == 16
FLOW_PANEL(2, 12)
FLOW_PANEL(3, 8)
FLOW_PANEL(4, 6)
#else
FLOW_PANEL(2, 6)
#endif

/// C ← A·B, or C + A·B where `add`: C is rows × columns, columns a multiple of the vector's lanes; A's element
/// (i, k) lies at i·a_row + k·a_inner, rows of B and C are contiguous. Meanwhile memory is fetched ahead.
static __attribute__((noinline)) void ISA(product)(
  size_t rows, size_t columns, size_t inner, const float *a, size_t a_row, size_t a_inner, const float *b,
  size_t b_row, float *c, size_t c_row, bool add, fetch_ahead *ahead) {
  size_t left = columns / FLOW_LANES;
#define FLOW_TAKE(vectors) \
  ISA(product_panel_##vectors)(rows, inner, a, a_row, a_inner, b, b_row, c, c_row, add, ahead); \
  left -= vectors, b += vectors * FLOW_LANES, c += vectors * FLOW_LANES
#if FLOW_LANES == 16
  while (left >= 4) { FLOW_TAKE(4); }
  if (left == 3) { FLOW_TAKE(3); }
#endif
  while (left >= 2) { FLOW_TAKE(2); }
  if (left == 1) { FLOW_TAKE(1); }
#undef FLOW_TAKE
}

#undef FLOW_CASE
#undef FLOW_CASES_6
#undef FLOW_CASES_8
#undef FLOW_CASES_12
#undef FLOW_PANEL
