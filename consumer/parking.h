/* Where a record goes that could not be finished: which retry tier, the dead letters, or memory (design section 5,
 * "Parking"). Transient and unanswered records repeat the last tier for ever; only what the service rejects, or what
 * stays in conflict, ends in the dead letters. Pure; any thread. */
#ifndef RC_CONSUMER_PARKING_H
#define RC_CONSUMER_PARKING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/domain.h"
#include "consumer/outcome.h"

/* Header values of retry and dead-letter records, and labels of metrics. */
/* clang-format off */
#define RC_PARK_REASONS(X, T) \
    X(T, TRANSIENT, "TRANSIENT") X(T, UNANSWERED, "UNANSWERED") X(T, CONFLICT, "CONFLICT") X(T, REPLACED, "REPLACED") \
    X(T, TEAM, "TEAM") X(T, MANAGER, "MANAGER") X(T, HANDED_OVER, "HANDED_OVER") X(T, HELD, "HELD") \
    X(T, UNKNOWN_INTEGRATION, "UNKNOWN_INTEGRATION") X(T, UNKNOWN_SCHEMA, "UNKNOWN_SCHEMA") \
    X(T, REJECTED, "REJECTED") X(T, IDENTITY_CONFLICT, "IDENTITY_CONFLICT") X(T, POISON, "POISON")
/* clang-format on */
typedef enum { RC_PARK_REASONS(RC_ENUM_MEMBER, PARK) } rc_park_reason_t;
enum { RC_PARK_COUNT = 0 RC_PARK_REASONS(RC_ENUM_COUNT, _) };
extern const rc_enum_t RC_ENUM_PARK;

typedef enum {
    RC_PARKING_TIER,        /* into the retry topic `tier` */
    RC_PARKING_DEAD_LETTER, /* if consumer/budget allows it */
    RC_PARKING_HOLD,        /* in memory, until gate, breaker or pause let it go */
    RC_PARKING_FINISH       /* as WITHOUT_MANAGER */
} rc_parking_kind_t;

typedef struct {
    rc_parking_kind_t kind;
    size_t tier;             /* index into consumer.retry_delays */
    int attempts;            /* header of the parked record: counted attempts so far */
    rc_park_reason_t reason; /* header */
    bool unanswered;         /* header */
} rc_parking_t;

typedef struct {
    rc_class_t class;
    int attempts;     /* counted ones before this one: the header's; 0 from an event topic */
    size_t tiers;     /* consumer.retry_delays_count, at least 1 */
    bool unanswered;  /* a write of this attempt, or of an earlier one that is still in question */
    bool moved_aside; /* rc_apply_result_t */
    bool memory_full; /* the integration's cap of records held in memory is reached */
} rc_parking_input_t;

/* What failed (rc_apply_result_t.class). UNKNOWN_MANAGER stands for a record that is done except for its manager. */
rc_parking_t rc_parking_decide(const rc_parking_input_t *input);
/* To *created*, in the first tier, as a first attempt there. */
rc_parking_t rc_parking_hand_over(void);
/* An unknown schema or integration: the last tier, uncounted (reason: UNKNOWN_SCHEMA or UNKNOWN_INTEGRATION). */
rc_parking_t rc_parking_unknown(rc_park_reason_t reason, int attempts, size_t tiers);
/* Bytes that nothing reads: dead letter. */
rc_parking_t rc_parking_poison(int attempts);

#endif
