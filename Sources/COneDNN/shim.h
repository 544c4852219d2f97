// SPDX-License-Identifier: Apache-2.0
#pragma once
#define _GNU_SOURCE
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

/// oneDNN's own threads stay off: the worker team splits the work. OpenMP keeps the number for each
/// calling thread, and is reached through the library that oneDNN itself has loaded.
static inline void flow_onednn_use_one_thread(void) {
  static _Thread_local int done;
  if (done) return;
  done = 1;
  void (*set)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set) set(1);
}
