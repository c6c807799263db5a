#include "consumer/learnamp/readback.h"

#include <stdlib.h>

#include "common/mem.h"
#include "common/random.h"
#include "common/retry.h"
#include "common/text.h"
#include "consumer/rules/limiter.h"

enum {
    WIDTH = 4, /* requests side by side: the service is read, not raced */
    LOOK_INTERVAL_MS = 100,
    MAX_PAGES = 1000 * 1000
};

/* One request until it is answered: a page, or one user. */
typedef struct job {
    rc_readback_t *readback;
    struct job *prev, *next;
    int64_t page;
    const char *external_id; /* NULL: a page */
    bool directly;           /* the list does not show them: asked for by id */
    int failures;            /* in a row */
    rc_mono_t failed_at;     /* the first of them */
    rc_learnamp_call_t *call;
    rc_loop_timer_t *timer;
} job_t;

struct rc_readback {
    rc_readback_options_t options;
    rc_loop_t *loop;
    rc_http_t *http;
    rc_learnamp_t *client;
    rc_limiter_t limiter;
    rc_gate_t gate;
    rc_userset_t *set;
    bool complete;

    /* what is being read */
    job_t *jobs;
    int under_way;
    bool teams;
    const char *status; /* filter of the users' list; NULL: none */
    int64_t next_page;
    int64_t last_page; /* 0: not known yet */
    int64_t read;
    int64_t total; /* -1: not said */
    const char *const *external_ids;
    size_t external_id_count;
    size_t next_id;
    rc_error_t error;
};

/* ---- Pace ---- */

static int64_t admit(void *opaque)
{
    rc_readback_t *readback = opaque;
    rc_mono_t now = rc_loop_now(readback->loop);
    int64_t wait_ms = rc_gate_wait_ms(&readback->gate, now);
    return wait_ms > 0 ? wait_ms : rc_limiter_take(&readback->limiter, now);
}

static void observe(void *opaque, rc_class_t class, int64_t retry_after_ms)
{
    rc_readback_t *readback = opaque;
    if (class == RC_CLASS_THROTTLED)
        rc_gate_throttled(&readback->gate, retry_after_ms, rc_random64(), rc_loop_now(readback->loop));
    else
        rc_gate_answered(&readback->gate);
}

static uint64_t random_bits(void *opaque)
{
    (void)opaque;
    return rc_random64();
}

static bool instead(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer)
{
    rc_readback_t *readback = opaque;
    return readback->options.instead(readback->options.instead_opaque, request, answer);
}

rc_readback_t *rc_readback_new(const rc_readback_options_t *options)
{
    rc_readback_t *readback = rc_zalloc(sizeof *readback);
    const rc_config_t *config = options->config;
    const rc_learnamp_hooks_t hooks = {.admit = admit,
                                       .observe = observe,
                                       .random = random_bits,
                                       .opaque = readback,
                                       .instead = options->instead != NULL ? instead : NULL};
    readback->options = *options;
    readback->loop = rc_loop_new();
    readback->http =
        rc_http_new(readback->loop, &(rc_http_options_t){.proxy = config->http_proxy, .ca_file = config->ca_file});
    readback->client = rc_learnamp_new(readback->loop, readback->http, options->integration,
                                       config->consumer.http_timeout_ms, NULL, &hooks);
    readback->set = rc_userset_new();
    rc_gate_init(&readback->gate);
    rc_limiter_init(&readback->limiter, options->integration->learnamp.requests_per_second,
                    rc_loop_now(readback->loop));
    return readback;
}

void rc_readback_free(rc_readback_t *readback)
{
    if (readback == NULL) return;
    rc_learnamp_free(readback->client);
    rc_http_free(readback->http);
    rc_loop_free(readback->loop);
    rc_userset_free(readback->set);
    free(readback);
}

rc_learnamp_t *rc_readback_client(rc_readback_t *readback)
{
    return readback->client;
}

rc_userset_t *rc_readback_set(rc_readback_t *readback)
{
    return readback->set;
}

bool rc_readback_is_complete(const rc_readback_t *readback)
{
    return readback->complete;
}

/* ---- Jobs ---- */

static void pump(rc_readback_t *readback);
static void job_send(void *opaque);

static void job_free(job_t *job)
{
    rc_readback_t *readback = job->readback;
    if (job->prev != NULL)
        job->prev->next = job->next;
    else
        readback->jobs = job->next;
    if (job->next != NULL) job->next->prev = job->prev;
    if (job->call != NULL) (void)rc_learnamp_cancel(job->call);
    rc_loop_timer_free(job->timer);
    readback->under_way--;
    free(job);
}

