/* The thread of one integration: its polls, ticks and commands, one at a time, for as long as this process owns it. A
 * worker that hangs in a request delays no other. */
#ifndef RC_PRODUCER_WORKER_H
#define RC_PRODUCER_WORKER_H

#include "common/domain.h"
#include "common/notify.h"
#include "producer/poll/poll.h"

typedef struct rc_worker rc_worker_t;

/* What every worker of a process needs. Borrowed. */
typedef struct {
    const rc_config_t *config;
    const rc_codec_t *codec;
    rc_metrics_t *metrics;
    rc_views_t *views;
    rc_publisher_t *publisher;
    rc_notify_t *notify; /* NULL: nobody is told */
    char *stage_directory;
    /* On a worker's thread: the process has to end (rc_publisher_write: RC_FENCED). */
    void (*fatal)(void *opaque, const rc_error_t *error);
    void *opaque;
} rc_worker_context_t;

/* `once`, and operators' commands where no producer runs: one command for an integration, whatever is due, and then
 * nothing more. */
typedef struct {
    const rc_command_t *commands; /* one for each integration that is wanted */
    size_t command_count;
    /* They stand on the topic already: each is worked when it is read, so that nobody works it again. */
    bool from_topic;
    /* A service of this instance died and is still a member of the group: take its place, at once. Else the membership
     * is a dynamic one that ends with the process, so that nobody takes it for a service that is about to return. */
    bool in_place_of_service;
    /* On the owner's thread: whether that integration is still to be worked. */
    bool (*is_wanted)(void *opaque, const rc_integration_t *integration);
    /* On the worker's or the owner's thread: how it ended. */
    void (*done)(void *opaque, const rc_integration_t *integration, rc_code_t code, const rc_error_t *error);
    void *opaque;
} rc_once_t;

/* Starts the thread. Copies the group membership, under which all its work is published; `once` may be NULL. Returns
 * new (end with rc_worker_stop, then rc_worker_free). */
rc_worker_t *rc_worker_new(const rc_worker_context_t *context, const rc_integration_t *integration,
                           int32_t command_partition, const rc_kafka_group_t *group, const rc_once_t *once);
/* Tells the thread to end; a request under way is broken off within a tenth of a second. Returns at once. */
void rc_worker_stop(rc_worker_t *worker);
/* Whether its work has ended, so that rc_worker_free does not wait. */
bool rc_worker_has_ended(const rc_worker_t *worker);
/* Waits for the thread's end. NULL is fine. */
void rc_worker_free(rc_worker_t *worker);

/* Hands a command over (copied); its offset is committed with the transaction that finishes it. */
void rc_worker_command(rc_worker_t *worker, const rc_command_t *command, int64_t offset);

#endif
