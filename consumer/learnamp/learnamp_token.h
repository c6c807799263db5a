/* The access token of one integration at Learn Amp (/oauth/token): asked for when it is needed, kept until a little
 * before it expires. The inside of consumer/learnamp/learnamp; the loop's thread. */
#ifndef RC_CONSUMER_LEARNAMP_TOKEN_H
#define RC_CONSUMER_LEARNAMP_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/http.h"
#include "common/loop.h"
#include "consumer/rules/outcome.h"

typedef struct rc_token rc_token_t;

/* How a request for a token ended. All of it lives until the callback returns. */
typedef struct {
    rc_class_t class; /* RC_CLASS_APPLIED: there is one now */
    int status;
    int64_t retry_after_ms;       /* -1: the service did not say */
    const char *message;          /* what stands in the way, in words; "" when nothing does */
    const rc_http_answer_t *http; /* NULL: none, *error says why */
    const rc_error_t *error;
    rc_mono_t sent_at;
} rc_token_result_t;

typedef void rc_token_done_fn(void *opaque, const rc_token_result_t *result);

/* Borrows all. Returns new (free with rc_token_free). Nothing is sent yet. */
rc_token_t *rc_token_new(rc_loop_t *loop, rc_http_t *http, const rc_integration_t *integration, int64_t timeout_ms,
                         rc_token_done_fn *done, void *opaque);
/* A request under way ends without its callback. NULL is fine. */
void rc_token_free(rc_token_t *token);

/* Whether there is one that is good for long enough. */
bool rc_token_is_good(const rc_token_t *token);
/* The value of the header Authorization, "Bearer …"; NULL: none came yet. Borrows, until the token changes. */
const char *rc_token_get(const rc_token_t *token);

/* Asks for one; `done` is called once. Not while one is asked for. */
void rc_token_ask(rc_token_t *token);
bool rc_token_is_asked(const rc_token_t *token);

/* Throws it away: the service refused it. */
void rc_token_drop(rc_token_t *token);

#endif
