/* What an answer of Learn Amp means for the record that asked: one table from status, words and transport error to a
 * class (design section 5, "Outcomes"; the words are those of docs/learnamp.md, "Errors"). Pure; any thread. */
#ifndef RC_CONSUMER_OUTCOME_H
#define RC_CONSUMER_OUTCOME_H

#include <stdbool.h>

#include "common/error.h"

/* clang-format off */
#define RC_CLASSES(X) \
    X(APPLIED, "applied")                 /* it did what was asked, or answered a question (also with "no such") */ \
    X(THROTTLED, "throttled")             /* come back later; nothing happened */ \
    X(TRANSIENT, "transient")             /* failed; the same may succeed later */ \
    X(UNANSWERED, "unanswered")           /* a write that may have taken effect, or may take effect yet */ \
    X(CREDENTIALS, "credentials")         /* nobody can do anything until ours are mended */ \
    X(AMBIGUOUS, "ambiguous")             /* 404 to a write: user, team or custom field is not there */ \
    X(REJECTED, "rejected")               /* this record, as it is, will never be accepted */ \
    X(CONFLICT, "conflict")               /* the external id or the address belongs to somebody else */ \
    X(UNKNOWN_MANAGER, "unknown_manager") /* the manager is no active user yet */ \
    X(TEAM_MISSING, "team_missing")       /* the team is not there yet */ \
    X(MISCONFIGURED, "misconfigured")     /* our configuration asks for what Learn Amp does not have */ \
    X(REPLACED, "replaced")               /* ours: the former employee id of the person is still active */ \
    X(NO_SNAPSHOT, "no_snapshot")         /* ours: nothing published says whether the person is still there */ \
    X(HELD, "held")                       /* ours: nothing was sent, the breaker is open or the integration paused */ \
    X(CANCELLED, "cancelled")             /* ours: we are stopping */
/* clang-format on */

typedef enum {
#define X(name, text) RC_CLASS_##name,
    RC_CLASSES(X)
#undef X
        RC_CLASS_COUNT
} rc_class_t;

/* "applied", "throttled" … Static storage. */
const char *rc_class_str(rc_class_t class);

typedef enum {
    RC_CALL_READ,  /* changes nothing */
    RC_CALL_WRITE, /* may have taken effect when the answer is missing */
    RC_CALL_TOKEN  /* asks for an access token */
} rc_call_kind_t;

typedef struct {
    rc_call_kind_t kind;
    rc_code_t error;     /* common/http.h; RC_OK: answered */
    int status;          /* of the answer; also with RC_TOO_LARGE and RC_MALFORMED */
    const char *message; /* the service's words (rc_learnamp_message); NULL: none */
    bool understood;     /* the body is what the API promises for this status: JSON where it promises JSON */
} rc_answer_facts_t;

/* The class of an answer. 401 is CREDENTIALS: before it comes to that, the client renews a token that was in use. A 404
 * to a read is APPLIED ("there is none") if the service itself said so, in JSON; else the base URL leads somewhere
 * else: MISCONFIGURED. */
rc_class_t rc_outcome_class(const rc_answer_facts_t *facts);

#endif
