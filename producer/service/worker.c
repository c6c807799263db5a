#include "producer/service/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "producer/service/gauges.h"
#include "producer/service/worker_state.h"

enum {
    STATE_WAIT_MS = 500,
    LONGEST_WAIT_MS = 60000,  /* the clock may be set */
    CLOCKS_OF_TWO_MS = 60000, /* how far the clocks of two machines may be apart */
    READ_MS = 10000           /* until a command that stands on the topic is read */
};

static const uint64_t ANY_NUMBER = UINT64_MAX; /* of commands */

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
                            .losses = rc_views_losses(context->views),
                            .views_life = rc_views_life(context->views),
                            .looked_on = RC_DATE_NONE,
                            .forgot_on = RC_DATE_NONE,
                            .wall_ahead_ms = rc_wall_now().ms - rc_mono_now().ms};
    rc_jobs_init(&worker->jobs);
    worker->kombo = rc_kombo_open(context->config, integration, context->config->producer.http_timeout_ms,
                                  context->metrics, &worker->fields);
    pthread_condattr_t attributes;
    RC_INVARIANT(pthread_condattr_init(&attributes) == 0 &&
                 pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    RC_INVARIANT(pthread_mutex_init(&worker->mutex, NULL) == 0 &&
                 pthread_cond_init(&worker->changed, &attributes) == 0);
    pthread_condattr_destroy(&attributes);
    RC_INVARIANT(pthread_create(&worker->thread, NULL, run, worker) == 0);
    return worker;
}

void rc_worker_stop(rc_worker_t *worker)
{
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->stopping, true);
    atomic_store(&worker->interrupted, true);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

