/* producer/page: its HTTP side, asked over plain sockets, with what is behind it stood in for (the calls are wrapped).
 */
#include "producer/page/page.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "producer/page/page_state.h"
#include "tests/support/unit.h"

enum { ANSWER_MAX = 1 << 18 };

/* --- what is behind --- */

static struct {
    bool has_roster;
    rc_roster_t roster;
    rc_sync_state_t state;
    rc_code_t views_code, orders_code;
    rc_order_t order; /* the last one; texts are kept */
    rc_wall_t listed_at;
    int orders_sent;
    rc_retry_wish_t wish;
    int wishes;
    bool has_box;
    rc_letterbox_t box;
} world;

rc_code_t __wrap_rc_chronicle_new(const rc_kafka_t *, const rc_codec_t *, rc_chronicle_t **, rc_error_t *);
rc_rosters_t *__wrap_rc_rosters_new(const rc_config_t *, rc_views_t *);
void __wrap_rc_rosters_free(rc_rosters_t *);
const rc_roster_t *__wrap_rc_rosters_get(rc_rosters_t *, size_t, bool *);
void __wrap_rc_roster_release(const rc_roster_t *);
rc_orders_t *__wrap_rc_orders_new(const rc_kafka_t *, const rc_codec_t *);
void __wrap_rc_orders_free(rc_orders_t *);
rc_code_t __wrap_rc_orders_send(rc_orders_t *, rc_order_t *, rc_wall_t, rc_error_t *);
const rc_order_t *__wrap_rc_orders_list(rc_orders_t *, const char *, rc_arena_t *, size_t *);
rc_letters_t *__wrap_rc_letters_new(const rc_config_t *);
void __wrap_rc_letters_free(rc_letters_t *);
const rc_letterbox_t *__wrap_rc_letters_get(rc_letters_t *, bool *);
void __wrap_rc_letterbox_release(const rc_letterbox_t *);
bool __wrap_rc_letters_retry(rc_letters_t *, const rc_retry_wish_t *);
rc_retry_report_t __wrap_rc_letters_report(rc_letters_t *, const char *);
rc_code_t __wrap_rc_views_state(rc_views_t *, const char *, rc_arena_t *, rc_sync_state_t *, bool *, rc_error_t *);
rc_code_t __wrap_rc_views_person(rc_views_t *, const char *, const char *, rc_arena_t *, rc_person_t *, rc_error_t *);

rc_code_t __wrap_rc_chronicle_new(const rc_kafka_t *kafka, const rc_codec_t *codec, rc_chronicle_t **chronicle,
                                  rc_error_t *error)
{
    (void)kafka, (void)codec, (void)error;
    *chronicle = rc_chronicle_empty();
    return RC_OK;
}

rc_rosters_t *__wrap_rc_rosters_new(const rc_config_t *config, rc_views_t *views)
{
    (void)config, (void)views;
    return NULL;
}

void __wrap_rc_rosters_free(rc_rosters_t *rosters)
{
    (void)rosters;
}

const rc_roster_t *__wrap_rc_rosters_get(rc_rosters_t *rosters, size_t index, bool *fresh)
{
    (void)rosters, (void)index;
    *fresh = true;
    return world.has_roster ? &world.roster : NULL;
}

void __wrap_rc_roster_release(const rc_roster_t *roster)
{
    (void)roster;
}

rc_orders_t *__wrap_rc_orders_new(const rc_kafka_t *kafka, const rc_codec_t *codec)
{
    (void)kafka, (void)codec;
    return NULL;
}

void __wrap_rc_orders_free(rc_orders_t *orders)
{
    (void)orders;
}

rc_code_t __wrap_rc_orders_send(rc_orders_t *orders, rc_order_t *order, rc_wall_t listed_at, rc_error_t *error)
{
    static char hold[64];
    (void)orders;
    (void)snprintf(order->id, sizeof order->id, "order-1");
    world.order = *order;
    (void)snprintf(hold, sizeof hold, "%s", order->hold_id ? order->hold_id : "");
    world.order.hold_id = hold;
    world.listed_at = listed_at;
    world.orders_sent++;
    return world.orders_code ? rc_error_set(error, world.orders_code, RC_RETRY, "Kafka is away") : RC_OK;
}

