#include "producer/worker.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/random.h"
#include "common/text.h"
#include "producer/kombo_error.h"

/* A command that waits. */
typedef struct job {
    TAILQ_ENTRY(job) link;
    rc_arena_t *arena;
    rc_command_t command;
    int64_t offset;
} job_t;

struct rc_worker {
    const rc_worker_context_t *context;
    const rc_integration_t *integration;
    int32_t command_partition;
    rc_kafka_group_t *group;
    const rc_once_t *once;
    rc_kombo_fields_t *fields;
    rc_kombo_t *kombo;
    rc_roll_t *roll;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    TAILQ_HEAD(, job) jobs; /* under the mutex */
    atomic_bool stopping;
    atomic_bool ended;
    /* the thread's */
    bool catch_up;       /* the views may lack something that was published */
    uint64_t views_life; /* of the views when they were caught up last */
    bool shown;          /* the state is in the metrics */
    rc_wall_t retry_at;  /* after a failed poll none is made by itself before; 0: none */
    int failures;        /* in a row, those included that could not be published */
    rc_wall_t tick_at;   /* likewise of ticks */
    int tick_failures;
    rc_wall_t next_look_at; /* a pending change; 0: none */
    rc_date_t looked_on;    /* the day on which everybody was looked at last */
};

enum {
    UNANSWERED_WAIT_MS = 2000, /* before a command is tried again */
    STATE_WAIT_MS = 500,
    LONGEST_WAIT_MS = 60000,      /* the clock may be set */
    TRANSACTION_EMPLOYEES = 10000 /* design section 4, "Publish" */
};

/* --- life --- */

static void *run(void *opaque);

rc_worker_t *rc_worker_new(const rc_worker_context_t *context, const rc_integration_t *integration,
                           int32_t command_partition, const rc_kafka_group_t *group, const rc_once_t *once)
{
    rc_worker_t *worker = rc_zalloc(sizeof *worker);
    *worker = (rc_worker_t){.context = context,
                            .integration = integration,
                            .command_partition = command_partition,
                            .group = rc_kafka_group_copy(group),
                            .once = once,
                            .roll = rc_roll_new(),
                            .views_life = rc_views_life(context->views),
                            .looked_on = RC_DATE_NONE};
    TAILQ_INIT(&worker->jobs);
    worker->kombo = rc_kombo_open(context->config, integration, context->config->producer.http_timeout_ms,
                                  context->metrics, &worker->fields);
    RC_INVARIANT(pthread_mutex_init(&worker->mutex, NULL) == 0 && pthread_cond_init(&worker->changed, NULL) == 0);
    RC_INVARIANT(pthread_create(&worker->thread, NULL, run, worker) == 0);
    return worker;
}

void rc_worker_stop(rc_worker_t *worker)
{
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->stopping, true);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

static void free_job(job_t *job)
{
    rc_arena_free(job->arena);
}

void rc_worker_free(rc_worker_t *worker)
{
    if (!worker) return;
    RC_INVARIANT(pthread_join(worker->thread, NULL) == 0);
    job_t *job;
    while ((job = TAILQ_FIRST(&worker->jobs))) {
        TAILQ_REMOVE(&worker->jobs, job, link);
        free_job(job);
    }
    rc_kombo_free(worker->kombo);
    rc_kombo_fields_free(worker->fields);
    rc_roll_free(worker->roll);
    rc_kafka_group_free(worker->group);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->changed);
    free(worker);
}

bool rc_worker_has_ended(const rc_worker_t *worker)
{
    return atomic_load(&worker->ended);
}

