#include "common/tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/tail_state.h"

enum {
    LOOK_MS = 100,
    LOOK_EVERY_MS = 5000, /* at the ends, for lag */
    STUCK_MS = 30000
};

rc_code_t rc_tail_new(const rc_kafka_t *kafka, rc_kafka_admin_t *admin, rc_store_t *store,
                      const rc_tail_topic_t *topics, size_t count, rc_tail_t **out, rc_error_t *error)
{
    RC_INVARIANT(count > 0 && count <= RC_TAIL_TOPICS_MAX);
    rc_tail_t *tail = rc_zalloc(sizeof *tail);
    tail->kafka = kafka;
    tail->admin = admin;
    tail->store = store;
    tail->topic_count = count;
    tail->partitions = rc_kafka_config(kafka)->kafka.partitions;
    tail->error = RC_ERROR_INIT;
    tail->look_every_ms = LOOK_EVERY_MS;
    tail->stuck_ms = STUCK_MS;
    for (size_t i = 0; i < count; i++) {
        tail->topics[i] = topics[i];
        tail->topics[i].topic = rc_strdup(topics[i].topic);
        tail->parts[i] = rc_calloc((size_t)tail->partitions, sizeof **tail->parts);
        for (int32_t p = 0; p < tail->partitions; p++)
            tail->parts[i][p] = (rc_tail_part_t){.wanted = !topics[i].chosen, .passed = -1, .end = -1};
    }
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&tail->moved, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&tail->lock, NULL);
    int failed = pthread_create(&tail->thread, NULL, rc_tail_run, tail);
    if (failed) RC_DIE("no thread for the tail: %s", strerror(failed));
    (void)error;
    *out = tail;
    return RC_OK;
}

void rc_tail_free(rc_tail_t *tail)
{
    if (!tail) return;
    pthread_mutex_lock(&tail->lock);
    tail->stopping = true;
    rc_tail_judge(tail);
    if (tail->reader) rc_kafka_reader_wake(tail->reader);
    pthread_cond_broadcast(&tail->moved);
    pthread_mutex_unlock(&tail->lock);
    (void)pthread_join(tail->thread, NULL);
    RC_INVARIANT(!tail->waiters); /* no thread may still wait */
    for (size_t i = 0; i < tail->topic_count; i++) {
        free((char *)(uintptr_t)tail->topics[i].topic);
        free(tail->parts[i]);
    }
    pthread_cond_destroy(&tail->moved);
    pthread_mutex_destroy(&tail->lock);
    free(tail);
}

void rc_tail_set_partitions(rc_tail_t *tail, const int32_t *partitions, size_t count)
{
    bool *wanted = rc_calloc((size_t)tail->partitions, sizeof *wanted);
    for (size_t i = 0; i < count; i++) {
        RC_INVARIANT(partitions[i] >= 0 && partitions[i] < tail->partitions);
        wanted[partitions[i]] = true;
    }
    pthread_mutex_lock(&tail->lock);
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; tail->topics[t].chosen && p < tail->partitions; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            part->wanted = wanted[p];
            if (wanted[p]) continue;
            part->passed = part->end = -1;
            part->ready = false;
        }
    tail->changed = true;
    rc_tail_judge(tail);
    if (tail->reader) rc_kafka_reader_wake(tail->reader);
    pthread_cond_broadcast(&tail->moved);
    pthread_mutex_unlock(&tail->lock);
    free(wanted);
}

int64_t rc_tail_passed(rc_tail_t *tail, size_t topic, int32_t partition)
{
    RC_INVARIANT(topic < tail->topic_count && partition >= 0 && partition < tail->partitions);
    pthread_mutex_lock(&tail->lock);
    int64_t passed = tail->parts[topic][partition].passed;
    pthread_mutex_unlock(&tail->lock);
    return passed;
}

/* --- waiting --- */

static void judge(const rc_tail_t *tail, rc_tail_waiter_t *waiter)
{
    bool lost = false;
    for (size_t i = waiter->met; i < waiter->count && !lost; i++)
        lost = !tail->parts[waiter->targets[i].topic][waiter->targets[i].partition].wanted;
    while (!lost && waiter->met < waiter->count) {
        const rc_tail_target_t *target = &waiter->targets[waiter->met];
        int64_t passed = tail->parts[target->topic][target->partition].passed;
        if (passed < 0 || passed < target->offset) break;
        waiter->met++;
    }
    bool met = waiter->met == waiter->count;
    waiter->ended = lost || met || tail->stopping;
    waiter->code = lost ? RC_OWNERSHIP : met ? RC_OK : RC_CANCELLED;
}

void rc_tail_judge(rc_tail_t *tail)
{
    bool woken = false;
    for (rc_tail_waiter_t *waiter = tail->waiters; waiter; waiter = waiter->next) {
        if (!waiter->ended) judge(tail, waiter);
        woken = woken || (waiter->ended && !waiter->passed);
    }
    if (woken) pthread_cond_broadcast(&tail->moved);
}

void rc_tail_call_ended(rc_tail_t *tail)
{
    rc_tail_waiter_t *ended = NULL, **end = &ended;
    pthread_mutex_lock(&tail->lock);
    for (rc_tail_waiter_t **link = &tail->waiters; *link;) {
        rc_tail_waiter_t *waiter = *link;
        if (!waiter->ended || !waiter->passed) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->next = NULL;
        *end = waiter;
        end = &waiter->next;
    }
    pthread_mutex_unlock(&tail->lock);
    while (ended) { /* without the lock, in the order of the calls */
        rc_tail_waiter_t *waiter = ended;
        ended = waiter->next;
        waiter->passed(waiter->opaque, waiter->code);
        free(waiter->targets);
        free(waiter);
    }
}

