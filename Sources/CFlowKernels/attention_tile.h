// SPDX-License-Identifier: Apache-2.0
//
// What the passes of attention do with a tile of scores: operands are copied into it, keys are hidden, exponentials
// are taken. A tile holds keys as rows and queries as columns, so that what belongs to a query is a vector's lane.

typedef int32_t ISA(integers) __attribute__((vector_size(4 * FLOW_LANES)));

static inline ISA(vector) ISA(select)(ISA(integers) mask, ISA(vector) x, ISA(vector) y) {
  return (ISA(vector))(((ISA(integers))x & mask) | ((ISA(integers))y & ~mask));
}

static inline ISA(vector) ISA(greater)(ISA(vector) x, ISA(vector) y) { return ISA(select)(x > y, x, y); }

static inline ISA(vector) ISA(all)(float x) { return x - (ISA(vector)){0}; }

/// 2ˣ for x below 128, relative error 2e-7; 0 for x < −125, NaN stays NaN.
static inline ISA(vector) ISA(power)(ISA(vector) x) {
#pragma clang fp reassociate(off)
  ISA(integers) normal = ~(x < -125.0f);
  ISA(vector) y = ISA(select)(normal, x, ISA(all)(-125.0f));
  // Adding 1.5·2²³ rounds to an integer, which is then in the low bits.
  ISA(vector) shifted = y + 12582912.0f, f = y - (shifted - 12582912.0f);
  ISA(vector) p = f * 1.3264727e-3f + 9.6715128e-3f;
  p = p * f + 5.5507337e-2f;
  p = p * f + 2.4022242e-1f;
  p = p * f + 6.9314698e-1f;
  p = p * f + 1.0f;
  return (ISA(vector))(((ISA(integers))p + ((ISA(integers))shifted << 23)) & normal);
}

/// log₂ x for normal x > 0, by 2·artanh((m − 1)/(m + 1)) of the mantissa m in √½…√2.
static inline ISA(vector) ISA(logarithm)(ISA(vector) x) {
  ISA(integers) exponent = (((ISA(integers))x - 0x3f3504f3) >> 23);
  ISA(vector) m = (ISA(vector))((ISA(integers))x - (exponent << 23));
  ISA(vector) s = (m - 1.0f) / (m + 1.0f), t = s * s;
  ISA(vector) series = ((t * (1.0f / 9) + 1.0f / 7) * t + 1.0f / 5) * t + 1.0f / 3;
  return (s + s * t * series) * 2.88539008f + __builtin_convertvector(exponent, ISA(vector));
}

/// y[i, :] = x[i, :], columns `width`…`y_row` cleared.
static void ISA(pack)(size_t rows, size_t width, const float *x, size_t x_row, float *y, size_t y_row) {
  for (size_t i = 0; i < rows; i++, x += x_row, y += y_row) {
    size_t c = 0;
    for (; c + FLOW_LANES <= width; c += FLOW_LANES) ISA(store)(y + c, ISA(load)(x + c));
    for (; c < width; c++) y[c] = x[c];
    for (; c < y_row; c++) y[c] = 0;
  }
}

/// y[i] = scale · x[i], elements `n`…`columns` cleared.
static inline void ISA(pack_scaled)(size_t n, const float *x, float scale, float *y, size_t columns) {
  for (size_t i = 0; i < n; i++) y[i] = scale * x[i];
  for (size_t i = n; i < columns; i++) y[i] = 0;
}

typedef float quartet __attribute__((vector_size(16)));
typedef float loose_quartet __attribute__((vector_size(16), aligned(4)));

// Within each quartet of lanes: the first or last two of x and y alternating, and the first or last pairs.
#if FLOW_LANES == 16
#define FLOW_FIRST(x, y) \
  __builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define FLOW_LAST(x, y) \
  __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define FLOW_FIRST_PAIRS(x, y) \
  __builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define FLOW_LAST_PAIRS(x, y) \
  __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#elif FLOW_LANES == 8