void rc_worker_command(rc_worker_t *worker, const rc_command_t *command, int64_t offset)
{
    rc_arena_t *arena = rc_arena_new_sized(512);
    job_t *job = rc_arena_alloc(arena, sizeof *job);
    *job = (job_t){.arena = arena, .command = *command, .offset = offset};
    job->command.id = rc_arena_strdup(arena, command->id);
    job->command.integration_id = rc_arena_strdup(arena, command->integration_id);
    job->command.employee_id = rc_arena_strdup(arena, command->employee_id);
    job->command.hold_id = rc_arena_strdup(arena, command->hold_id);
    pthread_mutex_lock(&worker->mutex);
    TAILQ_INSERT_TAIL(&worker->jobs, job, link);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

/* --- waiting --- */

static bool is_stopping(const rc_worker_t *worker)
{
    return atomic_load(&worker->stopping);
}

/* Waits until `at`, a command (when `for_commands`), or the end. */
static void wait_until(rc_worker_t *worker, rc_wall_t at, bool for_commands)
{
    rc_wall_t now = rc_wall_now();
    int64_t longest = now.ms + LONGEST_WAIT_MS;
    int64_t until_ms = at.ms < longest ? at.ms : longest;
    const struct timespec until = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
    pthread_mutex_lock(&worker->mutex);
    while (!is_stopping(worker) && !(for_commands && !TAILQ_EMPTY(&worker->jobs)) && rc_wall_now().ms < until_ms)
        if (pthread_cond_timedwait(&worker->changed, &worker->mutex, &until) == ETIMEDOUT) break;
    pthread_mutex_unlock(&worker->mutex);
}

static job_t *first_job(rc_worker_t *worker)
{
    pthread_mutex_lock(&worker->mutex);
    job_t *job = TAILQ_FIRST(&worker->jobs);
    pthread_mutex_unlock(&worker->mutex);
    return job;
}

static void drop_job(rc_worker_t *worker, job_t *job)
{
    pthread_mutex_lock(&worker->mutex);
    TAILQ_REMOVE(&worker->jobs, job, link);
    pthread_mutex_unlock(&worker->mutex);
    free_job(job);
}

/* --- runs --- */

static rc_poll_context_t poll_context(rc_worker_t *worker)
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
                               .cancelled = &worker->stopping};
}

static rc_series_t *series_of(const rc_worker_t *worker, rc_metric_t metric, const char *label)
{
    return rc_metrics_series(worker->context->metrics, metric, worker->integration->id, label, NULL);
}

static int count_holds(const rc_sync_state_t *state, rc_brake_t brake)
{
    int count = 0;
    for (size_t i = 0; i < state->hold_count; i++) count += state->holds[i].brake == brake;
    return count;
}

static void show_state(rc_worker_t *worker, const rc_sync_state_t *state)
{
    worker->shown = true;
    for (int i = 0; i < RC_STATE_COUNT; i++)
        rc_series_set(series_of(worker, RC_METRIC_INTEGRATION_STATE, rc_enum_str(&RC_ENUM_STATE, i)),
                      (int)state->state == i);
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        rc_series_set(series_of(worker, RC_METRIC_HOLDS, rc_enum_str(&RC_ENUM_BRAKE, i)),
                      count_holds(state, (rc_brake_t)i));
    rc_series_set(series_of(worker, RC_METRIC_EMPLOYEES, NULL), (double)state->employees);
    rc_series_set(series_of(worker, RC_METRIC_ANNOUNCED, NULL), (double)state->announced);
    if (state->watermark.ms)
        rc_series_set(series_of(worker, RC_METRIC_LAST_COMPLETE_FETCH, NULL), (double)state->watermark.ms / 1000.0);
}

static void show_pending(const rc_worker_t *worker, const rc_poll_result_t *result)
{
    for (int i = 0; i < RC_PENDING_COUNT; i++)
        rc_series_set(series_of(worker, RC_METRIC_PENDING, rc_enum_str(&RC_ENUM_PENDING, i)),
                      (double)result->pending[i]);
}

/* What another process says of the integration from now on. */
static void hide_state(const rc_worker_t *worker)
{
    for (int i = 0; i < RC_STATE_COUNT; i++)
        rc_series_clear(series_of(worker, RC_METRIC_INTEGRATION_STATE, rc_enum_str(&RC_ENUM_STATE, i)));
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        rc_series_clear(series_of(worker, RC_METRIC_HOLDS, rc_enum_str(&RC_ENUM_BRAKE, i)));
    for (int i = 0; i < RC_PENDING_COUNT; i++)
        rc_series_clear(series_of(worker, RC_METRIC_PENDING, rc_enum_str(&RC_ENUM_PENDING, i)));
    rc_series_clear(series_of(worker, RC_METRIC_EMPLOYEES, NULL));
    rc_series_clear(series_of(worker, RC_METRIC_ANNOUNCED, NULL));
    rc_series_clear(series_of(worker, RC_METRIC_LAST_COMPLETE_FETCH, NULL));
}

