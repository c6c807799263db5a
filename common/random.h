/* Randomness from the kernel, for jitter and ids. Any thread. */
#ifndef RC_COMMON_RANDOM_H
#define RC_COMMON_RANDOM_H

#include <stdint.h>

/* 64 even bits. */
uint64_t rc_random64(void);

#endif
