#include "consumer/learnamp/learnamp_token.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/text.h"
#include "consumer/learnamp/learnamp_parse.h"

enum { MAX_ANSWER_BYTES = 1024 * 1024, RENEW_EARLY_MS = 60 * 1000 };

struct rc_token {
    rc_loop_t *loop;
    rc_http_t *http;
    const rc_integration_t *integration;
    int64_t timeout_ms;
    rc_token_done_fn *done;
    void *opaque;
    char *authorization; /* "Bearer …"; NULL: none */
    rc_mono_t renew_at;
    rc_http_call_t *call; /* NULL: none is asked for */
    rc_mono_t sent_at;
};

rc_token_t *rc_token_new(rc_loop_t *loop, rc_http_t *http, const rc_integration_t *integration, int64_t timeout_ms,
                         rc_token_done_fn *done, void *opaque)
{
    rc_token_t *token = rc_zalloc(sizeof *token);
    *token = (rc_token_t){.loop = loop,
                          .http = http,
                          .integration = integration,
                          .timeout_ms = timeout_ms,
                          .done = done,
                          .opaque = opaque};
    return token;
}

void rc_token_free(rc_token_t *token)
{
    if (token == NULL) return;
    if (token->call != NULL) rc_http_cancel(token->call);
    free(token->authorization);
    free(token);
}

bool rc_token_is_good(const rc_token_t *token)
{
    return token->authorization != NULL && rc_loop_now(token->loop).ms < token->renew_at.ms;
}

const char *rc_token_get(const rc_token_t *token)
{
    return token->authorization;
}

bool rc_token_is_asked(const rc_token_t *token)
{
    return token->call != NULL;
}

void rc_token_drop(rc_token_t *token)
{
    free(token->authorization);
    token->authorization = NULL;
}

static void take(rc_token_t *token, const char *text, int64_t expires_in_s)
{
    int64_t life_ms = expires_in_s * 1000;
    int64_t early_ms = life_ms / 10 < RENEW_EARLY_MS ? life_ms / 10 : RENEW_EARLY_MS;
    rc_token_drop(token);
    token->authorization = rc_sprintf("Bearer %s", text);
    token->renew_at.ms = rc_loop_now(token->loop).ms + life_ms - early_ms;
}

static void on_answer(void *opaque, const rc_http_answer_t *http, const rc_error_t *error)
{
    rc_token_t *token = opaque;
    rc_error_t fault = RC_ERROR_INIT;
    char *text = NULL;
    int64_t expires_in_s = 0;
    char words[RC_LEARNAMP_MESSAGE_SIZE] = "", message[RC_LEARNAMP_MESSAGE_SIZE] = "";
    token->call = NULL;

    rc_answer_facts_t facts = {.kind = RC_CALL_TOKEN, .message = words};
    if (http == NULL) {
        facts.error = error->code;
        facts.status = error->http_status;
        snprintf(words, sizeof words, "%s", error->message);
    } else {
        facts.status = http->status;
        if (http->status / 100 == 2)
            facts.understood =
                rc_learnamp_parse_token(http->body, http->body_bytes, &text, &expires_in_s, &fault) == RC_OK;
        else
            facts.understood = rc_learnamp_message(http->body, http->body_bytes, words);
        if (fault.code != RC_OK) snprintf(words, sizeof words, "%s", fault.message);
    }
    rc_token_result_t result = {.class = rc_outcome_class(&facts),
                                .status = facts.status,
                                .retry_after_ms = http != NULL ? http->retry_after_ms : -1,
                                .message = message,
                                .http = http,
                                .error = error,
                                .sent_at = token->sent_at};
    if (result.class == RC_CLASS_APPLIED)
        take(token, text, expires_in_s);
    else
        snprintf(message, sizeof message, "no access token (/oauth/token): %.900s", words);
    free(text);
    token->done(token->opaque, &result);
}

/* RFC 6749 wants a form. */
static void add_pair(rc_buf_t *form, const char *name, const char *value)
{
    char *encoded = rc_url_encode(value);
    rc_buf_add_format(form, "%s%s=%s", form->size_bytes > 0 ? "&" : "", name, encoded);
    free(encoded);
}

void rc_token_ask(rc_token_t *token)
{
    RC_INVARIANT(token->call == NULL);
    static const rc_http_header_t headers[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                               {"Accept", "application/json"}};
    rc_buf_t form = RC_BUF_INIT(MAX_ANSWER_BYTES);
    add_pair(&form, "grant_type", "client_credentials");
    add_pair(&form, "client_id", token->integration->learnamp.client_id);
    add_pair(&form, "client_secret", token->integration->learnamp.client_secret);
    add_pair(&form, "scope", token->integration->learnamp.scope);
    char *url = rc_sprintf("%s/oauth/token", token->integration->learnamp.base_url);
    rc_http_request_t request = {.method = "POST",
                                 .url = url,
                                 .headers = headers,
                                 .header_count = sizeof headers / sizeof *headers,
                                 .body = form.data,
                                 .body_bytes = form.size_bytes,
                                 .timeout_ms = token->timeout_ms,
                                 .max_body_bytes = MAX_ANSWER_BYTES};
    token->sent_at = rc_loop_now(token->loop);
    token->call = rc_http_send(token->http, &request, on_answer, token);
    free(url);
    rc_buf_fini(&form);
}
