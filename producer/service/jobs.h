/* The commands that wait for the worker of one integration, and which of them one run answers. Somebody waits for an
 * operator's command; nobody does for a webhook's poll, so those that wait are answered by one poll: the next
 * operator's, or one of their own. Pure; the caller locks. */
#ifndef RC_PRODUCER_JOBS_H
#define RC_PRODUCER_JOBS_H

#include <sys/queue.h>

#include "common/domain.h"
#include "common/mem.h"

/* A command that waits. */
typedef struct rc_job {
    TAILQ_ENTRY(rc_job) link;
    rc_arena_t *arena;
    rc_command_t command;
    int64_t offset;
    const struct rc_job *leader; /* its run answers this one too; NULL: none */
    int failures;                /* of its polls */
    rc_wall_t patient_until;     /* trouble that may pass is waited out; 0: not begun */
    rc_wall_t again_at;          /* when it is not answered yet */
} rc_job_t;

typedef struct {
    TAILQ_HEAD(, rc_job) list; /* in the order of their offsets */
} rc_jobs_t;

void rc_jobs_init(rc_jobs_t *jobs);
void rc_jobs_fini(rc_jobs_t *jobs);

/* Adds a command (copied) at the end. */
void rc_jobs_add(rc_jobs_t *jobs, const rc_command_t *command, int64_t offset);
/* The command to be worked next: the first pause or resumption, for the stop button does not stand in line; else the
 * first that is no webhook's poll; without one, if webhooks may poll now, the last
 * of their polls. NULL: none; *webhooks_wait tells whether polls of webhooks do. Borrows. */
rc_job_t *rc_jobs_next(rc_jobs_t *jobs, bool webhooks_may_poll, bool *webhooks_wait);
/* A poll for `leader` begins: all polls of webhooks that wait now are answered by it. `joins` is called for each. */
void rc_jobs_join(rc_jobs_t *jobs, rc_job_t *leader, void (*joins)(void *opaque, const rc_job_t *job), void *opaque);
/* Removes a command that is answered, and those that joined it. */
void rc_jobs_drop(rc_jobs_t *jobs, rc_job_t *job);

/* Whether it is a webhook's poll. */
bool rc_job_is_webhook(const rc_job_t *job);

#endif
