// SPDX-License-Identifier: Apache-2.0
//
// One team owns all cores. A run publishes a job; members and the caller take its indices one by one until none are
// left, and the caller waits for the indices that were taken, not for the members: one whose core a neighbour has
// taken costs at most the index it is at, and nothing if it is at none. Who waits spins briefly, then sleeps, so that
// an idle process costs nothing and a core that a neighbour wants is given up.
//
// Where there are as many members as cores, each has a core of its own, and the caller the one that is left. Without
// that the kernel wakes a member where its waker runs, and two that wait for each other in turns can share a core for
// minutes while another stands idle.

#define _GNU_SOURCE
#include "include/flow_kernels.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 64, SPINS = 3000 };

/// Seconds: a neighbour's turn on a core; how long a member rests that had to wait for one to end, at first and at most;
/// and for how long it then looks whether the neighbour is still there.
static const double TURN = 2e-3, SHORT_REST = 5e-3, LONG_REST = 3.2, LOOK = 12e-3;

/// The index of a job whose particulars are being written.
static const uint32_t CLOSED = UINT32_MAX;

static struct {
  pthread_mutex_t owner;  // held by the caller whose job runs
  pthread_mutex_t lock;   // guards sleeping
  pthread_cond_t wake, finished;
  // The particulars of a job: written only while `next` says CLOSED, so whoever takes an index has read its own.
  _Atomic(flow_task) task;
  _Atomic(void *) context;
  _Atomic uint32_t count;
  _Atomic uint64_t next;  // number of the job above, index below
  _Atomic uint32_t done;
  _Atomic int sleeping;
  _Atomic bool waiting;
  int size;
  cpu_set_t allowed;  // cores that the process may use; empty if that is not known
  pthread_t threads[MOST_THREADS];
  /// The core of each member, and in place 0 that of the caller; negative where the kernel chooses.
  _Atomic int cores[MOST_THREADS];
} team = {
  .owner = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
  .finished = PTHREAD_COND_INITIALIZER};

static pthread_once_t started = PTHREAD_ONCE_INIT;
static _Thread_local bool inside;

/// Bits of the control register by which results and operands too small for a whole mantissa count as 0. They would be a
/// hundred times slower, and a training in which they become common with them; no sum of ours is told from 0 by them.
static const unsigned FLUSH = 0x8040;

unsigned flow_begin_kernels(void) {
#if defined(__x86_64__)
  unsigned before = __builtin_ia32_stmxcsr();
  if ((before & FLUSH) != FLUSH) __builtin_ia32_ldmxcsr(before | FLUSH);
  return before;
#else
  return FLUSH;
#endif
}

void flow_end_kernels(unsigned before) {
#if defined(__x86_64__)
  if ((before & FLUSH) != FLUSH) __builtin_ia32_ldmxcsr(before);
#else
  (void)before;
#endif
}

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// The number of the job that can be taken from, or `seen` if there is none after that. A job whose particulars are still
/// being written cannot: a member that turned to it now would find nothing, take it for done, and leave all of it to the
/// others.
static uint32_t job_after(uint32_t seen) {
  uint64_t next = atomic_load(&team.next);
  return (uint32_t)next == CLOSED ? seen : (uint32_t)(next >> 32);
}

static void finish_index(uint32_t count) {
  if (atomic_fetch_add(&team.done, 1) + 1 < count || !atomic_load(&team.waiting)) return;
  pthread_mutex_lock(&team.lock);
  pthread_cond_signal(&team.finished);
  pthread_mutex_unlock(&team.lock);
}

/// Runs indices of the job at hand until none are left.
static void take_indices(void) {
  for (;;) {
    uint64_t at = atomic_load(&team.next);
    flow_task task = atomic_load_explicit(&team.task, memory_order_acquire);
    void *context = atomic_load_explicit(&team.context, memory_order_acquire);
    uint32_t count = atomic_load_explicit(&team.count, memory_order_acquire), index = (uint32_t)at;
    if (index == CLOSED || index >= count) return;
    if (!atomic_compare_exchange_strong(&team.next, &at, at + 1)) continue;
    task(context, index);
    finish_index(count);
  }
}

static uint32_t await_job(uint32_t seen) {
  for (int spin = 0; spin < SPINS; spin++) {
    uint32_t now = job_after(seen);
    if (now != seen) return now;
    relax();
  }
  pthread_mutex_lock(&team.lock);
  atomic_fetch_add(&team.sleeping, 1);
  uint32_t now;
  while ((now = job_after(seen)) == seen) pthread_cond_wait(&team.wake, &team.lock);
  atomic_fetch_sub(&team.sleeping, 1);
  pthread_mutex_unlock(&team.lock);
  return now;
}

static double seconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// Seconds of the core, and of the clock, since two moments.
typedef struct {
  double busy, begun;
} stopwatch;

static stopwatch start_watch(void) {
  return (stopwatch){.busy = seconds(CLOCK_THREAD_CPUTIME_ID), .begun = seconds(CLOCK_MONOTONIC)};
}

/// Whether the thread was kept from its core for a neighbour's turn, and that was most of the time.
static bool was_kept(stopwatch since) {
  double busy = seconds(CLOCK_THREAD_CPUTIME_ID) - since.busy;
  double lost = seconds(CLOCK_MONOTONIC) - since.begun - busy;
  return lost > TURN && lost > 3 * busy;
}

