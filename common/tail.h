/* Keeps local tables in step with compacted topics, read_committed, on a thread of its own, and tells others when it
 * has passed an offset. Handles are disposable inside: whatever happens to Kafka, the tail goes on when it can, and
 * says meanwhile why it does not.
 *
 * Passed: everything committed below that offset is in the table and was shown to the hook. Markers of transactions
 * count, so a target can be a high watermark (rc_kafka_admin_ends); an open transaction holds the tail back before its
 * first record, as it must. */
#ifndef RC_COMMON_TAIL_H
#define RC_COMMON_TAIL_H

#include "common/kafka.h"
#include "common/kafka_admin.h"
#include "common/table.h"

typedef struct rc_tail rc_tail_t;

enum { RC_TAIL_TOPICS_MAX = 8 };

typedef struct {
    const char *topic;
    rc_table_t *table; /* NULL: no table; read from the beginning at every start and for every partition gained */
    bool chosen;       /* only the partitions of rc_tail_set_partitions; else all of the topic */
    /* On the tail's thread, for every record before it is in the table; after trouble a record can come again, and
     * offsets can go back. NULL: none. */
    void (*hook)(void *opaque, const rc_kafka_message_t *message);
    /* On the tail's thread, for every record with a usable key: whether it may stand in the table. One that may not is
     * passed over, and what its key had stays; who says so says why. NULL: all may. */
    bool (*wants)(void *opaque, const rc_kafka_message_t *message);
    /* On the tail's thread: the partition is read from the beginning (its rows were deleted), so what the hook built of
     * it is void. `lost`: something was known of it, and what is there now may lack some of that. NULL: none. */
    void (*restarted)(void *opaque, int32_t partition, bool lost);
    void *opaque;
} rc_tail_topic_t;

/* Starts the thread. Borrows kafka and admin (a handle that nobody reads with; may be shared) for its life; copies the
 * topics. `store` holds all the tables; NULL when there are none. Returns new (free with rc_tail_free). */
rc_code_t rc_tail_new(const rc_kafka_t *kafka, rc_kafka_admin_t *admin, rc_store_t *store,
                      const rc_tail_topic_t *topics, size_t count, rc_tail_t **tail, rc_error_t *error);
/* Ends the thread; every waiter ends with RC_CANCELLED. NULL is fine. */
void rc_tail_free(rc_tail_t *tail);

/* Any thread. The partitions of `chosen` topics from now on, all at once. One that is taken away is unknown at once,
 * its waiters end with RC_OWNERSHIP; its rows stay, and are used again when it returns soon enough. */
void rc_tail_set_partitions(rc_tail_t *tail, const int32_t *partitions, size_t count);

typedef struct {
    size_t topic; /* index into the topics given to rc_tail_new */
    int32_t partition;
    int64_t offset; /* to be passed */
} rc_tail_target_t;

/* Any thread. The offset passed so far; -1: not known (yet). Takes a lock for a moment. */
int64_t rc_tail_passed(rc_tail_t *tail, size_t topic, int32_t partition);

/* Any thread but the tail's. Waits until all targets are passed. RC_TIMEOUT (timeout_ms < 0: without end), naming the
 * first that is not; RC_CANCELLED; RC_OWNERSHIP when a target's partition is not tailed. */
rc_code_t rc_tail_wait(rc_tail_t *tail, const rc_tail_target_t *targets, size_t count, int64_t timeout_ms,
                       const atomic_bool *cancelled, rc_error_t *error);

/* Any thread. Calls `passed` exactly once with RC_OK when all targets are passed, RC_OWNERSHIP when one no longer can
 * be, RC_CANCELLED at the end of the tail: on the tail's thread, or on the caller's inside this call when it is known
 * already. `passed` must not block nor call the tail: post to a loop. */
void rc_tail_notify(rc_tail_t *tail, const rc_tail_target_t *targets, size_t count,
                    void (*passed)(void *opaque, rc_code_t code), void *opaque);

typedef struct {
    bool ready;        /* every partition has passed the end that was there when it was started */
    size_t partitions; /* tailed */
    size_t behind;     /* of those, not yet at that end */
    int64_t lag;       /* offsets to the high watermarks, as of at most some seconds ago; -1: unknown */
    rc_error_t error;  /* why it does not go on, or where it is stuck (a transaction hangs); RC_OK: it does */
} rc_tail_progress_t;

/* Any thread. */
void rc_tail_progress(rc_tail_t *tail, rc_tail_progress_t *progress);

/* For tests: how often the ends are looked at (5 s), and after how long without any of the records that are there a
 * partition counts as stuck (30 s). */
void rc_tail_set_pace(rc_tail_t *tail, int64_t look_every_ms, int64_t stuck_ms);

#endif
