#include "consumer/engine/barrier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/retry.h"

/* Somebody who waits. */
typedef struct wait {
    TAILQ_ENTRY(wait) link;
    rc_barrier_passed_fn *passed;
    void *opaque;
} wait_t;

typedef TAILQ_HEAD(waits, wait) waits_t;

/* Those who wait for the same places, from the question to the answer. Owned by the loop until it is asked, by the
 * barrier's thread while it asks, then by the tail until it calls back. */
typedef struct group {
    TAILQ_ENTRY(group) link;
    rc_barrier_t *barrier;
    waits_t waits;
    rc_code_t code;
    size_t count;
    rc_tail_target_t targets[];
} group_t;

typedef TAILQ_HEAD(groups, group) groups_t;

struct rc_barrier {
    rc_loop_t *loop;
    rc_kafka_admin_t *admin;
    rc_tail_t *tail;
    const char *const *topics;
    groups_t open; /* loop only: not handed to the thread yet */
    bool asking;   /* loop only: the thread has a question */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    groups_t asked; /* under the mutex: for the thread */
    bool stopping;  /* under the mutex */
    size_t refs;    /* under the mutex: the owner, groups that the tail holds, posts under way */
    bool freed;     /* loop only: callbacks fall silent */
};

enum { ASK_TIMEOUT_MS = 5000, FIRST_DELAY_MS = 50, LAST_DELAY_MS = 2000 };

static void free_group(group_t *group)
{
    wait_t *wait;
    while ((wait = TAILQ_FIRST(&group->waits))) {
        TAILQ_REMOVE(&group->waits, wait, link);
        free(wait);
    }
    free(group);
}

static void drop_groups(groups_t *groups)
{
    group_t *group;
    while ((group = TAILQ_FIRST(groups))) {
        TAILQ_REMOVE(groups, group, link);
        free_group(group);
    }
}

static void hold(rc_barrier_t *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    barrier->refs++;
    pthread_mutex_unlock(&barrier->mutex);
}

static void let_go(rc_barrier_t *barrier)
{
    pthread_mutex_lock(&barrier->mutex);
    bool last = --barrier->refs == 0;
    pthread_mutex_unlock(&barrier->mutex);
    if (!last) return;
    pthread_mutex_destroy(&barrier->mutex);
    pthread_cond_destroy(&barrier->changed);
    free(barrier);
}

/* Loop: the tail passed a group's targets. */
static void deliver(void *opaque)
{
    group_t *group = opaque;
    rc_barrier_t *barrier = group->barrier;
    wait_t *wait;
    while (!barrier->freed && (wait = TAILQ_FIRST(&group->waits))) {
        TAILQ_REMOVE(&group->waits, wait, link);
        wait->passed(wait->opaque, group->code);
        free(wait);
    }
    free_group(group);
    let_go(barrier);
}

/* The tail's thread, or whoever called rc_tail_notify. */
static void tail_passed(void *opaque, rc_code_t code)
{
    group_t *group = opaque;
    group->code = code;
    rc_loop_post(group->barrier->loop, deliver, group);
}

static void notify(rc_barrier_t *barrier, group_t *group)
{
    hold(barrier);
    rc_tail_notify(barrier->tail, group->targets, group->count, tail_passed, group);
}

/* The place among the first `count`; NULL: not there. */
static rc_kafka_offset_t *find_place(rc_kafka_offset_t *places, size_t count, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (places[i].topic == topic && places[i].partition == partition) return &places[i];
    return NULL;
}

/* The ends of all places of all groups in one question, each place once as rc_kafka_admin_ends wants it. */
static rc_code_t ask(rc_barrier_t *barrier, const groups_t *groups, rc_error_t *error)
{
    size_t most = 0, count = 0;
    group_t *group;
    TAILQ_FOREACH(group, groups, link) most += group->count;
    rc_kafka_offset_t *places = rc_calloc(most, sizeof *places);
    TAILQ_FOREACH(group, groups, link)
    for (size_t i = 0; i < group->count; i++) {
        const rc_tail_target_t *target = &group->targets[i];
        if (!find_place(places, count, barrier->topics[target->topic], target->partition))
            places[count++] = (rc_kafka_offset_t){barrier->topics[target->topic], target->partition, 0};
    }
    rc_code_t code = rc_kafka_admin_ends(barrier->admin, places, count, ASK_TIMEOUT_MS, error);
    if (code == RC_OK) {
        TAILQ_FOREACH(group, groups, link)
        for (size_t i = 0; i < group->count; i++) {
            rc_tail_target_t *target = &group->targets[i];
            target->offset = find_place(places, count, barrier->topics[target->topic], target->partition)->offset;
        }
    }
    free(places);
    return code;
}

static void answered(void *opaque);

static bool pause_ms(rc_barrier_t *barrier, int64_t delay_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(delay_ms / 1000);
    until.tv_nsec += (long)(delay_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    pthread_mutex_lock(&barrier->mutex);
    while (!barrier->stopping && pthread_cond_timedwait(&barrier->changed, &barrier->mutex, &until) == 0) continue;
    bool stopping = barrier->stopping;
    pthread_mutex_unlock(&barrier->mutex);
    return !stopping;
}

/* Asks until there is an answer; false: stopping. */
static bool ask_patiently(rc_barrier_t *barrier, const groups_t *groups)
{
    for (int64_t delay_ms = FIRST_DELAY_MS;; delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS)) {
        rc_error_t error = RC_ERROR_INIT;
        if (ask(barrier, groups, &error) == RC_OK) return true;
        rc_log(RC_LEVEL_WARN, "ends of partitions unknown, asking again", RC_LOG_ERR(&error),
               RC_LOG_INT(DELAY, delay_ms));
        if (!pause_ms(barrier, delay_ms)) return false;
    }
}

