/* Who may see and do what on the status page: sessions, CSRF tokens, the addresses a browser may call it by. Pure but
 * for the key of a process without a token; any thread.
 *
 * With a token (`api_token`) a person signs in and gets a session: an expiry and a nonce under an HMAC whose key is
 * derived from the token, so that nothing is stored, any producer with the same token knows it, and another token ends
 * all of them. Without a token only a loopback listener answers, and then a web page elsewhere must not be able to
 * speak to it through the browser of whoever sits here: the Host has to be this machine's (DNS rebinding). */
#ifndef RC_PRODUCER_GUARD_H
#define RC_PRODUCER_GUARD_H

#include <stdbool.h>

#include "common/config.h"
#include "common/hmac.h"
#include "common/time.h"

#define RC_GUARD_COOKIE "rollcall_session"
#define RC_GUARD_CSRF   "X-Rollcall-CSRF"

enum { RC_GUARD_SESSION_SIZE = 128, RC_GUARD_SESSION_MS = 12 * 3600 * 1000 };

typedef struct {
    const char *token; /* borrowed; "": none */
    bool loopback;     /* only this machine can connect to the listener */
    unsigned char key[RC_HMAC_SIZE];
} rc_guard_t;

/* Borrows the token. Without one the key is random: CSRF tokens then end with the process. */
void rc_guard_init(rc_guard_t *guard, const char *token, bool loopback);

/* What the guard looks at. NULL: the request has no such header. */
typedef struct {
    bool writes;      /* not GET */
    bool needs_login; /* everything under /api but the session itself */
    const char *host, *origin, *fetch_site, *cookie, *authorization, *csrf;
    bool through_proxy; /* a header says so */
} rc_guard_request_t;

typedef enum {
    RC_GUARD_PASSED,
    RC_GUARD_FORBIDDEN,  /* 403 */
    RC_GUARD_SIGNED_OUT, /* 401: no session, or it is over */
    RC_GUARD_WRONG_TOKEN /* 401, and it counts as an attempt */
} rc_guard_verdict_t;

/* `why` (static): what to tell whoever asked; NULL when passed. In this order: the listener, the Host, whether another
 * site's page asks, the session or the Bearer token, and for writes by a session the CSRF token. */
rc_guard_verdict_t rc_guard_look(const rc_guard_t *guard, const rc_guard_request_t *request, rc_wall_t now,
                                 const char **why);

/* Whether it is the token, in a time that does not depend on how much of it is right. False without a token. */
bool rc_guard_knows(const rc_guard_t *guard, const char *token);

/* A session that begins now. Returns text. */
char *rc_guard_session(const rc_guard_t *guard, rc_wall_t now, char text[RC_GUARD_SESSION_SIZE]);
/* The valid session among the cookies, copied to text; NULL: none. */
const char *rc_guard_find_session(const rc_guard_t *guard, const char *cookies, rc_wall_t now,
                                  char text[RC_GUARD_SESSION_SIZE]);
/* What writes by that session (NULL: of a process without a token) have to bear in RC_GUARD_CSRF. Returns text. */
char *rc_guard_csrf(const rc_guard_t *guard, const char *session, char text[RC_HMAC_TEXT_SIZE]);

/* How often a token may be tried, by all together: some at once, then one every few seconds. One thread at a time. */
typedef struct {
    rc_mono_t full_at; /* when all attempts are there again */
} rc_throttle_t;
/* 0: it may be tried, and counts. Else how long to wait, in ms. */
int64_t rc_throttle_take(rc_throttle_t *throttle, rc_mono_t now);
/* How long it would have to wait, without counting. */
int64_t rc_throttle_wait_ms(const rc_throttle_t *throttle, rc_mono_t now);

#endif
