// SPDX-License-Identifier: Apache-2.0
//
// Short sequences are read and written once: a core would wait for memory as long as it computes. So the memory of the
// head that comes next is fetched meanwhile, a line for every step of a product's inner axis.
#pragma once

#include "include/flow_kernels.h"

enum {
  FLOW_LINE = 64,
  /// Bytes of a head up to which it is fetched ahead: it must still be in the second-level cache when it is used.
  FLOW_MOST_AHEAD = 1 << 20,
  FLOW_ARRAYS = 13
};

/// Rows to fetch, array by array, in each of them one column of lines after another.
typedef struct {
  struct {
    const char *start;
    size_t rows;
  } arrays[FLOW_ARRAYS];
  /// Bytes between two rows, lines of a row.
  size_t stride, lines;
  size_t count, array, line, row;
} fetch_ahead;

static inline void fetch_rows(fetch_ahead *f, const float *x, size_t rows) {
  if (!x || rows == 0) return;
  f->arrays[f->count].start = (const char *)x;
  f->arrays[f->count++].rows = rows;
}

/// The first of about `n` lines to fetch, `stride` apart; or `otherwise` where none are left.
static inline const char *take_lines(fetch_ahead *f, size_t n, const void *otherwise) {
  if (f->array == f->count) return otherwise;
  const char *line = f->arrays[f->array].start + f->row * f->stride + f->line * FLOW_LINE;
  f->row += n;
  if (f->row < f->arrays[f->array].rows) return line;
  f->row = 0;
  if (++f->line < f->lines) return line;
  f->line = 0;
  f->array++;
  return line;
}
