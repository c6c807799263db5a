/* Ends the process at a named point of its Kafka transactions, or as it ends a handle: preloaded in front of librdkafka
 * (LD_PRELOAD), it calls what is behind it, and dies by SIGKILL where RC_DEATH="POINT:N" says, the Nth time that the
 * process comes there. With RC_HANG="POINT:N" the call never returns instead, as librdkafka's do sometimes, and
 * standard error says so. With RC_STOP="POINT:N" the process stops there by SIGSTOP; when it is continued, its other
 * threads are ahead of this one for a while. So the programs have no switch for tests. POINT is one of those of POINTS.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* librdkafka's, as far as they pass through here. */
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;
typedef struct rd_kafka_vu_s rd_kafka_vu_t;

#define POINTS(X)                                                                        \
    X(INITIALISED, "initialised")   /* the transactional id is ours, nothing is begun */ \
    X(BEGUN, "begun")               /* the broker knows nothing of it yet */             \
    X(PRODUCED, "produced")         /* some of the records are on their way */           \
    X(OFFSETS, "offsets")           /* before the group is asked */                      \
    X(OFFSETS_SENT, "offsets-sent") /* everything is in the transaction */               \
    X(COMMIT, "commit")             /* before the coordinator is asked */                \
    X(COMMITTING, "committing")     /* while it is being asked, or has decided */        \
    X(COMMITTED, "committed")       /* it has decided, and nobody here was told */       \
    X(ABORT, "abort")               /* before an abort */                                \
    X(DESTROY, "destroy")           /* instead of a handle's end */

typedef enum {
#define X(name, text) POINT_##name,
    POINTS(X)
#undef X
} point_t;

static const char *const NAMES[] = {
#define X(name, text) text,
    POINTS(X)
#undef X
};

enum { COMMITTING_MAX_US = 4000, BEHIND_US = 300000 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int doomed = -1; /* the point */
static bool hangs;      /* and does not die */
static bool stops;      /* likewise */
static atomic_int left;
static atomic_bool open;

static void configure(void)
{
    const char *hang = getenv("RC_HANG"), *stop = getenv("RC_STOP");
    const char *death = hang ? hang : stop ? stop : getenv("RC_DEATH");
    hangs = hang != NULL;
    stops = stop != NULL;
    const char *colon = death ? strchr(death, ':') : NULL;
    if (!colon) return;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strlen(NAMES[i]) == (size_t)(colon - death) && strncmp(NAMES[i], death, strlen(NAMES[i])) == 0)
            doomed = (int)i;
    atomic_store(&left, atoi(colon + 1));
}

static void die(void)
{
    static const char word[] = "hangs in librdkafka\n";
    if (hangs) (void)!write(STDERR_FILENO, word, sizeof word - 1);
    while (hangs) (void)pause();
    (void)kill(getpid(), stops ? SIGSTOP : SIGKILL);
    if (stops) (void)usleep(BEHIND_US);
}

static bool is_at(point_t point)
{
    (void)pthread_once(&once, configure);
    return doomed == (int)point && atomic_fetch_sub(&left, 1) == 1;
}

static void pass(point_t point)
{
    if (is_at(point)) die();
}

static void *behind(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

static void *die_soon(void *opaque)
{
    struct timespec now;
    (void)opaque;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)usleep((useconds_t)(now.tv_nsec / 1000 % COMMITTING_MAX_US));
    die();
    return NULL;
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms);
rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *, int) = behind("rd_kafka_init_transactions");
    rd_kafka_error_t *error = call(rk, timeout_ms);
    if (!error) pass(POINT_INITIALISED);
    return error;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk);
rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *) = behind("rd_kafka_begin_transaction");
    rd_kafka_error_t *error = call(rk);
    atomic_store(&open, true);
    pass(POINT_BEGUN);
    return error;
}

rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *rk, const rd_kafka_vu_t *vus, size_t count);
rd_kafka_error_t *rd_kafka_produceva(rd_kafka_t *rk, const rd_kafka_vu_t *vus, size_t count)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *, const rd_kafka_vu_t *, size_t) = behind("rd_kafka_produceva");
    rd_kafka_error_t *error = call(rk, vus, count);
    if (atomic_load(&open)) pass(POINT_PRODUCED);
    return error;
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const void *offsets, const void *group,
                                                       int timeout_ms);
rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk, const void *offsets, const void *group,
                                                       int timeout_ms)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *, const void *, const void *, int) =
        behind("rd_kafka_send_offsets_to_transaction");
    pass(POINT_OFFSETS);
    rd_kafka_error_t *error = call(rk, offsets, group, timeout_ms);
    pass(POINT_OFFSETS_SENT);
    return error;
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms);
rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *, int) = behind("rd_kafka_commit_transaction");
    pthread_t thread;
    pass(POINT_COMMIT);
    if (is_at(POINT_COMMITTING) && pthread_create(&thread, NULL, die_soon, NULL) == 0) (void)pthread_detach(thread);
    rd_kafka_error_t *error = call(rk, timeout_ms);
    atomic_store(&open, false);
    if (!error) pass(POINT_COMMITTED);
    return error;
}

void rd_kafka_destroy(rd_kafka_t *rk);
void rd_kafka_destroy(rd_kafka_t *rk)
{
    void (*call)(rd_kafka_t *) = behind("rd_kafka_destroy");
    pass(POINT_DESTROY);
    call(rk);
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms);
rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms)
{
    rd_kafka_error_t *(*call)(rd_kafka_t *, int) = behind("rd_kafka_abort_transaction");
    pass(POINT_ABORT);
    atomic_store(&open, false);
    return call(rk, timeout_ms);
}
