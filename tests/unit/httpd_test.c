/* common/httpd, seen from the other end of the wire: a client of plain sockets. */
#include "common/httpd.h"
#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static rc_httpd_t *server;
static atomic_int done_calls;

static void count_done(void *arg)
{
    (void)arg;
    atomic_fetch_add(&done_calls, 1);
}

/* Answers with what it was asked, one thing a line. */
static void echo(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    const char *header = rc_httpd_header(request, "x-test");
    (void)rc_buf_add_format(&reply->body, "%s|%s|", (const char *)arg, request->method);
    for (size_t i = 0; i < request->segment_count; i++)
        (void)rc_buf_add_format(&reply->body, "[%s]", request->segments[i]);
    for (size_t i = 0; i < request->arg_count; i++)
        (void)rc_buf_add_format(&reply->body, " %s=%s", request->args[i].name, request->args[i].value);
    (void)rc_buf_add_format(&reply->body, "|%s|%zu:%s|%s", header ? header : "", request->body_size_bytes,
                            request->body, request->loopback ? "local" : "far");
    reply->content_type = "text/plain";
    rc_httpd_reply_header(reply, "X-Echo", "yes");
    reply->done = count_done;
}

/* ?delay=MS&ending=drop|cut */
static void odd(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    const char *delay = rc_httpd_arg(request, "delay"), *ending = rc_httpd_arg(request, "ending");
    (void)arg;
    rc_httpd_reply_json(reply, 200, json_pack("{s:s}", "text", "0123456789"));
    reply->delay_ms = delay ? atoi(delay) : 0;
    if (ending) reply->ending = !strcmp(ending, "drop") ? RC_HTTPD_DROP : RC_HTTPD_CUT;
    reply->done = count_done;
}

static rc_httpd_exchange_t *_Atomic put_off;

/* Somebody else answers. */
static void later(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request, (void)arg;
    atomic_store(&put_off, rc_httpd_defer(reply));
}

/* Somebody else answers before the handler has returned. */
static void sooner(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request, (void)arg;
    rc_httpd_answer(rc_httpd_defer(reply), 202, "text/plain", "at once", NULL);
}

static void start(void)
{
    static char star[] = "star", literal[] = "literal", put[] = "put";
    rc_httpd_route_t routes[] = {
        {NULL, "/users/*", echo, star}, {"GET", "/users/me", echo, literal}, {"PUT", "/only-put", echo, put},
        {NULL, "/odd", odd, NULL},      {NULL, "/later", later, NULL},       {NULL, "/sooner", sooner, NULL},
    };
    rc_httpd_options_t options = {.listen = "127.0.0.1:0", .routes = routes, .route_count = 6, .max_body_bytes = 1000};
    rc_error_t error = RC_ERROR_INIT;
    atomic_store(&done_calls, 0);
    ck_assert_msg(rc_httpd_new(&options, &server, &error) == RC_OK, "%s", error.message);
    ck_assert_uint_gt(rc_httpd_port(server), 0);
}

static void stop(void)
{
    rc_httpd_free(server);
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)rc_httpd_port(server))};
    struct timeval patience = {.tv_sec = 20};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything until the server closes the connection. */
static char *hear(int fd)
{
    rc_buf_t heard = RC_BUF_INIT(1 << 20);
    char piece[4096];
    ssize_t got;
    while ((got = recv(fd, piece, sizeof piece, 0)) > 0) (void)rc_buf_add(&heard, piece, (size_t)got);
    (void)close(fd);
    return rc_buf_take(&heard);
}

static char *ask(const char *request)
{
    int fd = dial();
    say(fd, request);
    return hear(fd);
}