void rc_worker_free(rc_worker_t *worker)
{
    if (!worker) return;
    RC_INVARIANT(pthread_join(worker->thread, NULL) == 0);
    rc_jobs_fini(&worker->jobs);
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
    pthread_mutex_lock(&worker->mutex);
    rc_jobs_add(&worker->jobs, command, offset);
    worker->jobs_taken++;
    if (command->kind == RC_COMMAND_PAUSE) atomic_store(&worker->interrupted, true);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

/* --- waiting --- */

/* Waits until `at`, the end, or a command beyond the first `jobs_taken` (ANY_NUMBER: none). */
static void wait_until(rc_worker_t *worker, rc_wall_t at, uint64_t jobs_taken)
{
    int64_t delay_ms = at.ms - rc_wall_now().ms;
    int64_t until_ms = rc_mono_now().ms + (delay_ms < LONGEST_WAIT_MS ? delay_ms : LONGEST_WAIT_MS);
    const struct timespec until = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
    pthread_mutex_lock(&worker->mutex);
    while (!atomic_load(&worker->interrupted) && worker->jobs_taken <= jobs_taken && rc_mono_now().ms < until_ms)
        if (pthread_cond_timedwait(&worker->changed, &worker->mutex, &until) == ETIMEDOUT) break;
    pthread_mutex_unlock(&worker->mutex);
}

/* The next command, NULL: none yet. *at: when webhooks may poll that have to wait, else far away. */
static rc_job_t *next_job(rc_worker_t *worker, uint64_t *jobs_taken, rc_wall_t *at)
{
    int64_t pause_ms = rc_worker_webhook_pause_ms(worker);
    bool webhooks_wait;
    pthread_mutex_lock(&worker->mutex);
    rc_job_t *job = rc_jobs_next(&worker->jobs, pause_ms <= 0, &webhooks_wait);
    *jobs_taken = worker->jobs_taken;
    pthread_mutex_unlock(&worker->mutex);
    *at = (rc_wall_t){rc_wall_now().ms + (webhooks_wait ? pause_ms : LONGEST_WAIT_MS)};
    return job;
}

static void drop_job(rc_worker_t *worker, rc_job_t *job)
{
    pthread_mutex_lock(&worker->mutex);
    rc_jobs_drop(&worker->jobs, job);
    pthread_mutex_unlock(&worker->mutex);
}

/* --- the thread --- */

/* When the next poll is due by itself. */
static rc_wall_t next_poll(const rc_worker_t *worker, const rc_sync_state_t *state, rc_wall_t now)
{
    char digest[RC_DIGEST_SIZE];
    const rc_wall_t at_once = {0};
    if (worker->retry_at.ms) return worker->retry_at;
    if (worker->reads_everybody) return at_once;
    /* The clock was set, perhaps while nobody ran here; Kombo's tells whether that was right. */
    if (worker->clock_doubted || state->last_poll.started_at.ms > now.ms + CLOCKS_OF_TWO_MS) return at_once;
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
    if (rc_worker_load_state(worker, arena, &state, &error) != RC_OK) {
        if (error.code != RC_CANCELLED)
            rc_log(RC_LEVEL_ERROR, "the state of an integration cannot be read",
                   RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_ERR(&error));
        goto cleanup;
    }
    rc_wall_t poll_at = next_poll(worker, &state, now);
    rc_wall_t look_at = rc_zone_next_midnight(worker->integration->zone, now);
    if (worker->looked_on.days != rc_zone_date(worker->integration->zone, now).days) look_at = now;
    if (worker->next_look_at.ms && worker->next_look_at.ms < look_at.ms) look_at = worker->next_look_at;
    if (worker->tick_at.ms > look_at.ms) look_at = worker->tick_at;
    if (worker->clock_doubted) look_at = poll_at;
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
static rc_worker_then_t poll_once(rc_worker_t *worker, const rc_command_t *command, rc_code_t *code, rc_error_t *error)
{
    rc_wall_t deadline = {rc_wall_now().ms + worker->context->config->producer.http_timeout_ms};
    for (;;) {
        rc_poll_order_t order = {.kind = command->kind == RC_COMMAND_FULL_POLL ? RC_POLL_FULL : RC_POLL_INCREMENTAL,
                                 .trigger = command->trigger};
        *error = RC_ERROR_INIT;
        rc_worker_then_t then = rc_worker_do_run(worker, &order, NULL, code, error);
        bool again = *code != RC_OK && then != RC_WORKER_END && rc_worker_state_of(error) == RC_STATE_RETRYING &&
                     worker->retry_at.ms < deadline.ms;
        if (!again) return then;
        wait_until(worker, worker->retry_at, ANY_NUMBER);
    }
}

static rc_worker_then_t conclude_once(rc_worker_then_t then, rc_code_t *code, rc_error_t *error)
{
    *code = RC_OK;
    if (then == RC_WORKER_END)
        *code = rc_error_set(error, RC_OWNERSHIP, RC_REJECT,
                             "a producer that was started meanwhile owns the integration; say it again");
    return then;
}

/* Another command, until it is answered: the published state says how. Tried for at most http_timeout, too. */
static rc_worker_then_t obey_once(rc_worker_t *worker, const rc_command_t *command, rc_code_t *code, rc_error_t *error)
{
    rc_job_t job = {.command = *command, .offset = -1};
    job.command.expires_at.ms = rc_wall_now().ms + worker->context->config->producer.http_timeout_ms;
    for (;;) {
        rc_worker_then_t then = rc_worker_do_command(worker, &job);
        if (then != RC_WORKER_AGAIN) return conclude_once(then, code, error);
        if (rc_worker_is_stopping(worker) || job.again_at.ms > job.command.expires_at.ms) {
            *code = rc_error_set(error, RC_TIMEOUT, RC_RETRY,
                                 "the command could not be carried out in time; see `rollcall-producer check`");
            return RC_WORKER_NEXT;
        }
        wait_until(worker, job.again_at, ANY_NUMBER);
    }
}

/* A command that the owner will read from the topic. Its record may have expired meanwhile. */
static rc_worker_then_t await_once(rc_worker_t *worker, rc_code_t *code, rc_error_t *error)
{
    rc_wall_t deadline = {rc_wall_now().ms + READ_MS + worker->context->config->producer.http_timeout_ms};
    uint64_t jobs_taken;
    rc_wall_t at;
    while (!rc_worker_is_stopping(worker) && rc_wall_now().ms < deadline.ms) {
        rc_job_t *job = next_job(worker, &jobs_taken, &at);
        if (!job) {
            wait_until(worker, deadline, jobs_taken);
            continue;
        }
        rc_worker_then_t then = rc_worker_do_command(worker, job);
        if (then == RC_WORKER_NEXT) drop_job(worker, job);
        if (then != RC_WORKER_AGAIN) return conclude_once(then, code, error);
        wait_until(worker, job->again_at, ANY_NUMBER);
    }
    *code = rc_error_set(error, RC_TIMEOUT, RC_RETRY, "the command could not be carried out in time; say it again");
    return RC_WORKER_NEXT;
}

static void run_once(rc_worker_t *worker)
{
    const rc_once_t *once = worker->once;
    const rc_command_t *command = NULL;
    for (size_t i = 0; i < once->command_count && !command; i++)
        if (strcmp(once->commands[i].integration_id, worker->integration->id) == 0) command = &once->commands[i];
    RC_INVARIANT(command != NULL);
    rc_code_t code = RC_OK;
    rc_error_t error = RC_ERROR_INIT;
    if (once->from_topic)
        (void)await_once(worker, &code, &error);
    else if (command->kind == RC_COMMAND_POLL || command->kind == RC_COMMAND_FULL_POLL)
        (void)poll_once(worker, command, &code, &error);
    else
        (void)obey_once(worker, command, &code, &error);
    if (code == RC_OK || !rc_worker_is_stopping(worker)) once->done(once->opaque, worker->integration, code, &error);
}

/* What comes next: a command, or what is due by itself. False: the worker ends. */
static bool step(rc_worker_t *worker)
{
    uint64_t jobs_taken;
    rc_wall_t webhook_at;
    rc_worker_mind_clock(worker);
    rc_job_t *job = next_job(worker, &jobs_taken, &webhook_at);
    if (job) {
        rc_worker_then_t then = rc_worker_do_command(worker, job);
        if (then == RC_WORKER_NEXT) drop_job(worker, job);
        if (then == RC_WORKER_AGAIN) wait_until(worker, job->again_at, ANY_NUMBER);
        return then != RC_WORKER_END;
    }
    rc_code_t code;
    rc_error_t error = RC_ERROR_INIT;
    rc_poll_order_t order;
    rc_wall_t next;
    if (find_due(worker, &order, &next)) return rc_worker_do_run(worker, &order, NULL, &code, &error) != RC_WORKER_END;
    wait_until(worker, webhook_at.ms < next.ms ? webhook_at : next, jobs_taken);
    return true;
}

static void *run(void *opaque)
{
    rc_worker_t *worker = opaque;
    if (worker->once)
        run_once(worker);
    else
        while (!rc_worker_is_stopping(worker) && step(worker)) {
        }
    rc_gauges_clear(worker->context->metrics, worker->integration->id);
    atomic_store(&worker->ended, true);
    return NULL;
}
