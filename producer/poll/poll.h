/* One run over an integration: a poll (incremental or full) or a tick of the clock. Fetch, stage, decide, publish
 * (design section 4, "A poll"). Nothing is published before the fetch has ended normally; what was published of a run
 * that then failed is found again by the next. On the integration's worker thread. */
#ifndef RC_PRODUCER_POLL_H
#define RC_PRODUCER_POLL_H

#include <stdatomic.h>

#include "common/codec.h"
#include "common/config.h"
#include "common/metrics.h"
#include "producer/kombo/kombo.h"
#include "producer/poll/publisher.h"
#include "producer/poll/views.h"
#include "producer/rules/brakes.h"

/* What all runs of an integration share. Borrowed. */
typedef struct {
    const rc_config_t *config;
    const rc_integration_t *integration;
    const rc_codec_t *codec;
    rc_metrics_t *metrics;
    rc_views_t *views;
    rc_publisher_t *publisher;
    rc_kombo_t *kombo;
    rc_roll_t *roll; /* this integration's; full polls use it */
    const char *stage_directory;
    int32_t command_partition;
    size_t transaction_employees; /* of whom one transaction holds at most so many */
    const atomic_bool *cancelled; /* the integration is no longer ours, the process ends, or an operator pauses it */
} rc_poll_context_t;

/* Who is this far from Kombo's clock concludes nothing: a day, an hour of a brake or a grace may be wrong. */
enum { RC_POLL_CLOCKS_APART_MS = 30 * 60 * 1000 };

typedef enum { RC_POLL_INCREMENTAL, RC_POLL_FULL, RC_POLL_TICK } rc_poll_kind_t;

/* One run. */
typedef struct {
    rc_poll_kind_t kind; /* INCREMENTAL becomes FULL when it has to be */
    rc_trigger_t trigger;
    rc_wall_t now;                 /* the time that the run goes by */
    const rc_kafka_group_t *group; /* captured before the run began */
    int64_t command_offset;        /* of the command that asks for it; -1: none */
    const char *command_id;        /* likewise; NULL: none */
    bool look_at_everybody;        /* the day has changed, or this process has not looked yet: all stored people too */
    uint32_t resumed;              /* set of 1 << rc_event_type_t: are paused no more */
    const rc_hold_decision_t *decision; /* about a hold; NULL: none */
} rc_poll_order_t;

typedef struct {
    rc_poll_kind_t kind;               /* as it was run */
    rc_wall_t updated_after;           /* an incremental one read what changed since; 0: everybody, or nobody */
    rc_sync_state_t state;             /* as it was published; in the arena */
    rc_wall_t next_look_at;            /* a pending change can be decided again by itself then; 0: none */
    int64_t pending[RC_PENDING_COUNT]; /* pending changes by reason, afterwards */
    bool behind;                       /* the views may lack something of it: catch up before anything else */
    int64_t events[RC_EVENT_COUNT];
} rc_poll_result_t;

/* What became of one person of whom something changed. */
typedef struct {
    const char *employee_id;
    rc_person_t stored; /* what there was; nothing when only a pending record changes */
    rc_diff_t diff;     /* what changed; no events: nothing that could be published */
    rc_obstacles_t obstacles;
    bool publishes;
    rc_snapshot_t after;        /* when it publishes */
    rc_pending_action_t action; /* what happens to the pending record */
    rc_pending_t pending;       /* when it is written */
} rc_settled_t;

/* Runs it. `before` is the integration's state as published last (zeroed, but for the id, when there is none). RC_OK:
 * all is published, followed by the local views, and *result says what. Otherwise as common/kafka and
 * producer/kombo/kombo say: the state is as earlier transactions of the run left it, whose events are published.
 * result->behind is set in any case. A tick needs no Kombo: that people absent cannot be read again does not fail it.
 */
rc_code_t rc_poll_run(const rc_poll_context_t *context, const rc_poll_order_t *order, const rc_sync_state_t *before,
                      rc_arena_t *arena, rc_poll_result_t *result, rc_error_t *error);

/* Like rc_poll_run, but instead of publishing anything it shows `visit` what would be, one person after the other. Of
 * the context the publisher is not needed; nothing is written but a file without a name. Returning false ends it.
 * result->state is as it would be published. */
rc_code_t rc_poll_preview(const rc_poll_context_t *context, const rc_poll_order_t *order, const rc_sync_state_t *before,
                          bool (*visit)(void *opaque, const rc_settled_t *settled), void *opaque, rc_arena_t *arena,
                          rc_poll_result_t *result, rc_error_t *error);

/* Publishes a state alone: of a failed run, or of a command that has no run. *behind as in rc_poll_result_t. */
rc_code_t rc_poll_publish_state(const rc_poll_context_t *context, const rc_kafka_group_t *group,
                                const rc_sync_state_t *state, int64_t command_offset, bool *behind, rc_error_t *error);

#endif