const rc_order_t *__wrap_rc_orders_list(rc_orders_t *orders, const char *integration_id, rc_arena_t *arena,
                                        size_t *count)
{
    (void)orders, (void)integration_id;
    *count = 0;
    return rc_arena_alloc(arena, sizeof(rc_order_t));
}

rc_letters_t *__wrap_rc_letters_new(const rc_config_t *config)
{
    (void)config;
    return NULL;
}

void __wrap_rc_letters_free(rc_letters_t *letters)
{
    (void)letters;
}

const rc_letterbox_t *__wrap_rc_letters_get(rc_letters_t *letters, bool *fresh)
{
    (void)letters;
    if (fresh) *fresh = true;
    return world.has_box ? &world.box : NULL;
}

void __wrap_rc_letterbox_release(const rc_letterbox_t *box)
{
    (void)box;
}

bool __wrap_rc_letters_retry(rc_letters_t *letters, const rc_retry_wish_t *wish)
{
    (void)letters;
    world.wish = *wish;
    world.wishes++;
    return true;
}

rc_retry_report_t __wrap_rc_letters_report(rc_letters_t *letters, const char *integration_id)
{
    (void)letters, (void)integration_id;
    return (rc_retry_report_t){.busy = false};
}

rc_code_t __wrap_rc_views_state(rc_views_t *views, const char *integration_id, rc_arena_t *arena,
                                rc_sync_state_t *state, bool *found, rc_error_t *error)
{
    (void)views, (void)integration_id, (void)arena;
    if (world.views_code) return rc_error_set(error, world.views_code, RC_REJECT, "a row cannot be read");
    *state = world.state;
    *found = true;
    return RC_OK;
}

rc_code_t __wrap_rc_views_person(rc_views_t *views, const char *integration_id, const char *employee_id,
                                 rc_arena_t *arena, rc_person_t *person, rc_error_t *error)
{
    (void)views, (void)integration_id, (void)employee_id, (void)arena, (void)person, (void)error;
    return RC_OK;
}

/* --- the page on a port --- */

static rc_config_t config;
static rc_integration_t integrations[1];
static rc_zone_t *utc;
static rc_hold_t hold;
static rc_waiting_t waiting[1];
static rc_page_t *page;
static rc_httpd_t *server;
static char host[64];

static void open_page(const char *token, const char *listen_host)
{
    rc_error_t error = RC_ERROR_INIT;
    size_t count;
    config.api_token = token;
    (void)snprintf(config.producer.listen.host, sizeof config.producer.listen.host, "%s", listen_host);
    page = rc_page_new(&config);
    const rc_httpd_route_t *routes = rc_page_routes(page, &count);
    const rc_httpd_options_t options = {
        .listen = "127.0.0.1:0", .routes = routes, .route_count = count, .max_body_bytes = 1 << 20, .threads = 2};
    ck_assert_msg(rc_httpd_new(&options, &server, &error) == RC_OK, "%s", error.message);
    (void)snprintf(host, sizeof host, "127.0.0.1:%u", rc_httpd_port(server));
}

static void set_up(void)
{
    rc_error_t error = RC_ERROR_INIT;
    memset(&world, 0, sizeof world);
    ck_assert_int_eq(rc_zone_new("UTC", &utc, &error), RC_OK);
    hold = (rc_hold_t){.id = "deactivations-1", .brake = RC_BRAKE_DEACTIVATIONS, .changed_at = {1795400000123}};
    world.state = (rc_sync_state_t){.integration_id = "personio:A", .holds = &hold, .hold_count = 1};
    waiting[0] = (rc_waiting_t){
        .employee_id = "1", .name = "<img src=x>", .folded = "<img src=x> 1", .reasons = 1U << RC_PENDING_NO_EMAIL};
    world.has_roster = true;
    world.roster = (rc_roster_t){.waiting = waiting, .waiting_count = 1, .state = world.state, .error = RC_ERROR_INIT};
    integrations[0] = (rc_integration_t){.id = "personio:A", .name = "Acme", .timezone = "UTC", .zone = utc};
    config = (rc_config_t){.integrations = integrations, .integrations_count = 1};
    config.kafka.partitions = 4;
    open_page("secret", "0.0.0.0");
    ck_assert_int_eq(rc_page_open(page, NULL, NULL, NULL, &error), RC_OK);
}

