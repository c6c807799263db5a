/* Reads the answers of Kombo's list endpoints as they arrive, one record at a time: what the fields do not name is
 * skipped without being copied (I8), and never more than one record is held. Pure; one thread at a time.
 *
 * A page that is not what Kombo describes fails as a whole, with the path and the record's id: a poll that guesses is
 * worse than one that stops. A wanted text that is a number, a member that stands twice in one object, a record without
 * id are such cases; a type or status that nobody knows, a missing member and a null are not. */
#ifndef RC_PRODUCER_KOMBO_PARSE_H
#define RC_PRODUCER_KOMBO_PARSE_H

#include "producer/kombo/kombo.h"

enum {
    RC_KOMBO_MAX_RECORDS = 10000,               /* of a page; Kombo gives 250 at most */
    RC_KOMBO_MAX_GROUPS = 1000,                 /* of an employee */
    RC_KOMBO_MAX_RECORD_BYTES = 4 * 1024 * 1024 /* of what is wanted of a record */
};

/* Takes the records; at most one of the functions is set, and says which list is read. None: the records are read as
 * locations and dropped. */
typedef struct {
    rc_kombo_employee_fn *employee;
    rc_kombo_group_fn *group;
    rc_kombo_location_fn *location;
    void *opaque;
} rc_kombo_sink_t;

/* What an answer says beside its records. Borrowed until the next rc_kombo_parser_begin. */
typedef struct {
    const char *status;        /* "success" or "error"; NULL: not said */
    const char *next;          /* the cursor of the next page; NULL: none */
    const char *error_code;    /* "PLATFORM.RATE_LIMIT_EXCEEDED" …; NULL: not said */
    const char *error_title;   /* for people */
    const char *error_message; /* for people */
    bool has_results;
    size_t records;
    size_t ignored_values; /* objects and arrays where a mapped custom or integration field was wanted */
} rc_kombo_page_t;

typedef struct rc_kombo_parser rc_kombo_parser_t;

/* Borrows the fields. Returns new (free with rc_kombo_parser_free). */
rc_kombo_parser_t *rc_kombo_parser_new(const rc_kombo_fields_t *fields);
void rc_kombo_parser_free(rc_kombo_parser_t *parser); /* NULL is fine */

/* Begins an answer. Copies the sink. */
void rc_kombo_parser_begin(rc_kombo_parser_t *parser, const rc_kombo_sink_t *sink);
/* Takes the next piece. RC_MALFORMED, RC_TOO_LARGE, or what the sink returned; then nothing more may be fed. */
rc_code_t rc_kombo_parser_feed(rc_kombo_parser_t *parser, const char *bytes, size_t size_bytes, rc_error_t *error);
/* Ends the answer. RC_INTERRUPTED when it is cut off. */
rc_code_t rc_kombo_parser_end(rc_kombo_parser_t *parser, rc_kombo_page_t *page, rc_error_t *error);

#endif
