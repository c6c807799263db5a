#include "producer/page/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/random.h"

enum { ATTEMPTS = 10, ATTEMPT_MS = 6000 };

static const char SESSION_KEY[] = "rollcall status page: sessions";

void rc_guard_init(rc_guard_t *guard, const char *token, bool loopback)
{
    uint64_t random[4] = {rc_random64(), rc_random64(), rc_random64(), rc_random64()};
    *guard = (rc_guard_t){.token = token, .loopback = loopback};
    if (*token)
        rc_hmac_sha256(token, strlen(token), SESSION_KEY, sizeof SESSION_KEY - 1, guard->key);
    else
        rc_hmac_sha256(random, sizeof random, SESSION_KEY, sizeof SESSION_KEY - 1, guard->key);
}

/* --- sessions --- */

/* A MAC of "PURPOSE|text": what was made for one purpose proves nothing for another. */
static char *sign(const rc_guard_t *guard, const char *purpose, const char *text, char out[RC_HMAC_TEXT_SIZE])
{
    unsigned char mac[RC_HMAC_SIZE];
    char *message = rc_sprintf("%s|%s", purpose, text);
    rc_hmac_sha256(guard->key, sizeof guard->key, message, strlen(message), mac);
    char *encoded = rc_base64url_encode(mac, sizeof mac);
    (void)snprintf(out, RC_HMAC_TEXT_SIZE, "%s", encoded);
    free(encoded);
    free(message);
    return out;
}

/* "<expires in ms since 1970>.<nonce>.<MAC>" */
char *rc_guard_session(const rc_guard_t *guard, rc_wall_t now, char text[RC_GUARD_SESSION_SIZE])
{
    char mac[RC_HMAC_TEXT_SIZE];
    int length = snprintf(text, RC_GUARD_SESSION_SIZE, "%lld.%016llx%016llx", (long long)now.ms + RC_GUARD_SESSION_MS,
                          (unsigned long long)rc_random64(), (unsigned long long)rc_random64());
    (void)sign(guard, "session", text, mac);
    (void)snprintf(text + length, (size_t)(RC_GUARD_SESSION_SIZE - length), ".%s", mac);
    return text;
}

static bool is_valid(const rc_guard_t *guard, const char *session, rc_wall_t now)
{
    char signed_part[RC_GUARD_SESSION_SIZE], expected[RC_HMAC_TEXT_SIZE];
    const char *mac = strrchr(session, '.');
    if (!mac || (size_t)(mac - session) >= sizeof signed_part) return false;
    (void)snprintf(signed_part, sizeof signed_part, "%.*s", (int)(mac - session), session);
    (void)sign(guard, "session", signed_part, expected);
    if (!rc_equal_constant_time(expected, strlen(expected), mac + 1, strlen(mac + 1))) return false;
    /* Only what we have signed is parsed. */
    return strtoll(session, NULL, 10) > now.ms;
}

const char *rc_guard_find_session(const rc_guard_t *guard, const char *cookies, rc_wall_t now,
                                  char text[RC_GUARD_SESSION_SIZE])
{
    static const char name[] = RC_GUARD_COOKIE "=";
    /* Another program on this host can have set a cookie of the same name: the valid one counts. */
    while (cookies && *cookies) {
        cookies += strspn(cookies, " ;");
        size_t length = strcspn(cookies, ";");
        if (strncmp(cookies, name, sizeof name - 1) == 0 && length - (sizeof name - 1) < RC_GUARD_SESSION_SIZE) {
            (void)snprintf(text, RC_GUARD_SESSION_SIZE, "%.*s", (int)(length - (sizeof name - 1)),
                           cookies + sizeof name - 1);
            if (is_valid(guard, text, now)) return text;
        }
        cookies += length;
    }
    return NULL;
}

char *rc_guard_csrf(const rc_guard_t *guard, const char *session, char text[RC_HMAC_TEXT_SIZE])
{
    return sign(guard, "csrf", session ? session : "", text);
}

bool rc_guard_knows(const rc_guard_t *guard, const char *token)
{
    char ours[RC_HMAC_TEXT_SIZE], theirs[RC_HMAC_TEXT_SIZE];
    if (!*guard->token) return false;
    /* MACs have one length: not even that of the token shows. */
    (void)sign(guard, "token", guard->token, ours);
    (void)sign(guard, "token", token, theirs);
    return rc_equal_constant_time(ours, strlen(ours), theirs, strlen(theirs));
}

/* --- who asks --- */