static void close_page(void)
{
    rc_httpd_free(server);
    rc_page_free(page);
}

static void tear_down(void)
{
    close_page();
    rc_zone_free(utc);
}

/* The whole answer to a request, head and body; new (free). */
static char *ask(const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rc_httpd_port(server))};
    struct timeval patience = {.tv_sec = 20};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    rc_buf_t heard = RC_BUF_INIT(ANSWER_MAX);
    char piece[4096];
    ssize_t got;
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0) (void)rc_buf_add(&heard, piece, (size_t)got);
    (void)close(fd);
    return rc_buf_take(&heard);
}

static char answer[ANSWER_MAX];

/* The status of an answer, which stays in `answer`. `headers` end with "\r\n" each; body NULL: none. */
static int request(const char *method, const char *path, const char *headers, const char *body)
{
    char *text =
        body ? rc_sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n%s\r\n%s",
                          method, path, host, strlen(body), headers, body)
             : rc_sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", method, path, host, headers);
    char *heard = ask(text);
    (void)snprintf(answer, sizeof answer, "%s", heard);
    free(text);
    free(heard);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0, "%s", answer);
    return atoi(answer + 9);
}

static void has(const char *part)
{
    ck_assert_msg(strstr(answer, part) != NULL, "%s is not in %s", part, answer);
}

static void has_not(const char *part)
{
    ck_assert_msg(strstr(answer, part) == NULL, "%s is in %s", part, answer);
}

static const char BEARER[] = "Authorization: Bearer secret\r\n";
#define INTEGRATION "integration=personio%3AA"

/* Signs in as a browser does, and gives the headers of its writes. */
static const char *browser(void)
{
    static char headers[512];
    char cookie[256], csrf[128];
    ck_assert_int_eq(request("POST", "/api/session", "", "{\"token\": \"secret\"}"), 200);
    const char *set = strstr(answer, "Set-Cookie: "), *token = strstr(answer, "\"csrf\":\"");
    ck_assert(set && token);
    ck_assert_int_eq(sscanf(set, "Set-Cookie: %255[^;]", cookie), 1);
    ck_assert_int_eq(sscanf(token, "\"csrf\":\"%127[^\"]", csrf), 1);
    (void)snprintf(headers, sizeof headers, "Cookie: %s\r\n%s: %s\r\n", cookie, RC_GUARD_CSRF, csrf);
    return headers;
}

/* --- files --- */

static const struct {
    const char *path, *type;
} FILES[] = {{"/", "text/html; charset=utf-8"},
             {"/page.css", "text/css; charset=utf-8"},
             {"/page.js", "text/javascript; charset=utf-8"},
             {"/words.js", "text/javascript; charset=utf-8"},
             {"/dom.js", "text/javascript; charset=utf-8"},
             {"/server.js", "text/javascript; charset=utf-8"},
             {"/state.js", "text/javascript; charset=utf-8"},
             {"/orders.js", "text/javascript; charset=utf-8"},
             {"/lists.js", "text/javascript; charset=utf-8"},
             {"/people.js", "text/javascript; charset=utf-8"},
             {"/overview.js", "text/javascript; charset=utf-8"},
             {"/decisions.js", "text/javascript; charset=utf-8"},
             {"/delivery.js", "text/javascript; charset=utf-8"},
             {"/activity.js", "text/javascript; charset=utf-8"},
             {"/icon.svg", "image/svg+xml"}};

