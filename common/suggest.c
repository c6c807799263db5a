#include "common/suggest.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 64 };

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between two words, two swapped neighbours being one (optimal string alignment); case does not count, and '-'
 * is '_'. */
static size_t distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LONGEST + 1];
    for (size_t k = 0; k <= b_length; k++) rows[0][k] = k;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b_length; k++) {
            bool same = lower(a[i - 1]) == lower(b[k - 1]) || (strchr("-_", a[i - 1]) && strchr("-_", b[k - 1]));
            row[k] = least(least(above[k], row[k - 1]) + 1, above[k - 1] + !same);
            if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) && lower(a[i - 2]) == lower(b[k - 1]))
                row[k] = least(row[k], two_above[k - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

void rc_suggest_offer(rc_suggest_t *suggest, const char *known)
{
    size_t length = strlen(suggest->word), known_length = strlen(known);
    if (!length || length > LONGEST || known_length > LONGEST) return;
    size_t distance = distance_of(suggest->word, length, known, known_length);
    if (distance > 1 + known_length / 4 || distance >= known_length) return;
    if (suggest->best && suggest->distance <= distance) return;
    suggest->best = known;
    suggest->distance = distance;
}
