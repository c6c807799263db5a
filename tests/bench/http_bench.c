/* What a request costs the loop's thread in CPU, without TLS: libuv, curl and ours. Usage: http_bench [REQUESTS
 * [CONCURRENT [LATENCY_US]]]. The budget of the consumer for an applied event, in which one such request is, is 30 µs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/http.h"
#include "tests/bench/late_server.h"

typedef struct {
    rc_loop_t *loop;
    rc_http_t *http;
    rc_http_request_t request;
    long left;    /* to send */
    long waiting; /* for their answers */
    long failed;
} run_t;

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

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 100000, concurrent = argc > 2 ? strtol(argv[2], NULL, 10) : 100;
    long latency_us = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (count < 1 || concurrent < 1) return EXIT_FAILURE;
    unsigned port;
    pid_t server = rc_late_server_start(latency_us, &port);
    const rc_http_header_t headers[] = {{"Authorization", "Bearer 0123456789abcdef0123456789abcdef"},
                                        {"Content-Type", "application/json"}};
    static const char body[] =
        "{\"firstName\":\"John\",\"lastName\":\"Doe\",\"email\":\"john.doe@acme.com\",\"jobTitle\":\"Lead\"}";
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/v1/users/17", port);
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
    struct rusage before, after;
    (void)getrusage(RUSAGE_THREAD, &before);
    for (long i = 0; i < concurrent; i++) send_next(&run);
    rc_loop_run(run.loop);
    (void)getrusage(RUSAGE_THREAD, &after);
    double user_s = seconds_of(after.ru_utime) - seconds_of(before.ru_utime);
    double system_s = seconds_of(after.ru_stime) - seconds_of(before.ru_stime);
    printf(
        "%ld requests, %ld at once, answered after %ld µs: %.2f µs of CPU each (%.2f user, %.2f system), %ld failed\n",
        count, concurrent, latency_us, (user_s + system_s) / (double)count * 1e6, user_s / (double)count * 1e6,
        system_s / (double)count * 1e6, run.failed);
    rc_http_free(run.http);
    rc_loop_free(run.loop);
    rc_late_server_stop(server);
    return run.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