START_TEST(the_files_are_served_with_a_policy_that_lets_nothing_else_in)
{
    char tag[64], headers[128], type[64];
    ck_assert_int_eq(request("GET", FILES[_i].path, "", NULL), 200);
    (void)snprintf(type, sizeof type, "Content-Type: %s\r\n", FILES[_i].type);
    has(type);
    has("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';");
    has("frame-ancestors 'none'");
    has("X-Content-Type-Options: nosniff");
    has("Referrer-Policy: no-referrer");
    has_not("unsafe");
    ck_assert_int_eq(sscanf(strstr(answer, "ETag: "), "ETag: %63s", tag), 1);
    (void)snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", tag);
    ck_assert_int_eq(request("GET", FILES[_i].path, headers, NULL), 304);
}
END_TEST

/* The policy refuses both, so they would be dead letters. */
START_TEST(every_file_is_among_those_that_are_looked_at_here)
{
    ck_assert_uint_eq(RC_PAGE_FILE_COUNT, sizeof FILES / sizeof *FILES);
}
END_TEST

START_TEST(the_page_has_no_inline_script_style_or_handler_and_makes_no_markup_of_text)
{
    static const char *const forbidden[] = {
        "<script>", "<style",     "style=", "onclick=",           "javascript:", "http://",
        "https://", ".innerHTML", "eval(",  "insertAdjacentHTML", "outerHTML",   "document.write"};
    ck_assert_int_eq(request("GET", FILES[_i].path, "", NULL), 200);
    const char *body = strstr(answer, "\r\n\r\n");
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        if (strcmp(forbidden[i], "http://") == 0 && strcmp(FILES[_i].path, "/icon.svg") == 0) continue; /* its xmlns */
        ck_assert_msg(strstr(body, forbidden[i]) == NULL, "%s has %s", FILES[_i].path, forbidden[i]);
    }
}
END_TEST

/* --- the door --- */

static const char *const PRIVATE[] = {
    "/api/integrations",          "/api/waiting?" INTEGRATION,      "/api/calendar?" INTEGRATION,
    "/api/activity?" INTEGRATION, "/api/dead-letters?" INTEGRATION,
};

START_TEST(nothing_about_people_is_told_without_the_token)
{
    ck_assert_int_eq(request("GET", PRIVATE[_i], "", NULL), 401);
    has_not("Acme");
    has_not("<img");
    ck_assert_int_eq(request("GET", PRIVATE[_i], "Authorization: Bearer wrong\r\n", NULL), 401);
    ck_assert_int_eq(request("GET", PRIVATE[_i], "Cookie: rollcall_session=1995476600000.00.AA\r\n", NULL), 401);
}
END_TEST

START_TEST(with_it_it_is_told_and_never_cached)
{
    world.has_box = true;
    world.box.error = RC_ERROR_INIT;
    ck_assert_int_eq(request("GET", PRIVATE[_i], BEARER, NULL), 200);
    has("Cache-Control: no-store");
    has("X-Content-Type-Options: nosniff");
    has("Content-Type: application/json");
    ck_assert_int_eq(request("GET", PRIVATE[_i], browser(), NULL), 200);
}
END_TEST

START_TEST(a_session_cookie_is_for_this_site_alone_and_for_no_script)
{
    ck_assert_int_eq(request("POST", "/api/session", "", "{\"token\": \"secret\"}"), 200);
    has("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict\r\n");
    (void)snprintf(host, sizeof host, "rollcall.acme.example");
    ck_assert_int_eq(
        request("POST", "/api/session", "Origin: https://rollcall.acme.example\r\n", "{\"token\": \"secret\"}"), 200);
    has("SameSite=Strict; Secure\r\n");
    ck_assert_int_eq(request("POST", "/api/session", "X-Forwarded-Proto: https\r\n", "{\"token\": \"secret\"}"), 200);
    has("SameSite=Strict; Secure\r\n");
}
END_TEST

