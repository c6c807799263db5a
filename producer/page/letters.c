#include "producer/page/letters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/kafka_admin.h"
#include "common/log.h"
#include "common/text.h"

enum {
    OLD_MS = 3000,   /* a box that is older is read anew when somebody looks */
    PAUSE_TIMES = 4, /* as long as reading took */
    WISHES = 32,
    ASK_TIMEOUT_MS = 5000,
    IDLE_MS = 60 * 1000
};

typedef struct {
    rc_letterbox_t box;
    rc_arena_t *arena;
    atomic_int users;
} held_t;

struct rc_letters {
    const rc_config_t *config;
    atomic_bool stopping;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    held_t *newest;
    rc_mono_t read_at; /* when the next reading may begin */
    bool wanted;
    bool reading;
    rc_retry_wish_t wishes[WISHES]; /* integration ids are the configuration's */
    size_t wish_count;
    rc_retry_report_t *reports; /* one an integration of the configuration */
    /* The thread's own. */
    rc_history_t *history; /* NULL: not open */
};

static rc_retry_report_t *report_of(rc_letters_t *letters, const char *integration_id)
{
    for (size_t i = 0; i < letters->config->integrations_count; i++)
        if (rc_text_equal(letters->config->integrations[i].id, integration_id)) return &letters->reports[i];
    return NULL;
}

/* --- reading --- */

static rc_code_t open_history(rc_letters_t *letters, rc_error_t *error)
{
    if (letters->history) return RC_OK;
    return rc_history_open(letters->config, "rollcall-producer-page", false, &letters->stopping, &letters->history,
                           error);
}

/* All of one integration (NULL: of all) that wait for a person. */
static rc_code_t read_open(rc_letters_t *letters, const rc_dead_filter_t *filter, rc_arena_t *arena,
                           const rc_dead_letter_t **open, size_t *count, rc_error_t *error)
{
    const rc_dead_letter_t *all;
    size_t all_count;
    rc_code_t code = open_history(letters, error);
    if (code == RC_OK)
        code = rc_dead_letters_read(letters->history, filter, &letters->stopping, arena, &all, &all_count, error);
    if (code != RC_OK) return code;
    rc_dead_letter_t *kept = rc_arena_alloc(arena, (all_count ? all_count : 1) * sizeof *kept);
    *count = 0;
    for (size_t i = 0; i < all_count; i++)
        if (all[i].state == RC_DEAD_OPEN) kept[(*count)++] = all[i];
    *open = kept;
    return RC_OK;
}

/* Lanes without any member. What cannot be told (the mock cluster, a coordinator that loads) is no news. */
static uint32_t find_unattended(rc_letters_t *letters)
{
    const rc_config_t *config = letters->config;
    rc_kafka_admin_t *admin = NULL;
    rc_arena_t *arena = rc_arena_new_sized(1024);
    char *cluster_id = NULL;
    uint32_t unattended = 0;
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_kafka_admin_open(rc_history_kafka(letters->history), &admin, &error);
    if (code == RC_OK) code = rc_kafka_admin_cluster_id(admin, ASK_TIMEOUT_MS, &cluster_id, &error);
    for (int type = 0; code == RC_OK && !rc_kafka_is_mock(cluster_id) && type < RC_EVENT_COUNT; type++) {
        const rc_kafka_member_t *members;
        size_t count = 0;
        const char *group =
            rc_arena_sprintf(arena, "%s.%s", config->consumer.application, rc_enum_str(&RC_ENUM_EVENT, type));
        code = rc_kafka_admin_group(admin, group, ASK_TIMEOUT_MS, arena, &members, &count, &error);
        if (code == RC_OK && count == 0) unattended |= 1U << type;
    }
    free(cluster_id);
    rc_kafka_admin_close(admin);
    rc_arena_free(arena);
    return unattended;
}

