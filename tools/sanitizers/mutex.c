// SPDX-License-Identifier: Apache-2.0
//
// Tells ThreadSanitizer of the part of Swift's Mutex that it cannot see. Where nobody waits, a mutex is taken and given back
// by atomics that are compiled into our code; where somebody does, by functions of the runtime, which is not instrumented, and
// what the mutex guards would be reported as a race. Preloaded by tools/sanitize.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *mutex
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Not there in processes that are not instrumented.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

METHOD void lock_slow(uint32_t thread, SELF) __asm__(LOCK);
METHOD bool try_lock_slow(SELF) __asm__(TRY_LOCK);
METHOD void unlock_slow(SELF) __asm__(UNLOCK);

METHOD void lock_slow(uint32_t thread, SELF) {
  METHOD void (*original)(uint32_t, SELF) = dlsym(RTLD_NEXT, LOCK);
  original(thread, mutex);
  if (__tsan_acquire) __tsan_acquire(mutex);
}

METHOD bool try_lock_slow(SELF) {
  METHOD bool (*original)(SELF) = dlsym(RTLD_NEXT, TRY_LOCK);
  bool held = original(mutex);
  if (held && __tsan_acquire) __tsan_acquire(mutex);
  return held;
}

METHOD void unlock_slow(SELF) {
  METHOD void (*original)(SELF) = dlsym(RTLD_NEXT, UNLOCK);
  if (__tsan_release) __tsan_release(mutex);
  original(mutex);
}