/* "localhost:8080", "127.0.0.1", "[::1]:80". */
static bool is_this_machine(const char *host)
{
    char name[64];
    struct in_addr four;
    if (!host) return false;
    size_t length = strcspn(host, *host == '[' ? "]" : ":");
    if (*host == '[' && host[length] == ']') length++;
    if (length >= sizeof name || (host[length] && host[length] != ':')) return false;
    if (host[length] && strspn(host + length + 1, "0123456789") != strlen(host + length + 1)) return false;
    (void)snprintf(name, sizeof name, "%.*s", (int)length, host);
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (inet_pton(AF_INET, name, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

/* Whether the browser says that the page which asks came from here. Without a word of it no browser of today asks. */
static bool is_same_origin(const rc_guard_request_t *request)
{
    if (request->fetch_site && strcmp(request->fetch_site, "same-origin") != 0 &&
        strcmp(request->fetch_site, "none") != 0)
        return false;
    if (!request->origin) return true;
    const char *authority = strstr(request->origin, "://");
    return authority && request->host && strcasecmp(authority + 3, request->host) == 0;
}

static rc_guard_verdict_t refuse(rc_guard_verdict_t verdict, const char *text, const char **why)
{
    *why = text;
    return verdict;
}

static rc_guard_verdict_t check_csrf(const rc_guard_t *guard, const rc_guard_request_t *request, const char *session,
                                     const char **why)
{
    char expected[RC_HMAC_TEXT_SIZE];
    (void)rc_guard_csrf(guard, session, expected);
    if (request->csrf && rc_equal_constant_time(expected, strlen(expected), request->csrf, strlen(request->csrf)))
        return RC_GUARD_PASSED;
    return refuse(RC_GUARD_FORBIDDEN, "the header " RC_GUARD_CSRF " is missing or no longer valid; load the page again",
                  why);
}

static rc_guard_verdict_t check_login(const rc_guard_t *guard, const rc_guard_request_t *request, rc_wall_t now,
                                      const char **why)
{
    static const char bearer[] = "Bearer ";
    char text[RC_GUARD_SESSION_SIZE];
    if (request->authorization && strncasecmp(request->authorization, bearer, sizeof bearer - 1) == 0) {
        if (rc_guard_knows(guard, request->authorization + sizeof bearer - 1)) return RC_GUARD_PASSED;
        return refuse(RC_GUARD_WRONG_TOKEN, "this is not the token", why);
    }
    const char *session = rc_guard_find_session(guard, request->cookie, now, text);
    if (!session) return refuse(RC_GUARD_SIGNED_OUT, "you are not signed in, or no longer", why);
    return request->writes ? check_csrf(guard, request, session, why) : RC_GUARD_PASSED;
}

rc_guard_verdict_t rc_guard_look(const rc_guard_t *guard, const rc_guard_request_t *request, rc_wall_t now,
                                 const char **why)
{
    bool open = !*guard->token;
    *why = NULL;
    if (open && !guard->loopback)
        return refuse(RC_GUARD_FORBIDDEN,
                      "the status page needs api_token in the configuration, or a listener on 127.0.0.1", why);
    if (open && (!is_this_machine(request->host) || request->through_proxy))
        return refuse(RC_GUARD_FORBIDDEN,
                      "without api_token the page can only be reached from this machine itself, as localhost; set "
                      "api_token to reach it by another name or through a proxy",
                      why);
    if ((request->writes || request->needs_login) && !is_same_origin(request))
        return refuse(RC_GUARD_FORBIDDEN,
                      "another site asks; if this is the page itself, the proxy before it must pass the Host header on",
                      why);
    if (!request->needs_login) return RC_GUARD_PASSED;
    if (!open) return check_login(guard, request, now, why);
    return request->writes ? check_csrf(guard, request, NULL, why) : RC_GUARD_PASSED;
}

/* --- attempts --- */

int64_t rc_throttle_wait_ms(const rc_throttle_t *throttle, rc_mono_t now)
{
    /* All attempts used: they are there again ATTEMPTS * ATTEMPT_MS from now. */
    int64_t wait_ms = throttle->full_at.ms - now.ms - (int64_t)(ATTEMPTS - 1) * ATTEMPT_MS;
    return wait_ms > 0 ? wait_ms : 0;
}

int64_t rc_throttle_take(rc_throttle_t *throttle, rc_mono_t now)
{
    int64_t wait_ms = rc_throttle_wait_ms(throttle, now);
    if (wait_ms) return wait_ms;
    throttle->full_at.ms = (throttle->full_at.ms > now.ms ? throttle->full_at.ms : now.ms) + ATTEMPT_MS;
    return 0;
}
