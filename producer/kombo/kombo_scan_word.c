/* Numbers, true, false and null. */
#include <string.h>

#include "producer/kombo/kombo_scan_state.h"

/* Of a number, by what was read last (RFC 8259, section 6). */
typedef enum { MINUS, ZERO, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS } number_t;

/* What follows `state` with the byte c; -1: nothing, the number is over. */
static int next_number(number_t state, char c)
{
    bool digit = c >= '0' && c <= '9', exponent = c == 'e' || c == 'E';
    switch (state) {
    case MINUS:
        return c == '0' ? (int)ZERO : digit ? (int)INTEGER : -1;
    case ZERO:
        return c == '.' ? (int)POINT : exponent ? (int)EXPONENT : -1;
    case INTEGER:
        return digit ? (int)INTEGER : c == '.' ? (int)POINT : exponent ? (int)EXPONENT : -1;
    case POINT:
        return digit ? (int)FRACTION : -1;
    case FRACTION:
        return digit ? (int)FRACTION : exponent ? (int)EXPONENT : -1;
    case EXPONENT:
        return c == '+' || c == '-' ? (int)EXPONENT_SIGN : digit ? (int)EXPONENT_DIGITS : -1;
    case EXPONENT_SIGN:
    case EXPONENT_DIGITS:
        return digit ? (int)EXPONENT_DIGITS : -1;
    }
    return -1;
}

const char *rc_kombo_scan_read_number(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    const char *run = at;
    number_t state = (number_t)scan->number;
    int next = 0;
    while (at < end && (next = next_number(state, *at)) >= 0) {
        state = (number_t)next;
        at++;
    }
    scan->number = (int)state;
    bool cut = at == end;
    if (rc_kombo_scan_keeps(scan)) rc_kombo_scan_keep(scan, run, (size_t)(at - run));
    if (cut) return at;
    if (state != ZERO && state != INTEGER && state != FRACTION && state != EXPONENT_DIGITS)
        return rc_kombo_scan_fail(scan, RC_MALFORMED, "a number that is none");
    scan->token = RC_KOMBO_TOKEN_NONE;
    if (!scan->skipping) {
        if (scan->overlong) return rc_kombo_scan_fail(scan, RC_TOO_LARGE, "a number of more than 256 KiB");
        if (scan->handler->value(scan->opaque, RC_KOMBO_NUMBER, scan->text.data, scan->text.size_bytes) ==
            RC_KOMBO_STOP)
            return rc_kombo_scan_stop(scan);
    }
    return rc_kombo_scan_end_value(scan, at, end);
}

const char *rc_kombo_scan_begin_number(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    scan->token = RC_KOMBO_TOKEN_NUMBER;
    scan->overlong = false;
    scan->text.size_bytes = 0;
    scan->number = *at == '-' ? MINUS : *at == '0' ? ZERO : INTEGER;
    if (!scan->skipping) rc_kombo_scan_keep(scan, at, 1);
    return rc_kombo_scan_read_number(scan, at + 1, end);
}

const char *rc_kombo_scan_read_literal(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    static const char *const words[] = {[RC_KOMBO_TRUE] = "true", [RC_KOMBO_FALSE] = "false", [RC_KOMBO_NULL] = "null"};
    for (; at < end && *scan->literal; at++, scan->literal++)
        if (*at != *scan->literal)
            return rc_kombo_scan_fail(scan, RC_MALFORMED, "a word that is not true, false or null");
    if (*scan->literal) return at;
    const char *word = words[scan->literal_kind];
    scan->token = RC_KOMBO_TOKEN_NONE;
    if (!scan->skipping && scan->handler->value(scan->opaque, scan->literal_kind, word, strlen(word)) == RC_KOMBO_STOP)
        return rc_kombo_scan_stop(scan);
    return rc_kombo_scan_end_value(scan, at, end);
}

const char *rc_kombo_scan_begin_literal(rc_kombo_scan_t *scan, const char *at, const char *end, rc_kombo_kind_t kind,
                                        const char *rest)
{
    scan->token = RC_KOMBO_TOKEN_LITERAL;
    scan->literal_kind = kind;
    scan->literal = rest;
    return rc_kombo_scan_read_literal(scan, at + 1, end);
}
