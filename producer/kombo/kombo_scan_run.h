/* Runs of plain characters in a JSON string: what most bytes of a page are. The innermost loop of the scanner, so
 * inline, and with SSE2, which every x86-64 has, 16 bytes at a time. Private to producer/kombo/kombo_scan*.c. Pure. */
#ifndef RC_PRODUCER_KOMBO_SCAN_RUN_H
#define RC_PRODUCER_KOMBO_SCAN_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Both give the first byte from `at` on that ends a run (quote, backslash or control), or `end`, and set *has_high when
 * a byte beyond ASCII was seen on the way; now and then without one, which costs a check for nothing. A variable that
 * lives in a register, please. */

/* Eight bytes at a time, on any machine. */
static inline const char *rc_kombo_run_end_portable(const char *at, const char *end, bool *has_high)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    for (; end - at >= 8; at += 8) {
        uint64_t bytes;
        memcpy(&bytes, at, sizeof bytes);
        uint64_t quote = bytes ^ ones * '"', backslash = bytes ^ ones * '\\';
        /* Some byte is zero; some byte is below 0x20: whether there is one is exact, where it is is not. */
        uint64_t special =
            ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((bytes - ones * 0x20) & ~bytes);
        if (special & highs) break;
        *has_high |= (bytes & highs) != 0;
    }
    for (; at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20; at++)
        *has_high |= (unsigned char)*at >= 0x80;
    return at;
}

/* Most strings of a record are shorter than 16 bytes: one step, and no branch that is hard to foresee. */
static inline const char *rc_kombo_run_end(const char *at, const char *end, bool *has_high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
        unsigned found = (unsigned)_mm_movemask_epi8(special);
        *has_high |= _mm_movemask_epi8(bytes) != 0;
        if (found) return at + __builtin_ctz(found);
        at += 16;
    }
#endif
    return rc_kombo_run_end_portable(at, end, has_high);
}

#endif
