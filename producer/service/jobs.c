#include "producer/service/jobs.h"

void rc_jobs_init(rc_jobs_t *jobs)
{
    TAILQ_INIT(&jobs->list);
}

static void drop(rc_jobs_t *jobs, rc_job_t *job)
{
    TAILQ_REMOVE(&jobs->list, job, link);
    rc_arena_free(job->arena);
}

void rc_jobs_fini(rc_jobs_t *jobs)
{
    rc_job_t *job;
    while ((job = TAILQ_FIRST(&jobs->list))) drop(jobs, job);
}

void rc_jobs_add(rc_jobs_t *jobs, const rc_command_t *command, int64_t offset)
{
    rc_arena_t *arena = rc_arena_new_sized(512);
    rc_job_t *job = rc_arena_alloc(arena, sizeof *job);
    *job = (rc_job_t){.arena = arena, .command = *command, .offset = offset};
    job->command.id = rc_arena_strdup(arena, command->id);
    job->command.integration_id = rc_arena_strdup(arena, command->integration_id);
    job->command.employee_id = rc_arena_strdup(arena, command->employee_id);
    job->command.hold_id = rc_arena_strdup(arena, command->hold_id);
    TAILQ_INSERT_TAIL(&jobs->list, job, link);
}

bool rc_job_is_webhook(const rc_job_t *job)
{
    return job->command.kind == RC_COMMAND_POLL && job->command.trigger == RC_TRIGGER_WEBHOOK;
}

static bool is_urgent(const rc_job_t *job)
{
    return job->command.kind == RC_COMMAND_PAUSE || job->command.kind == RC_COMMAND_RESUME;
}

rc_job_t *rc_jobs_next(rc_jobs_t *jobs, bool webhooks_may_poll, bool *webhooks_wait)
{
    rc_job_t *job, *first = NULL, *webhook = NULL;
    *webhooks_wait = false;
    TAILQ_FOREACH(job, &jobs->list, link)
    {
        if (is_urgent(job)) return job;
        if (rc_job_is_webhook(job))
            webhook = job;
        else if (!first)
            first = job;
    }
    if (first) return first;
    if (webhooks_may_poll) return webhook;
    *webhooks_wait = webhook != NULL;
    return NULL;
}

void rc_jobs_join(rc_jobs_t *jobs, rc_job_t *leader, void (*joins)(void *opaque, const rc_job_t *job), void *opaque)
{
    rc_job_t *job;
    TAILQ_FOREACH(job, &jobs->list, link)
    {
        if (job == leader || !rc_job_is_webhook(job) || job->leader == leader) continue;
        job->leader = leader;
        joins(opaque, job);
    }
}

void rc_jobs_drop(rc_jobs_t *jobs, rc_job_t *job)
{
    rc_job_t *other, *next;
    for (other = TAILQ_FIRST(&jobs->list); other; other = next) {
        next = TAILQ_NEXT(other, link);
        if (other->leader == job) drop(jobs, other);
    }
    drop(jobs, job);
}
