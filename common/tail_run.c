#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/hash.h"
#include "common/log.h"
#include "common/tail_state.h"

enum {
    EVENTS_AT_ONCE = 16384, /* the larger the transaction, the fewer pages are copied twice */
    POLL_MS = 1000,         /* a change of partitions wakes the poll */
    ASK_MS = 5000,          /* for the brokers' answer */
    LOOK_MS = 1000,
    SAVE_CAUGHT_UP_EVERY_MS = 60 * 1000, /* of idle partitions */
    AGAIN_MS = 500,                      /* after trouble */
};

/* One life of the reader's handle. */
typedef struct {
    rc_tail_t *tail;
    rc_kafka_reader_t *reader;
    rc_kafka_event_t *events;
    size_t event_count;
    rc_table_write_t *writes;
    size_t write_count;
    rc_table_progress_t *progress;
    int64_t looked_at_ms;
} session_t;

static void set_error(rc_tail_t *tail, const rc_error_t *error)
{
    pthread_mutex_lock(&tail->lock);
    bool same = tail->error.code == error->code && !strcmp(tail->error.message, error->message);
    tail->error = *error;
    pthread_mutex_unlock(&tail->lock);
    if (!same && error->code) rc_log(RC_LEVEL_WARN, "local tables do not follow", RC_LOG_ERR(error));
}

static void pause_for(rc_tail_t *tail, int64_t pause_ms)
{
    int64_t until_ms = rc_mono_now().ms + pause_ms;
    const struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    pthread_mutex_lock(&tail->lock);
    if (!tail->stopping) (void)pthread_cond_timedwait(&tail->moved, &tail->lock, &until);
    pthread_mutex_unlock(&tail->lock);
}

static bool is_stopping(rc_tail_t *tail)
{
    pthread_mutex_lock(&tail->lock);
    bool stopping = tail->stopping;
    pthread_mutex_unlock(&tail->lock);
    return stopping;
}

void rc_tail_publish(rc_tail_t *tail)
{
    pthread_mutex_lock(&tail->lock);
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            if (!part->touched) continue;
            part->touched = false;
            bool known = part->wanted && part->reading && !part->verifying && !part->void_because;
            part->passed = known ? part->next : -1;
            part->ready = known && (part->ready || part->passed >= part->first_end);
        }
    rc_tail_judge(tail);
    pthread_mutex_unlock(&tail->lock);
    rc_tail_call_ended(tail);
}

/* --- events --- */

static rc_tail_part_t *find_part(rc_tail_t *tail, const char *topic, int32_t partition, size_t *index)
{
    for (size_t t = 0; t < tail->topic_count; t++)
        if (!strcmp(tail->topics[t].topic, topic)) {
            *index = t;
            return partition < tail->partitions && tail->parts[t][partition].reading ? &tail->parts[t][partition]
                                                                                     : NULL;
        }
    return NULL;
}

/* Whether the topic is still the one that the table mirrors: see rc_table_position_t. */
static void verify(rc_tail_part_t *part, const rc_kafka_message_t *message)
{
    bool same_key = message->key && rc_hash64(message->key, message->key_bytes) == part->witness_key;
    bool is_witness = message->offset == part->witness_offset;
    if (is_witness && !(same_key && message->timestamp_ms == part->witness_time_ms))
        part->void_because = "another record stands where the last one stood: the topic was made anew";
    else if (same_key && message->offset >= part->witness_offset)
        part->verifying = false;
}

static void take_message(session_t *session, const rc_kafka_message_t *message)
{
    size_t topic;
    rc_tail_part_t *part = find_part(session->tail, message->topic, message->partition, &topic);
    if (!part || part->void_because) return;
    part->touched = true;
    part->at_end = false;
    if (part->verifying) verify(part, message);
    if (part->void_because || message->offset < part->next) return; /* the witness is applied already */
    part->next = message->offset + 1;
    const rc_tail_topic_t *of = &session->tail->topics[topic];
    if (of->hook) of->hook(of->opaque, message);
    if (!of->table) return;
    if (message->key_bytes == 0 || message->key_bytes > RC_TABLE_KEY_MAX) {
        rc_log(RC_LEVEL_WARN, "record without a usable key", RC_LOG_STR(TOPIC, of->topic),
               RC_LOG_INT(PARTITION, message->partition), RC_LOG_INT(OFFSET, message->offset));
        return;
    }
    if (of->wants && !of->wants(of->opaque, message)) return;
    session->writes[session->write_count++] = (rc_table_write_t){
        .table = of->table,
        .partition = message->partition,
        .offset = message->offset,
        .time_ms = message->timestamp_ms,
        .key = message->key,
        .key_bytes = message->key_bytes,
        .value = message->value,
        .value_bytes = message->value_bytes,
    };
}

