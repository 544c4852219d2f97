// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "thread_placement.h"

#include <pthread.h>
#include <sched.h>

static cpu_set_t allowed;
static pthread_once_t read_once = PTHREAD_ONCE_INIT;

/// Before anything is bound.
static void read_allowed(void) { sched_getaffinity(0, sizeof allowed, &allowed); }

int allowed_core_count(void) {
  pthread_once(&read_once, read_allowed);
  return CPU_COUNT(&allowed);
}

int bind_to_allowed_core(int place) {
  pthread_once(&read_once, read_allowed);
  for (int core = 0; core < CPU_SETSIZE; core++) {
    if (!CPU_ISSET(core, &allowed) || place-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return sched_setaffinity(0, sizeof one, &one);
  }
  return -1;
}

int current_core(void) { return sched_getcpu(); }