START_TEST(a_wrong_token_gives_no_cookie_and_many_have_to_wait)
{
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(request("POST", "/api/session", "", "{\"token\": \"guess\"}"), 401);
        has_not("Set-Cookie");
    }
    ck_assert_int_eq(request("POST", "/api/session", "", "{\"token\": \"secret\"}"), 429);
    has("Retry-After: 6\r\n");
    ck_assert_int_eq(request("GET", "/api/integrations", BEARER, NULL), 429);
}
END_TEST

START_TEST(who_is_signed_in_does_not_notice_that_somebody_guesses)
{
    const char *headers = browser();
    for (int i = 0; i < 12; i++) (void)request("GET", "/api/integrations", "Authorization: Bearer guess\r\n", NULL);
    ck_assert_int_eq(request("GET", "/api/integrations", headers, NULL), 200);
}
END_TEST

START_TEST(signing_out_takes_the_cookie_away_and_needs_the_csrf_token)
{
    char cookie_only[512];
    const char *headers = browser();
    (void)snprintf(cookie_only, sizeof cookie_only, "%.*s\r\n", (int)(strchr(headers, '\r') - headers), headers);
    ck_assert_int_eq(request("DELETE", "/api/session", cookie_only, NULL), 403);
    ck_assert_int_eq(request("DELETE", "/api/session", headers, NULL), 200);
    has("Set-Cookie: rollcall_session=; Path=/; Max-Age=0;");
    has("\"signed_in\":false");
}
END_TEST

START_TEST(without_a_token_this_machine_may_and_a_rebound_name_may_not)
{
    rc_error_t error = RC_ERROR_INIT;
    close_page();
    open_page("", "127.0.0.1");
    ck_assert_int_eq(rc_page_open(page, NULL, NULL, NULL, &error), RC_OK);
    ck_assert_int_eq(request("GET", "/api/integrations", "", NULL), 200);
    ck_assert_int_eq(request("GET", "/api/session", "", NULL), 200);
    has("\"needs_token\":false,\"signed_in\":true");
    (void)snprintf(host, sizeof host, "evil.example");
    ck_assert_int_eq(request("GET", "/api/integrations", "", NULL), 403);
    ck_assert_int_eq(request("GET", "/", "", NULL), 403);
    has("Content-Security-Policy");
}
END_TEST

START_TEST(without_a_token_a_port_for_others_shows_no_page)
{
    close_page();
    open_page("", "0.0.0.0");
    ck_assert_int_eq(request("GET", "/", "", NULL), 403);
    has("api_token");
    ck_assert_int_eq(request("GET", "/api/session", "", NULL), 403);
}
END_TEST

START_TEST(while_the_service_starts_one_can_sign_in_and_is_asked_to_wait)
{
    close_page();
    open_page("secret", "0.0.0.0");
    ck_assert_int_eq(request("POST", "/api/session", "", "{\"token\": \"secret\"}"), 200);
    ck_assert_int_eq(request("GET", "/api/integrations", BEARER, NULL), 503);
    has("Retry-After: 1");
}
END_TEST

/* --- asking --- */

static const struct {
    const char *path;
    int status;
    const char *part;
} QUESTIONS[] = {
    {"/api/waiting?" INTEGRATION, 200, "\"total\":1"},
    {"/api/waiting?" INTEGRATION "&reason=hr&search=IMG", 200, "\"name\":\"<img src=x>\""},
    {"/api/waiting?" INTEGRATION "&reason=PAUSED", 200, "\"total\":0"},
    {"/api/waiting?" INTEGRATION "&reason=nonsense", 400, "no such reason"},
    {"/api/waiting?" INTEGRATION "&hold=x", 200, "\"total\":0"},
    {"/api/waiting?" INTEGRATION "&limit=999999999999999999999999&offset=-1", 200, "\"total\":1"},
    {"/api/waiting?" INTEGRATION "&limit=0", 200, "\"rows\":[]"},
    {"/api/waiting?" INTEGRATION "&offset=999999999999999999999999", 200, "\"rows\":[]"},
    {"/api/waiting?" INTEGRATION "&search=%00", 400, ""},
    {"/api/waiting?" INTEGRATION "&search=%FF", 400, ""},
    {"/api/waiting", 404, "knows no such integration"},
    {"/api/waiting?integration=personio%3AB", 404, "knows no such integration"},
    {"/api/waiting?integration=..%2F..%2Fetc", 404, "knows no such integration"},
    {"/api/nothing", 404, "no such address"},
    {"/api/", 404, ""},
    {"/api/../api/integrations", 404, ""},
    {"/api/orders", 405, ""},
    {"/api/session/", 404, ""},
    {"/page.html", 404, ""},
};

