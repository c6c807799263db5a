#include "common/notify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/http.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/random.h"
#include "common/retry.h"
#include "common/text.h"

enum {
    MINUTE_MS = 60000,
    PAUSE_MS = 1000,
    PAUSE_CAP_MS = 30000,
    TRIES = 4,
    REQUEST_MS = 10000,
    FLUSH_MS = 5000,
    SLOTS_MAX = 4096,
    ANSWER_MAX_BYTES = 64 * 1024,
    REASON_BYTES = 512
};

/* What is told of one kind at one integration (of one class, for a hold), and was within the last minute. */
typedef struct slot {
    TAILQ_ENTRY(slot) link;
    rc_notice_t notice; /* the newest; its texts are the slot's */
    char *integration_id;
    char *hold_id;
    char reason[REASON_BYTES];
    bool waits; /* to be sent */
    rc_mono_t not_before;
} slot_t;

struct rc_notify {
    const rc_config_t *config;
    rc_metrics_t *metrics;
    int64_t minute_ms, pause_ms, flush_ms;
    bool running;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    TAILQ_HEAD(, slot) slots;
    size_t slot_count;
    bool stopping, ended;
    atomic_bool cancelled;
    /* the thread's */
    rc_http_blocking_t *client;
    bool failing; /* said so in the log */
};

/* --- the queue; with the mutex held --- */

static bool is_same(const slot_t *slot, const rc_notice_t *notice)
{
    return slot->notice.kind == notice->kind && strcmp(slot->integration_id, notice->integration_id) == 0 &&
           rc_text_equal(slot->notice.brake, notice->brake);
}

static void free_slot(rc_notify_t *notify, slot_t *slot)
{
    TAILQ_REMOVE(&notify->slots, slot, link);
    notify->slot_count--;
    free(slot->integration_id);
    free(slot->hold_id);
    free(slot);
}

/* The slot of a notice, or a new one; NULL: too many wait. What has been told and is a minute old goes. */
static slot_t *find_slot(rc_notify_t *notify, const rc_notice_t *notice)
{
    slot_t *slot = TAILQ_FIRST(&notify->slots), *next, *found = NULL;
    rc_mono_t now = rc_mono_now();
    for (; slot; slot = next) {
        next = TAILQ_NEXT(slot, link);
        if (is_same(slot, notice))
            found = slot;
        else if (!slot->waits && slot->not_before.ms <= now.ms)
            free_slot(notify, slot);
    }
    if (found || notify->slot_count == SLOTS_MAX) return found;
    found = rc_zalloc(sizeof *found);
    found->integration_id = rc_strdup(notice->integration_id);
    TAILQ_INSERT_TAIL(&notify->slots, found, link);
    notify->slot_count++;
    return found;
}

static void fill_slot(slot_t *slot, const rc_notice_t *notice)
{
    const char *reason = notice->reason ? notice->reason : "";
    bool others = slot->waits && notice->kind == RC_NOTIFY_DEAD_LETTER && strcmp(slot->reason, reason) != 0;
    if (others) reason = ""; /* they have none in common */
    int64_t count = (slot->waits ? slot->notice.count : 0) + (notice->count > 0 ? notice->count : 1);
    slot->notice = *notice;
    slot->notice.count = count;
    slot->notice.integration_id = slot->integration_id;
    free(slot->hold_id);
    slot->hold_id = notice->hold_id ? rc_strdup(notice->hold_id) : NULL;
    slot->notice.hold_id = slot->hold_id;
    size_t length = rc_utf8_cut(reason, strlen(reason), sizeof slot->reason - 1);
    memcpy(slot->reason, reason, length);
    slot->reason[length] = '\0';
    slot->notice.reason = slot->reason;
    slot->waits = true;
}

void rc_notify(rc_notify_t *notify, const rc_notice_t *notice)
{
    if (!notify || !notify->running || !(notify->config->notify.on & 1u << notice->kind)) return;
    pthread_mutex_lock(&notify->mutex);
    slot_t *slot = find_slot(notify, notice);
    if (slot) fill_slot(slot, notice);
    pthread_cond_broadcast(&notify->changed);
    pthread_mutex_unlock(&notify->mutex);
    if (!slot)
        rc_metrics_count(notify->metrics, RC_METRIC_NOTIFICATIONS, rc_notify_kind_str(notice->kind), "dropped", NULL);
}