static held_t *read_box(rc_letters_t *letters)
{
    held_t *held = rc_zalloc(sizeof *held);
    const rc_dead_filter_t filter = RC_DEAD_FILTER_INIT;
    held->arena = rc_arena_new();
    atomic_init(&held->users, 1);
    held->box = (rc_letterbox_t){.as_of = rc_wall_now(), .error = RC_ERROR_INIT};
    if (read_open(letters, &filter, held->arena, &held->box.letters, &held->box.count, &held->box.error) != RC_OK &&
        !atomic_load(&letters->stopping))
        rc_log(RC_LEVEL_WARN, "the dead letters could not be read for the status page", RC_LOG_ERR(&held->box.error));
    if (held->box.error.code == RC_OK) held->box.unattended = find_unattended(letters);
    return held;
}

static void release(held_t *held)
{
    if (!held || atomic_fetch_sub(&held->users, 1) != 1) return;
    rc_arena_free(held->arena);
    free(held);
}

/* --- trying again --- */

static rc_code_t grant(rc_letters_t *letters, const rc_retry_wish_t *wish, size_t *sent, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new();
    rc_dead_filter_t filter = RC_DEAD_FILTER_INIT;
    const rc_dead_letter_t *open = NULL;
    size_t count = 0;
    filter.integration_id = wish->integration_id;
    filter.partition = wish->partition;
    filter.offset = wish->partition < 0 ? -1 : wish->offset;
    *sent = 0;
    rc_code_t code = read_open(letters, &filter, arena, &open, &count, error);
    if (code == RC_OK) code = rc_dead_letters_replay(letters->history, open, count, &letters->stopping, sent, error);
    if (code == RC_OK && count > 0 && *sent == 0)
        code =
            rc_error_set(error, RC_CONFLICT, RC_REJECT,
                         "it cannot be tried again: nobody knows whose record it is, or it was too large to be kept");
    rc_arena_free(arena);
    return code;
}

/* With the mutex, which is not held while it works. */
static void grant_next(rc_letters_t *letters)
{
    const rc_retry_wish_t wish = letters->wishes[0];
    rc_error_t error = RC_ERROR_INIT;
    size_t sent;
    pthread_mutex_unlock(&letters->mutex);
    rc_code_t code = grant(letters, &wish, &sent, &error);
    if (code == RC_OK)
        rc_log(RC_LEVEL_INFO, "dead letters were sent once more by the status page",
               RC_LOG_STR(INTEGRATION, wish.integration_id), RC_LOG_INT(COUNT, sent));
    else if (!atomic_load(&letters->stopping))
        rc_log(RC_LEVEL_WARN, "dead letters could not be sent once more", RC_LOG_STR(INTEGRATION, wish.integration_id),
               RC_LOG_ERR(&error));
    pthread_mutex_lock(&letters->mutex);
    rc_retry_report_t *report = report_of(letters, wish.integration_id);
    *report = (rc_retry_report_t){.sent = sent, .ended_at = rc_wall_now()};
    if (code != RC_OK) memcpy(report->problem, error.message, sizeof report->problem);
    letters->wish_count--;
    memmove(letters->wishes, letters->wishes + 1, letters->wish_count * sizeof *letters->wishes);
    /* What was sent is to leave the list at once. */
    letters->wanted = true;
    letters->read_at = (rc_mono_t){0};
}

static void read_next(rc_letters_t *letters)
{
    letters->wanted = false;
    letters->reading = true;
    pthread_mutex_unlock(&letters->mutex);
    rc_mono_t began = rc_mono_now();
    held_t *held = read_box(letters);
    rc_mono_t ended = rc_mono_now();
    /* Whatever broke, a new handle is the mend. */
    if (held->box.error.code != RC_OK) {
        rc_history_close(letters->history);
        letters->history = NULL;
    }
    pthread_mutex_lock(&letters->mutex);
    int64_t pause_ms = (ended.ms - began.ms) * PAUSE_TIMES;
    held_t *before = letters->newest;
    letters->reading = false;
    letters->newest = held;
    letters->read_at.ms = ended.ms + (pause_ms > OLD_MS ? pause_ms : OLD_MS);
    release(before);
}