#define FLOW_FIRST(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define FLOW_LAST(x, y) __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
#define FLOW_FIRST_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define FLOW_LAST_PAIRS(x, y) __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
#else
#define FLOW_FIRST(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define FLOW_LAST(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#define FLOW_FIRST_PAIRS(x, y) __builtin_shufflevector(x, y, 0, 1, 4, 5)
#define FLOW_LAST_PAIRS(x, y) __builtin_shufflevector(x, y, 2, 3, 6, 7)
#endif

/// Quartets of the rows that start at row[0], row[4], row[8], …, side by side.
static inline ISA(vector) ISA(quartets)(const float *const *row, size_t c) {
  quartet parts[FLOW_LANES / 4];
  for (size_t part = 0; part < FLOW_LANES / 4; part++) parts[part] = *(const loose_quartet *)(row[4 * part] + c);
  ISA(vector) whole;
  memcpy(&whole, parts, sizeof whole);
  return whole;
}

/// y[c, i] = scale · x[i, c]; columns from `rows` on repeat the last. y_row is a multiple of the vector's lanes.
static void ISA(pack_transposed)(
  size_t rows, size_t width, const float *x, size_t x_row, float scale, float *y, size_t y_row) {
  for (size_t i = 0; i < y_row; i += FLOW_LANES) {
    const float *row[FLOW_LANES];
    for (size_t lane = 0; lane < FLOW_LANES; lane++) row[lane] = x + (i + lane < rows ? i + lane : rows - 1) * x_row;
    size_t c = 0;
    for (; c + 4 <= width; c += 4) {
      ISA(vector) r0 = ISA(quartets)(row, c), r1 = ISA(quartets)(row + 1, c);
      ISA(vector) r2 = ISA(quartets)(row + 2, c), r3 = ISA(quartets)(row + 3, c);
      ISA(vector) first01 = FLOW_FIRST(r0, r1), last01 = FLOW_LAST(r0, r1);
      ISA(vector) first23 = FLOW_FIRST(r2, r3), last23 = FLOW_LAST(r2, r3);
      float *column = y + c * y_row + i;
      ISA(store)(column, scale * FLOW_FIRST_PAIRS(first01, first23));
      ISA(store)(column + y_row, scale * FLOW_LAST_PAIRS(first01, first23));
      ISA(store)(column + 2 * y_row, scale * FLOW_FIRST_PAIRS(last01, last23));
      ISA(store)(column + 3 * y_row, scale * FLOW_LAST_PAIRS(last01, last23));
    }
    for (; c < width; c++)
      for (size_t lane = 0; lane < FLOW_LANES; lane++) y[c * y_row + i + lane] = scale * row[lane][c];
  }
}

#undef FLOW_FIRST
#undef FLOW_LAST
#undef FLOW_FIRST_PAIRS
#undef FLOW_LAST_PAIRS

/// Scores of a tile's keys that a query does not see become −∞; `columns` is the tile's row length.
static void ISA(hide)(
  const flow_attention *a, const visible_keys *seen, const key_tile *t, size_t columns, float *scores) {
  const ISA(vector) hidden = ISA(all)(-__builtin_inff());
  for (size_t i = t->column; i < columns; i += FLOW_LANES) {
    ISA(integers) sink = {0}, begin = {0}, end = {0};
    if (!a->visible)
      for (size_t lane = 0; lane < FLOW_LANES && seen->first + i + lane < seen->last; lane++) {
        visible_keys keys = keys_of_query(a, seen->first + i + lane);
        sink[lane] = (int32_t)keys.sink, begin[lane] = (int32_t)keys.begin, end[lane] = (int32_t)keys.end;
      }
    float *row = scores + i;
    for (size_t j = t->from; j < t->to; j++, row += columns) {
      ISA(integers) visible;
      if (a->visible) {
        typedef uint8_t bytes __attribute__((vector_size(FLOW_LANES), aligned(1)));
        const bytes *mask = (const bytes *)(a->visible + j * a->visible_stride + seen->first + i);
        visible = __builtin_convertvector(*mask, ISA(integers)) != 0;
      } else {
        int32_t key = (int32_t)j;
        visible = (end > key) & ((begin <= key) | (sink > key));
      }
      ISA(store)(row, ISA(select)(visible, ISA(load)(row), hidden));
    }
  }
}
