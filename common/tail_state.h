/* What the tail's thread (common/tail_run.c, common/tail_start.c) shares with its callers (common/tail.c). Private to
 * them. */
#ifndef RC_COMMON_TAIL_STATE_H
#define RC_COMMON_TAIL_STATE_H

#include <pthread.h>

#include "common/kafka_reader.h"
#include "common/tail.h"

/* A partition of a topic. Under the lock what callers see; the rest belongs to the tail's thread. */
typedef struct {
    /* under the lock */
    bool wanted;
    int64_t passed; /* -1: not known */
    int64_t end;    /* high watermark as of the last look; -1: never looked */
    bool ready;     /* has passed the end that was there when it was started */
    bool stuck;     /* there is more, and nothing of it has come for a while */
    /* of the thread */
    bool reading;
    bool verifying; /* the witness has not been seen yet: this may be another life of the topic */
    int64_t witness_offset;
    int64_t witness_time_ms;
    uint64_t witness_key;
    int64_t next;             /* behind the last record or marker that was read; everything below is applied */
    int64_t first_end;        /* of `ready` */
    bool at_end;              /* nothing lay behind `next` when it was read */
    int64_t still_at;         /* `next` as of a look at the ends, */
    rc_mono_t still_since;    /* and since when it is that */
    bool touched;             /* by the events at hand */
    const char *void_because; /* what was read of it so far is of no use: begin again; NULL: fine */
    rc_wall_t caught_up_saved;
} rc_tail_part_t;

/* Somebody who waits for offsets to be passed. */
typedef struct rc_tail_waiter {
    struct rc_tail_waiter *next;
    rc_tail_target_t *targets;
    size_t count;
    size_t met; /* targets[0 .. met) are passed */
    bool ended; /* `code` says how */
    rc_code_t code;
    void (*passed)(void *opaque, rc_code_t code); /* NULL: a thread waits on `moved`, and frees it */
    void *opaque;
} rc_tail_waiter_t;

struct rc_tail {
    const rc_kafka_t *kafka;
    rc_kafka_admin_t *admin;
    rc_store_t *store;
    rc_tail_topic_t topics[RC_TAIL_TOPICS_MAX];
    size_t topic_count;
    int32_t partitions; /* of every topic */
    pthread_t thread;

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t moved; /* a waiter ended, the tail stops, or the wanted partitions changed */
    rc_tail_part_t *parts[RC_TAIL_TOPICS_MAX];
    rc_tail_waiter_t *waiters;
    rc_kafka_reader_t *reader; /* to be woken; NULL between handles */
    rc_error_t error;          /* why it does not go on */
    int64_t look_every_ms;     /* at the ends */
    int64_t stuck_ms;          /* what "a while" is */
    bool changed;              /* wanted partitions */
    bool stopping;
};

/* The thread. */
void *rc_tail_run(void *tail);

/* The tail's thread, without the lock: starts and stops partitions until what is read is what is wanted. */
rc_code_t rc_tail_follow_wishes(rc_tail_t *tail, rc_kafka_reader_t *reader, rc_error_t *error);
/* The tail's thread, without the lock: lets everybody see how far the touched partitions are. */
void rc_tail_publish(rc_tail_t *tail);

/* With the lock held: looks at every waiter again; those that ended are marked. */
void rc_tail_judge(rc_tail_t *tail);
/* Without the lock: calls those that are marked and want a call. */
void rc_tail_call_ended(rc_tail_t *tail);

#endif
