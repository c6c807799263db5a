#include "consumer/learnamp/learnamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/retry.h"
#include "consumer/learnamp/learnamp_token.h"

enum {
    MAX_ANSWER_BYTES = 1024 * 1024,
    MAX_PAGE_BYTES = 16 * 1024 * 1024, /* a hundred users, each perhaps in a hundred teams */
    QUICK_RETRIES = 2,
    QUICK_RETRY_MAX_MS = 2000, /* who asks for more patience than that gets the record parked */
    STATUS_MAX = 599
};

typedef enum {
    WAITS_FOR_TOKEN, /* the one request for a token is under way */
    WAITS_FOR_TIME,  /* the timer goes on: rate limit, quick retry */
    IS_SENT,
    ENDS /* the timer delivers `ending` */
} call_state_t;

struct rc_learnamp_call {
    rc_learnamp_t *client;
    rc_learnamp_call_t *prev, *next;
    rc_learnamp_build_fn *build;
    rc_learnamp_done_fn *done;
    void *opaque;
    call_state_t state;
    uint64_t token_round; /* of the request for a token that it waits for, or whose token it was sent with */
    rc_learnamp_request_t request;
    rc_http_call_t *http;
    rc_mono_t sent_at;
    rc_loop_timer_t *timer;
    int failures;                  /* transient ones, in a row */
    bool renewed;                  /* a 401 was answered with a new token already */
    bool held;                     /* ENDS: HELD, else `build` had nothing to send */
    rc_learnamp_answer_t *instead; /* ENDS: with this */
};

struct rc_learnamp {
    rc_loop_t *loop;
    rc_http_t *http;
    const rc_integration_t *integration;
    int64_t timeout_ms;
    rc_learnamp_hooks_t hooks;
    rc_learnamp_call_t *calls;
    rc_token_t *token;
    uint64_t token_round; /* how often one was asked for and came, or did not */
    rc_arena_t *arena;    /* of one answer */
    char message[RC_LEARNAMP_MESSAGE_SIZE];
    char trouble[RC_LEARNAMP_MESSAGE_SIZE]; /* of the last answer that was no success */
    rc_metrics_t *metrics;
    rc_series_t *durations;
    rc_series_t *by_status[STATUS_MAX + 1];
};

static void on_token(void *opaque, const rc_token_result_t *result);

rc_learnamp_t *rc_learnamp_new(rc_loop_t *loop, rc_http_t *http, const rc_integration_t *integration,
                               int64_t timeout_ms, rc_metrics_t *metrics, const rc_learnamp_hooks_t *hooks)
{
    rc_learnamp_t *client = rc_zalloc(sizeof *client);
    client->loop = loop;
    client->http = http;
    client->integration = integration;
    client->timeout_ms = timeout_ms;
    client->metrics = metrics;
    client->durations = rc_metrics_series(metrics, RC_METRIC_LEARNAMP_REQUEST_DURATION, NULL, NULL, NULL);
    client->arena = rc_arena_new();
    client->token = rc_token_new(loop, http, integration, timeout_ms, on_token, client);
    if (hooks != NULL) client->hooks = *hooks;
    return client;
}

void rc_learnamp_free(rc_learnamp_t *client)
{
    if (client == NULL) return;
    while (client->calls != NULL) (void)rc_learnamp_cancel(client->calls);
    rc_token_free(client->token);
    rc_arena_free(client->arena);
    free(client);
}

const rc_integration_t *rc_learnamp_integration(const rc_learnamp_t *client)
{
    return client->integration;
}

rc_loop_t *rc_learnamp_loop(const rc_learnamp_t *client)
{
    return client->loop;
}

int64_t rc_learnamp_timeout_ms(const rc_learnamp_t *client)
{
    return client->timeout_ms;
}

const char *rc_learnamp_trouble(const rc_learnamp_t *client)
{
    return client->trouble;
}

/* The status belongs to the service's words; what went wrong on the way says so itself. */
static void note_trouble(rc_learnamp_t *client, int status, const char *words)
{
    if (status > 0)
        (void)snprintf(client->trouble, sizeof client->trouble, "HTTP status %d: %.900s", status, words);
    else
        (void)snprintf(client->trouble, sizeof client->trouble, "%s", words);
}

