// SPDX-License-Identifier: Apache-2.0

#include <malloc.h>

#include "include/flow_kernels.h"

void flow_trim_heap(void) { malloc_trim(0); }