static bool is_crowded(void) {
  stopwatch watch = start_watch();
  while (seconds(CLOCK_MONOTONIC) - watch.begun < LOOK) relax();
  return seconds(CLOCK_MONOTONIC) - watch.begun - (seconds(CLOCK_THREAD_CPUTIME_ID) - watch.busy) > TURN / 2;
}

/// Sleeps, longer each time, until the core is free.
static void rest(void) {
  for (double pause = SHORT_REST;; pause = fmin(2 * pause, LONG_REST)) {
    struct timespec time = {.tv_sec = (time_t)pause, .tv_nsec = (long)(fmod(pause, 1) * 1e9)};
    nanosleep(&time, NULL);
    if (!is_crowded()) return;
  }
}

/// A member whose core is taken from it in the middle of an index keeps its caller waiting for as long as a neighbour's
/// turn. Where turns are long against the work, the others are faster without it: it rests.
static void *member(void *number) {
  _Atomic int *core = &team.cores[(intptr_t)number];
  inside = true;
  flow_begin_kernels();
  for (uint32_t seen = 0;;) {
    seen = await_job(seen);
    stopwatch watch = start_watch();
    take_indices();
    // One that is not bound to its core is moved to a better one.
    if (atomic_load(core) >= 0 && was_kept(watch)) rest();
  }
  return NULL;
}

static void settle(int member, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (pthread_setaffinity_np(team.threads[member], sizeof set, &set)) {
    // The core is no longer ours: the member may run on any that is.
    pthread_setaffinity_np(team.threads[member], sizeof team.allowed, &team.allowed);
    core = -1;
  }
  team.cores[member] = core;
}

/// Gives each member a core that is not the caller's, if there are as many as members.
static void settle_all(void) {
  int here = sched_getcpu();
  if (here < 0 || CPU_COUNT(&team.allowed) != team.size) return;
  team.cores[0] = here;
  for (int core = 0, member = 1; core < CPU_SETSIZE && member < team.size; core++)
    if (core != here && CPU_ISSET(core, &team.allowed)) settle(member++, core);
}

/// A member that sits where the caller has come to goes where the caller was.
static void make_room(void) {
  int here = team.cores[0] < 0 ? -1 : sched_getcpu();
  if (here < 0 || here == team.cores[0]) return;
  for (int member = 1; member < team.size; member++)
    if (team.cores[member] == here) settle(member, team.cores[0]);
  team.cores[0] = here;
}

void flow_block_signals(sigset_t *before) {
  sigset_t all;
  sigfillset(&all);
  static const int OWN[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) sigdelset(&all, OWN[i]);
  pthread_sigmask(SIG_BLOCK, &all, before);
}

static void start(void) {
  const char *wanted = getenv("FLOW_THREADS");
  // What the process may use: a container or taskset may leave it fewer cores than the machine has.
  bool known = !sched_getaffinity(getpid(), sizeof team.allowed, &team.allowed);
  if (!known) CPU_ZERO(&team.allowed);
  long cores = known ? CPU_COUNT(&team.allowed) : sysconf(_SC_NPROCESSORS_ONLN);
  long size = wanted ? strtol(wanted, NULL, 10) : cores;
  if (size < 1) size = 1;
  if (size > MOST_THREADS) size = MOST_THREADS;
  for (int i = 0; i < MOST_THREADS; i++) team.cores[i] = -1;
  team.size = 1;
  sigset_t before;
  flow_block_signals(&before);
  for (; team.size < size; team.size++) {
    pthread_t *thread = team.threads + team.size;
    if (pthread_create(thread, NULL, member, (void *)(intptr_t)team.size)) break;
    pthread_detach(*thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  settle_all();
}

int flow_team_size(void) {
  pthread_once(&started, start);
  return team.size;
}

static void publish(uint32_t count, flow_task task, void *context) {
  uint64_t job = ((atomic_load(&team.next) >> 32) + 1) << 32;
  atomic_store(&team.next, job | CLOSED);
  atomic_store_explicit(&team.task, task, memory_order_release);
  atomic_store_explicit(&team.context, context, memory_order_release);
  atomic_store_explicit(&team.count, count, memory_order_release);
  atomic_store_explicit(&team.done, 0, memory_order_relaxed);
  atomic_store(&team.next, job);
  if (!atomic_load(&team.sleeping)) return;
  pthread_mutex_lock(&team.lock);
  pthread_cond_broadcast(&team.wake);
  pthread_mutex_unlock(&team.lock);
}

static void await_indices(uint32_t count) {
  for (int spin = 0; spin < SPINS; spin++) {
    if (atomic_load_explicit(&team.done, memory_order_acquire) == count) return;
    relax();
  }
  pthread_mutex_lock(&team.lock);
  atomic_store(&team.waiting, true);
  while (atomic_load(&team.done) < count) pthread_cond_wait(&team.finished, &team.lock);
  atomic_store(&team.waiting, false);
  pthread_mutex_unlock(&team.lock);
}

void flow_team_run(long count, flow_task task, void *context) {
  if (count <= 0) return;
  unsigned before = flow_begin_kernels();
  bool alone = count == 1 || count >= (long)CLOSED || inside || flow_team_size() == 1 ||
               pthread_mutex_trylock(&team.owner);
  if (alone) {
    for (long i = 0; i < count; i++) task(context, i);
    flow_end_kernels(before);
    return;
  }
  inside = true;
  make_room();
  publish((uint32_t)count, task, context);
  take_indices();
  await_indices((uint32_t)count);
  inside = false;
  pthread_mutex_unlock(&team.owner);
  flow_end_kernels(before);
}
