// SPDX-License-Identifier: Apache-2.0
//
// Counts heap allocations of the whole process, by standing before the C library's allocator.
#pragma once

/// Starts counting from 0.
void allocation_counter_start(void);

/// Stops counting and returns the allocations since the start, of all threads.
long allocation_counter_stop(void);

/// Bytes of the heap that are in use.
long allocation_counter_heap_bytes(void);