/* With the lock held. Links the waiter unless it has ended already. */
static void enlist(rc_tail_t *tail, rc_tail_waiter_t *waiter, const rc_tail_target_t *targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        RC_INVARIANT(targets[i].topic < tail->topic_count && targets[i].partition >= 0 &&
                     targets[i].partition < tail->partitions);
    waiter->count = count;
    waiter->targets = rc_calloc(count, sizeof *targets);
    if (count) memcpy(waiter->targets, targets, count * sizeof *targets);
    judge(tail, waiter);
    rc_tail_waiter_t **link = &tail->waiters;
    while (*link) link = &(*link)->next;
    if (!waiter->ended) *link = waiter;
}

static void delist(rc_tail_t *tail, const rc_tail_waiter_t *waiter)
{
    for (rc_tail_waiter_t **link = &tail->waiters; *link; link = &(*link)->next)
        if (*link == waiter) {
            *link = waiter->next;
            return;
        }
}

static void wait_until(rc_tail_t *tail, int64_t until_ms)
{
    const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    (void)pthread_cond_timedwait(&tail->moved, &tail->lock, &until);
}

rc_code_t rc_tail_wait(rc_tail_t *tail, const rc_tail_target_t *targets, size_t count, int64_t timeout_ms,
                       const atomic_bool *cancelled, rc_error_t *error)
{
    int64_t now_ms = rc_mono_now().ms, deadline_ms = timeout_ms < 0 ? INT64_MAX : now_ms + timeout_ms;
    rc_tail_waiter_t waiter = {0};
    bool over = false;
    pthread_mutex_lock(&tail->lock);
    enlist(tail, &waiter, targets, count);
    while (!waiter.ended && !over) {
        wait_until(tail, now_ms + LOOK_MS < deadline_ms ? now_ms + LOOK_MS : deadline_ms);
        now_ms = rc_mono_now().ms;
        over = now_ms >= deadline_ms || (cancelled && atomic_load(cancelled));
    }
    delist(tail, &waiter);
    const rc_tail_target_t *open = waiter.met < count ? &waiter.targets[waiter.met] : NULL;
    int64_t passed = open ? tail->parts[open->topic][open->partition].passed : -1;
    rc_error_t trouble = tail->error;
    pthread_mutex_unlock(&tail->lock);

    rc_code_t code = waiter.ended ? waiter.code : now_ms >= deadline_ms ? RC_TIMEOUT : RC_CANCELLED;
    if (code == RC_OWNERSHIP)
        (void)rc_error_set(error, code, RC_REJECT, "a partition is no longer ours");
    else if (code == RC_CANCELLED)
        (void)rc_error_set(error, code, RC_STOPPED, "ended while waiting for the local tables");
    else if (code == RC_TIMEOUT && open)
        (void)rc_error_set(error, code, RC_RETRY, "%s, partition %d is read up to %lld, not yet to %lld%s%s",
                           tail->topics[open->topic].topic, (int)open->partition, (long long)passed,
                           (long long)open->offset, trouble.code ? ": " : "", trouble.code ? trouble.message : "");
    free(waiter.targets);
    return code;
}

void rc_tail_notify(rc_tail_t *tail, const rc_tail_target_t *targets, size_t count,
                    void (*passed)(void *opaque, rc_code_t code), void *opaque)
{
    rc_tail_waiter_t *waiter = rc_zalloc(sizeof *waiter);
    waiter->passed = passed;
    waiter->opaque = opaque;
    pthread_mutex_lock(&tail->lock);
    enlist(tail, waiter, targets, count);
    bool ended = waiter->ended;
    pthread_mutex_unlock(&tail->lock);
    if (!ended) return; /* the tail's thread frees it */
    passed(opaque, waiter->code);
    free(waiter->targets);
    free(waiter);
}

void rc_tail_set_pace(rc_tail_t *tail, int64_t look_every_ms, int64_t stuck_ms)
{
    pthread_mutex_lock(&tail->lock);
    tail->look_every_ms = look_every_ms;
    tail->stuck_ms = stuck_ms;
    pthread_mutex_unlock(&tail->lock);
}

void rc_tail_progress(rc_tail_t *tail, rc_tail_progress_t *progress)
{
    *progress = (rc_tail_progress_t){0};
    pthread_mutex_lock(&tail->lock);
    progress->error = tail->error;
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++) {
            const rc_tail_part_t *part = &tail->parts[t][p];
            if (!part->wanted) continue;
            progress->partitions++;
            if (!part->ready) progress->behind++;
            if (part->end < 0 || part->passed < 0) progress->lag = -1;
            if (progress->lag >= 0 && part->end > part->passed) progress->lag += part->end - part->passed;
            if (part->stuck && !progress->error.code)
                (void)rc_error_set(&progress->error, RC_KAFKA, RC_RETRY,
                                   "%s, partition %d stands still at %lld of %lld: a transaction hangs there; "
                                   "docs/operations.md, \"A partition stands still\", says how it is ended",
                                   tail->topics[t].topic, (int)p, (long long)part->passed, (long long)part->end);
        }
    progress->ready = progress->behind == 0;
    pthread_mutex_unlock(&tail->lock);
}