static void expect(const char *request, const char *status, const char *part)
{
    char *answer = ask(request);
    ck_assert_msg(!strncmp(answer, "HTTP/1.1 ", 9) && !strncmp(answer + 9, status, 3), "wanted %s, got: %s", status,
                  answer);
    ck_assert_msg(strstr(answer, part) != NULL, "wanted \"%s\" in: %s", part, answer);
    free(answer);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

START_TEST(a_literal_route_wins_over_a_star)
{
    expect("GET /users/me HTTP/1.1\r\n" CLOSE "\r\n", "200", "literal|GET|");
    expect("PUT /users/me HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n", "200", "star|PUT|");
    expect("GET /users/you HTTP/1.1\r\n" CLOSE "\r\n", "200", "star|GET|");
}
END_TEST

START_TEST(an_unknown_path_is_404_and_another_method_405)
{
    expect("GET /nowhere HTTP/1.1\r\n" CLOSE "\r\n", "404", "nothing");
    expect("GET /users HTTP/1.1\r\n" CLOSE "\r\n", "404", "nothing");
    expect("GET /only-put HTTP/1.1\r\n" CLOSE "\r\n", "405", "Allow: PUT");
}
END_TEST

START_TEST(segments_are_decoded_one_by_one)
{
    expect("GET /users/a%2Fb/%C3%BC HTTP/1.1\r\n" CLOSE "\r\n", "200", "[users][a/b][\xC3\xBC]");
    expect("GET /users/a+b HTTP/1.1\r\n" CLOSE "\r\n", "200", "[users][a+b]");
}
END_TEST

START_TEST(arguments_keep_their_order_and_repetition)
{
    expect("GET /users/x?b=1&a=%26+%3D&b=2&c&=d HTTP/1.1\r\n" CLOSE "\r\n", "200", "[x] b=1 a=& = b=2 c= =d|");
}
END_TEST

START_TEST(a_broken_address_is_400)
{
    expect("GET /users/%zz HTTP/1.1\r\n" CLOSE "\r\n", "400", "percent");
    expect("GET /users/%00 HTTP/1.1\r\n" CLOSE "\r\n", "400", "UTF-8");
    expect("GET /users/%FF HTTP/1.1\r\n" CLOSE "\r\n", "400", "UTF-8");
    expect("GET /users/x?%2 HTTP/1.1\r\n" CLOSE "\r\n", "400", "percent");
}
END_TEST

START_TEST(headers_and_bodies_arrive)
{
    expect("POST /users/x HTTP/1.1\r\n" CLOSE "X-TEST: v\r\nContent-Length: 5\r\n\r\nhello", "200", "|v|5:hello|local");
    expect("POST /users/x HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
           "200", "5:hello");
    expect("GET /users/x HTTP/1.1\r\n" CLOSE "\r\n", "200", "X-Echo: yes");
}
END_TEST

START_TEST(a_body_beyond_the_cap_is_413)
{
    char chunk[2000], request[2300];
    memset(chunk, 'x', sizeof chunk);
    expect("POST /users/x HTTP/1.1\r\n" CLOSE "Content-Length: 1001\r\n\r\n", "413", "1000 bytes");
    (void)snprintf(request, sizeof request,
                   "POST /users/x HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n3e9\r\n%.1001s\r\n0\r\n\r\n",
                   chunk);
    expect(request, "413", "1000 bytes");
    (void)snprintf(request, sizeof request, "POST /users/x HTTP/1.1\r\n" CLOSE "Content-Length: 1000\r\n\r\n%.1000s",
                   chunk);
    expect(request, "200", "|1000:xxx");
}
END_TEST

START_TEST(head_is_served_as_get_without_a_body)
{
    char *answer = ask("HEAD /users/me HTTP/1.1\r\n" CLOSE "\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
    ck_assert_ptr_null(strstr(answer, "literal"));
    free(answer);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    char *answer = ask("GET /users/1 HTTP/1.1\r\nHost: x\r\n\r\nGET /users/2 HTTP/1.1\r\n" CLOSE "\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "[users][1]"));
    ck_assert_ptr_nonnull(strstr(answer, "[users][2]"));
    free(answer);
}
END_TEST

START_TEST(a_dropped_answer_sends_nothing)
{
    char *answer = ask("GET /odd?ending=drop HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(answer, "");
    free(answer);
    answer = ask("GET /odd?ending=drop&delay=30 HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(answer, "");
    free(answer);
}
END_TEST

START_TEST(a_cut_answer_announces_all_and_sends_half)
{
    char *answer = ask("GET /odd?ending=cut HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "Content-Length: 21\r\n"));
    const char *body = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    ck_assert_str_eq(body + 4, "{\"text\":\"0");
    free(answer);
}
END_TEST

START_TEST(delayed_answers_occupy_no_thread)
{
    /* One thread serves: were a delay to occupy it, the last one would wait for the sum of all. */
    enum { COUNT = 300 };
    int fds[COUNT];
    rc_mono_t began = rc_mono_now();
    for (int i = 0; i < COUNT; i++) {
        fds[i] = dial();
        say(fds[i], "GET /odd?delay=500 HTTP/1.1\r\n" CLOSE "\r\n");
    }
    for (int i = 0; i < COUNT; i++) {
        char *answer = hear(fds[i]);
        ck_assert_ptr_nonnull(strstr(answer, "0123456789"));
        free(answer);
    }
    int64_t took_ms = rc_mono_now().ms - began.ms;
    ck_assert_int_ge(took_ms, 499);
    ck_assert_int_lt(took_ms, (int64_t)COUNT * 500 / 4);
    stop();
    server = NULL;
    ck_assert_int_eq(atomic_load(&done_calls), COUNT);
}
END_TEST

START_TEST(an_answer_that_is_put_off_is_given_by_whoever_has_it)
{
    int fd = dial();
    say(fd, "POST /later HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nhi");
    while (!atomic_load(&put_off)) (void)usleep(1000);
    expect("GET /users/me HTTP/1.1\r\n" CLOSE "\r\n", "200", "literal"); /* its thread serves others */
    rc_httpd_answer(atomic_load(&put_off), 503, "text/plain", "come back", "5");
    char *answer = hear(fd);
    ck_assert_ptr_nonnull(strstr(answer, " 503 "));
    ck_assert_ptr_nonnull(strstr(answer, "Retry-After: 5\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "come back"));
    free(answer);
    for (int i = 0; i < 100; i++) expect("GET /sooner HTTP/1.1\r\n" CLOSE "\r\n", "202", "at once");
    /* Whoever asked may be gone by then. */
    atomic_store(&put_off, NULL);
    fd = dial();
    say(fd, "GET /later HTTP/1.1\r\n" CLOSE "\r\n");
    while (!atomic_load(&put_off)) (void)usleep(1000);
    (void)close(fd);
    rc_httpd_answer(atomic_load(&put_off), 200, "text/plain", "nobody hears it", NULL);
    expect("GET /users/me HTTP/1.1\r\n" CLOSE "\r\n", "200", "literal");
}
END_TEST

START_TEST(freeing_the_server_drops_what_is_delayed)
{
    int fd = dial();
    say(fd, "GET /odd?delay=3600000 HTTP/1.1\r\nHost: x\r\n\r\n");
    /* The second request is answered after the first was read: connections of one thread are served in order. */
    expect("GET /users/me HTTP/1.1\r\n" CLOSE "\r\n", "200", "literal");
    stop();
    server = NULL;
    char *answer = hear(fd);
    ck_assert_str_eq(answer, "");
    free(answer);
    ck_assert_int_eq(atomic_load(&done_calls), 2);
}
END_TEST

static atomic_int fired;

static void fire(void *arg)
{
    atomic_fetch_add(&fired, *(int *)arg);
}

static void unfire(void *arg)
{
    atomic_fetch_add(&fired, 1000 * *(int *)arg);
}

START_TEST(later_calls_are_made_or_given_up)
{
    int one = 1, two = 2;
    rc_httpd_call_later(server, 3600000, fire, unfire, &two);
    rc_httpd_call_later(server, 1, fire, unfire, &one);
    for (int i = 0; i < 2000 && !atomic_load(&fired); i++) (void)usleep(5000);
    ck_assert_int_eq(atomic_load(&fired), 1);
    stop();
    server = NULL;
    ck_assert_int_eq(atomic_load(&fired), 2001);
}
END_TEST

START_TEST(an_address_that_cannot_be_had_is_an_error_that_names_it)
{
    rc_httpd_t *second = NULL;
    rc_error_t error = RC_ERROR_INIT;
    rc_httpd_options_t options = {.listen = rc_httpd_address(server), .max_body_bytes = 10};
    ck_assert_int_eq(rc_httpd_new(&options, &second, &error), RC_IO);
    ck_assert_ptr_nonnull(strstr(error.message, rc_httpd_address(server)));
    ck_assert_ptr_nonnull(strstr(error.message, "in use"));
    static const char *wrong[] = {"127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.listen = wrong[i];
        ck_assert_int_eq(rc_httpd_new(&options, &second, &error), RC_USAGE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("httpd");
    TCase *tc = tcase_create("wire");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_literal_route_wins_over_a_star);
    tcase_add_test(tc, an_unknown_path_is_404_and_another_method_405);
    tcase_add_test(tc, segments_are_decoded_one_by_one);
    tcase_add_test(tc, arguments_keep_their_order_and_repetition);
    tcase_add_test(tc, a_broken_address_is_400);
    tcase_add_test(tc, headers_and_bodies_arrive);
    tcase_add_test(tc, a_body_beyond_the_cap_is_413);
    tcase_add_test(tc, head_is_served_as_get_without_a_body);
    tcase_add_test(tc, a_connection_is_used_again);
    tcase_add_test(tc, a_dropped_answer_sends_nothing);
    tcase_add_test(tc, a_cut_answer_announces_all_and_sends_half);
    tcase_add_test(tc, delayed_answers_occupy_no_thread);
    tcase_add_test(tc, an_answer_that_is_put_off_is_given_by_whoever_has_it);
    tcase_add_test(tc, freeing_the_server_drops_what_is_delayed);
    tcase_add_test(tc, later_calls_are_made_or_given_up);
    tcase_add_test(tc, an_address_that_cannot_be_had_is_an_error_that_names_it);
    suite_add_tcase(suite, tc);
    return rc_unit_run(suite);
}
