/* The book of what was asked: one for each side of an integration. It counts everything and keeps the last requests, or
 * all of them, so that a test can prove what was sent, in which order, and what took effect. Any thread. */
#ifndef RC_TESTS_SANDBOX_REQUESTS_H
#define RC_TESTS_SANDBOX_REQUESTS_H

#include <stdint.h>

#include "common/json.h"
#include "common/time.h"

typedef struct sb_requests sb_requests_t;

typedef struct {
    rc_wall_t at, machine_at;    /* when it came, by the sandbox's clock and by the machine's */
    const char *method, *target; /* the target is relative to the side's base */
    const char *employee;        /* the external id that it was about; NULL: none or unknown */
    long user_id;                /* at Learn Amp; 0: none */
    int status;                  /* what was or would have been answered; 0: nothing */
    const char *effect;          /* "done", "none", "late": whether the service did what was asked; static storage */
    const char *answer;          /* "whole", "cut", "dropped", "hanging": what the client got; static storage */
    long fault;                  /* the fault that was injected; 0: none, -1: the rate limit */
    const char *body;            /* as it arrived */
    size_t body_size_bytes;
} sb_request_t;

enum { SB_REQUESTS_KEPT = 20000 };

/* Keeps the last `limit` requests (0: all), with their bodies or only with a hash of them. Returns new (free with
 * sb_requests_free). */
sb_requests_t *sb_requests_new(size_t limit, bool bodies);
void sb_requests_free(sb_requests_t *requests);
void sb_requests_configure(sb_requests_t *requests, size_t limit, bool bodies);

/* A request came in; one was answered. In between it counts as in flight. */
void sb_requests_begin(sb_requests_t *requests);
void sb_requests_end(sb_requests_t *requests);
/* Writes a request into the book (copies). */
void sb_requests_add(sb_requests_t *requests, const sb_request_t *request);

/* Those with a number greater than `after`, at most `limit`; `employee` (may be NULL) filters. Returns new. */
json_t *sb_requests_list(sb_requests_t *requests, uint64_t after, size_t limit, const char *employee);
/* {"total", "in_flight", "peak_in_flight", "by_call": {"POST /v1/users 201": 7, …}}. Returns new. */
json_t *sb_requests_counters(sb_requests_t *requests);
/* Forgets what was kept and sets the counters to 0; the numbers go on. */
void sb_requests_clear(sb_requests_t *requests);

#endif