static int64_t admit(rc_learnamp_t *client)
{
    return client->hooks.admit != NULL ? client->hooks.admit(client->hooks.opaque) : 0;
}

static void observe(rc_learnamp_t *client, rc_class_t class, int64_t retry_after_ms)
{
    if (client->hooks.observe != NULL) client->hooks.observe(client->hooks.opaque, class, retry_after_ms);
}

static void count(rc_learnamp_t *client, const rc_http_answer_t *answer, const rc_error_t *error, rc_mono_t sent_at)
{
    int status = answer != NULL ? answer->status : error->http_status;
    const char *id = client->integration->id;
    if (status > 0 && status <= STATUS_MAX) {
        if (client->by_status[status] == NULL) {
            char code[8];
            snprintf(code, sizeof code, "%d", status);
            client->by_status[status] = rc_metrics_series(client->metrics, RC_METRIC_LEARNAMP_REQUESTS, id, code, NULL);
        }
        rc_series_add(client->by_status[status], 1);
    } else {
        rc_metrics_count(client->metrics, RC_METRIC_LEARNAMP_REQUESTS, id, rc_code_str(error->code), NULL);
    }
    int64_t duration_us =
        answer != NULL ? answer->duration_us : (rc_loop_now(client->loop).ms - sent_at.ms) * INT64_C(1000);
    rc_series_observe(client->durations, (double)duration_us / 1e6);
}

/* ---- The life of a call ---- */

static void call_go(rc_learnamp_call_t *call, bool waited);

static void call_free(rc_learnamp_call_t *call)
{
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        call->client->calls = call->next;
    if (call->next != NULL) call->next->prev = call->prev;
    rc_loop_timer_free(call->timer);
    rc_learnamp_request_fini(&call->request);
    free(call->instead);
    free(call);
}

static void call_end(rc_learnamp_call_t *call, const rc_learnamp_answer_t *answer)
{
    rc_learnamp_done_fn *done = call->done;
    void *opaque = call->opaque;
    call_free(call);
    done(opaque, answer);
}

static void on_call_timer(void *opaque)
{
    rc_learnamp_call_t *call = opaque;
    if (call->state == WAITS_FOR_TIME) {
        call_go(call, true);
        return;
    }
    rc_learnamp_answer_t answer = {.class = RC_CLASS_HELD, .retry_after_ms = -1, .message = ""};
    bool is_answer = call->held || call->instead != NULL;
    if (call->instead != NULL) answer = *call->instead;
    call_end(call, is_answer ? &answer : NULL);
}

static void call_wait(rc_learnamp_call_t *call, call_state_t state, int64_t delay_ms)
{
    if (call->timer == NULL) call->timer = rc_loop_timer_new(call->client->loop, on_call_timer, call);
    call->state = state;
    rc_loop_timer_start(call->timer, delay_ms, 0);
}

/* Ends in the next round of the loop: the caller of rc_learnamp_call may still be on the stack. */
static void call_end_soon(rc_learnamp_call_t *call, bool held)
{
    call->held = held;
    call_wait(call, ENDS, 0);
}

/* Whether a request may go out now; if not, the call waits or ends. */
static bool call_admit(rc_learnamp_call_t *call)
{
    int64_t wait_ms = admit(call->client);
    if (wait_ms == 0) return true;
    if (wait_ms > 0)
        call_wait(call, WAITS_FOR_TIME, wait_ms);
    else
        call_end_soon(call, true);
    return false;
}

/* What an answer means for the call: repeated soon, or its end. */
static void call_conclude(rc_learnamp_call_t *call, const rc_learnamp_answer_t *answer)
{
    static const rc_retry_t soon = {.base_ms = 500, .cap_ms = QUICK_RETRY_MAX_MS};
    rc_learnamp_t *client = call->client;
    bool is_quick = answer->retry_after_ms <= QUICK_RETRY_MAX_MS && call->failures < QUICK_RETRIES;
    if (answer->class != RC_CLASS_TRANSIENT || !is_quick) {
        call_end(call, answer);
        return;
    }
    uint64_t random = client->hooks.random != NULL ? client->hooks.random(client->hooks.opaque) : UINT64_MAX / 2;
    call->failures++;
    call_wait(call, WAITS_FOR_TIME, rc_retry_delay_ms(&soon, call->failures, answer->retry_after_ms, random));
}

