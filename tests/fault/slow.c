/* Makes local tables slow, as on a disk that is: preloaded in front of LMDB (LD_PRELOAD), a commit takes up to
 * RC_SLOW_MS milliseconds longer while the file RC_SLOW_WHILE exists. What a program knows of Kafka then lags behind
 * what is there, which it has to notice by itself. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef struct MDB_txn MDB_txn;

/* xorshift, from the clock: what matters is that commits differ. */
static long up_to(long most)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = (uint64_t)now.tv_nsec * 2654435761U + 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (long)(x % (uint64_t)(most + 1));
}

int mdb_txn_commit(MDB_txn *txn);
int mdb_txn_commit(MDB_txn *txn)
{
    int (*call)(MDB_txn *) = dlsym(RTLD_NEXT, "mdb_txn_commit");
    const char *ms = getenv("RC_SLOW_MS"), *while_there = getenv("RC_SLOW_WHILE");
    if (!call) abort();
    if (ms && while_there && access(while_there, F_OK) == 0) {
        long half_ms = atol(ms) / 2, delay_ms = half_ms + up_to(half_ms);
        const struct timespec delay = {delay_ms / 1000, delay_ms % 1000 * 1000000};
        (void)nanosleep(&delay, NULL);
    }
    return call(txn);
}
