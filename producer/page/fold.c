#include "producer/page/fold.h"

#include <string.h>

enum { FIRST = 0xC0, LAST = 0x17F }; /* Latin-1 Supplement's letters and Latin Extended-A: two bytes each in UTF-8 */

/* clang-format off */
static const char *const PLAIN[LAST - FIRST + 1] = {
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i", "d", "n", "o", "o", "o", "o",
    "o", "", "o", "u", "u", "u", "u", "y", "th", "ss", "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e",
    "i", "i", "i", "i", "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "y", "a", "a", "a",
    "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d", "d", "d", "e", "e", "e", "e", "e", "e", "e", "e",
    "e", "e", "g", "g", "g", "g", "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i", "i",
    "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l", "l", "l", "l", "n", "n", "n", "n",
    "n", "n", "n", "n", "n", "o", "o", "o", "o", "o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s",
    "s", "s", "s", "s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u",
    "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
};
/* clang-format on */

/* The plain form of a two-byte character, or NULL. */
static const char *plain_of(unsigned char first, unsigned char second)
{
    if (first < 0xC3 || first > 0xC5 || (second & 0xC0) != 0x80) return NULL;
    unsigned code = (unsigned)(first & 0x1F) << 6 | (second & 0x3F);
    const char *plain = code >= FIRST && code <= LAST ? PLAIN[code - FIRST] : NULL;
    return plain && *plain ? plain : NULL;
}

char *rc_fold(rc_arena_t *arena, const char *text)
{
    if (!text) return rc_arena_strdup(arena, "");
    /* No plain form is longer than the two bytes it stands for. */
    char *out = rc_arena_alloc(arena, strlen(text) + 1), *at = out;
    for (const unsigned char *in = (const unsigned char *)text; *in; in++) {
        const char *plain = plain_of(in[0], in[1]);
        if (plain) {
            while (*plain) *at++ = *plain++;
            in++;
        } else {
            *at++ = (char)(*in >= 'A' && *in <= 'Z' ? *in + 'a' - 'A' : *in);
        }
    }
    *at = '\0';
    return out;
}

bool rc_fold_matches(const char *folded, const char *folded_words)
{
    char word[128];
    for (const char *at = folded_words + strspn(folded_words, " "); *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        size_t kept = length < sizeof word ? length : sizeof word - 1;
        memcpy(word, at, kept);
        word[kept] = '\0';
        if (!strstr(folded, word)) return false;
        at += length;
    }
    return true;
}