START_TEST(questions_are_answered_or_refused)
{
    ck_assert_msg(request("GET", QUESTIONS[_i].path, BEARER, NULL) == QUESTIONS[_i].status, "%s: %s",
                  QUESTIONS[_i].path, answer);
    has(QUESTIONS[_i].part);
}
END_TEST

START_TEST(a_list_that_is_not_made_yet_is_asked_for_again)
{
    world.has_roster = false;
    ck_assert_int_eq(request("GET", "/api/waiting?" INTEGRATION, BEARER, NULL), 503);
    has("Retry-After: 1");
    ck_assert_int_eq(request("GET", "/api/integrations", BEARER, NULL), 200);
    ck_assert_int_eq(request("GET", "/api/dead-letters?" INTEGRATION, BEARER, NULL), 503);
}
END_TEST

START_TEST(views_that_cannot_be_read_are_told)
{
    world.views_code = RC_MALFORMED;
    ck_assert_int_eq(request("GET", "/api/integrations", BEARER, NULL), 503);
    has("a row cannot be read");
}
END_TEST

/* --- ordering --- */

static const struct {
    const char *body;
    int status;
    const char *part;
} ORDERS[] = {
    {"{\"integration\":\"personio:A\",\"what\":\"APPROVE\",\"hold\":\"deactivations-1\",\"listed_at\":"
     "\"2026-11-23T02:13:20.123Z\"}",
     202, "\"status\":\"under way\""},
    {"{\"integration\":\"personio:A\",\"what\":\"REJECT\",\"hold\":\"deactivations-1\",\"listed_at\":"
     "\"2026-11-23T02:13:20.123Z\",\"employees\":8}",
     202, "\"employees\":8"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\",\"events\":[\"created\",\"deactivated\"]}", 202, "PAUSE"},
    {"{\"integration\":\"personio:A\",\"what\":\"RESUME\",\"events\":[\"created\"]}", 202, "RESUME"},
    {"{\"integration\":\"personio:A\",\"what\":\"POLL\"}", 202, "POLL"},
    {"{\"integration\":\"personio:A\",\"what\":\"APPROVE\",\"hold\":\"deactivations-2\",\"listed_at\":"
     "\"2026-11-23T02:13:20.123Z\"}",
     409, "nobody waits in this list any more"},
    {"{\"integration\":\"personio:A\",\"what\":\"APPROVE\",\"hold\":\"deactivations-1\"}", 400, "listed_at"},
    {"{\"integration\":\"personio:A\",\"what\":\"APPROVE\",\"hold\":\"deactivations-1\",\"listed_at\":\"now\"}", 400,
     "listed_at"},
    {"{\"integration\":\"personio:A\",\"what\":\"APPROVE\",\"listed_at\":\"2026-11-23T02:13:20.123Z\"}", 400, "hold"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\"}", 400, "events"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\",\"events\":[]}", 400, "events"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\",\"events\":[\"created\",\"all\"]}", 400, "events"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\",\"events\":[7,null]}", 400, "events"},
    {"{\"integration\":\"personio:A\",\"what\":\"PAUSE\",\"events\":\"created\"}", 400, "events"},
    {"{\"integration\":\"personio:A\",\"what\":\"FORGET\",\"employee\":\"1\"}", 400, "`what` is"},
    {"{\"integration\":\"personio:A\",\"what\":\"RESYNC\"}", 400, "`what` is"},
    {"{\"integration\":\"personio:A\"}", 400, "`what` is"},
    {"{\"integration\":\"personio:B\",\"what\":\"POLL\"}", 404, "knows no such integration"},
    {"{\"integration\":7,\"what\":\"POLL\"}", 404, ""},
    {"[]", 400, "an object in JSON"},
    {"", 400, "an object in JSON"},
    {"{\"integration\":\"personio:A\",\"what\":\"POLL\"} x", 400, "an object in JSON"},
    {"{\"what\":\"POLL\",\"what\":\"PAUSE\",\"integration\":\"personio:A\"}", 400, "an object in JSON"},
};