static void job_add(rc_readback_t *readback, int64_t page, const char *external_id)
{
    job_t *job = rc_zalloc(sizeof *job);
    *job = (job_t){.readback = readback, .next = readback->jobs, .page = page, .external_id = external_id};
    if (job->next != NULL) job->next->prev = job;
    readback->jobs = job;
    readback->under_way++;
    job_send(job);
}

/* Ends the reading; what is under way is given up. */
static void fail(rc_readback_t *readback, rc_class_t class, const char *words)
{
    rc_error_t *error = &readback->error;
    const char *id = readback->options.integration->id;
    if (class == RC_CLASS_THROTTLED)
        (void)rc_error_set(error, RC_HTTP, RC_RETRY,
                           "Learn Amp asks for more patience than --wait gives (%.200s); try again later, or give it "
                           "more",
                           words);
    else if (class == RC_CLASS_TRANSIENT)
        (void)rc_error_set(error, RC_HTTP, RC_RETRY, "Learn Amp cannot be read: %.300s; try again later", words);
    else
        (void)rc_error_set(error, RC_MISCONFIGURED, RC_REJECT,
                           "Learn Amp cannot be read: %.200s; rollcall-consumer check --integration %s says more",
                           words, id);
    rc_loop_stop(readback->loop);
}

/* Tries again, unless that has been going on for too long. */
static void job_again(job_t *job, const rc_learnamp_answer_t *answer)
{
    static const rc_retry_t growing = {.base_ms = 1000, .cap_ms = 15000};
    rc_readback_t *readback = job->readback;
    rc_mono_t now = rc_loop_now(readback->loop);
    int64_t wait_ms = rc_gate_wait_ms(&readback->gate, now);
    if (job->failures++ == 0) job->failed_at = now;
    if (answer->class == RC_CLASS_TRANSIENT)
        wait_ms = rc_retry_delay_ms(&growing, job->failures, answer->retry_after_ms, rc_random64());
    if (now.ms + wait_ms - job->failed_at.ms > readback->options.patience_ms) {
        fail(readback, answer->class, answer->message);
        return;
    }
    if (job->timer == NULL) job->timer = rc_loop_timer_new(readback->loop, job_send, job);
    rc_loop_timer_start(job->timer, wait_ms, 0);
}

static void take_page(job_t *job, const rc_learnamp_page_t *page)
{
    rc_readback_t *readback = job->readback;
    for (size_t i = 0; i < page->user_count; i++) rc_userset_put(readback->set, &page->users[i]);
    for (size_t i = 0; i < page->team_count; i++) rc_userset_put_team(readback->set, &page->teams[i]);
    readback->read += (int64_t)(page->user_count + page->team_count);
    readback->total = page->total;
    if (page->pages >= 0)
        readback->last_page = page->pages > 0 ? page->pages : 1;
    else if (page->user_count + page->team_count == 0)
        readback->last_page = job->page;
    if (readback->options.progress != NULL)
        readback->options.progress(readback->options.opaque, readback->teams ? "teams" : "users", readback->read,
                                   readback->total);
}

/* The user who was asked for; false: the list does not show them, and they are asked for directly. */
static bool take_user(job_t *job, const rc_learnamp_answer_t *answer)
{
    rc_userset_t *set = job->readback->set;
    if (job->directly) {
        const rc_learnamp_profile_t profile = {.user = answer->user};
        if (answer->found)
            rc_userset_put(set, &profile);
        else
            rc_userset_drop(set, job->external_id);
        return true;
    }
    for (size_t i = 0; i < answer->page.user_count; i++) {
        if (!rc_text_equal(answer->page.users[i].user.external_id, job->external_id)) continue;
        rc_userset_put(set, &answer->page.users[i]);
        return true;
    }
    job->directly = true;
    return false;
}

static void on_answer(void *opaque, const rc_learnamp_answer_t *answer)
{
    job_t *job = opaque;
    rc_readback_t *readback = job->readback;
    job->call = NULL;
    if (answer->class == RC_CLASS_THROTTLED || answer->class == RC_CLASS_TRANSIENT) {
        job_again(job, answer);
        return;
    }
    if (answer->class != RC_CLASS_APPLIED) {
        fail(readback, answer->class, answer->message);
        return;
    }
    job->failures = 0;
    if (job->external_id == NULL) {
        take_page(job, &answer->page);
    } else if (!take_user(job, answer)) {
        job_send(job);
        return;
    }
    job_free(job);
    pump(readback);
}

