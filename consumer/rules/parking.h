/* Where a record goes that could not be finished: which retry tier, the dead letters, or memory (design section 5,
 * "Parking"). The reasons are those of common/headers. Transient and unanswered records repeat the last tier for ever;
 * only what the service rejects, or what stays in conflict, ends in the dead letters. Pure; any thread. */
#ifndef RC_CONSUMER_PARKING_H
#define RC_CONSUMER_PARKING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/headers.h"
#include "consumer/rules/outcome.h"

typedef enum {
    RC_PARKING_TIER,        /* into the retry topic `tier` */
    RC_PARKING_DEAD_LETTER, /* if consumer/rules/budget allows it */
    RC_PARKING_HOLD,        /* in memory, until gate, breaker or pause let it go */
    RC_PARKING_FINISH       /* as WITHOUT_MANAGER */
} rc_parking_kind_t;

typedef struct {
    rc_parking_kind_t kind;
    size_t tier;             /* index into consumer.retry_delays */
    int attempts;            /* header of the parked record: counted attempts so far */
    rc_park_reason_t reason; /* header */
    bool unanswered;         /* header */
} rc_parking_decision_t;

typedef struct {
    rc_class_t class;
    int attempts;     /* counted ones before this one: the header's; 0 from an event topic */
    int before;       /* rc_park_reason_t of the header; -1: from an event topic */
    size_t tiers;     /* consumer.retry_delays_count, at least 1 */
    bool unanswered;  /* a write of this attempt, or of an earlier one that is still in question */
    bool moved_aside; /* rc_apply_result_t */
    bool memory_full; /* the integration's cap of records held in memory is reached */
} rc_parking_input_t;

/* What failed (rc_apply_result_t.class). UNKNOWN_MANAGER stands for a record that is done except for its manager. */
rc_parking_decision_t rc_parking_decide(const rc_parking_input_t *input);
/* To *created*, in the first tier, as a first attempt there. */
rc_parking_decision_t rc_parking_hand_over(void);
/* An unknown schema or integration: the last tier, uncounted (reason: UNKNOWN_SCHEMA or UNKNOWN_INTEGRATION). */
rc_parking_decision_t rc_parking_unknown(rc_park_reason_t reason, int attempts, size_t tiers);
/* Bytes that nothing reads: dead letter. */
rc_parking_decision_t rc_parking_poison(int attempts);

/* When the head of a retry topic is due: at its not_before, but whatever a header says, not later than the topic's
 * delay from when it was read: nobody stands in front of others for longer. */
rc_wall_t rc_parking_due(rc_wall_t not_before, rc_wall_t read_at, int64_t delay_ms);

#endif