/* ---- Those who wait for a token ---- */

/* The first call of that round that still waits; callbacks may have changed the list. */
static rc_learnamp_call_t *waiting_call(rc_learnamp_t *client, uint64_t round)
{
    for (rc_learnamp_call_t *call = client->calls; call != NULL; call = call->next) {
        if (call->state == WAITS_FOR_TOKEN && call->token_round == round) return call;
    }
    return NULL;
}

static void on_token(void *opaque, const rc_token_result_t *result)
{
    rc_learnamp_t *client = opaque;
    uint64_t round = client->token_round++; /* whoever asks from now on waits for another */
    bool failed = result->class != RC_CLASS_APPLIED;
    count(client, result->http, result->error, result->sent_at);
    if (failed) note_trouble(client, result->http != NULL ? result->status : 0, result->message);
    observe(client, result->class, result->retry_after_ms);
    rc_learnamp_answer_t failure = {.class = result->class,
                                    .status = result->status,
                                    .retry_after_ms = result->retry_after_ms,
                                    .message = result->message};
    rc_learnamp_call_t *call;
    while ((call = waiting_call(client, round)) != NULL) {
        if (failed)
            call_conclude(call, &failure);
        else
            call_go(call, true);
    }
}

/* ---- Requests ---- */

/* A service that fails, or a proxy before it, says little in words; those that refuse a record stay as they are. */
static void say_what_was_wrong(rc_learnamp_t *client, rc_class_t class, int status)
{
    if (client->message[0] == '\0') {
        (void)snprintf(client->message, sizeof client->message, "HTTP status %d without words", status);
        note_trouble(client, 0, client->message);
        return;
    }
    note_trouble(client, status, client->message);
    if (class == RC_CLASS_TRANSIENT || class == RC_CLASS_UNANSWERED)
        (void)snprintf(client->message, sizeof client->message, "%s", client->trouble);
}

static bool is_page(const rc_learnamp_request_t *request)
{
    return request->expect == RC_EXPECT_USER_PAGE || request->expect == RC_EXPECT_TEAM_PAGE;
}

/* -1: not said. */
static int64_t header_number(const rc_http_answer_t *http, const char *name)
{
    char text[24], *end;
    if (http == NULL || !rc_http_answer_header(http, name, text, sizeof text) || *text < '0' || *text > '9') return -1;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : -1;
}

/* Reads what came back. Strings of *answer stay until the next answer. */
static void read_answer(rc_learnamp_t *client, const rc_learnamp_request_t *request, const rc_http_answer_t *http,
                        const rc_error_t *error, rc_learnamp_answer_t *answer)
{
    rc_error_t fault = RC_ERROR_INIT;
    rc_learnamp_parsed_t parsed = {.found = false};
    rc_answer_facts_t facts = {.kind = request->kind, .message = client->message};
    rc_arena_reset(client->arena);
    client->message[0] = '\0';
    if (http == NULL) {
        facts.error = error->code;
        facts.status = error->http_status;
        snprintf(client->message, sizeof client->message, "%s", error->message);
    } else if (http->status / 100 == 2) {
        facts.status = http->status;
        facts.understood = rc_learnamp_parse(client->arena, request->expect, request->wanted, http->body,
                                             http->body_bytes, &parsed, &fault) == RC_OK;
        if (!facts.understood) snprintf(client->message, sizeof client->message, "%s", fault.message);
    } else {
        facts.status = http->status;
        facts.understood = rc_learnamp_message(http->body, http->body_bytes, client->message);
    }
    *answer = (rc_learnamp_answer_t){.class = rc_outcome_class(&facts),
                                     .status = facts.status,
                                     .retry_after_ms = http != NULL ? http->retry_after_ms : -1,
                                     .message = client->message,
                                     .found = parsed.found,
                                     .user = parsed.user,
                                     .team = parsed.team,
                                     .teams = parsed.teams,
                                     .page = parsed.page};
    if (is_page(request)) {
        answer->page.total = header_number(http, "Total");
        answer->page.pages = header_number(http, "Total-Pages");
    }
    if (answer->class == RC_CLASS_APPLIED)
        client->message[0] = '\0';
    else
        say_what_was_wrong(client, answer->class, http != NULL ? facts.status : 0);
}