static void *run(void *opaque)
{
    rc_barrier_t *barrier = opaque;
    (void)pthread_setname_np(pthread_self(), "barrier");
    for (;;) {
        groups_t groups = TAILQ_HEAD_INITIALIZER(groups);
        pthread_mutex_lock(&barrier->mutex);
        while (!barrier->stopping && TAILQ_EMPTY(&barrier->asked))
            pthread_cond_wait(&barrier->changed, &barrier->mutex);
        bool stopping = barrier->stopping;
        TAILQ_CONCAT(&groups, &barrier->asked, link);
        pthread_mutex_unlock(&barrier->mutex);
        if (stopping || !ask_patiently(barrier, &groups)) {
            drop_groups(&groups);
            return NULL;
        }
        group_t *group;
        while ((group = TAILQ_FIRST(&groups))) {
            TAILQ_REMOVE(&groups, group, link);
            notify(barrier, group);
        }
        hold(barrier);
        rc_loop_post(barrier->loop, answered, barrier);
    }
}

/* Loop: hands what gathered meanwhile to the thread. */
static void ask_next(rc_barrier_t *barrier)
{
    if (barrier->asking || TAILQ_EMPTY(&barrier->open)) return;
    barrier->asking = true;
    pthread_mutex_lock(&barrier->mutex);
    TAILQ_CONCAT(&barrier->asked, &barrier->open, link);
    pthread_cond_broadcast(&barrier->changed);
    pthread_mutex_unlock(&barrier->mutex);
}

static void answered(void *opaque)
{
    rc_barrier_t *barrier = opaque;
    barrier->asking = false;
    if (!barrier->freed) ask_next(barrier);
    let_go(barrier);
}

rc_barrier_t *rc_barrier_new(rc_loop_t *loop, rc_kafka_admin_t *admin, rc_tail_t *tail, const char *const *topics)
{
    rc_barrier_t *barrier = rc_zalloc(sizeof *barrier);
    *barrier = (rc_barrier_t){.loop = loop, .admin = admin, .tail = tail, .topics = topics, .refs = 1};
    TAILQ_INIT(&barrier->open);
    TAILQ_INIT(&barrier->asked);
    /* A wall clock that is set back must not prolong a pause. */
    pthread_condattr_t monotonic;
    RC_INVARIANT(pthread_condattr_init(&monotonic) == 0 && pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    RC_INVARIANT(pthread_mutex_init(&barrier->mutex, NULL) == 0 &&
                 pthread_cond_init(&barrier->changed, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
    RC_INVARIANT(pthread_create(&barrier->thread, NULL, run, barrier) == 0);
    return barrier;
}

void rc_barrier_free(rc_barrier_t *barrier)
{
    if (!barrier) return;
    pthread_mutex_lock(&barrier->mutex);
    barrier->stopping = true;
    pthread_cond_broadcast(&barrier->changed);
    pthread_mutex_unlock(&barrier->mutex);
    RC_INVARIANT(pthread_join(barrier->thread, NULL) == 0);
    barrier->freed = true;
    drop_groups(&barrier->open);
    drop_groups(&barrier->asked);
    let_go(barrier);
}

static bool same_places(const group_t *group, const rc_tail_target_t *places, size_t count)
{
    if (group->count != count) return false;
    for (size_t i = 0; i < count; i++)
        if (group->targets[i].topic != places[i].topic || group->targets[i].partition != places[i].partition)
            return false;
    return true;
}

static group_t *new_group(rc_barrier_t *barrier, const rc_tail_target_t *targets, size_t count)
{
    group_t *group = rc_zalloc(sizeof *group + count * sizeof *targets);
    group->barrier = barrier;
    group->count = count;
    TAILQ_INIT(&group->waits);
    for (size_t i = 0; i < count; i++) group->targets[i] = targets[i];
    return group;
}

static void join(group_t *group, rc_barrier_passed_fn *passed, void *opaque)
{
    wait_t *wait = rc_zalloc(sizeof *wait);
    wait->passed = passed;
    wait->opaque = opaque;
    TAILQ_INSERT_TAIL(&group->waits, wait, link);
}

static group_t *find_open(rc_barrier_t *barrier, const rc_tail_target_t *places, size_t count)
{
    group_t *group;
    TAILQ_FOREACH(group, &barrier->open, link)
    if (same_places(group, places, count)) return group;
    return NULL;
}

void rc_barrier_ask(rc_barrier_t *barrier, const rc_tail_target_t *places, size_t count, rc_barrier_passed_fn *passed,
                    void *opaque)
{
    group_t *group = find_open(barrier, places, count);
    if (!group) {
        group = new_group(barrier, places, count);
        TAILQ_INSERT_TAIL(&barrier->open, group, link);
    }
    join(group, passed, opaque);
    ask_next(barrier);
}

void rc_barrier_await(rc_barrier_t *barrier, const rc_tail_target_t *targets, size_t count,
                      rc_barrier_passed_fn *passed, void *opaque)
{
    group_t *group = new_group(barrier, targets, count);
    join(group, passed, opaque);
    notify(barrier, group);
}
