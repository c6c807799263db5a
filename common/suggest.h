/* "Did you mean …?": the nearest of some known words. Pure; any thread. */
#ifndef RC_COMMON_SUGGEST_H
#define RC_COMMON_SUGGEST_H

#include <stddef.h>

typedef struct {
    const char *word; /* what was written */
    const char *best; /* NULL: nothing is near enough to be meant */
    size_t distance;
} rc_suggest_t;

#define RC_SUGGEST_INIT(text) ((rc_suggest_t){.word = (text), .best = NULL, .distance = 0})

/* Takes a known word into account; borrowed as long as `best` is used. */
void rc_suggest_offer(rc_suggest_t *suggest, const char *known);

#endif
