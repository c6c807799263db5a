/* producer/page/guard: who may see and do what on the status page. */
#include "producer/page/guard.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

static const rc_wall_t NOW = {1795400000000};
static const char TOKEN[] = "correct-horse";

static rc_guard_t locked, open_here, open_everywhere;
static char session[RC_GUARD_SESSION_SIZE], cookie[RC_GUARD_SESSION_SIZE + 32], csrf[RC_HMAC_TEXT_SIZE],
    open_csrf[RC_HMAC_TEXT_SIZE];

static void set_up(void)
{
    rc_guard_init(&locked, TOKEN, false);
    rc_guard_init(&open_here, "", true);
    rc_guard_init(&open_everywhere, "", false);
    (void)rc_guard_session(&locked, NOW, session);
    (void)snprintf(cookie, sizeof cookie, "%s=%s", RC_GUARD_COOKIE, session);
    (void)rc_guard_csrf(&locked, session, csrf);
    (void)rc_guard_csrf(&open_here, NULL, open_csrf);
}

static rc_guard_verdict_t look(const rc_guard_t *guard, rc_guard_request_t request)
{
    const char *why;
    rc_guard_verdict_t verdict = rc_guard_look(guard, &request, NOW, &why);
    ck_assert_int_eq(why == NULL, verdict == RC_GUARD_PASSED);
    return verdict;
}

/* --- without a token --- */

START_TEST(without_a_token_a_listener_for_others_shows_nothing)
{
    ck_assert_int_eq(look(&open_everywhere, (rc_guard_request_t){.host = "localhost:8080"}), RC_GUARD_FORBIDDEN);
    ck_assert_int_eq(look(&open_everywhere, (rc_guard_request_t){.host = "localhost:8080", .needs_login = true}),
                     RC_GUARD_FORBIDDEN);
}
END_TEST

static const struct {
    const char *host;
    rc_guard_verdict_t verdict;
} HOSTS[] = {
    {"localhost:8080", RC_GUARD_PASSED},
    {"LOCALHOST", RC_GUARD_PASSED},
    {"127.0.0.1:8080", RC_GUARD_PASSED},
    {"127.9.9.9", RC_GUARD_PASSED},
    {"[::1]:8080", RC_GUARD_PASSED},
    {NULL, RC_GUARD_FORBIDDEN},
    {"", RC_GUARD_FORBIDDEN},
    {"evil.example:8080", RC_GUARD_FORBIDDEN}, /* a name that now leads here: DNS rebinding */
    {"localhost.evil.example", RC_GUARD_FORBIDDEN},
    {"127.0.0.1.evil.example", RC_GUARD_FORBIDDEN},
    {"127.0.0.1:80@evil.example", RC_GUARD_FORBIDDEN},
    {"10.0.0.1", RC_GUARD_FORBIDDEN},
    {"[::1].evil.example", RC_GUARD_FORBIDDEN},
    {"[::1", RC_GUARD_FORBIDDEN},
    {"localhost:80 80", RC_GUARD_FORBIDDEN},
};

START_TEST(without_a_token_only_this_machine_s_own_names_are_answered)
{
    ck_assert_int_eq(look(&open_here, (rc_guard_request_t){.host = HOSTS[_i].host, .needs_login = true}),
                     HOSTS[_i].verdict);
    ck_assert_int_eq(look(&open_here, (rc_guard_request_t){.host = HOSTS[_i].host}), HOSTS[_i].verdict);
}
END_TEST

START_TEST(without_a_token_nobody_comes_through_a_proxy)
{
    ck_assert_int_eq(look(&open_here, (rc_guard_request_t){.host = "localhost", .through_proxy = true}),
                     RC_GUARD_FORBIDDEN);
}
END_TEST

START_TEST(without_a_token_a_write_bears_the_csrf_token_of_this_process)
{
    rc_guard_request_t request = {.host = "localhost", .needs_login = true, .writes = true};
    ck_assert_int_eq(look(&open_here, request), RC_GUARD_FORBIDDEN);
    request.csrf = open_csrf;
    ck_assert_int_eq(look(&open_here, request), RC_GUARD_PASSED);
    rc_guard_t next_life;
    rc_guard_init(&next_life, "", true);
    ck_assert_int_eq(look(&next_life, request), RC_GUARD_FORBIDDEN);
}
END_TEST

/* --- with one --- */

