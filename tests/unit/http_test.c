/* common/http: above all, which failures leave it open whether a request was acted on. */
#include "common/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

static rc_wire_t *server;
static rc_http_blocking_t *client;
static rc_loop_t *loop;
static rc_http_t *http;

static atomic_int gate; /* what a script waits for */
static char heads[8][2048], bodies[8][256];

static void keep(const rc_wire_request_t *request)
{
    if (request->total > 8) return;
    snprintf(heads[request->total - 1], sizeof heads[0], "%s", request->head);
    snprintf(bodies[request->total - 1], sizeof bodies[0], "%s", request->body);
}

/* Every way to answer badly, by path. */
static bool script(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    keep(request);
    const char *path = strchr(request->head, ' ') + 1;
#define IS(name) (strncmp(path, name, sizeof name - 1) == 0)
    if (IS("/silent")) {
        rc_wire_wait_gone(request);
        return false;
    }
    if (IS("/close")) return false;
    if (IS("/reset")) {
        rc_wire_reset(request);
        return false;
    }
    if (IS("/second-time-close") && request->request > 1) return false;
    if (IS("/bye")) {
        rc_wire_answer(request, 200, "", "hello");
        return false;
    }
    if (IS("/cut-length")) {
        rc_wire_say(request, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
        return false;
    }
    if (IS("/cut-chunk")) {
        rc_wire_say(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n");
        return false;
    }
    if (IS("/trailers")) {
        rc_wire_say(request, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTotal: 1\r\n\r\n"
                             "5;name=value\r\nhello\r\n0\r\nTotal: 2\r\nX-Sum: 5\r\n\r\n");
        return true;
    }
    if (IS("/cut-head")) {
        rc_wire_say(request, "HTTP/1.1 200 OK\r\nContent-Le");
        return false;
    }
    if (IS("/half-then-silent")) {
        rc_wire_say(request, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
        rc_wire_wait_gone(request);
        return false;
    }
    if (IS("/garbage")) {
        rc_wire_say(request, "SSH-2.0-OpenSSH_9.2\r\n");
        return false;
    }
    if (IS("/interim")) rc_wire_say(request, "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n");
    if (IS("/redirect")) {
        rc_wire_answer(request, 302, "Location: /close\r\n", "");
        return true;
    }
    if (IS("/long-head")) {
        rc_wire_say(request, "HTTP/1.1 201 Created\r\n");
        for (int i = 0; i < 2000; i++)
            rc_wire_say(request, "X-Filler: 012345678901234567890123456789012345678901234567\r\n");
        rc_wire_say(request, "Content-Length: 0\r\n\r\n");
        return true;
    }
    if (IS("/later")) {
        rc_wire_answer(request, 429,
                       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\r\n",
                       "slow down");
        return true;
    }
    if (IS("/none")) {
        rc_wire_say(request, "HTTP/1.1 204 No Content\r\n\r\n");
        return true;
    }
    rc_wire_answer(request, 200, "Total: 1234\r\nx-LONG:   two  words \r\n", "hello");
    return true;
}

static void start(void)
{
    const rc_http_options_t options = {0};
    server = rc_wire_new(script, NULL);
    client = rc_http_blocking_new(&options);
    loop = rc_loop_new();
    http = rc_http_new(loop, &options);
}

static void finish(void)
{
    rc_http_free(http);
    rc_loop_free(loop);
    rc_http_blocking_free(client);
    rc_wire_free(server);
}

static rc_http_request_t request_of(const char *method, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "%s%s", rc_wire_url(server), path);
    return (rc_http_request_t){.method = method, .url = url, .timeout_ms = rc_unit_patience_ms(20000)};
}

static rc_http_answer_t answer;
static rc_error_t error;

static rc_code_t perform(rc_http_request_t request)
{
    error = RC_ERROR_INIT;
    return rc_http_perform(client, &request, NULL, NULL, NULL, &answer, &error);
}

/* ---- The asynchronous client, waited for ---- */

typedef struct {
    int calls;
    int status;
    rc_code_t code;
    char body[64];
    rc_error_t error;
    int stop_after;
} result_t;

static void on_done(void *opaque, const rc_http_answer_t *got, const rc_error_t *failed)
{
    result_t *result = opaque;
    ck_assert((got == NULL) != (failed == NULL));
    result->calls++;
    if (got) {
        result->status = got->status;
        snprintf(result->body, sizeof result->body, "%s", got->body);
    } else {
        result->code = failed->code;
        result->error = *failed;
    }
    if (result->calls >= result->stop_after) rc_loop_stop(loop);
}

static result_t send_and_wait(rc_http_request_t request)
{
    result_t result = {.stop_after = 1};
    rc_http_send(http, &request, on_done, &result);
    ck_assert_int_eq(result.calls, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(result.calls, 1);
    return result;
}

/* ---- What failures mean ---- */

static int closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static const struct {
    const char *method, *path;
    int64_t timeout_ms;
    rc_code_t code;
} FAILURES[] = {
    {"POST", "/silent", 100, RC_TIMEOUT},          {"GET", "/silent", 100, RC_TIMEOUT},
    {"GET", "/half-then-silent", 200, RC_TIMEOUT}, {"POST", "/close", 20000, RC_INTERRUPTED},
    {"GET", "/close", 20000, RC_INTERRUPTED},      {"PUT", "/reset", 20000, RC_INTERRUPTED},
    {"GET", "/cut-length", 20000, RC_INTERRUPTED}, {"POST", "/cut-chunk", 20000, RC_INTERRUPTED},
    {"PUT", "/cut-head", 20000, RC_INTERRUPTED},   {"GET", "/garbage", 20000, RC_INTERRUPTED},
    {"GET", "/long-head", 20000, RC_TOO_LARGE},
};
enum { FAILURE_COUNT = sizeof FAILURES / sizeof *FAILURES };

START_TEST(what_was_sent_and_not_answered_may_have_had_an_effect)
{
    rc_http_request_t request = request_of(FAILURES[_i].method, FAILURES[_i].path);
    request.timeout_ms = rc_unit_patience_ms(FAILURES[_i].timeout_ms);
    rc_code_t code = perform(request);
    ck_assert_msg(code == FAILURES[_i].code, "%s %s: %s (%s)", request.method, request.url, rc_code_str(code),
                  error.message);
    ck_assert_int_eq(error.http_status, code == RC_TOO_LARGE ? 201 : 0);
    ck_assert_int_eq(error.disposition, code == RC_TOO_LARGE ? RC_REJECT : RC_RETRY);
    result_t result = send_and_wait(request);
    ck_assert_msg(result.code == FAILURES[_i].code, "%s", result.error.message);
    ck_assert_str_eq(result.error.message, error.message);
    ck_assert_int_eq(rc_wire_requests(server), 2);
}
END_TEST

START_TEST(what_never_left_this_machine_had_no_effect)
{
    char url[64];
    rc_http_request_t request = {.method = "POST", .url = url, .body = "x", .body_bytes = 1, .timeout_ms = 20000};
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", closed_port());
    ck_assert_int_eq(perform(request), RC_CONNECT);
    ck_assert_int_eq(send_and_wait(request).code, RC_CONNECT);
    snprintf(url, sizeof url, "http://no-such-host.invalid/x");
    ck_assert_int_eq(perform(request), RC_CONNECT);
    /* The server takes the connection, and says nothing that begins TLS. */
    snprintf(url, sizeof url, "https://127.0.0.1:%d/x", rc_wire_port(server));
    request.timeout_ms = 200;
    ck_assert_int_eq(perform(request), RC_CONNECT);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    ck_assert_int_eq(send_and_wait(request).code, RC_CONNECT);
    ck_assert_int_eq(rc_wire_requests(server), 0);
}
END_TEST

START_TEST(a_time_out_before_a_connection_is_no_connection)
{
    /* A listener that accepts nothing, with a full backlog: the next SYN gets no answer. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fill[4];
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, sizeof address);
    }
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    rc_http_request_t request = {.method = "POST", .url = url, .timeout_ms = 20000, .connect_timeout_ms = 200};
    ck_assert_msg(perform(request) == RC_CONNECT, "%s", error.message);
    request.timeout_ms = 200;
    request.connect_timeout_ms = 0;
    ck_assert_msg(perform(request) == RC_CONNECT, "%s", error.message);
    /* Again and again on the loop: libcurl 7.88 closes what was still connecting without a word, and the next
     * connection has the same descriptor. */
    for (int i = 0; i < 3; i++) ck_assert_int_eq(send_and_wait(request).code, RC_CONNECT);
    ck_assert_int_eq(send_and_wait(request_of("GET", "/")).status, 200);
    for (int i = 0; i < 4; i++) close(fill[i]);
    close(listener);
}
END_TEST

START_TEST(a_request_that_nobody_reads_was_sent_all_the_same)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    char url[64];
    size_t size = 32 << 20; /* more than the kernel buffers: sent in part */
    char *body = rc_zalloc(size);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    rc_http_request_t request = {
        .method = "POST", .url = url, .timeout_ms = rc_unit_patience_ms(200), .body = body, .body_bytes = size};
    ck_assert_msg(perform(request) == RC_TIMEOUT, "%s", error.message);
    ck_assert_msg(send_and_wait(request).code == RC_TIMEOUT, "%s", error.message);
    free(body);
    close(listener);
}
END_TEST

START_TEST(curl_repeats_a_read_on_a_dead_connection_and_never_a_write)
{
    static const struct {
        const char *method;
        rc_code_t code;
        int requests;
    } cases[] = {
        {"GET", RC_OK, 3}, {"POST", RC_INTERRUPTED, 2}, {"PUT", RC_INTERRUPTED, 2}, {"DELETE", RC_INTERRUPTED, 2}};
    rc_http_request_t request = request_of("GET", "/second-time-close");
    request.body = "x";
    if (strcmp(cases[_i].method, "GET") == 0) request.body = NULL;
    request.body_bytes = request.body ? 1 : 0;
    request.method = cases[_i].method;
    ck_assert_int_eq(perform(request), RC_OK);
    ck_assert_msg(perform(request) == cases[_i].code, "%s", error.message);
    ck_assert_int_eq(rc_wire_requests(server), cases[_i].requests);
    int before = rc_wire_requests(server);
    ck_assert_int_eq(send_and_wait(request).status, 200);
    ck_assert_int_eq(send_and_wait(request).code, cases[_i].code);
    ck_assert_int_eq(rc_wire_requests(server) - before, cases[_i].requests);
    /* And the next write is well again. */
    ck_assert_msg(perform(request) == RC_OK, "%s", error.message);
}
END_TEST

START_TEST(an_answer_beyond_the_cap_is_too_large_and_says_its_status)
{
    rc_http_request_t request = request_of("POST", "/");
    request.max_body_bytes = 5;
    ck_assert_int_eq(perform(request), RC_OK);
    request.max_body_bytes = 4;
    ck_assert_int_eq(perform(request), RC_TOO_LARGE);
    ck_assert_int_eq(error.http_status, 200);
    ck_assert_int_eq(send_and_wait(request).error.http_status, 200);
}
END_TEST

START_TEST(errors_name_the_host_and_never_path_query_or_password)
{
    char url[256];
    snprintf(url, sizeof url, "http://user:secret@127.0.0.1:%d/close?filters[email]=a@b.c", rc_wire_port(server));
    rc_http_request_t request = {.method = "PUT", .url = url, .timeout_ms = 20000};
    ck_assert_int_eq(perform(request), RC_INTERRUPTED);
    char start_of_message[64];
    snprintf(start_of_message, sizeof start_of_message, "PUT http://127.0.0.1:%d: ", rc_wire_port(server));
    ck_assert_msg(strncmp(error.message, start_of_message, strlen(start_of_message)) == 0, "%s", error.message);
    ck_assert_ptr_null(strstr(error.message, "secret"));
    ck_assert_ptr_null(strstr(error.message, "email"));
}
END_TEST

START_TEST(a_request_that_is_none_is_malformed)
{
    const rc_http_header_t split = {"X-Name", "a\r\nX-Other: b"};
    rc_http_request_t request = request_of("GET", "/");
    request.headers = &split;
    request.header_count = 1;
    ck_assert_int_eq(perform(request), RC_MALFORMED);
    ck_assert_int_eq(send_and_wait(request).code, RC_MALFORMED);
    request = (rc_http_request_t){.method = "GET", .url = "file:///etc/passwd", .timeout_ms = 1000};
    ck_assert_int_eq(perform(request), RC_MALFORMED);
    ck_assert_int_eq(send_and_wait(request).code, RC_MALFORMED);
    request.url = "http://[::1";
    ck_assert_int_eq(perform(request), RC_MALFORMED);
    ck_assert_int_eq(rc_wire_requests(server), 0);
    ck_assert_int_eq(perform(request_of("GET", "/")), RC_OK);
}
END_TEST

/* ---- What is sent ---- */

START_TEST(requests_say_what_was_asked_and_nothing_else)
{
    const rc_http_header_t headers[] = {
        {"Authorization", "Bearer x"}, {"Content-Type", "application/json"}, {"X-Empty", ""}};
    rc_http_request_t request = request_of("PUT", "/v1/users?a=b");
    request.headers = headers;
    request.header_count = 3;
    request.body = "{\"a\":1}";
    request.body_bytes = 7;
    ck_assert_int_eq(send_and_wait(request).status, 200);
    char expected[512];
    snprintf(expected, sizeof expected,
             "PUT /v1/users?a=b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: rollcall/%s\r\nAccept: */*\r\n"
             "Authorization: Bearer x\r\nContent-Type: application/json\r\nX-Empty:\r\nContent-Length: 7\r\n\r\n",
             rc_wire_port(server), RC_VERSION);
    ck_assert_str_eq(heads[0], expected);
    ck_assert_str_eq(bodies[0], "{\"a\":1}");
    /* The same handle again: nothing is left of the request before. */
    ck_assert_int_eq(send_and_wait(request_of("GET", "/x")).status, 200);
    snprintf(expected, sizeof expected,
             "GET /x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: rollcall/%s\r\nAccept: */*\r\n\r\n",
             rc_wire_port(server), RC_VERSION);
    ck_assert_str_eq(heads[1], expected);
    ck_assert_int_eq(send_and_wait(request_of("PUT", "/none")).status, 204);
    ck_assert_ptr_nonnull(strstr(heads[2], "PUT /none HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(heads[2], "Content-Length: 0\r\n"));
    ck_assert_ptr_null(strstr(heads[2], "Content-Type"));
    ck_assert_int_eq(send_and_wait(request_of("DELETE", "/none")).status, 204);
    ck_assert_ptr_nonnull(strstr(heads[3], "DELETE /none HTTP/1.1\r\n"));
    ck_assert_ptr_null(strstr(heads[3], "Content-Length"));
    ck_assert_int_eq(send_and_wait(request_of("POST", "/none")).status, 204);
    ck_assert_ptr_nonnull(strstr(heads[4], "Content-Length: 0\r\n"));
    ck_assert_int_eq(rc_wire_connections(server), 1);
}
END_TEST

/* A handle keeps the headers of its last request for one that has the same. */
START_TEST(headers_are_those_of_this_request_whatever_the_last_one_had)
{
    static const struct {
        rc_http_header_t headers[2];
        size_t count;
    } requests[] = {
        {{{"A", "1"}, {"Content-Type", "text/x"}}, 2},
        {{{"A", "1"}, {"Content-Type", "text/x"}}, 2},  /* the same */
        {{{"A", "12"}, {"Content-Type", "text/x"}}, 2}, /* longer */
        {{{"A", "1"}}, 1},                              /* fewer */
        {{{"A", "1"}, {"B", ""}}, 2},                   /* more, and empty */
        {{{"A", "1"}, {"B", "2"}}, 2},
        {{{"A", "1"}, {"Bb", "2"}}, 2}, /* another name */
        {{{NULL, NULL}}, 0},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        char expected[256] = "Accept: */*\r\n";
        rc_http_request_t request = request_of("GET", "/x");
        request.headers = requests[i].headers;
        request.header_count = requests[i].count;
        ck_assert_int_eq(send_and_wait(request).status, 200);
        for (size_t k = 0; k < requests[i].count; k++) {
            const rc_http_header_t *header = &requests[i].headers[k];
            size_t length = strlen(expected);
            snprintf(expected + length, sizeof expected - length, "%s:%s%s\r\n", header->name,
                     *header->value ? " " : "", header->value);
        }
        strcat(expected, "\r\n");
        ck_assert_str_eq(strstr(heads[i], "Accept"), expected);
    }
}
END_TEST

START_TEST(the_environment_names_no_proxy_and_the_options_do)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", closed_port());
    setenv("http_proxy", url, 1);
    setenv("HTTP_PROXY", url, 1);
    setenv("all_proxy", url, 1);
    ck_assert_msg(perform(request_of("GET", "/direct")) == RC_OK, "%s", error.message);
    rc_http_options_t options = {.proxy = rc_wire_url(server)};
    rc_http_blocking_t *through = rc_http_blocking_new(&options);
    rc_http_request_t request = {.method = "GET", .url = "http://elsewhere.example/x", .timeout_ms = 20000};
    error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_http_perform(through, &request, NULL, NULL, NULL, &answer, &error), RC_OK);
    ck_assert_ptr_nonnull(strstr(heads[1], "GET http://elsewhere.example/x HTTP/1.1\r\n"));
    /* A tunnel that the proxy refuses: nothing reached the service. */
    request.url = "https://elsewhere.example/redirect";
    ck_assert_int_eq(rc_http_perform(through, &request, NULL, NULL, NULL, &answer, &error), RC_CONNECT);
    rc_http_blocking_free(through);
}
END_TEST

/* ---- What is answered ---- */

START_TEST(answers_come_whole_with_their_headers)
{
    char text[32];
    ck_assert_int_eq(perform(request_of("GET", "/")), RC_OK);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(answer.body, "hello");
    ck_assert_uint_eq(answer.body_bytes, 5);
    ck_assert_int_eq(answer.retry_after_ms, -1);
    ck_assert_int_eq(answer.date.ms, 0);
    ck_assert(rc_http_answer_header(&answer, "total", text, sizeof text));
    ck_assert_str_eq(text, "1234");
    ck_assert(rc_http_answer_header(&answer, "X-Long", text, sizeof text));
    ck_assert_str_eq(text, "two  words");
    ck_assert(!rc_http_answer_header(&answer, "X-Lon", text, sizeof text));
    ck_assert(!rc_http_answer_header(&answer, "X-Long", text, 10));
    ck_assert_int_eq(perform(request_of("GET", "/later")), RC_OK);
    ck_assert_int_eq(answer.status, 429);
    ck_assert_int_eq(answer.retry_after_ms, 30000);
    ck_assert_int_eq(answer.date.ms, 784111777000);
    ck_assert_int_eq(perform(request_of("GET", "/redirect")), RC_OK);
    ck_assert_int_eq(answer.status, 302);
    ck_assert_int_eq(perform(request_of("GET", "/interim")), RC_OK);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(answer.retry_after_ms, -1);
    ck_assert_int_eq(perform(request_of("DELETE", "/none")), RC_OK);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_str_eq(answer.body, "");
    ck_assert_int_gt(answer.duration_us, 0);
}
END_TEST

START_TEST(trailers_behind_a_chunked_body_are_no_part_of_the_head)
{
    char value[16];
    ck_assert_msg(perform(request_of("GET", "/trailers")) == RC_OK, "%s", error.message);
    ck_assert_str_eq(answer.body, "hello");
    ck_assert(rc_http_answer_header(&answer, "Total", value, sizeof value));
    ck_assert_str_eq(value, "1");
    ck_assert(!rc_http_answer_header(&answer, "X-Sum", value, sizeof value));
    ck_assert_int_eq(send_and_wait(request_of("GET", "/trailers")).status, 200);
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date_and_bounded)
{
    const rc_wall_t date = {784111777000}, now = {1000}; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t wait_ms;
    } cases[] = {{"0", 0},
                 {"7", 7000},
                 {"007", 7000},
                 {"3599", 3599000},
                 {"3600", 3600000},
                 {"86400", 3600000},
                 {"99999999999999999999999999", 3600000},
                 {"-1", -1},
                 {"", -1},
                 {"1.5", -1},
                 {"soon", -1},
                 {"Sun, 06 Nov 1994 08:49:47 GMT", 10000},
                 {"Sunday, 06-Nov-94 08:49:47 GMT", 10000},
                 {"Sun Nov  6 08:49:47 1994", 10000},
                 {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
                 {"Sun, 06 Nov 2094 08:49:47 GMT", 3600000},
                 {"Sun, 06 Nov 1994 08:49:47 CET", -1},
                 {"Sun, 31 Feb 1994 08:49:47 GMT", -1},
                 {"Sun, 06 Foo 1994 08:49:47 GMT", -1},
                 {"Sun, 06 Nov 1994 08:49:47 GMTx", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(rc_http_retry_after(cases[i].value, date, now) == cases[i].wait_ms, "\"%s\": %lld",
                      cases[i].value, (long long)rc_http_retry_after(cases[i].value, date, now));
    const rc_wall_t none = {0}, later = {784111777000 + 5000};
    ck_assert_int_eq(rc_http_retry_after("Sun, 06 Nov 1994 08:49:47 GMT", none, later), 5000);
}
END_TEST

/* ---- Streams and cancelling (blocking client) ---- */

typedef struct {
    char text[64];
    size_t refuse_at;
    int status;
    size_t length;
} sink_t;

static bool on_chunk(void *opaque, const rc_http_answer_t *head, const char *bytes, size_t size)
{
    sink_t *sink = opaque;
    sink->status = head->status;
    if (sink->refuse_at && sink->length + size >= sink->refuse_at) return false;
    memcpy(sink->text + sink->length, bytes, size);
    sink->length += size;
    return true;
}

START_TEST(a_stream_gets_the_body_with_the_status_and_may_refuse_it)
{
    sink_t sink = {.length = 0};
    rc_http_request_t request = request_of("GET", "/later");
    error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_http_perform(client, &request, on_chunk, &sink, NULL, &answer, &error), RC_OK);
    ck_assert_str_eq(sink.text, "slow down");
    ck_assert_int_eq(sink.status, 429);
    ck_assert_int_eq(answer.retry_after_ms, 30000);
    ck_assert_str_eq(answer.body, "");
    sink = (sink_t){.refuse_at = 1};
    ck_assert_int_eq(rc_http_perform(client, &request, on_chunk, &sink, NULL, &answer, &error), RC_MALFORMED);
    /* A stream that breaks off is told apart from one that ended. */
    sink = (sink_t){.length = 0};
    request = request_of("GET", "/cut-length");
    ck_assert_int_eq(rc_http_perform(client, &request, on_chunk, &sink, NULL, &answer, &error), RC_INTERRUPTED);
    ck_assert_str_eq(sink.text, "12345");
    ck_assert_int_eq(perform(request_of("GET", "/")), RC_OK);
    ck_assert_str_eq(answer.body, "hello");
}
END_TEST

static bool cancel_when_asked(void *opaque, const rc_wire_request_t *request)
{
    atomic_store((atomic_bool *)opaque, true);
    rc_wire_wait_gone(request);
    return false;
}

START_TEST(a_flag_ends_a_blocking_request_at_once)
{
    atomic_bool cancelled = false;
    rc_wire_t *slow = rc_wire_new(cancel_when_asked, &cancelled);
    rc_http_request_t request = {.method = "GET", .url = rc_wire_url(slow), .timeout_ms = 60000};
    rc_mono_t before = rc_mono_now();
    error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_http_perform(client, &request, NULL, NULL, &cancelled, &answer, &error), RC_CANCELLED);
    ck_assert_int_eq(error.disposition, RC_STOPPED);
    ck_assert_int_lt(rc_mono_now().ms - before.ms, 30000);
    ck_assert_int_eq(rc_http_perform(client, &request, NULL, NULL, &cancelled, &answer, &error), RC_CANCELLED);
    ck_assert_int_eq(rc_wire_requests(slow), 1);
    rc_wire_free(slow);
    ck_assert_int_eq(perform(request_of("GET", "/")), RC_OK);
}
END_TEST

/* ---- Many at once (asynchronous client) ---- */

static bool answer_together(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    atomic_fetch_add(&gate, 1);
    while (atomic_load(&gate) < 50 && request->request == 1) usleep(1000);
    rc_wire_answer(request, 200, "", "ok");
    return true;
}

START_TEST(many_requests_are_under_way_together_and_connections_are_kept)
{
    rc_wire_t *many = rc_wire_new(answer_together, NULL);
    rc_http_request_t request = {
        .method = "POST", .url = rc_wire_url(many), .body = "b", .body_bytes = 1, .timeout_ms = 60000};
    for (int round = 1; round <= 4; round++) {
        result_t result = {.stop_after = 50};
        for (int i = 0; i < 50; i++) rc_http_send(http, &request, on_done, &result);
        rc_loop_run(loop);
        ck_assert_int_eq(result.calls, 50);
        ck_assert_int_eq(result.status, 200);
        ck_assert_int_eq(result.code, RC_OK);
    }
    ck_assert_int_eq(rc_wire_requests(many), 200);
    ck_assert_int_eq(rc_wire_connections(many), 50);
    rc_wire_free(many);
}
END_TEST

typedef struct {
    rc_http_call_t *victim;
    result_t *next;
    bool done;
} chain_t;

static void cancel_and_send(void *opaque, const rc_http_answer_t *got, const rc_error_t *failed)
{
    chain_t *chain = opaque;
    (void)failed;
    ck_assert_ptr_nonnull(got);
    chain->done = true;
    rc_http_cancel(chain->victim);
    rc_http_request_t request = request_of("GET", "/");
    rc_http_send(http, &request, on_done, chain->next);
    ck_assert_int_eq(chain->next->calls, 0);
    ck_assert_str_eq(got->body, "hello"); /* still there */
}

START_TEST(a_callback_may_cancel_and_send_and_the_cancelled_never_call)
{
    result_t silent = {.stop_after = 1}, next = {.stop_after = 1};
    chain_t chain = {.next = &next};
    rc_http_request_t request = request_of("POST", "/silent");
    chain.victim = rc_http_send(http, &request, on_done, &silent);
    request = request_of("GET", "/");
    rc_http_send(http, &request, cancel_and_send, &chain);
    rc_loop_run(loop);
    ck_assert(chain.done);
    ck_assert_int_eq(silent.calls, 0);
    ck_assert_int_eq(next.status, 200);
    /* Refused requests can be cancelled as well. */
    request.url = "http://[";
    request.headers = &(rc_http_header_t){"A", "\n"};
    request.header_count = 1;
    rc_http_cancel(rc_http_send(http, &request, on_done, &silent));
    ck_assert_int_eq(send_and_wait(request_of("GET", "/")).status, 200);
    ck_assert_int_eq(silent.calls, 0);
}
END_TEST

static void stop_loop(void *opaque)
{
    (void)opaque;
    rc_loop_stop(loop);
}

START_TEST(a_connection_that_the_server_closes_while_it_is_idle_costs_no_request)
{
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop_loop, NULL);
    for (int i = 1; i <= 5; i++) {
        ck_assert_int_eq(send_and_wait(request_of("POST", "/bye")).status, 200);
        rc_loop_timer_start(timer, 30, 0); /* the hang-up arrives while nothing is under way */
        rc_loop_run(loop);
        ck_assert_int_eq(rc_wire_connections(server), i);
    }
}
END_TEST

START_TEST(more_calls_than_one_curl_handle_takes_all_end)
{
    for (int round = 0; round < 3; round++) {
        result_t result = {.stop_after = 200};
        rc_http_request_t request = request_of("GET", "/");
        for (int i = 0; i < 200; i++) rc_http_send(http, &request, on_done, &result);
        rc_loop_run(loop);
        ck_assert_int_eq(result.calls, 200);
        ck_assert_int_eq(result.status, 200);
        ck_assert_int_eq(result.code, RC_OK);
    }
    ck_assert_int_le(rc_wire_connections(server), 200);
}
END_TEST

START_TEST(freeing_the_client_cancels_what_is_under_way)
{
    result_t result = {.stop_after = 1}, other = {.stop_after = 1};
    rc_http_request_t request = request_of("POST", "/silent");
    rc_http_t *own = rc_http_new(loop, &(rc_http_options_t){0});
    for (int i = 0; i < 10; i++) rc_http_send(own, &request, on_done, &result);
    request = request_of("GET", "/");
    rc_http_send(http, &request, on_done, &other);
    rc_loop_run(loop);
    rc_http_free(own);
    ck_assert_int_eq(send_and_wait(request_of("GET", "/")).status, 200);
    ck_assert_int_eq(result.calls, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_add_checked_fixture(tests, start, finish);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_was_sent_and_not_answered_may_have_had_an_effect, 0, FAILURE_COUNT);
    tcase_add_test(tests, what_never_left_this_machine_had_no_effect);
    tcase_add_test(tests, a_time_out_before_a_connection_is_no_connection);
    tcase_add_test(tests, a_request_that_nobody_reads_was_sent_all_the_same);
    tcase_add_loop_test(tests, curl_repeats_a_read_on_a_dead_connection_and_never_a_write, 0, 4);
    tcase_add_test(tests, an_answer_beyond_the_cap_is_too_large_and_says_its_status);
    tcase_add_test(tests, errors_name_the_host_and_never_path_query_or_password);
    tcase_add_test(tests, a_request_that_is_none_is_malformed);
    tcase_add_test(tests, requests_say_what_was_asked_and_nothing_else);
    tcase_add_test(tests, headers_are_those_of_this_request_whatever_the_last_one_had);
    tcase_add_test(tests, the_environment_names_no_proxy_and_the_options_do);
    tcase_add_test(tests, answers_come_whole_with_their_headers);
    tcase_add_test(tests, trailers_behind_a_chunked_body_are_no_part_of_the_head);
    tcase_add_test(tests, retry_after_is_seconds_or_a_date_and_bounded);
    tcase_add_test(tests, a_stream_gets_the_body_with_the_status_and_may_refuse_it);
    tcase_add_test(tests, a_flag_ends_a_blocking_request_at_once);
    tcase_add_test(tests, many_requests_are_under_way_together_and_connections_are_kept);
    tcase_add_test(tests, a_callback_may_cancel_and_send_and_the_cancelled_never_call);
    tcase_add_test(tests, a_connection_that_the_server_closes_while_it_is_idle_costs_no_request);
    tcase_add_test(tests, more_calls_than_one_curl_handle_takes_all_end);
    tcase_add_test(tests, freeing_the_client_cancels_what_is_under_way);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