static slot_t *earliest(const rc_notify_t *notify)
{
    slot_t *slot, *first = NULL;
    TAILQ_FOREACH(slot, &notify->slots, link)
    if (slot->waits && (!first || slot->not_before.ms < first->not_before.ms)) first = slot;
    return first;
}

/* Until something changed, or that moment (0: however long). */
static void wait_until(rc_notify_t *notify, rc_mono_t at)
{
    const struct timespec until = {(time_t)(at.ms / 1000), (long)(at.ms % 1000) * 1000000};
    if (at.ms)
        (void)pthread_cond_timedwait(&notify->changed, &notify->mutex, &until);
    else
        (void)pthread_cond_wait(&notify->changed, &notify->mutex);
}

/* Between two tries. False: there is no time for another one. */
static bool pause_for(rc_notify_t *notify, int64_t delay_ms)
{
    rc_mono_t until = {rc_mono_now().ms + delay_ms};
    pthread_mutex_lock(&notify->mutex);
    while (!notify->stopping && rc_mono_now().ms < until.ms) wait_until(notify, until);
    pthread_mutex_unlock(&notify->mutex);
    return !atomic_load(&notify->cancelled);
}

/* --- sending --- */

/* One try. False: no answer that takes it; *again: another try may help. */
static bool post(rc_notify_t *notify, const char *document, bool *again, rc_error_t *error)
{
    static const rc_http_header_t headers[] = {{"Content-Type", "application/json"}};
    const rc_http_request_t request = {.method = "POST",
                                       .url = notify->config->notify.url,
                                       .headers = headers,
                                       .header_count = 1,
                                       .body = document,
                                       .body_bytes = strlen(document),
                                       .timeout_ms = REQUEST_MS,
                                       .max_body_bytes = ANSWER_MAX_BYTES};
    rc_http_answer_t answer;
    *again = true;
    if (rc_http_perform(notify->client, &request, NULL, NULL, &notify->cancelled, &answer, error) != RC_OK)
        return false;
    if (answer.status >= 200 && answer.status < 300) return true;
    *again = answer.status == 408 || answer.status == 429 || answer.status >= 500;
    (void)rc_error_set(error, RC_HTTP, *again ? RC_RETRY : RC_REJECT, "notify.url answered HTTP %d%s", answer.status,
                       *again ? "" : "; correct it");
    error->http_status = answer.status;
    if (answer.retry_after_ms >= 0)
        error->retry_after_ms = answer.retry_after_ms < PAUSE_CAP_MS ? answer.retry_after_ms : PAUSE_CAP_MS;
    return false;
}

static bool send_document(rc_notify_t *notify, const char *document, rc_error_t *error)
{
    const rc_retry_t policy = {notify->pause_ms, PAUSE_CAP_MS};
    for (int tries = 1;; tries++) {
        bool again;
        *error = RC_ERROR_INIT;
        if (post(notify, document, &again, error)) return true;
        if (!again || tries == TRIES) return false;
        if (!pause_for(notify, rc_retry_delay_ms(&policy, tries, error->retry_after_ms, rc_random64()))) return false;
    }
}

/* A chat tool that is away for hours is worth one line, not one a message. */
static void note_end(rc_notify_t *notify, const rc_notice_t *notice, bool sent, const rc_error_t *error)
{
    rc_metrics_count(notify->metrics, RC_METRIC_NOTIFICATIONS, rc_notify_kind_str(notice->kind),
                     sent ? "sent" : "failed", NULL);
    if (!sent && !notify->failing)
        rc_log(RC_LEVEL_WARN, "a message to people could not be sent; further ones are counted only",
               RC_LOG_STR(TYPE, rc_notify_kind_str(notice->kind)), RC_LOG_STR(INTEGRATION, notice->integration_id),
               RC_LOG_ERR(error), RC_LOG_INT(HTTP_STATUS, error->http_status));
    notify->failing = !sent;
}

