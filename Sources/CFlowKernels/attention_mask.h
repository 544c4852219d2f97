// SPDX-License-Identifier: Apache-2.0
//
// Which keys a block of queries may see, cut into tiles.
#pragma once

#include "include/flow_kernels.h"

/// Keys of a tile, at most: its operands and scores are to stay in cache.
enum { FLOW_KEYS = 64 };

/// Queries [first, last) see keys [0, sink) and [begin, end) at most; a causal mask hides none below `shared` from
/// any of them.
typedef struct {
  size_t first, last;
  size_t sink, begin, shared, end;
} visible_keys;

/// The keys that one query sees; an explicit mask is not looked at.
static inline visible_keys keys_of_query(const flow_attention *a, size_t query) {
  if (!a->tokens) return (visible_keys){query, query + 1, 0, 0, a->keys, a->keys};
  size_t frame = query / a->tokens, end = (frame + 1) * a->tokens;
  if (end > a->keys) end = a->keys;
  size_t begin = frame >= a->window ? (frame + 1 - a->window) * a->tokens : 0;
  size_t sink = a->sink < begin / a->tokens ? a->sink * a->tokens : begin;
  if (sink == begin) sink = begin = 0;
  return (visible_keys){query, query + 1, sink, begin, end, end};
}

static inline visible_keys keys_of_block(const flow_attention *a, size_t first, size_t last) {
  visible_keys low = keys_of_query(a, first), high = keys_of_query(a, last - 1);
  size_t sink = high.sink < low.begin ? high.sink : low.begin;
  return (visible_keys){first, last, sink, low.begin, low.end, high.end};
}

enum { FLOW_HIDDEN, FLOW_PARTLY, FLOW_VISIBLE };

/// Keys [from, to), of which the block's queries see what `sight` says, the first `row` of them nothing. `column` is
/// `row` rounded down to whole vectors of any set.
typedef struct {
  size_t from, to;
  size_t row, column;
  int sight;
} key_tile;

static inline int sight_of(const flow_attention *a, const visible_keys *seen, size_t from, size_t to) {
  if (a->visible) {
    uint8_t any = 0;
    for (size_t j = from; j < to; j++)
      for (size_t i = seen->first; i < seen->last; i++) any |= a->visible[j * a->visible_stride + i];
    return any ? FLOW_PARTLY : FLOW_HIDDEN;
  }
  if (!a->tokens) return FLOW_VISIBLE;
  visible_keys high = keys_of_query(a, seen->last - 1);
  return to <= seen->shared && (from >= high.begin || to <= high.sink) ? FLOW_VISIBLE : FLOW_PARTLY;
}

/// Goes on to the tile behind `t`; false when there is none. Tiles of a range are nearly equal, and smaller where
/// causality hides parts of them, so that less is computed in vain.
static inline bool next_tile(const flow_attention *a, const visible_keys *seen, key_tile *t) {
  size_t from = t->to;
  if (from >= seen->sink && from < seen->begin) from = seen->begin;
  size_t end = from < seen->sink ? seen->sink : from < seen->shared ? seen->shared : seen->end;
  if (from >= end) return false;
  size_t most = from < seen->shared ? FLOW_KEYS : FLOW_KEYS / 2, count = (end - from + most - 1) / most;
  size_t to = from + (end - from + count - 1) / count;
  size_t frame = a->tokens ? from / a->tokens * a->tokens : 0, row = frame > seen->first ? frame - seen->first : 0;
  *t = (key_tile){from, to, row, row / 16 * 16, sight_of(a, seen, from, to)};
  return true;
}
