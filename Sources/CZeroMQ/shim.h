// SPDX-License-Identifier: Apache-2.0
#include <sys/eventfd.h>
#include <zmq.h>

// The header names it only for builds with draft functions, but every libzmq since 4.3.0 takes it.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif
