/* Which partitions the tail reads, and from where: a table that can be used on goes on behind its position, what cannot
 * is made again from the beginning. */
#include <stdlib.h>

#include "common/log.h"
#include "common/tail_state.h"

enum { ASK_MS = 5000 }; /* for the brokers' answer */

typedef struct {
    size_t topic;
    int32_t partition;
    int64_t beginning;
    int64_t end;
    rc_table_position_t position;
    const char *stale;
} starting_t;

static void begin_again(rc_tail_t *tail, const starting_t *starting)
{
    const rc_tail_topic_t *of = &tail->topics[starting->topic];
    bool lost = starting->stale || tail->parts[starting->topic][starting->partition].void_because;
    if (of->restarted) of->restarted(of->opaque, starting->partition, lost);
}

/* The rows of what cannot be used on are deleted; all at once where nothing of the topic is left. */
static rc_code_t clear_stale(rc_tail_t *tail, size_t topic, starting_t *starting, size_t count, rc_error_t *error)
{
    const rc_tail_topic_t *of = &tail->topics[topic];
    size_t stale = 0;
    rc_code_t code = RC_OK;
    for (size_t i = 0; i < count; i++) stale += starting[i].topic == topic && starting[i].stale;
    bool all = stale == (size_t)tail->partitions;
    if (all) code = rc_table_clear(of->table, -1, error);
    for (size_t i = 0; i < count && !code; i++) {
        if (starting[i].topic != topic || !starting[i].stale) continue;
        rc_log(RC_LEVEL_INFO, "local table is made again", RC_LOG_STR(TOPIC, of->topic),
               RC_LOG_INT(PARTITION, starting[i].partition), RC_LOG_STR(REASON, starting[i].stale));
        if (!all) code = rc_table_clear(of->table, starting[i].partition, error);
        starting[i].position = (rc_table_position_t){.witness_offset = -1};
    }
    return code;
}

static rc_code_t ask_watermarks(rc_tail_t *tail, starting_t *starting, size_t count, rc_error_t *error)
{
    rc_kafka_offset_t *asked = rc_calloc(count, sizeof *asked);
    for (size_t i = 0; i < count; i++)
        asked[i] = (rc_kafka_offset_t){tail->topics[starting[i].topic].topic, starting[i].partition, 0};
    rc_code_t code = rc_kafka_admin_beginnings(tail->admin, asked, count, ASK_MS, error);
    for (size_t i = 0; !code && i < count; i++) starting[i].beginning = asked[i].offset;
    if (!code) code = rc_kafka_admin_ends(tail->admin, asked, count, ASK_MS, error);
    for (size_t i = 0; !code && i < count; i++) starting[i].end = asked[i].offset;
    free(asked);
    return code;
}

/* What is known of the partition becomes what is to be read of it. */
static int64_t prepare(rc_tail_t *tail, const starting_t *starting)
{
    rc_tail_part_t *part = &tail->parts[starting->topic][starting->partition];
    bool has_table = tail->topics[starting->topic].table != NULL;
    const rc_table_position_t *position = &starting->position;
    bool fresh = !has_table || (position->next_offset == 0 && position->witness_offset < 0);
    if (fresh) begin_again(tail, starting);
    pthread_mutex_lock(&tail->lock);
    part->next = fresh ? starting->beginning : position->next_offset;
    part->verifying = !fresh && position->witness_offset >= 0;
    part->witness_offset = position->witness_offset;
    part->witness_time_ms = position->witness_time_ms;
    part->witness_key = position->witness_key;
    part->first_end = part->end = starting->end;
    part->at_end = part->touched = false;
    part->void_because = NULL;
    part->caught_up_saved = (rc_wall_t){0};
    part->passed = part->verifying || !part->wanted ? -1 : part->next;
    part->ready = part->passed >= 0 && part->passed >= part->first_end;
    pthread_mutex_unlock(&tail->lock);
    return part->verifying ? part->witness_offset : part->next;
}

static rc_code_t start(rc_tail_t *tail, rc_kafka_reader_t *reader, starting_t *starting, size_t count,
                       rc_error_t *error)
{
    rc_wall_t now = rc_wall_now();
    rc_code_t code = ask_watermarks(tail, starting, count, error);
    for (size_t i = 0; i < count && !code; i++) {
        starting[i].position = (rc_table_position_t){.witness_offset = -1};
        rc_table_t *table = tail->topics[starting[i].topic].table;
        if (!table) continue;
        code = rc_table_position(table, starting[i].partition, &starting[i].position, error);
        if (!code)
            starting[i].stale = rc_table_stale(&starting[i].position, starting[i].beginning, starting[i].end, now);
    }
    for (size_t t = 0; t < tail->topic_count && !code; t++)
        if (tail->topics[t].table) code = clear_stale(tail, t, starting, count, error);
    for (size_t i = 0; i < count && !code; i++) {
        int64_t from = prepare(tail, &starting[i]);
        code = rc_kafka_reader_start(reader, tail->topics[starting[i].topic].topic, starting[i].partition, from, error);
        if (!code) tail->parts[starting[i].topic][starting[i].partition].reading = true;
    }
    pthread_mutex_lock(&tail->lock);
    rc_tail_judge(tail);
    pthread_mutex_unlock(&tail->lock);
    return code;
}

rc_code_t rc_tail_follow_wishes(rc_tail_t *tail, rc_kafka_reader_t *reader, rc_error_t *error)
{
    size_t all = tail->topic_count * (size_t)tail->partitions, gained = 0, lost = 0;
    starting_t *changes = rc_calloc(all, sizeof *changes); /* gained from the front, lost from the back */
    pthread_mutex_lock(&tail->lock);
    tail->changed = false;
    for (size_t t = 0; t < tail->topic_count; t++)
        for (int32_t p = 0; p < tail->partitions; p++) {
            rc_tail_part_t *part = &tail->parts[t][p];
            starting_t change = {.topic = t, .partition = p};
            if (part->wanted && !part->reading) changes[gained++] = change;
            if (!part->wanted && part->reading) changes[all - ++lost] = change;
            part->touched = part->wanted && part->reading; /* taken away and given back before we looked: go on */
        }
    pthread_mutex_unlock(&tail->lock);
    rc_tail_publish(tail);
    for (size_t i = all - lost; i < all; i++) {
        rc_kafka_reader_stop(reader, tail->topics[changes[i].topic].topic, changes[i].partition);
        tail->parts[changes[i].topic][changes[i].partition].reading = false;
    }
    rc_code_t code = gained ? start(tail, reader, changes, gained, error) : RC_OK;
    free(changes);
    return code;
}