static const struct {
    const char *what;
    rc_guard_request_t request; /* behind the login */
    rc_guard_verdict_t verdict;
} REQUESTS[] = {
    {"nothing", {.host = "h"}, RC_GUARD_SIGNED_OUT},
    {"a session", {.host = "h", .cookie = cookie}, RC_GUARD_PASSED},
    {"a write by a session alone", {.host = "h", .cookie = cookie, .writes = true}, RC_GUARD_FORBIDDEN},
    {"a write with its CSRF token", {.host = "h", .cookie = cookie, .writes = true, .csrf = csrf}, RC_GUARD_PASSED},
    {"with another", {.host = "h", .cookie = cookie, .writes = true, .csrf = open_csrf}, RC_GUARD_FORBIDDEN},
    {"with an empty one", {.host = "h", .cookie = cookie, .writes = true, .csrf = ""}, RC_GUARD_FORBIDDEN},
    {"a CSRF token alone", {.host = "h", .writes = true, .csrf = csrf}, RC_GUARD_SIGNED_OUT},
    {"the token", {.host = "h", .authorization = "Bearer correct-horse"}, RC_GUARD_PASSED},
    {"the token writes", {.host = "h", .authorization = "bearer correct-horse", .writes = true}, RC_GUARD_PASSED},
    {"another token", {.host = "h", .authorization = "Bearer correct-horsf"}, RC_GUARD_WRONG_TOKEN},
    {"no token", {.host = "h", .authorization = "Bearer "}, RC_GUARD_WRONG_TOKEN},
    {"a prefix", {.host = "h", .authorization = "Bearer correct"}, RC_GUARD_WRONG_TOKEN},
    {"a wrong token beside a session",
     {.host = "h", .cookie = cookie, .authorization = "Bearer x"},
     RC_GUARD_WRONG_TOKEN},
    {"a password", {.host = "h", .authorization = "Basic Y29ycmVjdC1ob3JzZQ=="}, RC_GUARD_SIGNED_OUT},
    {"the page itself",
     {.host = "h:1", .origin = "https://H:1", .fetch_site = "same-origin", .cookie = cookie},
     RC_GUARD_PASSED},
    {"another site reads", {.host = "h", .fetch_site = "cross-site", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"a neighbour reads", {.host = "h", .fetch_site = "same-site", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"another origin", {.host = "h", .origin = "https://evil.example", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"another port", {.host = "h:1", .origin = "http://h:2", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"no origin at all", {.host = "h", .origin = "null", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"a request without a host", {.origin = "http://h", .cookie = cookie}, RC_GUARD_FORBIDDEN},
    {"through a proxy", {.host = "h", .through_proxy = true, .cookie = cookie}, RC_GUARD_PASSED},
};

START_TEST(with_a_token_it_takes_a_session_or_the_token)
{
    rc_guard_request_t request = REQUESTS[_i].request;
    request.needs_login = true;
    ck_assert_msg(look(&locked, request) == REQUESTS[_i].verdict, "%s", REQUESTS[_i].what);
}
END_TEST

START_TEST(the_files_of_the_page_need_no_login_and_another_site_may_lead_to_them)
{
    ck_assert_int_eq(look(&locked, (rc_guard_request_t){.host = "h", .fetch_site = "cross-site"}), RC_GUARD_PASSED);
}
END_TEST

START_TEST(another_site_cannot_sign_anybody_in)
{
    ck_assert_int_eq(look(&locked, (rc_guard_request_t){.host = "h", .origin = "https://evil.example", .writes = true}),
                     RC_GUARD_FORBIDDEN);
    ck_assert_int_eq(look(&locked, (rc_guard_request_t){.host = "h", .origin = "https://h", .writes = true}),
                     RC_GUARD_PASSED);
}
END_TEST

/* --- sessions --- */

static const char *find(const rc_guard_t *guard, const char *cookies, rc_wall_t now)
{
    static char text[RC_GUARD_SESSION_SIZE];
    return rc_guard_find_session(guard, cookies, now, text);
}

START_TEST(a_session_lasts_twelve_hours)
{
    ck_assert_ptr_nonnull(find(&locked, cookie, (rc_wall_t){NOW.ms + RC_GUARD_SESSION_MS - 1}));
    ck_assert_ptr_null(find(&locked, cookie, (rc_wall_t){NOW.ms + RC_GUARD_SESSION_MS}));
}
END_TEST

START_TEST(any_process_with_the_token_knows_a_session_and_another_token_ends_it)
{
    rc_guard_t same, other;
    rc_guard_init(&same, TOKEN, true);
    rc_guard_init(&other, "correct-horse-2", true);
    ck_assert_str_eq(find(&same, cookie, NOW), session);
    ck_assert_ptr_null(find(&other, cookie, NOW));
}
END_TEST

START_TEST(no_character_of_a_session_can_be_another)
{
    char forged[sizeof cookie];
    size_t at = sizeof RC_GUARD_COOKIE; /* behind "name=" */
    ck_assert_uint_gt(strlen(cookie), at + 60);
    for (; cookie[at]; at++) {
        memcpy(forged, cookie, sizeof forged);
        forged[at] = forged[at] == '1' ? '2' : '1';
        ck_assert_msg(!find(&locked, forged, NOW), "%s", forged);
    }
}
END_TEST

START_TEST(a_csrf_token_is_no_session_and_no_token)
{
    char forged[256];
    (void)snprintf(forged, sizeof forged, "%s=%s.%s", RC_GUARD_COOKIE, "1895400000000.00", csrf);
    ck_assert_ptr_null(find(&locked, forged, NOW));
    ck_assert(!rc_guard_knows(&locked, csrf));
    ck_assert(!rc_guard_knows(&locked, session));
}
END_TEST

static const char *const NO_SESSIONS[] = {
    "",
    ";",
    "rollcall_session",
    "rollcall_session=",
    "rollcall_session=.",
    "rollcall_session=1895400000000.00.",
    "xrollcall_session=1",
    "rollcall_session=9999999999999999999999999999999999999999999.0.0",
    " ; ;; =;",
};

START_TEST(what_is_no_session_is_none)
{
    ck_assert_ptr_null(find(&locked, NO_SESSIONS[_i], NOW));
}
END_TEST

START_TEST(a_session_is_found_among_other_cookies_and_long_ones_are_passed_over)
{
    char cookies[2048], filler[600];
    ck_assert_ptr_null(find(&locked, NULL, NOW));
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    (void)snprintf(cookies, sizeof cookies, "theme=dark; %s=%s; %s=old; %s; last=1", RC_GUARD_COOKIE, filler,
                   RC_GUARD_COOKIE, cookie);
    ck_assert_str_eq(find(&locked, cookies, NOW), session);
}
END_TEST

START_TEST(every_session_is_another)
{
    char second[RC_GUARD_SESSION_SIZE], its_csrf[RC_HMAC_TEXT_SIZE];
    (void)rc_guard_session(&locked, NOW, second);
    ck_assert_str_ne(session, second);
    ck_assert_str_ne(csrf, rc_guard_csrf(&locked, second, its_csrf));
}
END_TEST

START_TEST(an_empty_token_is_known_to_nobody)
{
    ck_assert(!rc_guard_knows(&open_here, ""));
    ck_assert(!rc_guard_knows(&locked, ""));
    ck_assert(rc_guard_knows(&locked, TOKEN));
}
END_TEST

/* --- attempts --- */

START_TEST(ten_wrong_tokens_at_once_then_one_every_six_seconds)
{
    rc_throttle_t throttle = {{0}};
    rc_mono_t now = {5000000};
    for (int i = 0; i < 10; i++) ck_assert_int_eq(rc_throttle_take(&throttle, now), 0);
    ck_assert_int_eq(rc_throttle_take(&throttle, now), 6000);
    now.ms += 5999;
    ck_assert_int_eq(rc_throttle_wait_ms(&throttle, now), 1);
    now.ms += 1;
    ck_assert_int_eq(rc_throttle_take(&throttle, now), 0);
    ck_assert_int_eq(rc_throttle_take(&throttle, now), 6000);
    now.ms += 3600 * 1000;
    for (int i = 0; i < 10; i++) ck_assert_int_eq(rc_throttle_take(&throttle, now), 0);
    ck_assert_int_gt(rc_throttle_take(&throttle, now), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guard");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, NULL);
    tcase_add_test(all, without_a_token_a_listener_for_others_shows_nothing);
    tcase_add_loop_test(all, without_a_token_only_this_machine_s_own_names_are_answered, 0,
                        sizeof HOSTS / sizeof *HOSTS);
    tcase_add_test(all, without_a_token_nobody_comes_through_a_proxy);
    tcase_add_test(all, without_a_token_a_write_bears_the_csrf_token_of_this_process);
    tcase_add_loop_test(all, with_a_token_it_takes_a_session_or_the_token, 0, sizeof REQUESTS / sizeof *REQUESTS);
    tcase_add_test(all, the_files_of_the_page_need_no_login_and_another_site_may_lead_to_them);
    tcase_add_test(all, another_site_cannot_sign_anybody_in);
    tcase_add_test(all, a_session_lasts_twelve_hours);
    tcase_add_test(all, any_process_with_the_token_knows_a_session_and_another_token_ends_it);
    tcase_add_test(all, no_character_of_a_session_can_be_another);
    tcase_add_test(all, a_csrf_token_is_no_session_and_no_token);
    tcase_add_loop_test(all, what_is_no_session_is_none, 0, sizeof NO_SESSIONS / sizeof *NO_SESSIONS);
    tcase_add_test(all, a_session_is_found_among_other_cookies_and_long_ones_are_passed_over);
    tcase_add_test(all, every_session_is_another);
    tcase_add_test(all, an_empty_token_is_known_to_nobody);
    tcase_add_test(all, ten_wrong_tokens_at_once_then_one_every_six_seconds);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
