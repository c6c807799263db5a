#include "tests/sandbox/ids.h"

#include <string.h>

#include "tests/sandbox/random.h"

/* Base 58: without 0, O, I and l, as Kombo's own. */
static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

enum { CODE_LENGTH = 11 /* digits that hold 64 bits; what follows them is a check */ };

static void put(uint64_t value, char *text, int length)
{
    for (int i = length; i-- > 0; value /= 58) text[i] = digits[value % 58];
}

char *sb_id_format(uint64_t seed, sb_kind_t kind, uint32_t number, char text[SB_ID_SIZE])
{
    uint64_t code = sb_mix(((uint64_t)kind << 32 | number) ^ sb_mix(seed));
    put(code, text, CODE_LENGTH);
    put(sb_mix(code), text + CODE_LENGTH, 10);
    put(sb_mix(code + seed), text + CODE_LENGTH + 10, 3);
    text[SB_ID_LENGTH] = '\0';
    return text;
}

bool sb_id_parse(uint64_t seed, sb_kind_t kind, const char *text, uint32_t *number)
{
    uint64_t code = 0;
    char again[SB_ID_SIZE];
    if (strlen(text) != SB_ID_LENGTH) return false;
    for (int i = 0; i < CODE_LENGTH; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit) return false;
        code = code * 58 + (uint64_t)(digit - digits);
    }
    uint64_t plain = sb_unmix(code) ^ sb_mix(seed);
    if (plain >> 32 != (uint64_t)kind || strcmp(sb_id_format(seed, kind, (uint32_t)plain, again), text) != 0)
        return false;
    *number = (uint32_t)plain;
    return true;
}
