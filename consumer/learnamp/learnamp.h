/* The client of one integration's Learn Amp: its access token, the pace of its requests, quick repeats, and what each
 * answer means. Asynchronous: everything on the loop's thread. Requests come from consumer/learnamp/learnamp_request,
 * answers are read by consumer/learnamp/learnamp_parse. */
#ifndef RC_CONSUMER_LEARNAMP_H
#define RC_CONSUMER_LEARNAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/http.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "consumer/learnamp/learnamp_parse.h"
#include "consumer/learnamp/learnamp_request.h"
#include "consumer/rules/outcome.h"

typedef struct {
    rc_class_t class;
    int status;             /* 0: no answer */
    int64_t retry_after_ms; /* -1: not said */
    const char *message;    /* the service's words or what went wrong, at most 1 KiB; "" when all is well */
    bool found;             /* lookups: there is one */
    rc_learnamp_user_t user;
    rc_learnamp_teams_t teams; /* of RC_EXPECT_TEAMS */
    rc_learnamp_team_t team;
    rc_learnamp_page_t page; /* of RC_EXPECT_USER_PAGE and RC_EXPECT_TEAM_PAGE */
} rc_learnamp_answer_t;

/* What the engine decides about requests. All may be NULL. */
typedef struct {
    /* May a request of this integration be sent now? 0: yes, and it counts as sent; > 0: ask again in so many
     * milliseconds (rate limit); < 0: not now (breaker, gate, pause), and the call ends as HELD. */
    int64_t (*admit)(void *opaque);
    /* Every answer, also of tokens and of repeats: for breaker and gate. */
    void (*observe)(void *opaque, rc_class_t class, int64_t retry_after_ms);
    /* 64 even bits, for jitter; NULL: no jitter. */
    uint64_t (*random)(void *opaque);
    void *opaque;
    /* What is answered instead of sending the request, which is neither admitted nor counted then; false: it is sent.
     * Strings of *answer stay until it is delivered. For commands that say what would be done. */
    bool (*instead)(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer);
} rc_learnamp_hooks_t;

typedef struct rc_learnamp rc_learnamp_t;
typedef struct rc_learnamp_call rc_learnamp_call_t;

/* Borrows loop, http, integration and metrics (NULL: none are kept); copies the hooks. timeout_ms is of each request.
 * Returns new (free with rc_learnamp_free). */
rc_learnamp_t *rc_learnamp_new(rc_loop_t *loop, rc_http_t *http, const rc_integration_t *integration,
                               int64_t timeout_ms, rc_metrics_t *metrics, const rc_learnamp_hooks_t *hooks);
/* Cancels what is under way, without callbacks. NULL is fine. */
void rc_learnamp_free(rc_learnamp_t *client);

const rc_integration_t *rc_learnamp_integration(const rc_learnamp_t *client);
rc_loop_t *rc_learnamp_loop(const rc_learnamp_t *client);
int64_t rc_learnamp_timeout_ms(const rc_learnamp_t *client);
/* What the last answer that was no success said, with its status; "": there was none. Until the next one. */
const char *rc_learnamp_trouble(const rc_learnamp_t *client);

/* Fills `request` immediately before it is sent, again before each repeat: what it says is as new as it can be.
 * `waited` is false when it runs inside rc_learnamp_call. Returning false: there is nothing to send any more. */
typedef bool rc_learnamp_build_fn(void *opaque, bool waited, rc_learnamp_request_t *request);
/* The end of a call, never before rc_learnamp_call returned. NULL: `build` had nothing to send. The call is gone. */
typedef void rc_learnamp_done_fn(void *opaque, const rc_learnamp_answer_t *answer);

/* Sends what `build` makes as soon as there is a token and the engine admits it. TRANSIENT is repeated twice, after up
 * to half a second and a second; 401 with a used token renews it and repeats. An unanswered write is never repeated. */
rc_learnamp_call_t *rc_learnamp_call(rc_learnamp_t *client, rc_learnamp_build_fn *build, rc_learnamp_done_fn *done,
                                     void *opaque);
/* Ends a call without its callback. Whether a write was under way that may take effect yet. */
bool rc_learnamp_cancel(rc_learnamp_call_t *call);

#endif
