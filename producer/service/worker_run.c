/* A run of the worker, and what follows from its end: the published state, the metrics, when the next is due. */
#include <limits.h>
#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "common/random.h"
#include "common/text.h"
#include "producer/kombo/kombo_error.h"
#include "producer/service/gauges.h"
#include "producer/service/worker_state.h"

enum {
    TRANSACTION_EMPLOYEES = 10000, /* design section 4, "Publish" */
    WEBHOOK_PAUSE_MS = 5000,       /* between two polls for webhooks */
    CLOCK_STEP_MS = 1000           /* less is the drift of a clock that is kept right */
};

rc_poll_context_t rc_worker_poll_context(rc_worker_t *worker)
{
    const rc_worker_context_t *context = worker->context;
    return (rc_poll_context_t){.config = context->config,
                               .integration = worker->integration,
                               .codec = context->codec,
                               .metrics = context->metrics,
                               .views = context->views,
                               .publisher = context->publisher,
                               .kombo = worker->kombo,
                               .roll = worker->roll,
                               .stage_directory = context->stage_directory,
                               .command_partition = worker->command_partition,
                               .transaction_employees = TRANSACTION_EMPLOYEES,
                               .cancelled = &worker->interrupted};
}

static void show_state(rc_worker_t *worker, const rc_sync_state_t *state)
{
    worker->shown = true;
    rc_gauges_set_state(worker->context->metrics, worker->integration, state);
}

/* A topic of the views was made anew or cut, now or while no producer ran: who is missing there would be missed with
 * the next full poll only, and somebody who leaves before it would not be known any more. */
static rc_code_t look_for_losses(rc_worker_t *worker, const rc_sync_state_t *state, rc_error_t *error)
{
    rc_views_t *views = worker->context->views;
    uint64_t losses = rc_views_losses(views);
    int64_t published = 0;
    if (worker->counted && losses == worker->losses) return RC_OK;
    rc_code_t code = rc_views_published(views, worker->integration->id, &published, error);
    if (code != RC_OK) return code;
    if (losses != worker->losses || published < state->announced) {
        worker->reads_everybody = true;
        rc_log(RC_LEVEL_WARN, "what was published is not all there any more; everybody is read anew",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_INT(EMPLOYEES, published));
    }
    worker->counted = true;
    worker->losses = losses;
    return RC_OK;
}

rc_code_t rc_worker_load_state(rc_worker_t *worker, rc_arena_t *arena, rc_sync_state_t *state, rc_error_t *error)
{
    bool found;
    uint64_t life = rc_views_life(worker->context->views);
    if (worker->catch_up || life != worker->views_life) {
        rc_code_t code = rc_views_catch_up(worker->context->views, &worker->stopping, error);
        if (code != RC_OK) return code;
        worker->catch_up = false;
        worker->views_life = life;
    }
    rc_code_t code = rc_views_state(worker->context->views, worker->integration->id, arena, state, &found, error);
    if (code != RC_OK) return code;
    if (!found) *state = (rc_sync_state_t){.integration_id = worker->integration->id};
    if (!worker->shown) show_state(worker, state);
    return look_for_losses(worker, state, error);
}

static void log_result(const rc_worker_t *worker, const rc_poll_result_t *result, rc_mono_t began)
{
    int64_t events = 0;
    for (int i = 0; i < RC_EVENT_COUNT; i++) events += result->events[i];
    if (result->kind == RC_POLL_TICK && events == 0) return;
    rc_log(RC_LEVEL_INFO, result->kind == RC_POLL_TICK ? "tick finished" : "poll finished",
           RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_BOOL(FULL, result->kind == RC_POLL_FULL),
           RC_LOG_INT(READ, result->kind == RC_POLL_TICK ? 0 : result->state.last_poll.read),
           RC_LOG_INT(EVENTS, events), RC_LOG_INT(DURATION, rc_mono_now().ms - began.ms));
}

static void note_success(rc_worker_t *worker, const rc_poll_order_t *order, const rc_poll_result_t *result)
{
    if (result->kind != RC_POLL_TICK) {
        worker->failures = worker->own_failures = 0;
        worker->retry_at = (rc_wall_t){0};
        worker->told = RC_STATE_OK;
        worker->clock_doubted = false;
        worker->backs_off = false;
    }
    worker->tick_failures = 0;
    worker->tick_at = (rc_wall_t){0};
    worker->next_look_at = result->next_look_at;
    if (result->kind == RC_POLL_FULL) worker->reads_everybody = false;
    if (result->kind == RC_POLL_FULL || order->look_at_everybody)
        worker->looked_on = rc_zone_date(worker->integration->zone, order->now);
    show_state(worker, &result->state);
    rc_gauges_set_pending(worker->context->metrics, worker->integration->id, result->pending);
}

