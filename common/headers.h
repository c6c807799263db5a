/* The headers of Kafka records: CloudEvents 1.0 (binary mode) on every event, and on a record in a retry or dead-letter
 * topic also what became of it, in words that a person can read in kcat. Design sections 3 "Headers" and 5 "Parking".
 *
 * Formatting builds in an arena; parsing takes any bytes, and what it does not understand counts as not there. Pure;
 * any thread. */
#ifndef RC_COMMON_HEADERS_H
#define RC_COMMON_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/domain.h"
#include "common/mem.h"
#include "common/time.h"

/* The shape in which common/kafka takes and gives headers. */
typedef struct {
    const char *name;
    const void *value; /* bytes; NULL: a null value */
    size_t value_bytes;
} rc_header_t;

typedef struct {
    const rc_header_t *items;
    size_t count;
} rc_headers_t;

/* The last header of that name (Kafka's own rule for duplicates), or NULL. */
const rc_header_t *rc_headers_find(rc_headers_t headers, const char *name);
/* Its value as text in the arena; NULL when there is none, or it is not UTF-8, or holds a NUL. */
const char *rc_headers_str(rc_headers_t headers, const char *name, rc_arena_t *arena);

/* A copy with all its names and values in the arena: for what outlives the message or the arena it came from. */
rc_headers_t rc_headers_copy(rc_arena_t *arena, rc_headers_t headers);

/* ---- Of an event ---- */

/* ce_specversion 1.0, ce_id, ce_source /integrations/<integration id>, ce_type rollcall.employee.<type>, ce_subject
 * <employee id>, ce_time, content-type application/avro. In the arena; borrows the event's strings. */
rc_headers_t rc_headers_event(rc_arena_t *arena, const rc_event_t *event);

/* ---- Of a parked or dead-lettered record ---- */

/* Why a record lies in a retry or dead-letter topic. New ones are appended. */
/* clang-format off */
#define RC_PARK_REASONS(X, T) \
    X(T, TRANSIENT, "TRANSIENT")                     /* no connection, 500, 503 */ \
    X(T, UNANSWERED, "UNANSWERED")                   /* a write that got no answer */ \
    X(T, CONFLICT, "CONFLICT")                       /* an external id or an address belongs to somebody else */ \
    X(T, REPLACED, "REPLACED")                       /* the former employee id of the person is still active */ \
    X(T, TEAM, "TEAM")                               /* a team that was ensured is not there */ \
    X(T, MANAGER, "MANAGER")                         /* all done but the manager */ \
    X(T, HANDED_OVER, "HANDED_OVER")                 /* from another lane to created */ \
    X(T, HELD, "HELD")                               /* a gate, breaker, limit or pause held more than fits in memory */ \
    X(T, UNKNOWN_SCHEMA, "UNKNOWN_SCHEMA")           /* no schema of that fingerprint or id is known yet */ \
    X(T, UNKNOWN_INTEGRATION, "UNKNOWN_INTEGRATION") /* the configuration does not name it */ \
    X(T, REJECTED, "REJECTED")                       /* dead: the service's words are the message */ \
    X(T, IDENTITY_CONFLICT, "IDENTITY_CONFLICT")     /* dead: CONFLICT after the last tier */ \
    X(T, POISON, "POISON")                           /* dead: bytes that no known schema reads */ \
    X(T, REPAIR, "REPAIR")                           /* written by `audit --repair` */ \
    X(T, NO_SNAPSHOT, "NO_SNAPSHOT")                 /* nothing published says whether the person is still there */ \
    X(T, OTHER, "OTHER")                             /* a reason that this release does not know */
/* clang-format on */
typedef enum { RC_PARK_REASONS(RC_ENUM_MEMBER, PARK) } rc_park_reason_t;
enum { RC_PARK_COUNT = 0 RC_PARK_REASONS(RC_ENUM_COUNT, _) };
extern const rc_enum_t RC_ENUM_PARK;

enum { RC_PARKING_TEXT_MAX_BYTES = 1024 };

typedef struct {
    int type;                 /* the event's own type, rc_event_type_t; -1: not known (poison) */
    int lane;                 /* whose record it is, rc_event_type_t; -1: none */
    int64_t attempt;          /* counted attempts that failed, fits into an int; 0: nothing was counted yet */
    rc_park_reason_t reason;  /* of the last failure */
    const char *message;      /* in words, the service's where it has some; NULL: none */
    bool unanswered;          /* an earlier attempt of this record ended without an answer (rule S1) */
    bool replayed;            /* an operator sent it once more; nobody is invited because of it */
    rc_wall_t not_before;     /* 0: at once; not of dead letters */
    const char *origin_topic; /* where the event was first read; NULL: not known */
    int32_t origin_partition; /* -1: not known */
    int64_t origin_offset;    /* -1: not known */
    rc_wall_t first_failed_at;
    rc_wall_t failed_at; /* the last time: when it was parked or dead-lettered */
} rc_parking_t;

#define RC_PARKING_INIT \
    ((rc_parking_t){.type = -1, .lane = -1, .reason = RC_PARK_OTHER, .origin_partition = -1, .origin_offset = -1})

/* The original headers without any rollcall_* of an earlier parking, and behind them the fixed set: rollcall_type,
 * rollcall_lane, rollcall_attempt, rollcall_reason, rollcall_message, rollcall_unanswered, rollcall_replayed,
 * rollcall_not_before, rollcall_origin (<topic>/<partition>/<offset>), rollcall_first_failed_at, rollcall_failed_at.
 * What is unset is left out. Texts are cut at RC_PARKING_TEXT_MAX_BYTES on a character's boundary; what is not UTF-8
 * or a control character becomes '?'. In the arena; borrows the original's names and values. */
rc_headers_t rc_headers_park(rc_arena_t *arena, rc_headers_t original, const rc_parking_t *parking);

/* What the rollcall_* headers say; strings in the arena. Without any it is RC_PARKING_INIT. */
rc_parking_t rc_headers_parking_parse(rc_headers_t headers, rc_arena_t *arena);

#endif
