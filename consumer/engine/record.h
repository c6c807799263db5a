/* One Kafka record on its way through a consumer process: from the lane that read it to the batch that holds its
 * outcome. Everything in this header belongs to the loop's thread.
 *
 *   WAITING   behind an earlier record of the same employee, or until an unanswered write can no longer take effect
 *   READY     at its site, for pause, breaker, gate and a slot
 *   UNDER_WAY consumer/engine/apply works on it
 *   BARRIER   answered; a barrier is to be passed before its outcome counts (S4)
 *   LOOKING   a second look is due later (S4, `replaces`) */
#ifndef RC_CONSUMER_RECORD_H
#define RC_CONSUMER_RECORD_H

#include <sys/queue.h>

#include "common/domain.h"
#include "common/headers.h"
#include "common/mem.h"
#include "consumer/engine/apply.h"
#include "consumer/rules/parking.h"

typedef struct rc_lane rc_lane_t;
typedef struct rc_site rc_site_t;
typedef struct rc_person rc_person_t;
typedef struct rc_record rc_record_t;
typedef struct rc_engine rc_engine_t;

typedef enum {
    RC_RECORD_WAITING,
    RC_RECORD_READY,
    RC_RECORD_UNDER_WAY,
    RC_RECORD_BARRIER,
    RC_RECORD_LOOKING
} rc_record_state_t;

typedef TAILQ_HEAD(rc_record_queue, rc_record) rc_record_queue_t;

struct rc_record {
    TAILQ_ENTRY(rc_record) of_lane;
    TAILQ_ENTRY(rc_record) of_person;
    TAILQ_ENTRY(rc_record) of_site; /* while READY */
    TAILQ_ENTRY(rc_record) of_part; /* while held back in its partition */
    rc_arena_t *arena;              /* all that follows lives there */
    rc_arena_t *scratch;            /* what the newest state points to; made on first use */
    bool row_is_known;              /* `row` is what the table held at row_edition */
    uint64_t row_edition;
    const rc_snapshot_t *row; /* in `scratch`; NULL: there was none */
    rc_engine_t *engine;
    rc_lane_t *lane;
    uint64_t assignment; /* of the lane, when the record was read; another one now: its partition was given up */
    size_t topic;        /* in the lane: 0 the event topic, 1 + tier a retry topic */
    int32_t partition;
    int64_t offset;
    const void *key;
    size_t key_bytes;
    const void *value; /* NULL: a tombstone, which no event topic should have */
    size_t value_bytes;
    rc_headers_t headers;
    rc_parking_t parking; /* RC_PARKING_INIT from an event topic */
    rc_event_t event;
    rc_person_t *person; /* NULL: not taken by the engine yet */
    rc_site_t *site;
    rc_record_state_t state;
    bool behind_barrier;            /* one was passed since it was read */
    bool is_unseen;                 /* it was started, and no barrier says that the table has what it may have sent */
    bool barrier_asked;             /* its callback holds this record */
    bool judged_forgotten;          /* N as it was read last: nobody has a row of that person (S6) */
    bool given_up;                  /* its partition went: it ends without an outcome, once nobody calls back */
    rc_apply_t *apply;              /* UNDER_WAY */
    rc_loop_timer_t *timer;         /* LOOKING */
    int64_t written_version;        /* of the first look */
    rc_apply_result_t result;       /* BARRIER; its reason is in the arena */
    rc_parking_decision_t decision; /* BARRIER, of a failure */
};

/* Why it lay in a retry topic (rc_park_reason_t); -1: it comes from an event topic. */
static inline int rc_record_parked_before(const rc_record_t *record)
{
    return record->topic == 0 ? -1 : (int)record->parking.reason;
}

static inline bool rc_record_is_from_event_topic(const rc_record_t *record)
{
    return record->topic == 0;
}

#endif
