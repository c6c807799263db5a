/* The inside of the scanner: its state, and what its parts (producer/kombo/kombo_scan*.c) call of each other. */
#ifndef RC_PRODUCER_KOMBO_SCAN_STATE_H
#define RC_PRODUCER_KOMBO_SCAN_STATE_H

#include "common/buf.h"
#include "producer/kombo/kombo_scan.h"

typedef enum {
    RC_KOMBO_EXPECT_VALUE,
    RC_KOMBO_EXPECT_FIRST_VALUE, /* or the end of the array */
    RC_KOMBO_EXPECT_KEY,
    RC_KOMBO_EXPECT_FIRST_KEY, /* or the end of the object */
    RC_KOMBO_EXPECT_COLON,
    RC_KOMBO_EXPECT_COMMA, /* or the end of what is open */
    RC_KOMBO_EXPECT_NOTHING
} rc_kombo_expect_t;

/* What the end of a piece may cut. */
typedef enum {
    RC_KOMBO_TOKEN_NONE,
    RC_KOMBO_TOKEN_TEXT,
    RC_KOMBO_TOKEN_ESCAPE,
    RC_KOMBO_TOKEN_NUMBER,
    RC_KOMBO_TOKEN_LITERAL,
    RC_KOMBO_TOKEN_MARK /* a byte order mark */
} rc_kombo_token_t;

struct rc_kombo_scan {
    const rc_kombo_handler_t *handler;
    void *opaque;
    uint64_t objects; /* one bit a level, the innermost lowest: an object, else an array */
    unsigned depth;
    rc_kombo_expect_t expect;
    rc_kombo_token_t token;
    bool started;
    int mark_bytes;
    bool is_key;
    bool skipping;       /* what is being read is not handed out … */
    unsigned skip_depth; /* … until a value at this depth is complete */
    bool has_high;       /* the string has bytes beyond ASCII */
    bool overlong;       /* the text passed the cap */
    int number;          /* how far a number is: number_t of kombo_scan_word.c */
    const char *literal; /* what must still come of true, false, null */
    rc_kombo_kind_t literal_kind;
    int escape_digits; /* of \uXXXX, that must still come; -1: the character behind the backslash */
    uint32_t escape_code;
    uint32_t surrogate; /* a high one that waits for its low one; 0: none */
    rc_buf_t text;      /* of a string with escapes, or cut by the end of a piece */
    size_t offset;      /* bytes before this piece */
    rc_code_t fault_code;
    const char *fault;
};

/* --- for all parts --- */

/* Ends the scan; NULL. */
static inline const char *rc_kombo_scan_fail(rc_kombo_scan_t *scan, rc_code_t code, const char *fault)
{
    scan->fault_code = code;
    scan->fault = fault;
    return NULL;
}

static inline const char *rc_kombo_scan_stop(rc_kombo_scan_t *scan)
{
    return rc_kombo_scan_fail(scan, RC_CANCELLED, NULL);
}

/* A value has ended before `at`; a comma behind it is taken on the way. */
static inline const char *rc_kombo_scan_end_value(rc_kombo_scan_t *scan, const char *at, const char *end)
{
    if (scan->skipping && scan->depth == scan->skip_depth) scan->skipping = false;
    scan->expect = scan->depth ? RC_KOMBO_EXPECT_COMMA : RC_KOMBO_EXPECT_NOTHING;
    if (!scan->depth || at == end || *at != ',') return at;
    scan->expect = scan->objects & 1 ? RC_KOMBO_EXPECT_KEY : RC_KOMBO_EXPECT_VALUE;
    return at + 1;
}

static inline void rc_kombo_scan_skip_value(rc_kombo_scan_t *scan)
{
    scan->skipping = true;
    scan->skip_depth = scan->depth;
}

static inline bool rc_kombo_scan_keeps(const rc_kombo_scan_t *scan)
{
    return !scan->skipping && !scan->overlong;
}

static inline void rc_kombo_scan_keep(rc_kombo_scan_t *scan, const char *text, size_t length)
{
    if (!rc_buf_add(&scan->text, text, length)) scan->overlong = true;
}

/* --- of the parts: from the place in the piece to the place behind what was read, or NULL after a failure --- */

/* kombo_scan_text.c: strings, from behind the quote; and on, where a piece cut them. */
const char *rc_kombo_scan_begin_text(rc_kombo_scan_t *scan, const char *at, const char *end, bool is_key);
const char *rc_kombo_scan_read_text(rc_kombo_scan_t *scan, const char *at, const char *end);
/* One byte behind a backslash. */
const char *rc_kombo_scan_read_escape(rc_kombo_scan_t *scan, const char *at);

/* kombo_scan_word.c: numbers, true, false, null, from their first byte; and on. */
const char *rc_kombo_scan_begin_number(rc_kombo_scan_t *scan, const char *at, const char *end);
const char *rc_kombo_scan_read_number(rc_kombo_scan_t *scan, const char *at, const char *end);
/* `rest` is what must follow the first byte. */
const char *rc_kombo_scan_begin_literal(rc_kombo_scan_t *scan, const char *at, const char *end, rc_kombo_kind_t kind,
                                        const char *rest);
const char *rc_kombo_scan_read_literal(rc_kombo_scan_t *scan, const char *at, const char *end);

/* kombo_scan_skip.c: the quick way over what is skipped, between two tokens. Ends before whatever is out of the
 * ordinary (white space, a fraction, an error, the end of the piece or of what is skipped), which the others then meet;
 * it may end where it began. */
const char *rc_kombo_scan_skip(rc_kombo_scan_t *scan, const char *at, const char *end);

#endif
