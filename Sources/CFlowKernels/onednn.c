// SPDX-License-Identifier: Apache-2.0

#include "onednn.h"

// The engine is one for the process; a stream is not to be shared between threads.
static dnnl_engine_t engine;
static _Thread_local dnnl_stream_t stream;

__attribute__((constructor)) static void make_engine(void) { dnnl_engine_create(&engine, dnnl_cpu, 0); }

dnnl_engine_t flow_onednn_engine(void) { return engine; }

dnnl_stream_t flow_onednn_stream(void) {
  if (!stream) dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
  return stream;
}