static void take_event(session_t *session, const rc_kafka_event_t *event)
{
    size_t topic;
    if (event->kind == RC_KAFKA_MESSAGE) {
        take_message(session, &event->message);
        return;
    }
    rc_tail_part_t *part = find_part(session->tail, event->at.topic, event->at.partition, &topic);
    if (!part || part->void_because) return;
    part->touched = true;
    if (event->kind == RC_KAFKA_OUT_OF_RANGE) {
        part->void_because = "the offset is gone, or not there yet";
    } else if (part->verifying) {
        part->void_because = "the last record is gone without a successor: the topic was made anew";
    } else {
        part->at_end = true;
        if (event->at.offset > part->next) part->next = event->at.offset;
    }
}

/* How far the touched partitions are, for the transaction that holds their rows. */
static size_t gather_progress(session_t *session)
{
    rc_tail_t *tail = session->tail;
    rc_wall_t now = rc_wall_now();
    size_t count = 0;
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; tail->topics[t].table && p < tail->partitions; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            if (!part->reading || !part->touched || part->void_because) continue;
            if (part->at_end) part->caught_up_saved = now;
            session->progress[count++] =
                (rc_table_progress_t){tail->topics[t].table, p, part->next, part->at_end ? now : (rc_wall_t){0}};
        }
    return count;
}

/* A full disk is waited out; a damaged store ends the session. */
static rc_code_t apply(session_t *session, size_t progress_count, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    while (session->write_count || progress_count) {
        rc_code_t code = rc_store_apply(tail->store, session->writes, session->write_count, session->progress,
                                        progress_count, error);
        if (!code || error->disposition != RC_RETRY || is_stopping(tail)) return code;
        set_error(tail, error);
        pause_for(tail, AGAIN_MS);
    }
    return RC_OK;
}

/* Partitions that turned out to be another life of the topic, or whose offset is gone. */
static rc_code_t restart_void(session_t *session, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    bool any = false;
    rc_code_t code = RC_OK;
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions && !code; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            if (!part->reading || !part->void_because) continue;
            rc_log(RC_LEVEL_WARN, "local table is made again", RC_LOG_STR(TOPIC, tail->topics[t].topic),
                   RC_LOG_INT(PARTITION, p), RC_LOG_STR(REASON, part->void_because));
            rc_kafka_reader_stop(session->reader, tail->topics[t].topic, p);
            part->reading = false;
            any = true;
            if (tail->topics[t].table) code = rc_table_clear(tail->topics[t].table, p, error);
        }
    return any && !code ? rc_tail_follow_wishes(tail, session->reader, error) : code;
}

static rc_code_t take_events(session_t *session, rc_error_t *error)
{
    session->write_count = 0;
    for (size_t i = 0; i < session->event_count; i++) take_event(session, &session->events[i]);
    rc_code_t code = apply(session, gather_progress(session), error);
    for (size_t i = 0; i < session->event_count; i++) rc_kafka_event_release(&session->events[i]);
    if (code) return code;
    rc_tail_publish(session->tail);
    return restart_void(session, error);
}

/* --- now and then --- */

/* An idle partition has nothing to write, yet it is in step: the files must not look old after a restart. */
static rc_code_t save_caught_up(session_t *session, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    rc_wall_t now = rc_wall_now();
    session->write_count = 0;
    pthread_mutex_lock(&tail->lock);
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            bool in_step = part->reading && part->at_end && part->end <= part->next;
            part->touched = in_step && now.ms - part->caught_up_saved.ms > SAVE_CAUGHT_UP_EVERY_MS;
        }
    pthread_mutex_unlock(&tail->lock);
    rc_code_t code = apply(session, gather_progress(session), error);
    if (!code) rc_tail_publish(tail);
    return code;
}

/* With the lock held. Ends are asked read_uncommitted: behind a hanging transaction there is more, and it never comes.
 */
static void look_whether_stuck(const rc_tail_t *tail, const rc_kafka_offset_t *end, rc_tail_part_t *part)
{
    bool was = part->stuck;
    rc_mono_t now = rc_mono_now();
    bool still = part->next < end->offset && part->next == part->still_at && part->still_since.ms;
    if (!still) {
        part->still_at = part->next;
        part->still_since = now;
    }
    part->stuck = still && now.ms - part->still_since.ms >= tail->stuck_ms;
    if (part->stuck && !was)
        rc_log(RC_LEVEL_WARN, "a partition stands still: a transaction hangs there, and readers see nothing behind it",
               RC_LOG_STR(TOPIC, end->topic), RC_LOG_INT(PARTITION, end->partition), RC_LOG_INT(OFFSET, part->next));
}

static rc_code_t look_at_ends(session_t *session, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    size_t all = tail->topic_count * (size_t)tail->partitions, count = 0;
    pthread_mutex_lock(&tail->lock);
    int64_t look_every_ms = tail->look_every_ms;
    pthread_mutex_unlock(&tail->lock);
    if (rc_mono_now().ms - session->looked_at_ms < look_every_ms) return RC_OK;
    rc_kafka_offset_t *asked = rc_calloc(all, sizeof *asked);
    rc_tail_part_t **parts = rc_calloc(all, sizeof(rc_tail_part_t *));
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++)
            if (tail->parts[t][p].reading) {
                parts[count] = &tail->parts[t][p];
                asked[count++] = (rc_kafka_offset_t){tail->topics[t].topic, p, 0};
            }
    rc_error_t trouble = RC_ERROR_INIT;
    (void)rc_kafka_admin_ends(tail->admin, asked, count, LOOK_MS, &trouble);
    session->looked_at_ms = rc_mono_now().ms;
    set_error(tail, &trouble); /* or that all is well again */
    if (!trouble.code) {
        pthread_mutex_lock(&tail->lock);
        for (size_t i = 0; i < count; i++) {
            if (parts[i]->wanted) parts[i]->end = asked[i].offset;
            look_whether_stuck(tail, &asked[i], parts[i]);
        }
        pthread_mutex_unlock(&tail->lock);
    }
    free(asked);
    free(parts);
    return trouble.code ? RC_OK : save_caught_up(session, error);
}