static void on_answer(void *opaque, const rc_http_answer_t *http, const rc_error_t *error)
{
    rc_learnamp_call_t *call = opaque;
    rc_learnamp_t *client = call->client;
    rc_learnamp_answer_t answer;
    call->http = NULL;
    count(client, http, error, call->sent_at);
    read_answer(client, &call->request, http, error, &answer);

    if (answer.status == 401 && !call->renewed) {
        /* The token may have been withdrawn before its time; whether it is that, or our credentials, the next one
         * shows. One that another call renewed meanwhile is not dropped. */
        call->renewed = true;
        if (call->token_round == client->token_round) rc_token_drop(client->token);
        call_go(call, true);
        return;
    }
    observe(client, answer.class, answer.retry_after_ms);
    call_conclude(call, &answer);
}

static void call_send(rc_learnamp_call_t *call)
{
    rc_learnamp_t *client = call->client;
    const rc_learnamp_request_t *made = &call->request;
    char *url = rc_sprintf("%s%s", client->integration->learnamp.base_url, made->path);
    const rc_http_header_t headers[] = {{"Authorization", rc_token_get(client->token)},
                                        {"Accept", "application/json"},
                                        {"Content-Type", "application/json"}};
    rc_http_request_t request = {.method = made->method,
                                 .url = url,
                                 .headers = headers,
                                 .header_count = made->body != NULL ? 3 : 2,
                                 .body = made->body,
                                 .body_bytes = made->body != NULL ? strlen(made->body) : 0,
                                 .timeout_ms = client->timeout_ms,
                                 .max_body_bytes = is_page(made) ? MAX_PAGE_BYTES : MAX_ANSWER_BYTES};
    call->state = IS_SENT;
    call->token_round = client->token_round;
    call->sent_at = rc_loop_now(client->loop);
    call->http = rc_http_send(client->http, &request, on_answer, call);
    free(url);
}

/* Whether the call has its answer without being sent. */
static bool call_has_answer(rc_learnamp_call_t *call, bool waited)
{
    rc_learnamp_t *client = call->client;
    rc_learnamp_answer_t answer = {.class = RC_CLASS_APPLIED, .retry_after_ms = -1, .message = ""};
    if (client->hooks.instead == NULL) return false;
    rc_learnamp_request_fini(&call->request);
    if (call->build(call->opaque, waited, &call->request)) {
        if (!client->hooks.instead(client->hooks.opaque, &call->request, &answer)) return false;
        call->instead = rc_alloc(sizeof answer);
        *call->instead = answer;
    }
    call_end_soon(call, false);
    return true;
}

/* A token, the engine's leave, then the request as it is now. */
static void call_go(rc_learnamp_call_t *call, bool waited)
{
    rc_learnamp_t *client = call->client;
    if (call_has_answer(call, waited)) return;
    if (!rc_token_is_good(client->token)) {
        if (!rc_token_is_asked(client->token)) {
            if (!call_admit(call)) return;
            rc_token_ask(client->token);
        }
        call->state = WAITS_FOR_TOKEN;
        call->token_round = client->token_round;
        return;
    }
    if (!call_admit(call)) return;
    rc_learnamp_request_fini(&call->request);
    if (call->build(call->opaque, waited, &call->request))
        call_send(call);
    else
        call_end_soon(call, false);
}

rc_learnamp_call_t *rc_learnamp_call(rc_learnamp_t *client, rc_learnamp_build_fn *build, rc_learnamp_done_fn *done,
                                     void *opaque)
{
    rc_learnamp_call_t *call = rc_zalloc(sizeof *call);
    call->client = client;
    call->build = build;
    call->done = done;
    call->opaque = opaque;
    call->next = client->calls;
    if (call->next != NULL) call->next->prev = call;
    client->calls = call;
    call_go(call, false);
    return call;
}

bool rc_learnamp_cancel(rc_learnamp_call_t *call)
{
    bool in_question = call->state == IS_SENT && call->request.kind == RC_CALL_WRITE;
    if (call->http != NULL) rc_http_cancel(call->http);
    call_free(call);
    return in_question;
}