START_TEST(orders_are_taken_or_refused)
{
    ck_assert_msg(request("POST", "/api/orders", BEARER, ORDERS[_i].body) == ORDERS[_i].status, "%s: %s",
                  ORDERS[_i].body, answer);
    has(ORDERS[_i].part);
    ck_assert_int_eq(world.orders_sent, ORDERS[_i].status == 202);
}
END_TEST

START_TEST(an_approval_names_the_hold_and_the_list_that_was_seen)
{
    ck_assert_int_eq(request("POST", "/api/orders", browser(), ORDERS[0].body), 202);
    ck_assert_int_eq(world.order.kind, RC_COMMAND_APPROVE);
    ck_assert_str_eq(world.order.hold_id, "deactivations-1");
    ck_assert_int_eq(world.listed_at.ms, 1795400000123);
    ck_assert_int_eq(world.order.brake, RC_BRAKE_DEACTIVATIONS);
}
END_TEST

START_TEST(a_pause_names_its_events)
{
    ck_assert_int_eq(request("POST", "/api/orders", BEARER, ORDERS[2].body), 202);
    ck_assert_uint_eq(world.order.events, 1U << RC_EVENT_CREATED | 1U << RC_EVENT_DEACTIVATED);
}
END_TEST

START_TEST(an_order_that_kafka_did_not_take_is_no_order)
{
    world.orders_code = RC_TIMEOUT;
    ck_assert_int_eq(request("POST", "/api/orders", BEARER, ORDERS[4].body), 503);
    has("Kafka is away");
}
END_TEST

static const char *const FOREIGN[] = {
    "Origin: https://evil.example\r\n",
    "Sec-Fetch-Site: cross-site\r\n",
    "Sec-Fetch-Site: same-site\r\n",
    "Origin: null\r\n",
};

START_TEST(another_site_orders_nothing_not_even_with_everything_that_it_needs)
{
    char headers[1024];
    (void)snprintf(headers, sizeof headers, "%s%s", browser(), FOREIGN[_i]);
    ck_assert_int_eq(request("POST", "/api/orders", headers, ORDERS[4].body), 403);
    ck_assert_int_eq(request("GET", "/api/integrations", headers, NULL), 403);
    ck_assert_int_eq(world.orders_sent, 0);
}
END_TEST

START_TEST(a_form_cannot_order)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "POST /api/orders HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%sContent-Type: text/plain\r\n"
                   "Content-Length: 44\r\n\r\n{\"integration\":\"personio:A\",\"what\":\"POLL\"}   ",
                   BEARER);
    char *heard = ask(text);
    ck_assert_msg(strncmp(heard, "HTTP/1.1 400", 12) == 0, "%s", heard);
    free(heard);
    ck_assert_int_eq(world.orders_sent, 0);
}
END_TEST

START_TEST(a_long_body_is_refused)
{
    char *body = rc_alloc(20001);
    memset(body, ' ', 20000);
    memcpy(body, "{}", 2);
    body[20000] = '\0';
    ck_assert_int_eq(request("POST", "/api/orders", BEARER, body), 413);
    ck_assert_int_eq(request("POST", "/api/session", "", body), 413);
    free(body);
}
END_TEST

