/* What a request costs the loop's thread in CPU, without TLS: libuv, curl and ours. Usage: http_bench [REQUESTS
 * [CONCURRENT]]. The budget of the consumer for an applied event, in which one such request is, is 30 µs. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/http.h"
#include "tests/support/wire.h"

typedef struct {
    rc_loop_t *loop;
    rc_http_t *http;
    rc_http_request_t request;
    long left;    /* to send */
    long waiting; /* for their answers */
    long failed;
} run_t;

static bool answer(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    rc_wire_answer(request, 200, "Content-Type: application/json\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
                   "{\"id\":17,\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john.doe@acme.com\","
                   "\"status\":{\"status\":\"Confirmed\",\"time\":\"2026-01-01T00:00:00Z\"}}");
    return true;
}

static void on_done(void *opaque, const rc_http_answer_t *got, const rc_error_t *error);

static void send_next(run_t *run)
{
    if (!run->left) return;
    run->left--;
    run->waiting++;
    (void)rc_http_send(run->http, &run->request, on_done, run);
}

static void on_done(void *opaque, const rc_http_answer_t *got, const rc_error_t *error)
{
    (void)error;
    run_t *run = opaque;
    run->waiting--;
    if (!got || got->status != 200) run->failed++;
    send_next(run);
    if (!run->waiting) rc_loop_stop(run->loop);
}

static double thread_seconds(void)
{
    struct timespec now;
    RC_INVARIANT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 100000, concurrent = argc > 2 ? strtol(argv[2], NULL, 10) : 100;
    if (count < 1 || concurrent < 1) return EXIT_FAILURE;
    rc_wire_t *server = rc_wire_new(answer, NULL);
    const rc_http_header_t headers[] = {{"Authorization", "Bearer 0123456789abcdef0123456789abcdef"},
                                        {"Content-Type", "application/json"}};
    static const char body[] =
        "{\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john.doe@acme.com\",\"jobTitle\":\"Lead\"}";
    char url[128];
    (void)snprintf(url, sizeof url, "%s/v1/users/17", rc_wire_url(server));
    run_t run = {.loop = rc_loop_new(),
                 .left = count,
                 .request = {.method = "PUT",
                             .url = url,
                             .headers = headers,
                             .header_count = 2,
                             .body = body,
                             .body_bytes = sizeof body - 1,
                             .timeout_ms = 20000}};
    run.http = rc_http_new(run.loop, &(rc_http_options_t){0});
    double start = thread_seconds();
    for (long i = 0; i < concurrent; i++) send_next(&run);
    rc_loop_run(run.loop);
    double seconds = thread_seconds() - start;
    printf("%ld requests, %ld at once: %.2f µs of CPU each, %ld failed\n", count, concurrent,
           seconds / (double)count * 1e6, run.failed);
    rc_http_free(run.http);
    rc_loop_free(run.loop);
    rc_wire_free(server);
    return run.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