static void send_notice(rc_notify_t *notify, const rc_notice_t *notice)
{
    const rc_integration_t *integration = rc_config_find(notify->config, notice->integration_id);
    rc_error_t error = RC_ERROR_INIT;
    char *document = rc_notice_json(notice, integration ? integration->name : "");
    note_end(notify, notice, send_document(notify, document, &error), &error);
    free(document);
}

/* Takes the notice out of its slot and sends it; the slot may be filled again meanwhile. With the mutex held, which is
 * given up while sending. */
static void send_slot(rc_notify_t *notify, slot_t *slot)
{
    rc_arena_t *arena = rc_arena_new_sized(1024);
    rc_notice_t notice = slot->notice;
    notice.integration_id = rc_arena_strdup(arena, notice.integration_id);
    notice.hold_id = rc_arena_strdup(arena, notice.hold_id);
    notice.reason = rc_arena_strdup(arena, notice.reason);
    slot->waits = false;
    slot->not_before = (rc_mono_t){rc_mono_now().ms + notify->minute_ms};
    pthread_mutex_unlock(&notify->mutex);
    send_notice(notify, &notice);
    rc_arena_free(arena);
    pthread_mutex_lock(&notify->mutex);
}

static void *run(void *opaque)
{
    rc_notify_t *notify = opaque;
    pthread_mutex_lock(&notify->mutex);
    for (;;) {
        slot_t *slot = earliest(notify);
        if (slot && (notify->stopping || slot->not_before.ms <= rc_mono_now().ms))
            send_slot(notify, slot);
        else if (notify->stopping)
            break;
        else
            wait_until(notify, slot ? slot->not_before : (rc_mono_t){0});
    }
    notify->ended = true;
    pthread_cond_broadcast(&notify->changed);
    pthread_mutex_unlock(&notify->mutex);
    return NULL;
}

/* --- life --- */

static void init_locks(rc_notify_t *notify)
{
    pthread_condattr_t monotonic;
    RC_INVARIANT(pthread_mutex_init(&notify->mutex, NULL) == 0 && pthread_condattr_init(&monotonic) == 0 &&
                 pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                 pthread_cond_init(&notify->changed, &monotonic) == 0);
    (void)pthread_condattr_destroy(&monotonic);
}

rc_notify_t *rc_notify_new(const rc_config_t *config, rc_metrics_t *metrics)
{
    rc_notify_t *notify = rc_zalloc(sizeof *notify);
    *notify = (rc_notify_t){
        .config = config, .metrics = metrics, .minute_ms = MINUTE_MS, .pause_ms = PAUSE_MS, .flush_ms = FLUSH_MS};
    TAILQ_INIT(&notify->slots);
    init_locks(notify);
    if (!*config->notify.url || !config->notify.on) return notify;
    notify->client = rc_http_blocking_new(&(rc_http_options_t){config->http_proxy, config->ca_file});
    /* The program's signals are for its own threads. */
    sigset_t all, saved;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &saved);
    RC_INVARIANT(pthread_create(&notify->thread, NULL, run, notify) == 0);
    (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
    notify->running = true;
    return notify;
}

static void stop(rc_notify_t *notify)
{
    rc_mono_t until = {rc_mono_now().ms + notify->flush_ms};
    pthread_mutex_lock(&notify->mutex);
    notify->stopping = true;
    pthread_cond_broadcast(&notify->changed);
    while (!notify->ended && rc_mono_now().ms < until.ms) wait_until(notify, until);
    pthread_mutex_unlock(&notify->mutex);
    atomic_store(&notify->cancelled, true); /* what is left fails at once */
    RC_INVARIANT(pthread_join(notify->thread, NULL) == 0);
}

void rc_notify_free(rc_notify_t *notify)
{
    if (!notify) return;
    if (notify->running) stop(notify);
    slot_t *slot;
    while ((slot = TAILQ_FIRST(&notify->slots))) free_slot(notify, slot);
    rc_http_blocking_free(notify->client);
    pthread_mutex_destroy(&notify->mutex);
    pthread_cond_destroy(&notify->changed);
    free(notify);
}

void rc_notify_set_pace(rc_notify_t *notify, int64_t minute_ms, int64_t pause_ms, int64_t flush_ms)
{
    notify->minute_ms = minute_ms;
    notify->pause_ms = pause_ms;
    notify->flush_ms = flush_ms;
}
