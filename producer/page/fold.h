/* Names as people look for them: "makinen" finds "Mäkinen". Pure; any thread. */
#ifndef RC_PRODUCER_FOLD_H
#define RC_PRODUCER_FOLD_H

#include <stdbool.h>

#include "common/mem.h"

/* Lower case, without the accents of Latin letters; other characters stay. NULL gives "". In the arena. */
char *rc_fold(rc_arena_t *arena, const char *text);

/* Whether every word of `folded_words` (divided by blanks) occurs in `folded`. True without words. */
bool rc_fold_matches(const char *folded, const char *folded_words);

#endif
