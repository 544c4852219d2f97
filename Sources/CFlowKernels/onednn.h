// SPDX-License-Identifier: Apache-2.0
//
// What the uses of oneDNN's primitives share. Primitives are kept for each thread and shape: making one costs more
// than many executions, and a primitive's scratch memory must not be shared by threads.
#pragma once

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>
#include <stdint.h>

/// The engine of the process.
dnnl_engine_t flow_onednn_engine(void);

/// The calling thread's stream, NULL where there can be none.
dnnl_stream_t flow_onednn_stream(void);

/// Has `forget` called when the calling thread ends, before its stream goes; once however often it is asked for.
void flow_onednn_at_thread_end(void (*forget)(void));

/// Where a key of `count` words belongs in a table of `entries`.
static inline size_t flow_onednn_slot(const int64_t *words, size_t count, size_t entries) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < count; i++) hash = (hash ^ (uint64_t)words[i]) * 1099511628211u;
  return (hash ^ (hash >> 32)) % entries;
}
