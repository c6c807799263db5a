/* Signing in to the page, and out again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "producer/page/page_state.h"

/* Whether the browser speaks TLS, to the proxy before us: it says so itself when it writes. */
static bool is_tls(const rc_httpd_request_t *request)
{
    const char *origin = rc_httpd_header(request, "Origin"), *proto = rc_httpd_header(request, "X-Forwarded-Proto");
    return (origin && strncmp(origin, "https://", 8) == 0) || (proto && strcmp(proto, "https") == 0);
}

static void set_cookie(const rc_page_call_t *call, const char *session, int64_t seconds)
{
    char *cookie = rc_sprintf(RC_GUARD_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s", session,
                              (long long)seconds, is_tls(call->request) ? "; Secure" : "");
    rc_httpd_reply_header(call->reply, "Set-Cookie", cookie);
    free(cookie);
}

/* Whether this token may be tried now; the answer is there when not. */
bool rc_page_may_try(const rc_page_call_t *call)
{
    char seconds[24];
    pthread_mutex_lock(&call->page->mutex);
    int64_t wait_ms = rc_throttle_wait_ms(&call->page->throttle, rc_mono_now());
    pthread_mutex_unlock(&call->page->mutex);
    if (!wait_ms) return true;
    (void)snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_ms + 999) / 1000);
    rc_httpd_reply_header(call->reply, "Retry-After", seconds);
    rc_page_refuse(call->reply, 429, "too many wrong tokens; try again in a moment");
    return false;
}

void rc_page_note_wrong_token(const rc_page_call_t *call)
{
    pthread_mutex_lock(&call->page->mutex);
    (void)rc_throttle_take(&call->page->throttle, rc_mono_now());
    pthread_mutex_unlock(&call->page->mutex);
    rc_log(RC_LEVEL_WARN, "a wrong token was given to the status page", RC_LOG_STR(PATH, call->request->path));
}

static void answer_session(const rc_page_call_t *call, const char *session)
{
    const rc_guard_t *guard = &call->page->guard;
    char csrf[RC_HMAC_TEXT_SIZE];
    bool open = !*guard->token;
    json_t *json = json_object();
    (void)json_object_set_new(json, "needs_token", json_boolean(!open));
    (void)json_object_set_new(json, "signed_in", json_boolean(open || session));
    if (open || session) {
        rc_json_put_str(json, "csrf", rc_guard_csrf(guard, session, csrf));
        rc_json_put_str(json, "release", RC_VERSION);
    }
    rc_httpd_reply_json(call->reply, 200, json);
}

void rc_page_get_session(rc_page_call_t *call)
{
    char text[RC_GUARD_SESSION_SIZE];
    answer_session(
        call, rc_guard_find_session(&call->page->guard, rc_httpd_header(call->request, "Cookie"), rc_wall_now(), text));
}

void rc_page_sign_in(rc_page_call_t *call)
{
    char session[RC_GUARD_SESSION_SIZE];
    const char *token = rc_json_str(call->body, "token");
    if (!rc_page_may_try(call)) return;
    if (!token || !rc_guard_knows(&call->page->guard, token)) {
        rc_page_note_wrong_token(call);
        rc_page_refuse(call->reply, 401, "this is not the token");
        return;
    }
    set_cookie(call, rc_guard_session(&call->page->guard, rc_wall_now(), session), RC_GUARD_SESSION_MS / 1000);
    answer_session(call, session);
}

void rc_page_sign_out(rc_page_call_t *call)
{
    set_cookie(call, "", 0);
    answer_session(call, NULL);
}