/* The state as it was published last, in the arena. */
static rc_code_t load_state(rc_worker_t *worker, rc_arena_t *arena, rc_sync_state_t *state, rc_error_t *error)
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
    return RC_OK;
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
        worker->failures = 0;
        worker->retry_at = (rc_wall_t){0};
    }
    worker->tick_failures = 0;
    worker->tick_at = (rc_wall_t){0};
    worker->next_look_at = result->next_look_at;
    if (result->kind == RC_POLL_FULL || order->look_at_everybody)
        worker->looked_on = rc_zone_date(worker->integration->zone, order->now);
    show_state(worker, &result->state);
    show_pending(worker, result);
}

static rc_integration_state_t state_of(const rc_error_t *error)
{
    return error->code == RC_NEEDS_CUSTOMER  ? RC_STATE_NEEDS_CUSTOMER
           : error->code == RC_MISCONFIGURED ? RC_STATE_MISCONFIGURED
                                             : RC_STATE_RETRYING;
}

/* Publishes a state alone, with the answer to `job` (NULL: none). False: it could not be. */
static bool publish_state(rc_worker_t *worker, rc_sync_state_t *state, const job_t *job, const rc_error_t *failure)
{
    const rc_poll_context_t context = poll_context(worker);
    rc_error_t error = RC_ERROR_INIT;
    if (job) {
        state->last_command_id = job->command.id;
        state->last_command_ok = false;
        state->last_command_message = failure->message;
    }
    bool behind = false;
    rc_code_t code = rc_poll_publish_state(&context, worker->group, state, job ? job->offset : -1, &behind, &error);
    worker->catch_up |= behind;
    if (code != RC_OK && code != RC_CANCELLED && code != RC_OWNERSHIP)
        rc_log(RC_LEVEL_WARN, "the state of an integration could not be published",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_ERR(&error));
    return code == RC_OK;
}

/* A failed poll changes nothing but the state, which says so. The state is read again: a part of the poll may be
 * published, or even all of it. With a command, that is finished with the failure. False: it was not answered. */
static bool answer_failure(rc_worker_t *worker, const rc_error_t *failure, const job_t *job, rc_wall_t began_at)
{
    rc_arena_t *arena = rc_arena_new();
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t state;
    bool answered = false;
    if (load_state(worker, arena, &state, &error) != RC_OK) goto cleanup;
    bool done = state.last_poll.started_at.ms == began_at.ms;
    if (done && (!job || rc_text_equal(state.last_command_id, job->command.id))) {
        if (job) rc_publisher_command_finished(worker->context->publisher, worker->command_partition, job->offset);
        worker->failures = 0;
        worker->retry_at = (rc_wall_t){0};
        answered = true;
        goto cleanup;
    }
    state.state = state_of(failure);
    state.reason = failure->message;
    state.failures = worker->failures;
    state.next_poll_at = worker->retry_at;
    show_state(worker, &state);
    answered = publish_state(worker, &state, job, failure);
cleanup:
    rc_arena_free(arena);
    return answered;
}

/* Whether the failure ends this worker: the integration is somebody else's, or the process ends. */
static bool is_the_end(rc_worker_t *worker, const rc_error_t *error)
{
    if (error->code == RC_FENCED && error->disposition == RC_FATAL) {
        worker->context->fatal(worker->context->opaque, error);
        return true;
    }
    if (error->code == RC_OWNERSHIP)
        rc_log(RC_LEVEL_INFO, "an integration is another producer's now; what was under way is left to it",
               RC_LOG_STR(INTEGRATION, worker->integration->id));
    return error->code == RC_OWNERSHIP || is_stopping(worker);
}