static void wait_ms(rc_letters_t *letters, int64_t ms)
{
    struct timespec until;
    RC_INVARIANT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    int64_t nanoseconds = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + nanoseconds / 1000000000;
    until.tv_nsec = nanoseconds % 1000000000;
    (void)pthread_cond_timedwait(&letters->changed, &letters->mutex, &until);
}

static void *run(void *opaque)
{
    rc_letters_t *letters = opaque;
    pthread_mutex_lock(&letters->mutex);
    while (!atomic_load(&letters->stopping)) {
        rc_mono_t now = rc_mono_now();
        if (letters->wish_count > 0)
            grant_next(letters);
        else if (letters->wanted && letters->read_at.ms <= now.ms)
            read_next(letters);
        else
            wait_ms(letters, letters->wanted ? letters->read_at.ms - now.ms : IDLE_MS);
    }
    pthread_mutex_unlock(&letters->mutex);
    rc_history_close(letters->history);
    return NULL;
}

/* --- life --- */

rc_letters_t *rc_letters_new(const rc_config_t *config)
{
    rc_letters_t *letters = rc_zalloc(sizeof *letters);
    pthread_condattr_t attributes;
    letters->config = config;
    letters->reports = rc_calloc(config->integrations_count, sizeof *letters->reports);
    RC_INVARIANT(
        pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
        pthread_cond_init(&letters->changed, &attributes) == 0 && pthread_mutex_init(&letters->mutex, NULL) == 0);
    pthread_condattr_destroy(&attributes);
    RC_INVARIANT(pthread_create(&letters->thread, NULL, run, letters) == 0);
    return letters;
}

void rc_letters_free(rc_letters_t *letters)
{
    if (!letters) return;
    pthread_mutex_lock(&letters->mutex);
    atomic_store(&letters->stopping, true);
    pthread_cond_broadcast(&letters->changed);
    pthread_mutex_unlock(&letters->mutex);
    RC_INVARIANT(pthread_join(letters->thread, NULL) == 0);
    release(letters->newest);
    pthread_cond_destroy(&letters->changed);
    pthread_mutex_destroy(&letters->mutex);
    free(letters->reports);
    free(letters);
}

/* --- what the page asks --- */

const rc_letterbox_t *rc_letters_get(rc_letters_t *letters, bool *fresh)
{
    pthread_mutex_lock(&letters->mutex);
    held_t *newest = letters->newest;
    if (newest) atomic_fetch_add(&newest->users, 1);
    if (!letters->wanted && !letters->reading && (!newest || letters->read_at.ms <= rc_mono_now().ms)) {
        letters->wanted = true;
        pthread_cond_signal(&letters->changed);
    }
    if (fresh) *fresh = !letters->wanted && !letters->reading;
    pthread_mutex_unlock(&letters->mutex);
    return newest ? &newest->box : NULL;
}

void rc_letterbox_release(const rc_letterbox_t *box)
{
    release((held_t *)(uintptr_t)box); /* its first member */
}

bool rc_letters_retry(rc_letters_t *letters, const rc_retry_wish_t *wish)
{
    pthread_mutex_lock(&letters->mutex);
    rc_retry_report_t *report = report_of(letters, wish->integration_id);
    bool room = report && letters->wish_count < WISHES;
    if (room) {
        letters->wishes[letters->wish_count++] = *wish;
        pthread_cond_signal(&letters->changed);
    }
    pthread_mutex_unlock(&letters->mutex);
    return room;
}

rc_retry_report_t rc_letters_report(rc_letters_t *letters, const char *integration_id)
{
    pthread_mutex_lock(&letters->mutex);
    const rc_retry_report_t *known = report_of(letters, integration_id);
    rc_retry_report_t report = known ? *known : (rc_retry_report_t){.busy = false};
    for (size_t i = 0; i < letters->wish_count; i++)
        report.busy |= rc_text_equal(letters->wishes[i].integration_id, integration_id);
    pthread_mutex_unlock(&letters->mutex);
    return report;
}
