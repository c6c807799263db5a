/* The inside of a worker, private to producer/service/worker*.c: worker.c has its thread, its queue of commands and
 * what is due when, worker_run.c a run and what follows from its end, worker_commands.c what operators ask for,
 * worker_people.c those of their commands that are about people who are published already. */
#ifndef RC_PRODUCER_WORKER_STATE_H
#define RC_PRODUCER_WORKER_STATE_H

#include <pthread.h>

#include "producer/service/jobs.h"
#include "producer/service/worker.h"

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
    rc_jobs_t jobs;      /* under the mutex, like the next */
    uint64_t jobs_taken; /* counts */
    atomic_bool stopping;
    atomic_bool interrupted; /* stopping, or an operator pauses: a run ends before its next transaction */
    atomic_bool ended;
    /* the thread's */
    bool catch_up;               /* the views may lack something that was published */
    uint64_t views_life;         /* of the views when they were caught up last */
    uint64_t losses;             /* of the views, as far as they are noticed */
    bool counted;                /* the views have been compared with the state once */
    bool reads_everybody;        /* the next poll is a full one: what was published is not there any more */
    bool shown;                  /* the state is in the metrics */
    bool backs_off;              /* the last poll failed for a reason that passes */
    rc_mono_t webhook_at;        /* webhooks make no poll before; 0: none was made yet */
    rc_wall_t retry_at;          /* after a failed poll none is made by itself before; 0: none */
    int failures;                /* in a row, those included that could not be published */
    int own_failures;            /* of them, polls that this worker made */
    rc_integration_state_t told; /* people know of it, since the last poll that succeeded */
    rc_wall_t tick_at;           /* like retry_at, of ticks */
    int tick_failures;
    int64_t wall_ahead_ms;  /* of the monotonic clock, when it was looked at last */
    bool clock_doubted;     /* until a poll agrees with Kombo's clock, no day is concluded from ours */
    rc_wall_t next_look_at; /* a pending change; 0: none */
    rc_date_t looked_on;    /* the day on which everybody was looked at last */
    rc_date_t forgot_on;    /* likewise, for people who left long ago */
};

static inline bool rc_worker_is_stopping(const rc_worker_t *worker)
{
    return atomic_load(&worker->stopping);
}

/* All below: on the worker's thread. */

/* The state as it was published last, in the arena. */
rc_code_t rc_worker_load_state(rc_worker_t *worker, rc_arena_t *arena, rc_sync_state_t *state, rc_error_t *error);

typedef enum {
    RC_WORKER_NEXT,
    RC_WORKER_AGAIN, /* the command is not answered yet */
    RC_WORKER_END    /* the integration is somebody else's, or the process ends */
} rc_worker_then_t;

/* One run, and what follows from its end. `job` is the command that asked for it, NULL: none. *code and *error: how the
 * run ended. */
rc_worker_then_t rc_worker_do_run(rc_worker_t *worker, rc_poll_order_t *order, rc_job_t *job, rc_code_t *code,
                                  rc_error_t *error);
/* What its steps need. */
rc_poll_context_t rc_worker_poll_context(rc_worker_t *worker);
/* Whether the failure ends this worker: the integration is somebody else's, or the process ends. */
bool rc_worker_is_the_end(rc_worker_t *worker, const rc_error_t *error);
/* Carries a command out. */
rc_worker_then_t rc_worker_do_command(rc_worker_t *worker, rc_job_t *job);
/* Publishes a state alone, with the answer to `job` (NULL: none), which is that it is done (NULL), or why not. False:
 * it could not be. */
bool rc_worker_publish_state(rc_worker_t *worker, rc_sync_state_t *state, const rc_job_t *job,
                             const rc_error_t *failure);
/* Answers that a command cannot be carried out. */
rc_worker_then_t rc_worker_refuse(rc_worker_t *worker, const rc_job_t *job, const rc_error_t *why);

/* The commands RESYNC and FORGET. */
rc_worker_then_t rc_worker_resync(rc_worker_t *worker, rc_job_t *job);
rc_worker_then_t rc_worker_forget(rc_worker_t *worker, rc_job_t *job);
/* Once a day, after a poll or tick: forgets who is gone for longer than `forget_after`. */
void rc_worker_forget_old(rc_worker_t *worker, rc_wall_t now);

/* For how long webhooks are to make no poll: a burst of them is a handful of polls, and while Kombo has trouble that
 * passes, its answers say when to come back. */
int64_t rc_worker_webhook_pause_ms(const rc_worker_t *worker);

/* Takes note of a clock that was set since the last time. */
void rc_worker_mind_clock(rc_worker_t *worker);

/* The state of an integration whose poll ended so. */
rc_integration_state_t rc_worker_state_of(const rc_error_t *error);

#endif