rc_integration_state_t rc_worker_state_of(const rc_error_t *error)
{
    return error->code == RC_NEEDS_CUSTOMER ? RC_STATE_NEEDS_CUSTOMER
           : error->code == RC_MISCONFIGURED || (error->code == RC_CLOCK && error->disposition == RC_REJECT)
               ? RC_STATE_MISCONFIGURED
               : RC_STATE_RETRYING;
}

bool rc_worker_publish_state(rc_worker_t *worker, rc_sync_state_t *state, const rc_job_t *job,
                             const rc_error_t *failure)
{
    const rc_poll_context_t context = rc_worker_poll_context(worker);
    rc_error_t error = RC_ERROR_INIT;
    if (job) {
        state->last_command_id = job->command.id;
        state->last_command_ok = !failure;
        state->last_command_message = failure ? failure->message : NULL;
    }
    bool behind = false;
    rc_code_t code = rc_poll_publish_state(&context, worker->group, state, job ? job->offset : -1, &behind, &error);
    worker->catch_up |= behind;
    if (code != RC_OK && code != RC_CANCELLED && code != RC_OWNERSHIP)
        rc_log(RC_LEVEL_WARN, "the state of an integration could not be published",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_ERR(&error));
    return code == RC_OK;
}

/* At the transition into the state, as published: not at each poll, nor after a restart. */
static void tell_people(rc_worker_t *worker, rc_integration_state_t before, const rc_sync_state_t *state)
{
    bool needs_customer = state->state == RC_STATE_NEEDS_CUSTOMER;
    if (!needs_customer && state->state != RC_STATE_MISCONFIGURED) return;
    bool known = state->state == before || state->state == worker->told; /* trouble that passes lay between */
    worker->told = state->state;
    if (known) return;
    const rc_notice_t notice = {.kind = needs_customer ? RC_NOTIFY_NEEDS_CUSTOMER : RC_NOTIFY_MISCONFIGURED,
                                .integration_id = worker->integration->id,
                                .reason = state->reason};
    rc_notify(worker->context->notify, &notice);
}

/* A failed poll changes nothing but the state, which says so. The state is read again: a part of the poll may be
 * published, or even all of it. With a command, that is finished with the failure. False: it was not answered. */
static bool answer_failure(rc_worker_t *worker, const rc_error_t *failure, const rc_job_t *job, rc_wall_t began_at)
{
    rc_arena_t *arena = rc_arena_new();
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t state;
    bool answered = false;
    if (rc_worker_load_state(worker, arena, &state, &error) != RC_OK) goto cleanup;
    bool done = state.last_poll.started_at.ms == began_at.ms;
    if (done && (!job || rc_text_equal(state.last_command_id, job->command.id))) {
        if (job) rc_publisher_command_finished(worker->context->publisher, worker->command_partition, job->offset);
        worker->failures = 0;
        worker->retry_at = (rc_wall_t){0};
        answered = true;
        goto cleanup;
    }
    rc_integration_state_t published = state.state;
    state.state = rc_worker_state_of(failure);
    state.reason = failure->message;
    state.failures = worker->failures;
    state.next_poll_at = worker->retry_at;
    if (RC_MUTANT(WATERMARK_MOVED)) state.watermark = began_at;
    show_state(worker, &state);
    answered = rc_worker_publish_state(worker, &state, job, failure);
    if (answered) tell_people(worker, published, &state);
cleanup:
    rc_arena_free(arena);
    return answered;
}

bool rc_worker_is_the_end(rc_worker_t *worker, const rc_error_t *error)
{
    if (error->code == RC_FENCED && error->disposition == RC_FATAL) {
        worker->context->fatal(worker->context->opaque, error);
        return true;
    }
    if (error->code == RC_OWNERSHIP)
        rc_log(RC_LEVEL_INFO, "an integration is another producer's now; what was under way is left to it",
               RC_LOG_STR(INTEGRATION, worker->integration->id));
    return error->code == RC_OWNERSHIP || rc_worker_is_stopping(worker);
}