static void note_failure(rc_worker_t *worker, rc_poll_kind_t kind, int64_t known_failures, const rc_error_t *error)
{
    bool tick = kind == RC_POLL_TICK;
    int *failures = tick ? &worker->tick_failures : &worker->failures;
    if (!tick && known_failures > *failures) *failures = known_failures < INT_MAX / 2 ? (int)known_failures : 0;
    ++*failures;
    int64_t delay_ms =
        rc_kombo_error_delay_ms(error, *failures, worker->integration->kombo.poll_interval_ms, rc_random64());
    *(tick ? &worker->tick_at : &worker->retry_at) = (rc_wall_t){rc_wall_now().ms + delay_ms};
    rc_log(RC_LEVEL_WARN, tick ? "tick failed" : "poll failed", RC_LOG_STR(INTEGRATION, worker->integration->id),
           RC_LOG_ERR(error), RC_LOG_INT(DELAY, delay_ms));
}

typedef enum { NEXT, AGAIN, END } then_t; /* AGAIN: the command is not answered yet */

/* One run, and what follows from its end. */
static then_t do_run(rc_worker_t *worker, rc_poll_order_t *order, const job_t *job, rc_code_t *code, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new();
    const rc_poll_context_t context = poll_context(worker);
    rc_sync_state_t before = {.failures = 0};
    rc_poll_result_t result = {.kind = order->kind};
    rc_mono_t began = rc_mono_now();
    order->now = rc_wall_now();
    order->group = worker->group;
    order->command_offset = job ? job->offset : -1;
    order->command_id = job ? job->command.id : NULL;
    order->look_at_everybody = worker->looked_on.days != rc_zone_date(worker->integration->zone, order->now).days;
    then_t then = NEXT;
    *code = load_state(worker, arena, &before, error);
    if (*code == RC_OK) *code = rc_poll_run(&context, order, &before, arena, &result, error);
    worker->catch_up |= result.behind;
    if (result.kind != RC_POLL_TICK) {
        rc_metrics_count(context.metrics, RC_METRIC_POLLS, worker->integration->id, rc_code_str(*code), NULL);
        rc_series_observe(rc_metrics_series(context.metrics, RC_METRIC_POLL_DURATION, NULL, NULL, NULL),
                          (double)(rc_mono_now().ms - began.ms) / 1000.0);
    }
    if (*code == RC_OK) {
        note_success(worker, order, &result);
        log_result(worker, &result, began);
    } else if (is_the_end(worker, error)) {
        then = END;
    } else {
        note_failure(worker, result.kind, before.failures, error);
        bool answered = result.kind == RC_POLL_TICK || answer_failure(worker, error, job, order->now);
        if (job && !answered) then = AGAIN;
    }
    rc_arena_free(arena);
    return then;
}

static then_t refuse_command(rc_worker_t *worker, const job_t *job)
{
    rc_arena_t *arena = rc_arena_new();
    rc_sync_state_t state;
    rc_error_t error = RC_ERROR_INIT, refusal = RC_ERROR_INIT;
    (void)rc_error_set(&refusal, RC_USAGE, RC_REJECT, "this release does not know the command %s",
                       rc_enum_str(&RC_ENUM_COMMAND, (int)job->command.kind));
    bool answered = load_state(worker, arena, &state, &error) == RC_OK && publish_state(worker, &state, job, &refusal);
    rc_arena_free(arena);
    return answered ? NEXT : AGAIN;
}

static then_t do_command(rc_worker_t *worker, const job_t *job)
{
    rc_code_t code;
    rc_error_t error = RC_ERROR_INIT;
    rc_poll_order_t order = {.kind = job->command.kind == RC_COMMAND_FULL_POLL ? RC_POLL_FULL : RC_POLL_INCREMENTAL,
                             .trigger = job->command.trigger};
    if (job->command.expires_at.ms < rc_wall_now().ms) { /* while it waited here */
        rc_publisher_command_finished(worker->context->publisher, worker->command_partition, job->offset);
        return NEXT;
    }
    if (job->command.kind == RC_COMMAND_POLL || job->command.kind == RC_COMMAND_FULL_POLL)
        return do_run(worker, &order, job, &code, &error);
    return refuse_command(worker, job);
}

/* --- the thread --- */

