/* A scanner of JSON (RFC 8259) that is fed piece by piece and skips what nobody wants without looking at it twice:
 * skipped strings are neither copied nor kept over the end of a piece, so that a value of any size costs its bytes and
 * no memory. The work is linear in the bytes, however they are cut into pieces.
 *
 * It is ours because the parsers at hand are made for documents that are wanted whole: yajl collects a token that a
 * piece cuts off and starts it again with the next (quadratic: a minute for one string of 64 MiB), copies what must not
 * be copied, and takes 7 µs for a record of 3.3 KB, more than the whole budget of a poll; this takes 2.7.
 *
 * The syntax is checked everywhere, encoding and escapes in detail only where text is handed out. Pure; one thread at a
 * time. */
#ifndef RC_PRODUCER_KOMBO_SCAN_H
#define RC_PRODUCER_KOMBO_SCAN_H

#include <stddef.h>

#include "common/error.h"

enum {
    RC_KOMBO_SCAN_MAX_DEPTH = 64,
    RC_KOMBO_SCAN_MAX_TEXT = 256 * 1024, /* of a string or number that is handed out */
};

typedef enum {
    RC_KOMBO_OBJECT, /* begins; so does an array */
    RC_KOMBO_ARRAY,
    RC_KOMBO_STRING,
    RC_KOMBO_NUMBER,
    RC_KOMBO_TRUE,
    RC_KOMBO_FALSE,
    RC_KOMBO_NULL
} rc_kombo_kind_t;

typedef enum {
    RC_KOMBO_GO,   /* key: hand out its value; begin of an object or array: hand out what is in it */
    RC_KOMBO_SKIP, /* neither it nor what is in it */
    RC_KOMBO_STOP  /* the handler failed: the scan ends */
} rc_kombo_verdict_t;

/* Texts are unescaped, valid UTF-8 without NUL, not NUL-terminated, and borrowed for the call. Numbers, true, false and
 * null come as they are written. Keys may be of any bytes; one beyond RC_KOMBO_SCAN_MAX_TEXT is skipped unasked. */
typedef struct {
    rc_kombo_verdict_t (*key)(void *opaque, const char *text, size_t length);
    rc_kombo_verdict_t (*value)(void *opaque, rc_kombo_kind_t kind, const char *text, size_t length);
    rc_kombo_verdict_t (*end)(void *opaque); /* of an object or array that was not skipped */
} rc_kombo_handler_t;

typedef struct rc_kombo_scan rc_kombo_scan_t;

/* Borrows the handler. Returns new (free with rc_kombo_scan_free). */
rc_kombo_scan_t *rc_kombo_scan_new(const rc_kombo_handler_t *handler, void *opaque);
void rc_kombo_scan_free(rc_kombo_scan_t *scan); /* NULL is fine */
/* Begins a new document. */
void rc_kombo_scan_reset(rc_kombo_scan_t *scan);

/* Scans the next piece. RC_MALFORMED, or RC_TOO_LARGE for a wanted text beyond the cap, with what is wrong and the
 * byte; RC_CANCELLED, and *error untouched, when the handler said stop. Nothing may be fed after a failure. */
rc_code_t rc_kombo_scan_feed(rc_kombo_scan_t *scan, const char *bytes, size_t size_bytes, rc_error_t *error);
/* Whether the document has come to its end (only white space may follow). */
bool rc_kombo_scan_is_complete(const rc_kombo_scan_t *scan);

#endif