static void note_failure(rc_worker_t *worker, rc_poll_kind_t kind, int64_t known_failures, rc_job_t *job,
                         const rc_error_t *error)
{
    bool tick = kind == RC_POLL_TICK;
    if (error->code == RC_CLOCK) worker->clock_doubted = true;
    int *failures = tick ? &worker->tick_failures : &worker->failures;
    if (!tick && known_failures > *failures) *failures = known_failures < INT_MAX / 2 ? (int)known_failures : 0;
    ++*failures;
    worker->own_failures += !tick;
    if (job) job->failures++;
    if (!tick) worker->backs_off = rc_worker_state_of(error) == RC_STATE_RETRYING;
    /* Who waits for a poll has little time: the pauses of those before it are not its own. */
    int counted = worker->once ? worker->own_failures : job ? job->failures : *failures;
    int64_t delay_ms =
        rc_kombo_error_delay_ms(error, counted, worker->integration->kombo.poll_interval_ms, rc_random64());
    *(tick ? &worker->tick_at : &worker->retry_at) = (rc_wall_t){rc_wall_now().ms + delay_ms};
    rc_log(RC_LEVEL_WARN, tick ? "tick failed" : "poll failed", RC_LOG_STR(INTEGRATION, worker->integration->id),
           RC_LOG_ERR(error), RC_LOG_INT(DELAY, delay_ms));
}

/* Somebody waits for the poll, and what is wrong may pass before they give up (docs/cli.md, `once`). */
static bool is_waited_out(const rc_worker_t *worker, const rc_job_t *job, const rc_error_t *error)
{
    return job && job->command.trigger == RC_TRIGGER_COMMAND && rc_worker_state_of(error) == RC_STATE_RETRYING &&
           worker->retry_at.ms < job->patient_until.ms;
}

int64_t rc_worker_webhook_pause_ms(const rc_worker_t *worker)
{
    int64_t pause_ms = worker->webhook_at.ms - rc_mono_now().ms;
    int64_t backing_off_ms = worker->backs_off ? worker->retry_at.ms - rc_wall_now().ms : 0;
    return pause_ms > backing_off_ms ? pause_ms : backing_off_ms;
}

static void note_join(void *opaque, const rc_job_t *job)
{
    rc_worker_t *worker = opaque;
    rc_publisher_command_joins(worker->context->publisher, worker->command_partition, job->offset, job->leader->offset);
}

/* Webhooks that came before this poll are answered by it. */
static void join_webhooks(rc_worker_t *worker, rc_job_t *job, rc_poll_kind_t kind)
{
    if (!job || kind == RC_POLL_TICK) return;
    if (rc_job_is_webhook(job)) worker->webhook_at = (rc_mono_t){rc_mono_now().ms + WEBHOOK_PAUSE_MS};
    pthread_mutex_lock(&worker->mutex);
    rc_jobs_join(&worker->jobs, job, note_join, worker);
    pthread_mutex_unlock(&worker->mutex);
}

static rc_worker_then_t after_failed_poll(rc_worker_t *worker, rc_job_t *job, rc_wall_t began_at,
                                          const rc_error_t *error)
{
    bool again = is_waited_out(worker, job, error);
    bool answered = answer_failure(worker, error, again ? NULL : job, began_at);
    if (again) job->again_at = worker->retry_at;
    return job && (again || !answered) ? RC_WORKER_AGAIN : RC_WORKER_NEXT;
}

/* A command's tick is tried until the command expires, if that can be of any use. */
static rc_worker_then_t after_failed_tick(rc_worker_t *worker, rc_job_t *job, const rc_error_t *error)
{
    if (!job) return RC_WORKER_NEXT;
    if (error->disposition != RC_RETRY) return rc_worker_refuse(worker, job, error);
    job->again_at = worker->tick_at;
    return RC_WORKER_AGAIN;
}