/* When the next poll is due by itself. */
static rc_wall_t next_poll(const rc_worker_t *worker, const rc_sync_state_t *state)
{
    char digest[RC_DIGEST_SIZE];
    const rc_wall_t at_once = {0};
    if (worker->retry_at.ms) return worker->retry_at;
    /* Whoever mends a configuration starts the process again, and wants to see. */
    if (state->state == RC_STATE_MISCONFIGURED) return at_once;
    if (!state->projection_digest ||
        strcmp(state->projection_digest, rc_integration_digest(worker->integration, digest)) != 0)
        return state->failures > 0 ? state->next_poll_at : at_once;
    /* The interval may have been shortened since. */
    int64_t by_interval_ms = state->last_poll.started_at.ms + worker->integration->kombo.poll_interval_ms;
    bool shortened = state->failures == 0 && by_interval_ms < state->next_poll_at.ms;
    return shortened ? (rc_wall_t){by_interval_ms} : state->next_poll_at;
}

/* What is due by itself, and when something will be. */
static bool find_due(rc_worker_t *worker, rc_poll_order_t *order, rc_wall_t *next)
{
    rc_arena_t *arena = rc_arena_new();
    rc_sync_state_t state;
    rc_error_t error = RC_ERROR_INIT;
    rc_wall_t now = rc_wall_now();
    bool due = false;
    *next = (rc_wall_t){now.ms + STATE_WAIT_MS};
    if (load_state(worker, arena, &state, &error) != RC_OK) {
        if (error.code != RC_CANCELLED)
            rc_log(RC_LEVEL_ERROR, "the state of an integration cannot be read",
                   RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_ERR(&error));
        goto cleanup;
    }
    rc_wall_t poll_at = next_poll(worker, &state);
    rc_wall_t look_at = rc_zone_next_midnight(worker->integration->zone, now);
    if (worker->looked_on.days != rc_zone_date(worker->integration->zone, now).days) look_at = now;
    if (worker->next_look_at.ms && worker->next_look_at.ms < look_at.ms) look_at = worker->next_look_at;
    if (worker->tick_at.ms > look_at.ms) look_at = worker->tick_at;
    bool poll_due = poll_at.ms <= now.ms;
    due = poll_due || look_at.ms <= now.ms;
    *order = (rc_poll_order_t){.kind = poll_due ? RC_POLL_INCREMENTAL : RC_POLL_TICK,
                               .trigger = poll_due ? RC_TRIGGER_POLL : RC_TRIGGER_SCHEDULE};
    *next = poll_at.ms < look_at.ms ? poll_at : look_at;
cleanup:
    rc_arena_free(arena);
    return due;
}

/* One poll; trouble that may pass is waited out for at most http_timeout. */
static void run_once(rc_worker_t *worker)
{
    rc_wall_t deadline = {rc_wall_now().ms + worker->context->config->producer.http_timeout_ms};
    for (;;) {
        rc_code_t code;
        rc_error_t error = RC_ERROR_INIT;
        rc_poll_order_t order = {.kind = worker->once->full ? RC_POLL_FULL : RC_POLL_INCREMENTAL,
                                 .trigger = RC_TRIGGER_COMMAND};
        then_t then = do_run(worker, &order, NULL, &code, &error);
        bool again =
            code != RC_OK && then != END && state_of(&error) == RC_STATE_RETRYING && worker->retry_at.ms < deadline.ms;
        if (!again) {
            if (code == RC_OK || !is_stopping(worker))
                worker->once->done(worker->once->opaque, worker->integration, code, &error);
            return;
        }
        wait_until(worker, worker->retry_at, false);
    }
}

/* What comes next: a command, or what is due by itself. False: the worker ends. */
static bool step(rc_worker_t *worker)
{
    job_t *job = first_job(worker);
    if (job) {
        then_t then = do_command(worker, job);
        if (then == NEXT) drop_job(worker, job);
        if (then == AGAIN) wait_until(worker, (rc_wall_t){rc_wall_now().ms + UNANSWERED_WAIT_MS}, false);
        return then != END;
    }
    rc_code_t code;
    rc_error_t error = RC_ERROR_INIT;
    rc_poll_order_t order;
    rc_wall_t next;
    if (find_due(worker, &order, &next)) return do_run(worker, &order, NULL, &code, &error) != END;
    wait_until(worker, next, true);
    return true;
}

static void *run(void *opaque)
{
    rc_worker_t *worker = opaque;
    if (worker->once)
        run_once(worker);
    else
        while (!is_stopping(worker) && step(worker)) {
        }
    hide_state(worker);
    atomic_store(&worker->ended, true);
    return NULL;
}
