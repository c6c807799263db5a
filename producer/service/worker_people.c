/* What is done with people who are published already: publishing them again, erasing who has left. */
#include "common/log.h"
#include "common/text.h"
#include "producer/poll/forget.h"
#include "producer/poll/resync.h"
#include "producer/service/gauges.h"
#include "producer/service/worker_state.h"

enum { FORGET_AT_ONCE = 1000 };

/* How a command's step ended. */
typedef struct {
    rc_code_t code;
    rc_error_t error;
    bool behind;
    rc_sync_state_t state; /* as it was published */
} step_t;

static rc_worker_then_t conclude(rc_worker_t *worker, rc_job_t *job, const step_t *step)
{
    worker->catch_up |= step->behind;
    if (step->code == RC_OK) {
        rc_gauges_set_state(worker->context->metrics, worker->integration, &step->state);
        return RC_WORKER_NEXT;
    }
    if (rc_worker_is_the_end(worker, &step->error)) return RC_WORKER_END;
    if (step->code == RC_CANCELLED) { /* an operator pauses: the command that does so comes first */
        job->again_at = rc_wall_now();
        return RC_WORKER_AGAIN;
    }
    if (step->error.disposition != RC_RETRY) return rc_worker_refuse(worker, job, &step->error);
    rc_log(RC_LEVEL_WARN, "a command is tried again", RC_LOG_STR(INTEGRATION, worker->integration->id),
           RC_LOG_STR(REASON, rc_enum_str(&RC_ENUM_COMMAND, (int)job->command.kind)), RC_LOG_ERR(&step->error));
    return RC_WORKER_AGAIN;
}

/* Whether its answer is published already: what was written last may have been committed without our learning it. */
static bool is_answered(rc_worker_t *worker, const rc_job_t *job, const rc_sync_state_t *state)
{
    if (!rc_text_equal(state->last_command_id, job->command.id)) return false;
    rc_publisher_command_finished(worker->context->publisher, worker->command_partition, job->offset);
    return true;
}

typedef void work_fn_t(rc_worker_t *worker, const rc_job_t *job, const rc_sync_state_t *before, rc_arena_t *arena,
                       step_t *step);

static rc_worker_then_t carry_out(rc_worker_t *worker, rc_job_t *job, work_fn_t *work)
{
    rc_arena_t *arena = rc_arena_new();
    rc_worker_then_t then = RC_WORKER_NEXT;
    step_t step = {.error = RC_ERROR_INIT};
    rc_sync_state_t before;
    step.code = rc_worker_load_state(worker, arena, &before, &step.error);
    if (step.code != RC_OK || !is_answered(worker, job, &before)) {
        if (step.code == RC_OK) work(worker, job, &before, arena, &step);
        then = conclude(worker, job, &step);
    }
    rc_arena_free(arena);
    return then;
}

static void resync(rc_worker_t *worker, const rc_job_t *job, const rc_sync_state_t *before, rc_arena_t *arena,
                   step_t *step)
{
    const rc_poll_context_t context = rc_worker_poll_context(worker);
    const rc_resync_order_t order = {.employee_id = job->command.employee_id,
                                     .issued_at = job->command.issued_at,
                                     .now = rc_wall_now(),
                                     .group = worker->group,
                                     .command_id = job->command.id,
                                     .command_offset = job->offset};
    rc_resync_result_t result = {.created = 0};
    step->code = rc_poll_resync(&context, &order, before, arena, &result, &step->error);
    step->behind = result.behind;
    step->state = result.state;
    if (result.created + result.deactivated > 0)
        rc_log(RC_LEVEL_INFO, "people were published again", RC_LOG_STR(INTEGRATION, worker->integration->id),
               RC_LOG_INT(EVENTS, result.created + result.deactivated));
}

rc_worker_then_t rc_worker_resync(rc_worker_t *worker, rc_job_t *job)
{
    return carry_out(worker, job, resync);
}

static void forget(rc_worker_t *worker, const rc_job_t *job, const rc_sync_state_t *before, rc_arena_t *arena,
                   step_t *step)
{
    const rc_poll_context_t context = rc_worker_poll_context(worker);
    const rc_forget_order_t order = {.employee_id = job->command.employee_id,
                                     .group = worker->group,
                                     .command_id = job->command.id,
                                     .command_offset = job->offset};
    rc_forget_result_t result = {.forgotten = 0};
    if (!order.employee_id) { /* that nobody means: a whole company */
        step->code = rc_error_set(&step->error, RC_USAGE, RC_REJECT, "the command names no employee");
        return;
    }
    step->code = rc_poll_forget(&context, &order, before, arena, &result, &step->error);
    step->behind = result.behind;
    step->state = result.state;
}

rc_worker_then_t rc_worker_forget(rc_worker_t *worker, rc_job_t *job)
{
    return carry_out(worker, job, forget);
}

void rc_worker_forget_old(rc_worker_t *worker, rc_wall_t now)
{
    const int64_t forget_after_ms = worker->context->config->producer.forget_after_ms;
    rc_date_t today = rc_zone_date(worker->integration->zone, now);
    if (!forget_after_ms || worker->forgot_on.days == today.days) return;
    rc_arena_t *arena = rc_arena_new();
    const rc_poll_context_t context = rc_worker_poll_context(worker);
    const rc_forget_order_t order = {.gone_before = {now.ms - forget_after_ms},
                                     .most = FORGET_AT_ONCE,
                                     .group = worker->group,
                                     .command_offset = -1};
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t before;
    rc_forget_result_t result = {.forgotten = 0};
    rc_code_t code = rc_worker_load_state(worker, arena, &before, &error);
    if (code == RC_OK) code = rc_poll_forget(&context, &order, &before, arena, &result, &error);
    worker->catch_up |= result.behind;
    /* More of them are found after the next poll or tick. */
    if (code == RC_OK && result.forgotten < FORGET_AT_ONCE) worker->forgot_on = today;
    if (code == RC_OK && result.forgotten > 0)
        rc_log(RC_LEVEL_INFO, "people who left long ago were forgotten",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_INT(EMPLOYEES, result.forgotten));
    if (code != RC_OK && code != RC_CANCELLED && code != RC_OWNERSHIP)
        rc_log(RC_LEVEL_WARN, "people who left long ago could not be forgotten yet",
               RC_LOG_STR(INTEGRATION, worker->integration->id), RC_LOG_ERR(&error));
    rc_arena_free(arena);
}
