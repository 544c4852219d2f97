// SPDX-License-Identifier: Apache-2.0

#include "onednn.h"

#include <pthread.h>
#include <stdlib.h>

// The engine is one for the process; a stream is not to be shared between threads.
static dnnl_engine_t engine;
static _Thread_local dnnl_stream_t stream;

// What a thread keeps besides. The memory of a thread goes when it ends, and with it what only that pointed to.
enum { MOST_FORGETTERS = 4 };
static _Thread_local void (*forgetters[MOST_FORGETTERS])(void);
static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end_thread(void *unused) {
  (void)unused;
  for (int i = 0; i < MOST_FORGETTERS && forgetters[i]; i++) forgetters[i]();
  if (stream) dnnl_stream_destroy(stream);
  stream = NULL;
}

static void make_key(void) { pthread_key_create(&ending, end_thread); }

void flow_onednn_at_thread_end(void (*forget)(void)) {
  int i = 0;
  while (i < MOST_FORGETTERS && forgetters[i] && forgetters[i] != forget) i++;
  if (i == MOST_FORGETTERS) abort();
  if (forgetters[i]) return;
  forgetters[i] = forget;
  pthread_once(&once, make_key);
  pthread_setspecific(ending, forgetters);
}

__attribute__((constructor)) static void make_engine(void) { dnnl_engine_create(&engine, dnnl_cpu, 0); }

dnnl_engine_t flow_onednn_engine(void) { return engine; }

dnnl_stream_t flow_onednn_stream(void) {
  if (!stream) dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
  return stream;
}
