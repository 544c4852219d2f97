// SPDX-License-Identifier: Apache-2.0
//
// One team owns all cores. A run publishes a job; members and the caller take indices from a shared
// counter until none are left. Waiting members spin briefly, then sleep, so that an idle process
// costs nothing and a neighbour who takes a core delays at most one index.

#include "include/flow_kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_THREADS = 64, SPINS = 4000 };

static struct {
  pthread_mutex_t owner;  // held by the caller whose job runs
  pthread_mutex_t lock;   // guards sleeping
  pthread_cond_t wake;
  flow_task task;
  void *context;
  long count;
  _Atomic long next;
  _Atomic unsigned generation;
  _Atomic int working;
  int size;
} team = {.owner = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static pthread_once_t started = PTHREAD_ONCE_INIT;
static _Thread_local bool inside;

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void take_indices(void) {
  for (long i; (i = atomic_fetch_add_explicit(&team.next, 1, memory_order_relaxed)) < team.count;)
    team.task(team.context, i);
}

static unsigned await_generation(unsigned seen) {
  for (int spin = 0; spin < SPINS; spin++) {
    unsigned now = atomic_load_explicit(&team.generation, memory_order_acquire);
    if (now != seen) return now;
    relax();
  }
  pthread_mutex_lock(&team.lock);
  while (atomic_load_explicit(&team.generation, memory_order_acquire) == seen)
    pthread_cond_wait(&team.wake, &team.lock);
  pthread_mutex_unlock(&team.lock);
  return atomic_load_explicit(&team.generation, memory_order_acquire);
}

static void *member(void *unused) {
  (void)unused;
  inside = true;
  for (unsigned seen = 0;;) {
    seen = await_generation(seen);
    take_indices();
    atomic_fetch_sub_explicit(&team.working, 1, memory_order_release);
  }
  return NULL;
}

static void start(void) {
  const char *wanted = getenv("FLOW_THREADS");
  long size = wanted ? strtol(wanted, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
  if (size < 1) size = 1;
  if (size > MOST_THREADS) size = MOST_THREADS;
  team.size = 1;
  for (; team.size < size; team.size++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, member, NULL)) break;
    pthread_detach(thread);
  }
}

int flow_team_size(void) {
  pthread_once(&started, start);
  return team.size;
}

void flow_team_run(long count, flow_task task, void *context) {
  if (count <= 0) return;
  bool alone = count == 1 || inside || flow_team_size() == 1 || pthread_mutex_trylock(&team.owner);
  if (alone) {
    for (long i = 0; i < count; i++) task(context, i);
    return;
  }
  inside = true;
  team.task = task;
  team.context = context;
  team.count = count;
  atomic_store_explicit(&team.next, 0, memory_order_relaxed);
  atomic_store_explicit(&team.working, team.size - 1, memory_order_relaxed);
  pthread_mutex_lock(&team.lock);
  atomic_fetch_add_explicit(&team.generation, 1, memory_order_release);
  pthread_cond_broadcast(&team.wake);
  pthread_mutex_unlock(&team.lock);
  take_indices();
  for (int spin = 0; atomic_load_explicit(&team.working, memory_order_acquire) > 0; spin++)
    if (spin < SPINS) relax(); else usleep(20);
  inside = false;
  pthread_mutex_unlock(&team.owner);
}
