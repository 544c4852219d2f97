// SPDX-License-Identifier: Apache-2.0
//
// Where threads may run and do: what Glibc hides from Swift.
#pragma once

/// Cores that the calling thread may run on.
int allowed_core_count(void);

/// Binds the calling thread to the one of them in this place; 0 if that is done.
int bind_to_allowed_core(int place);

/// The core that the calling thread is on.
int current_core(void);
