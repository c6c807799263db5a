/* What operators ask a worker for. */
#include "common/log.h"
#include "common/text.h"
#include "producer/service/worker_state.h"

enum {
    UNANSWERED_WAIT_MS = 2000, /* before a command is tried again */
    ANSWER_MS = 5000           /* of a command's time are left for the answer */
};

rc_worker_then_t rc_worker_refuse(rc_worker_t *worker, const rc_job_t *job, const rc_error_t *why)
{
    rc_arena_t *arena = rc_arena_new();
    rc_sync_state_t state;
    rc_error_t error = RC_ERROR_INIT;
    bool answered = rc_worker_load_state(worker, arena, &state, &error) == RC_OK &&
                    rc_worker_publish_state(worker, &state, job, why);
    rc_arena_free(arena);
    return answered ? RC_WORKER_NEXT : RC_WORKER_AGAIN;
}

static rc_worker_then_t run_for(rc_worker_t *worker, rc_job_t *job, rc_poll_order_t *order)
{
    rc_code_t code;
    rc_error_t error = RC_ERROR_INIT;
    order->trigger = job->command.trigger;
    return rc_worker_do_run(worker, order, job, &code, &error);
}

/* No type named: all of them. */
static uint32_t events_of(const rc_command_t *command)
{
    return command->events ? command->events : (1U << RC_EVENT_COUNT) - 1;
}

static rc_worker_then_t pause_events(rc_worker_t *worker, rc_job_t *job)
{
    rc_arena_t *arena = rc_arena_new();
    rc_sync_state_t state;
    rc_error_t error = RC_ERROR_INIT;
    bool answered = rc_worker_load_state(worker, arena, &state, &error) == RC_OK;
    if (answered) {
        state.paused |= events_of(&job->command);
        answered = rc_worker_publish_state(worker, &state, job, NULL);
    }
    rc_arena_free(arena);
    return answered ? RC_WORKER_NEXT : RC_WORKER_AGAIN;
}

/* Whatever waited because of the pause is decided at once. */
static rc_worker_then_t resume_events(rc_worker_t *worker, rc_job_t *job)
{
    rc_poll_order_t order = {.kind = RC_POLL_TICK, .resumed = events_of(&job->command)};
    return run_for(worker, job, &order);
}

static const rc_hold_t *find_hold(const rc_sync_state_t *state, const char *hold_id)
{
    for (size_t i = 0; i < state->hold_count; i++)
        if (rc_text_equal(state->holds[i].id, hold_id)) return &state->holds[i];
    return NULL;
}

static rc_worker_then_t refuse_decision(rc_worker_t *worker, rc_arena_t *arena, const rc_job_t *job,
                                        const rc_sync_state_t *state)
{
    rc_error_t why = RC_ERROR_INIT;
    const char *open = "none";
    for (size_t i = 0; i < state->hold_count; i++)
        open = i ? rc_arena_sprintf(arena, "%s, %s", open, state->holds[i].id) : state->holds[i].id;
    (void)rc_error_set(&why, RC_NOT_FOUND, RC_REJECT, "there is no hold %s (any more); open are: %s",
                       job->command.hold_id ? job->command.hold_id : "\"\"", open);
    return rc_worker_refuse(worker, job, &why);
}

/* Approves or rejects a hold. */
static rc_worker_then_t decide_hold(rc_worker_t *worker, rc_job_t *job)
{
    rc_arena_t *arena = rc_arena_new();
    rc_sync_state_t state;
    rc_error_t error = RC_ERROR_INIT;
    rc_worker_then_t then = RC_WORKER_AGAIN;
    if (rc_worker_load_state(worker, arena, &state, &error) != RC_OK) goto cleanup;
    if (!find_hold(&state, job->command.hold_id)) {
        then = refuse_decision(worker, arena, job, &state);
        goto cleanup;
    }
    const rc_hold_decision_t decision = {.hold_id = job->command.hold_id,
                                         .approve = job->command.kind == RC_COMMAND_APPROVE,
                                         .listed_at = job->command.listed_at};
    rc_poll_order_t order = {.kind = RC_POLL_TICK, .decision = &decision};
    then = run_for(worker, job, &order);
cleanup:
    rc_arena_free(arena);
    return then;
}

static rc_worker_then_t refuse_unknown(rc_worker_t *worker, const rc_job_t *job)
{
    rc_error_t why = RC_ERROR_INIT;
    (void)rc_error_set(&why, RC_USAGE, RC_REJECT, "this release does not know the command %s",
                       rc_enum_str(&RC_ENUM_COMMAND, (int)job->command.kind));
    return rc_worker_refuse(worker, job, &why);
}

/* The pause that broke a run off has its turn. */
static void end_interruption(rc_worker_t *worker)
{
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->interrupted, rc_worker_is_stopping(worker));
    pthread_mutex_unlock(&worker->mutex);
}

rc_worker_then_t rc_worker_do_command(rc_worker_t *worker, rc_job_t *job)
{
    rc_wall_t now = rc_wall_now();
    if (job->command.kind == RC_COMMAND_PAUSE) end_interruption(worker);
    if (!job->patient_until.ms) {
        int64_t until_ms = now.ms + worker->context->config->producer.http_timeout_ms;
        int64_t last_ms = job->command.expires_at.ms - ANSWER_MS;
        job->patient_until = (rc_wall_t){until_ms < last_ms ? until_ms : last_ms};
    }
    job->again_at = (rc_wall_t){now.ms + UNANSWERED_WAIT_MS};
    if (job->command.expires_at.ms < now.ms) { /* while it waited here */
        rc_publisher_command_finished(worker->context->publisher, worker->command_partition, job->offset);
        return RC_WORKER_NEXT;
    }
    rc_poll_order_t poll = {.kind = job->command.kind == RC_COMMAND_FULL_POLL ? RC_POLL_FULL : RC_POLL_INCREMENTAL};
    switch (job->command.kind) {
    case RC_COMMAND_POLL:
    case RC_COMMAND_FULL_POLL:
        return run_for(worker, job, &poll);
    case RC_COMMAND_APPROVE:
    case RC_COMMAND_REJECT:
        return decide_hold(worker, job);
    case RC_COMMAND_PAUSE:
        return pause_events(worker, job);
    case RC_COMMAND_RESUME:
        return resume_events(worker, job);
    case RC_COMMAND_RESYNC:
        return rc_worker_resync(worker, job);
    case RC_COMMAND_FORGET:
        return rc_worker_forget(worker, job);
    default:
        return refuse_unknown(worker, job);
    }
}
