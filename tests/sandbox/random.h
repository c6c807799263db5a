/* Draws that are the same on every machine: a stream for each (seed, number), and a mixing of 64 bits that can be
 * undone. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_RANDOM_H
#define RC_TESTS_SANDBOX_RANDOM_H

#include <stdint.h>

typedef struct {
    uint64_t state;
} sb_random_t;

/* MurmurHash3's 64-bit finalizer: a bijection. */
static inline uint64_t sb_mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

/* The x whose sb_mix is `mixed`. */
static inline uint64_t sb_unmix(uint64_t mixed)
{
    mixed ^= mixed >> 33;
    mixed *= UINT64_C(0x9cb4b2f8129337db);
    mixed ^= mixed >> 33;
    mixed *= UINT64_C(0x4f74430c22a54005);
    return mixed ^ mixed >> 33;
}

static inline sb_random_t sb_random_of(uint64_t seed, uint64_t number)
{
    return (sb_random_t){sb_mix(seed ^ UINT64_C(0x5bd1e9955bd1e995)) ^ sb_mix(number + 1)};
}

/* splitmix64. */
static inline uint64_t sb_random_next(sb_random_t *random)
{
    random->state += UINT64_C(0x9e3779b97f4a7c15);
    return sb_mix(random->state);
}

/* 0 to below - 1; the bias of the multiplication does not matter here. */
static inline uint32_t sb_random_below(sb_random_t *random, uint32_t below)
{
    return (uint32_t)((sb_random_next(random) >> 32) * below >> 32);
}

#endif