/* Holds that the run began: somebody has to look. */
static void tell_of_holds(rc_worker_t *worker, const rc_sync_state_t *before, const rc_sync_state_t *after)
{
    for (size_t i = 0; i < after->hold_count; i++) {
        const rc_hold_t *hold = &after->holds[i];
        bool known = false;
        for (size_t j = 0; j < before->hold_count; j++) known |= rc_text_equal(before->holds[j].id, hold->id);
        if (known) continue;
        const char *brake = rc_enum_str(&RC_ENUM_BRAKE, (int)hold->brake);
        rc_log(RC_LEVEL_WARN, "too many changes of one kind; they wait for a person",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_STR(HOLD, hold->id),
               RC_LOG_INT(EMPLOYEES, hold->employees), RC_LOG_INT(LIMIT, hold->limit));
        const rc_notice_t notice = {.kind = RC_NOTIFY_HOLD,
                                    .integration_id = worker->integration->id,
                                    .hold_id = hold->id,
                                    .brake = brake,
                                    .employees = hold->employees,
                                    .limit = hold->limit};
        rc_notify(worker->context->notify, &notice);
    }
}

void rc_worker_mind_clock(rc_worker_t *worker)
{
    int64_t ahead_ms = rc_wall_now().ms - rc_mono_now().ms, step_ms = ahead_ms - worker->wall_ahead_ms;
    worker->wall_ahead_ms = ahead_ms;
    if (step_ms > -CLOCK_STEP_MS && step_ms < CLOCK_STEP_MS) return;
    if (worker->retry_at.ms) worker->retry_at.ms += step_ms;
    if (worker->tick_at.ms) worker->tick_at.ms += step_ms;
    if (step_ms > -RC_POLL_CLOCKS_APART_MS && step_ms < RC_POLL_CLOCKS_APART_MS) return;
    rc_log(RC_LEVEL_WARN, "the clock of this machine was set; no day is concluded from it before a poll",
           RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_INT(DURATION, step_ms));
    worker->clock_doubted = true;
    worker->retry_at = (rc_wall_t){0};
}

/* A tick has nothing but our own clock to go by. */
static rc_code_t trust_clock(const rc_worker_t *worker, rc_error_t *error)
{
    if (!worker->clock_doubted) return RC_OK;
    return rc_error_set(error, RC_CLOCK, RC_RETRY,
                        "this machine's clock was set, or is wrong: a poll has to agree first");
}

rc_worker_then_t rc_worker_do_run(rc_worker_t *worker, rc_poll_order_t *order, rc_job_t *job, rc_code_t *code,
                                  rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new();
    const rc_poll_context_t context = rc_worker_poll_context(worker);
    rc_sync_state_t before = {.failures = 0};
    rc_poll_result_t result = {.kind = order->kind};
    rc_mono_t began = rc_mono_now();
    order->now = rc_wall_now();
    order->group = worker->group;
    order->command_offset = job ? job->offset : -1;
    order->command_id = job ? job->command.id : NULL;
    order->look_at_everybody = worker->looked_on.days != rc_zone_date(worker->integration->zone, order->now).days;
    rc_worker_then_t then = RC_WORKER_NEXT;
    join_webhooks(worker, job, order->kind);
    *code = order->kind == RC_POLL_TICK ? trust_clock(worker, error) : RC_OK;
    if (*code == RC_OK) *code = rc_worker_load_state(worker, arena, &before, error);
    if (worker->reads_everybody && order->kind == RC_POLL_INCREMENTAL) order->kind = RC_POLL_FULL;
    if (*code == RC_OK) *code = rc_poll_run(&context, order, &before, arena, &result, error);
    worker->catch_up |= result.behind;
    tell_of_holds(worker, &before, &result.state);
    if (result.kind != RC_POLL_TICK) {
        rc_metrics_count(context.metrics, RC_METRIC_POLLS, worker->integration->id, rc_code_str(*code), NULL);
        rc_series_observe(rc_metrics_series(context.metrics, RC_METRIC_POLL_DURATION, NULL, NULL, NULL),
                          (double)(rc_mono_now().ms - began.ms) / 1000.0);
    }
    if (*code == RC_OK) {
        note_success(worker, order, &result);
        log_result(worker, &result, began);
        rc_worker_forget_old(worker, order->now);
    } else if (rc_worker_is_the_end(worker, error)) {
        then = RC_WORKER_END;
    } else if (*code == RC_CANCELLED) { /* an operator pauses: the command that does so comes first */
        if (job) job->again_at = rc_wall_now();
        if (job) then = RC_WORKER_AGAIN;
    } else {
        note_failure(worker, result.kind, before.failures, job, error);
        then = result.kind == RC_POLL_TICK ? after_failed_tick(worker, job, error)
                                           : after_failed_poll(worker, job, order->now, error);
    }
    rc_arena_free(arena);
    return then;
}
