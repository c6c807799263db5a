/* How a handle ends: librdkafka destroys it on a thread of its own, and nobody waits for ever. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/kafka_handle.h"
#include "common/log.h"

/* What one handle waits for in vain (a topic that was deleted, a broker that is gone) others wait for, too: together
 * they must not take longer than a program's end may (common/signals.h). */
enum { DESTROY_MS = 5000, DESTROY_ANOTHER_MS = 500 };

static atomic_bool one_was_left;

/* Whoever of the two is the last frees it: the thread that destroys, or the one that waits. */
typedef struct {
    rc_kafka_handle_t *handle;
    rc_kafka_release_fn *release;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool destroyed;
    bool left; /* nobody waits any more */
} ending_t;

static ending_t *new_ending(rc_kafka_handle_t *handle, rc_kafka_release_fn *release)
{
    ending_t *ending = rc_zalloc(sizeof *ending);
    pthread_condattr_t attributes;
    ending->handle = handle;
    ending->release = release;
    pthread_mutex_init(&ending->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ending->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return ending;
}

static void free_ending(ending_t *ending)
{
    pthread_mutex_destroy(&ending->handle->lock);
    ending->release(ending->handle);
    pthread_cond_destroy(&ending->changed);
    pthread_mutex_destroy(&ending->lock);
    free(ending);
}

static void *destroy(void *opaque)
{
    ending_t *ending = opaque;
    rd_kafka_destroy(ending->handle->rk);
    pthread_mutex_lock(&ending->lock);
    ending->destroyed = true;
    bool last = ending->left;
    pthread_cond_signal(&ending->changed);
    pthread_mutex_unlock(&ending->lock);
    if (last) free_ending(ending);
    return NULL;
}

void rc_kafka_release(rc_kafka_handle_t *handle)
{
    free(handle);
}

static void abandon(rc_kafka_handle_t *handle)
{
    pthread_mutex_lock(&handle->lock);
    handle->abandoned = true;
    pthread_mutex_unlock(&handle->lock);
}

void rc_kafka_handle_close(rc_kafka_handle_t *handle, rc_kafka_release_fn *release)
{
    ending_t *ending = new_ending(handle, release);
    pthread_t thread;
    RC_INVARIANT(pthread_create(&thread, NULL, destroy, ending) == 0);

    int64_t delay_ms = atomic_load(&one_was_left) ? DESTROY_ANOTHER_MS : DESTROY_MS;
    int64_t until_ms = rc_mono_now().ms + delay_ms;
    const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_mutex_lock(&ending->lock);
    while (!ending->destroyed && pthread_cond_timedwait(&ending->changed, &ending->lock, &until) != ETIMEDOUT) {
    }
    bool left = !ending->destroyed;
    if (left) abandon(handle);
    ending->left = left;
    pthread_mutex_unlock(&ending->lock);
    if (left) {
        atomic_store(&one_was_left, true);
        (void)pthread_detach(thread);
        rc_log(RC_LEVEL_WARN, "a kafka handle does not end and is left behind", RC_LOG_INT(DELAY, delay_ms));
        return;
    }
    (void)pthread_join(thread, NULL);
    free_ending(ending);
}