static const struct {
    const char *body;
    int status;
    int32_t partition;
    int64_t offset;
} RETRIES[] = {
    {"{\"integration\":\"personio:A\",\"partition\":3,\"offset\":7}", 202, 3, 7},
    {"{\"integration\":\"personio:A\",\"all\":true}", 202, -1, -1},
    {"{\"integration\":\"personio:A\",\"partition\":4,\"offset\":7}", 400, 0, 0},
    {"{\"integration\":\"personio:A\",\"partition\":-1,\"offset\":7}", 400, 0, 0},
    {"{\"integration\":\"personio:A\",\"partition\":4294967299,\"offset\":7}", 400, 0, 0},
    {"{\"integration\":\"personio:A\",\"partition\":3}", 400, 0, 0},
    {"{\"integration\":\"personio:A\",\"partition\":\"3\",\"offset\":7}", 400, 0, 0},
    {"{\"integration\":\"personio:A\"}", 400, 0, 0},
    {"{\"integration\":\"personio:B\",\"all\":true}", 404, 0, 0},
};

START_TEST(dead_letters_are_tried_again_one_or_all)
{
    ck_assert_msg(request("POST", "/api/dead-letters", BEARER, RETRIES[_i].body) == RETRIES[_i].status, "%s",
                  RETRIES[_i].body);
    ck_assert_int_eq(world.wishes, RETRIES[_i].status == 202);
    if (!world.wishes) return;
    ck_assert_int_eq(world.wish.partition, RETRIES[_i].partition);
    ck_assert_int_eq(world.wish.offset, RETRIES[_i].offset);
    ck_assert_str_eq(world.wish.integration_id, "personio:A");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("page");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_loop_test(all, the_files_are_served_with_a_policy_that_lets_nothing_else_in, 0,
                        sizeof FILES / sizeof *FILES);
    tcase_add_test(all, every_file_is_among_those_that_are_looked_at_here);
    tcase_add_loop_test(all, the_page_has_no_inline_script_style_or_handler_and_makes_no_markup_of_text, 0,
                        sizeof FILES / sizeof *FILES);
    tcase_add_loop_test(all, nothing_about_people_is_told_without_the_token, 0, sizeof PRIVATE / sizeof *PRIVATE);
    tcase_add_loop_test(all, with_it_it_is_told_and_never_cached, 0, sizeof PRIVATE / sizeof *PRIVATE);
    tcase_add_test(all, a_session_cookie_is_for_this_site_alone_and_for_no_script);
    tcase_add_test(all, a_wrong_token_gives_no_cookie_and_many_have_to_wait);
    tcase_add_test(all, who_is_signed_in_does_not_notice_that_somebody_guesses);
    tcase_add_test(all, signing_out_takes_the_cookie_away_and_needs_the_csrf_token);
    tcase_add_test(all, without_a_token_this_machine_may_and_a_rebound_name_may_not);
    tcase_add_test(all, without_a_token_a_port_for_others_shows_no_page);
    tcase_add_test(all, while_the_service_starts_one_can_sign_in_and_is_asked_to_wait);
    tcase_add_loop_test(all, questions_are_answered_or_refused, 0, sizeof QUESTIONS / sizeof *QUESTIONS);
    tcase_add_test(all, a_list_that_is_not_made_yet_is_asked_for_again);
    tcase_add_test(all, views_that_cannot_be_read_are_told);
    tcase_add_loop_test(all, orders_are_taken_or_refused, 0, sizeof ORDERS / sizeof *ORDERS);
    tcase_add_test(all, an_approval_names_the_hold_and_the_list_that_was_seen);
    tcase_add_test(all, a_pause_names_its_events);
    tcase_add_test(all, an_order_that_kafka_did_not_take_is_no_order);
    tcase_add_loop_test(all, another_site_orders_nothing_not_even_with_everything_that_it_needs, 0,
                        sizeof FOREIGN / sizeof *FOREIGN);
    tcase_add_test(all, a_form_cannot_order);
    tcase_add_test(all, a_long_body_is_refused);
    tcase_add_loop_test(all, dead_letters_are_tried_again_one_or_all, 0, sizeof RETRIES / sizeof *RETRIES);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
