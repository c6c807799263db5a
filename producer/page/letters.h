/* What the consumers make of the changes, as far as a producer can see it: the dead letters that wait for a person, the
 * button that tries them once more, and whether anybody carries out changes at all. It is read from Kafka, which takes
 * seconds where there are many dead letters, so a thread of its own does it while somebody looks, never more than a
 * fifth of the time. Any thread, but for new and free. */
#ifndef RC_PRODUCER_LETTERS_H
#define RC_PRODUCER_LETTERS_H

#include "common/dead_letters.h"

typedef struct rc_letters rc_letters_t;

/* The open ones of all integrations, oldest first, as of one moment. Never changes. */
typedef struct {
    rc_wall_t as_of;
    const rc_dead_letter_t *letters;
    size_t count;
    uint32_t unattended; /* 1 << rc_event_type_t: no consumer is a member of that lane; 0 where it cannot be told */
    rc_error_t error;    /* why they could not be read; the list is empty then */
} rc_letterbox_t;

/* Borrows. Returns new (free with rc_letters_free, when all boxes are released). */
rc_letters_t *rc_letters_new(const rc_config_t *config);
void rc_letters_free(rc_letters_t *letters); /* NULL is fine */

/* The newest, to be given back with rc_letterbox_release; NULL: none was read yet. Never waits; has another one read
 * when this is old, which *fresh (may be NULL) tells. */
const rc_letterbox_t *rc_letters_get(rc_letters_t *letters, bool *fresh);
void rc_letterbox_release(const rc_letterbox_t *box); /* NULL is fine */

/* What is to be tried once more. */
typedef struct {
    const char *integration_id; /* the configuration's own text */
    int32_t partition;          /* -1: all that are open */
    int64_t offset;
} rc_retry_wish_t;

/* Has them tried by the thread, one wish after the other. False: too many wishes wait already. Copies. */
bool rc_letters_retry(rc_letters_t *letters, const rc_retry_wish_t *wish);

/* How the last wishes of an integration went. */
typedef struct {
    bool busy;                           /* some wait or are under way */
    size_t sent;                         /* by the last one that ended */
    rc_wall_t ended_at;                  /* 0: none yet */
    char problem[RC_ERROR_MESSAGE_SIZE]; /* why it was not possible; "": it was */
} rc_retry_report_t;
rc_retry_report_t rc_letters_report(rc_letters_t *letters, const char *integration_id);

#endif