/* --- the thread --- */

static rc_code_t bind_tables(rc_tail_t *tail, rc_error_t *error)
{
    char *cluster;
    rc_code_t code = rc_kafka_admin_cluster_id(tail->admin, ASK_MS, &cluster, error);
    if (code) return code;
    for (size_t t = 0; t < tail->topic_count && !code; t++) {
        bool emptied = false;
        rc_table_t *table = tail->topics[t].table;
        if (table) code = rc_table_bind(table, cluster, tail->topics[t].topic, tail->partitions, &emptied, error);
        if (emptied)
            rc_log(RC_LEVEL_WARN, "local table is made again", RC_LOG_STR(TOPIC, tail->topics[t].topic),
                   RC_LOG_STR(REASON, "it was of another cluster or topic"));
    }
    free(cluster);
    return code;
}

static void set_reader(rc_tail_t *tail, rc_kafka_reader_t *reader)
{
    pthread_mutex_lock(&tail->lock);
    tail->reader = reader;
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++) {
            tail->parts[t][p].reading = false;
            tail->parts[t][p].passed = -1; /* known again when the handle has shown that the topic is the same */
        }
    tail->changed = reader != NULL;
    pthread_mutex_unlock(&tail->lock);
}

static bool wishes_changed(rc_tail_t *tail)
{
    pthread_mutex_lock(&tail->lock);
    bool changed = tail->changed;
    pthread_mutex_unlock(&tail->lock);
    return changed;
}

static void set_changed(rc_tail_t *tail)
{
    pthread_mutex_lock(&tail->lock);
    tail->changed = true;
    pthread_mutex_unlock(&tail->lock);
}

/* Until the tail stops (RC_OK) or the handle, or the store, has to be opened again. */
static rc_code_t follow(session_t *session, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    rc_code_t code = RC_OK;
    while (!code && !is_stopping(tail)) {
        rc_error_t trouble = RC_ERROR_INIT;
        int64_t poll_ms = POLL_MS;
        if (wishes_changed(tail)) code = rc_tail_follow_wishes(tail, session->reader, error);
        if (code && error->disposition == RC_RETRY) { /* what is read already goes on */
            set_error(tail, error);
            set_changed(tail);
            poll_ms = AGAIN_MS;
            code = RC_OK;
        }
        if (!code) code = look_at_ends(session, error);
        if (code) break;
        (void)rc_kafka_reader_poll(session->reader, poll_ms, session->events, EVENTS_AT_ONCE, &session->event_count,
                                   &trouble);
        if (session->event_count) code = take_events(session, error);
        if (trouble.code) set_error(tail, &trouble);
        if (trouble.code && trouble.disposition != RC_RETRY) {
            *error = trouble;
            return trouble.code;
        }
        rc_tail_call_ended(tail); /* those whose partitions were taken away */
    }
    return code;
}

static rc_code_t run_session(session_t *session, rc_error_t *error)
{
    rc_tail_t *tail = session->tail;
    rc_code_t code = bind_tables(tail, error);
    if (!code) code = rc_kafka_reader_open(tail->kafka, &session->reader, error);
    if (code) return code;
    session->looked_at_ms = rc_mono_now().ms;
    set_reader(tail, session->reader);
    code = follow(session, error);
    set_reader(tail, NULL);
    rc_kafka_reader_close(session->reader);
    return code;
}

void *rc_tail_run(void *opaque)
{
    rc_tail_t *tail = opaque;
    session_t session = {.tail = tail};
    (void)pthread_setname_np(pthread_self(), "tail");
    session.events = rc_calloc(EVENTS_AT_ONCE, sizeof *session.events);
    session.writes = rc_calloc(EVENTS_AT_ONCE, sizeof *session.writes);
    session.progress = rc_calloc(tail->topic_count * (size_t)tail->partitions, sizeof *session.progress);
    while (!is_stopping(tail)) {
        rc_error_t error = RC_ERROR_INIT;
        rc_code_t code = run_session(&session, &error);
        if (!code) continue;
        set_error(tail, &error);
        if (code == RC_IO && error.disposition == RC_FATAL && rc_store_recreate(tail->store, &error))
            set_error(tail, &error);
        rc_tail_call_ended(tail);
        pause_for(tail, AGAIN_MS);
    }
    rc_tail_call_ended(tail);
    free(session.events);
    free(session.writes);
    free(session.progress);
    return NULL;
}