static bool build(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    const job_t *job = opaque;
    (void)waited;
    if (job->external_id != NULL && job->directly)
        rc_request_user_by_external_id(request, job->external_id);
    else if (job->external_id != NULL)
        rc_request_user_shown(request, job->external_id);
    else if (job->readback->teams)
        rc_request_team_page(request, job->page);
    else
        rc_request_user_page(request, job->readback->status, job->page);
    return true;
}

static void job_send(void *opaque)
{
    job_t *job = opaque;
    job->call = rc_learnamp_call(job->readback->client, build, on_answer, job);
}

/* Starts what may start; ends the loop when nothing is left. */
static void pump(rc_readback_t *readback)
{
    int most = readback->options.integration->learnamp.max_in_flight;
    if (most > WIDTH) most = WIDTH;
    while (readback->under_way < most) {
        if (readback->external_ids != NULL) {
            if (readback->next_id == readback->external_id_count) break;
            job_add(readback, 0, readback->external_ids[readback->next_id++]);
            continue;
        }
        bool is_known = readback->last_page > 0;
        if (readback->next_page > MAX_PAGES || (is_known && readback->next_page > readback->last_page)) break;
        if (!is_known && readback->under_way > 0) break;
        job_add(readback, readback->next_page++, NULL);
    }
    if (readback->under_way == 0) rc_loop_stop(readback->loop);
}

static void look_for_the_end(void *opaque)
{
    rc_readback_t *readback = opaque;
    if (!atomic_load(readback->options.cancelled)) return;
    (void)rc_error_set(&readback->error, RC_CANCELLED, RC_STOPPED, "stopped while reading Learn Amp");
    rc_loop_stop(readback->loop);
}

/* Works through all that was laid out. */
static rc_code_t run(rc_readback_t *readback, rc_error_t *error)
{
    rc_loop_timer_t *look = NULL;
    readback->error = RC_ERROR_INIT;
    readback->next_page = 1;
    readback->last_page = readback->read = 0;
    readback->total = -1;
    if (readback->options.cancelled != NULL) {
        look = rc_loop_timer_new(readback->loop, look_for_the_end, readback);
        rc_loop_timer_start(look, LOOK_INTERVAL_MS, LOOK_INTERVAL_MS);
    }
    pump(readback);
    rc_loop_run(readback->loop);
    while (readback->jobs != NULL) job_free(readback->jobs);
    rc_loop_timer_free(look);
    if (readback->error.code != RC_OK && error != NULL) *error = readback->error;
    return readback->error.code;
}

/* ---- Lists ---- */

static bool has_deactivated(const rc_userset_t *set)
{
    const rc_userset_user_t *user;
    for (size_t cursor = 0; (user = rc_userset_next(set, &cursor)) != NULL;)
        if (user->profile.user.deactivated) return true;
    return false;
}

rc_code_t rc_readback_users(rc_readback_t *readback, rc_error_t *error)
{
    rc_userset_free(readback->set);
    readback->set = rc_userset_new();
    readback->complete = readback->teams = false;
    readback->external_ids = NULL;
    readback->status = NULL;
    rc_code_t code = run(readback, error);
    if (code != RC_OK) return code;
    bool complete = readback->total < 0 || rc_userset_count(readback->set) >= (size_t)readback->total;
    if (!has_deactivated(readback->set)) {
        /* The reference does not say whether a list without a filter shows them. */
        size_t before = rc_userset_count(readback->set);
        readback->status = "deactivated";
        code = run(readback, error);
        if (code != RC_OK) return code;
        size_t more = rc_userset_count(readback->set) - before;
        complete = complete && (readback->total < 0 || more >= (size_t)readback->total);
    }
    readback->complete = complete;
    return RC_OK;
}

rc_code_t rc_readback_teams(rc_readback_t *readback, rc_error_t *error)
{
    readback->teams = true;
    readback->external_ids = NULL;
    return run(readback, error);
}

rc_code_t rc_readback_again(rc_readback_t *readback, const char *const *external_ids, size_t count, rc_error_t *error)
{
    if (count == 0) return RC_OK;
    readback->teams = false;
    readback->external_ids = external_ids;
    readback->external_id_count = count;
    readback->next_id = 0;
    rc_code_t code = run(readback, error);
    readback->external_ids = NULL;
    return code;
}
