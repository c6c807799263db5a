#include "consumer/engine/resolver.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/retry.h"

typedef struct question {
    TAILQ_ENTRY(question) link;
    rc_resolver_t *resolver;
    uint32_t registry_id;
    void (*done)(void *opaque);
    void *opaque;
} question_t;

struct rc_resolver {
    rc_loop_t *loop;
    rc_tables_t *tables;
    rc_codec_t *codec;
    rc_registry_t *registry;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    TAILQ_HEAD(, question) questions; /* under the mutex */
    atomic_bool stopping;
};

enum { FIRST_DELAY_MS = 200, LAST_DELAY_MS = 10000 };

static void deliver(void *opaque)
{
    question_t *question = opaque;
    if (!atomic_load(&question->resolver->stopping)) question->done(question->opaque);
    free(question);
}

static void passed(void *opaque, rc_code_t code)
{
    (void)code;
    deliver(opaque);
}

/* Asks until the registry answers, whatever the answer is. */
static void fetch(rc_resolver_t *resolver, uint32_t registry_id)
{
    rc_schema_store_t *store = rc_codec_store(resolver->codec);
    int64_t delay_ms = FIRST_DELAY_MS;
    while (!rc_schema_store_find_id(store, registry_id) && !atomic_load(&resolver->stopping)) {
        rc_error_t error = RC_ERROR_INIT;
        rc_code_t code = rc_registry_fetch(resolver->registry, registry_id, store, &resolver->stopping, &error);
        if (code == RC_OK || code == RC_CANCELLED) return;
        rc_log(RC_LEVEL_WARN,
               error.disposition == RC_RETRY ? "a partition waits for the schema registry"
                                             : "a schema is not to be had",
               RC_LOG_INT(SCHEMA, registry_id), RC_LOG_ERR(&error));
        if (error.disposition != RC_RETRY) return;
        (void)rc_retry_pause(delay_ms, &resolver->stopping);
        delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS);
    }
}

static void *run(void *opaque)
{
    rc_resolver_t *resolver = opaque;
    for (;;) {
        pthread_mutex_lock(&resolver->mutex);
        while (TAILQ_EMPTY(&resolver->questions) && !atomic_load(&resolver->stopping))
            pthread_cond_wait(&resolver->changed, &resolver->mutex);
        question_t *question = TAILQ_FIRST(&resolver->questions);
        if (question) TAILQ_REMOVE(&resolver->questions, question, link);
        pthread_mutex_unlock(&resolver->mutex);
        if (!question) return NULL;
        fetch(resolver, question->registry_id);
        rc_loop_post(resolver->loop, deliver, question);
    }
}

rc_resolver_t *rc_resolver_new(rc_loop_t *loop, rc_tables_t *tables, rc_codec_t *codec, rc_registry_t *registry)
{
    rc_resolver_t *resolver = rc_zalloc(sizeof *resolver);
    *resolver = (rc_resolver_t){.loop = loop, .tables = tables, .codec = codec, .registry = registry};
    TAILQ_INIT(&resolver->questions);
    RC_INVARIANT(pthread_mutex_init(&resolver->mutex, NULL) == 0 && pthread_cond_init(&resolver->changed, NULL) == 0);
    resolver->has_thread = registry != NULL;
    if (registry) RC_INVARIANT(pthread_create(&resolver->thread, NULL, run, resolver) == 0);
    return resolver;
}

void rc_resolver_stop(rc_resolver_t *resolver)
{
    if (!resolver || atomic_exchange(&resolver->stopping, true) || !resolver->has_thread) return;
    pthread_mutex_lock(&resolver->mutex);
    pthread_cond_broadcast(&resolver->changed);
    pthread_mutex_unlock(&resolver->mutex);
    RC_INVARIANT(pthread_join(resolver->thread, NULL) == 0);
}

void rc_resolver_free(rc_resolver_t *resolver)
{
    if (!resolver) return;
    rc_resolver_stop(resolver);
    question_t *question;
    while ((question = TAILQ_FIRST(&resolver->questions))) {
        TAILQ_REMOVE(&resolver->questions, question, link);
        free(question);
    }
    pthread_mutex_destroy(&resolver->mutex);
    pthread_cond_destroy(&resolver->changed);
    free(resolver);
}

void rc_resolver_find(rc_resolver_t *resolver, const rc_framing_t *missing, void (*done)(void *opaque), void *opaque)
{
    question_t *question = rc_zalloc(sizeof *question);
    *question = (question_t){.resolver = resolver, .registry_id = missing->registry_id, .done = done, .opaque = opaque};
    if (missing->wire == RC_WIRE_SINGLE_OBJECT) {
        rc_tables_barrier_schemas(resolver->tables, passed, question);
    } else if (!resolver->registry) {
        rc_loop_post(resolver->loop, deliver, question);
    } else {
        pthread_mutex_lock(&resolver->mutex);
        TAILQ_INSERT_TAIL(&resolver->questions, question, link);
        pthread_cond_broadcast(&resolver->changed);
        pthread_mutex_unlock(&resolver->mutex);
    }
}
