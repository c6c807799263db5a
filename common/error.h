/* The error value of every fallible function, and the end of the process when an invariant is broken.
 *
 * Callers own an rc_error_t on their stack and pass it last. A function that fails returns its code and fills the
 * value; one that succeeds returns RC_OK and leaves the value alone. Any thread. */
#ifndef RC_COMMON_ERROR_H
#define RC_COMMON_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What went wrong, for programs. The names are printed in logs and metrics. */
#define RC_ERRORS(X)                                                            \
    X(OK, "ok")                                                                 \
    X(USAGE, "usage")                   /* a wrong command line */              \
    X(CONFIG, "configuration")          /* a wrong configuration */             \
    X(IO, "io")                         /* a file or a local resource */        \
    X(TIMEOUT, "timeout")               /* no answer in time */                 \
    X(CONNECT, "connect")               /* nothing was sent: no connection */   \
    X(INTERRUPTED, "interrupted")       /* sent, but the connection was lost */ \
    X(TOO_LARGE, "too_large")           /* beyond a cap of ours */              \
    X(MALFORMED, "malformed")           /* bytes that do not parse */           \
    X(UNKNOWN_SCHEMA, "unknown_schema") /* a writer's schema nobody knows */    \
    X(NOT_FOUND, "not_found")                                                   \
    X(HTTP, "http") /* an HTTP status that is no success */                     \
    X(NEEDS_CUSTOMER, "needs_customer")                                         \
    X(MISCONFIGURED, "misconfigured")                                           \
    X(KAFKA, "kafka")                                                           \
    X(FENCED, "fenced")       /* overtaken by another process */                \
    X(OWNERSHIP, "ownership") /* the partition is no longer ours */             \
    X(CANCELLED, "cancelled") /* we are stopping */                             \
    X(CONFLICT, "conflict")                                                     \
    X(CURSOR_EXPIRED, "cursor_expired")                                         \
    X(CLOCK, "clock") /* two clocks are too far apart */

typedef enum {
#define X(name, text) RC_##name,
    RC_ERRORS(X)
#undef X
} rc_code_t;

/* What a caller should do about it. */
typedef enum {
    RC_RETRY,  /* the same call may succeed later */
    RC_REJECT, /* the same call will never succeed; others may */
    RC_FATAL,  /* the handle or the process cannot go on */
    RC_STOPPED /* not a fault: we ended it */
} rc_disposition_t;

enum { RC_ERROR_MESSAGE_SIZE = 512 };

typedef struct {
    rc_code_t code;
    rc_disposition_t disposition;
    int http_status;        /* 0: no HTTP answer was involved */
    int64_t retry_after_ms; /* -1: the service did not say */
    char message[RC_ERROR_MESSAGE_SIZE];
} rc_error_t;

#define RC_ERROR_INIT ((rc_error_t){.code = RC_OK, .retry_after_ms = -1})

/* Fills *error (may be NULL) and returns `code`, so that `return rc_error_set(…)` reads well. The message names the
 * thing, the value and the mend; it is cut at RC_ERROR_MESSAGE_SIZE - 1 bytes. http_status and retry_after_ms are
 * reset. */
rc_code_t rc_error_set(rc_error_t *error, rc_code_t code, rc_disposition_t disposition, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "<text>: " in front of the message of an error on its way up. Returns error->code. */
rc_code_t rc_error_prefix(rc_error_t *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "timeout", "kafka" … Static storage. */
const char *rc_code_str(rc_code_t code);

/* Ends the process with file, line and a message; also in release builds. For broken invariants and exhausted memory
 * only. */
_Noreturn void rc_die(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define RC_DIE(...) rc_die(__FILE__, __LINE__, __VA_ARGS__)
#define RC_INVARIANT(condition)                                       \
    do {                                                              \
        if (!(condition)) RC_DIE("broken invariant: %s", #condition); \
    } while (0)

#endif
