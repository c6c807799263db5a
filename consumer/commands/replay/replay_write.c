#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/commands/replay/replay_state.h"

/* Ledger first, offsets last. Until a lane's offsets are moved, typing the command again finds the same people and the
 * same places; were they moved first, a consumer that starts after a crash would skip everybody whose entry still says
 * "applied", and the next attempt would find nothing between the two places. */

enum { BATCH_ENTRIES = 10000, ENTRY_MAX_BYTES = 64 * 1024 };

typedef struct {
    rc_replay_run_t *run;
    rc_replay_lane_t *lane;
    rc_kafka_txn_t *txn;
    const char *ledger_topic;
    char reason[64];
    rc_arena_t *scratch;
    size_t in_batch;
    rc_code_t code;
    rc_error_t *error;
} writing_t;

static rc_code_t commit(writing_t *writing)
{
    writing->in_batch = 0;
    if (rc_kafka_txn_commit(writing->txn, &writing->run->cancelled, writing->error) == RC_COMMIT_DONE) return RC_OK;
    return writing->error->code;
}

static rc_code_t write_entry(writing_t *writing, const rc_replay_person_t *person)
{
    size_t at;
    rc_ledger_entry_t entry = {.type = person->lane,
                               .version = 0,
                               .outcome = RC_OUTCOME_REPLAYED,
                               .reason = writing->reason,
                               .user_id = person->entry.user_id,
                               .at = rc_wall_now()};
    rc_arena_reset(writing->scratch);
    bool is_ours = rc_ledger_key_split(person->key, person->key_bytes, &at) >= 0 &&
                   rc_employee_key_split(writing->scratch, person->key + at, person->key_bytes - at,
                                         &entry.integration_id, &entry.employee_id);
    RC_INVARIANT(is_ours);
    rc_buf_t value = RC_BUF_INIT(ENTRY_MAX_BYTES);
    rc_code_t code = rc_codec_encode_ledger(rc_history_codec(writing->run->history), &entry, &value, writing->error);
    const rc_kafka_record_t record = {.topic = writing->ledger_topic,
                                      .partition = person->partition,
                                      .key = person->key,
                                      .key_bytes = person->key_bytes,
                                      .value = value.data,
                                      .value_bytes = value.size_bytes};
    if (code == RC_OK) code = rc_kafka_txn_produce(writing->txn, &record, writing->error);
    rc_buf_fini(&value);
    return code;
}

static bool reset(void *context, const void *key, size_t key_bytes, void *value)
{
    writing_t *writing = context;
    const rc_replay_person_t *person = value;
    (void)key;
    (void)key_bytes;
    if (person->lane != writing->lane->type || person->judged != RC_REPLAY_RESET) return true;
    if (writing->in_batch == BATCH_ENTRIES) {
        writing->code = commit(writing);
        if (writing->code == RC_OK) writing->code = rc_kafka_txn_begin(writing->txn, writing->error);
    }
    if (writing->code == RC_OK) writing->code = write_entry(writing, person);
    writing->in_batch++;
    return writing->code == RC_OK;
}

/* Nobody is in the group, or RC_OWNERSHIP. */
static rc_code_t check_empty(writing_t *writing)
{
    size_t count;
    const rc_kafka_member_t *members;
    rc_code_t code = rc_replay_members(writing->run, writing->lane, &members, &count, writing->error);
    if (code != RC_OK || count == 0) return code;
    return rc_error_set(writing->error, RC_OWNERSHIP, RC_REJECT,
                        "%s joined the consumer group %s while this ran; stop it and type the same again",
                        members[0].client_id ? members[0].client_id : "a consumer", writing->lane->group_id);
}

static rc_code_t send_offsets(writing_t *writing)
{
    const rc_replay_run_t *run = writing->run;
    const rc_replay_lane_t *lane = writing->lane;
    rc_kafka_offset_t *back = rc_calloc(run->partitions, sizeof *back);
    size_t count = 0;
    for (size_t i = 0; i < run->partitions; i++)
        if (rc_replay_is_past(lane, i)) back[count++] = lane->from[i];
    rc_code_t code = RC_OK;
    if (count > 0) {
        rc_kafka_group_t *group = rc_kafka_group_new(lane->group_id);
        code = rc_kafka_txn_send_offsets(writing->txn, group, back, count, writing->error);
        rc_kafka_group_free(group);
    }
    free(back);
    return code;
}

/* A group without members is not fenced: who joined between the last look and the commit has the former places, and
 * would commit them again. */
static rc_code_t verify(writing_t *writing)
{
    rc_replay_run_t *run = writing->run;
    rc_replay_lane_t *lane = writing->lane;
    rc_code_t code = check_empty(writing);
    if (code != RC_OK) return code;
    rc_kafka_offset_t *now = rc_calloc(run->partitions, sizeof *now);
    for (size_t i = 0; i < run->partitions; i++) now[i] = (rc_kafka_offset_t){lane->topic, (int32_t)i, 0};
    code =
        rc_kafka_admin_committed(run->admin, lane->group_id, now, run->partitions, RC_REPLAY_ANSWER_MS, writing->error);
    for (size_t i = 0; code == RC_OK && i < run->partitions; i++)
        if (rc_replay_is_past(lane, i) && now[i].offset != lane->from[i].offset)
            code = rc_error_set(writing->error, RC_OWNERSHIP, RC_REJECT,
                                "a consumer of %s ran meanwhile and moved it on; stop it and type the same again",
                                lane->group_id);
    free(now);
    return code;
}

static rc_code_t write_lane(writing_t *writing)
{
    rc_replay_lane_t *lane = writing->lane;
    if (lane->people[RC_REPLAY_RESET] == 0 && rc_replay_moves(writing->run, lane) == 0) return RC_OK;
    writing->in_batch = 0;
    writing->code = rc_kafka_txn_begin(writing->txn, writing->error);
    if (writing->code != RC_OK) return writing->code;
    rc_map_each(writing->run->people, reset, writing);
    if (writing->code == RC_OK) writing->code = check_empty(writing);
    if (writing->code == RC_OK) writing->code = send_offsets(writing);
    if (writing->code == RC_OK) writing->code = commit(writing);
    if (writing->code == RC_OK) writing->code = verify(writing);
    lane->moved = writing->code == RC_OK;
    return writing->code;
}

rc_code_t rc_replay_open(rc_replay_run_t *run, rc_error_t *error)
{
    /* One name for all who replay this application: two at once fence each other. */
    const char *id = rc_arena_sprintf(run->arena, "%srollcall-consumer.%s.replay", run->config->kafka.topic_prefix,
                                      run->config->consumer.application);
    rc_code_t code = rc_kafka_txn_open(run->kafka, id, &run->txn, error);
    return code == RC_OK ? rc_kafka_txn_init(run->txn, &run->cancelled, error) : code;
}

rc_code_t rc_replay_write(rc_replay_run_t *run, rc_error_t *error)
{
    char since[RC_TIME_STR_SIZE];
    writing_t writing = {.run = run, .txn = run->txn, .error = error};
    rc_code_t code = RC_OK;
    writing.ledger_topic = rc_topic_name(run->config, RC_TOPIC_LEDGER, run->arena);
    (void)snprintf(writing.reason, sizeof writing.reason, "replayed since %s", rc_wall_str(run->args->since, since));
    writing.scratch = rc_arena_new_sized(1024);
    for (size_t i = 0; code == RC_OK && i < run->lane_count; i++) {
        writing.lane = &run->lanes[i];
        code = write_lane(&writing);
    }
    if (code != RC_OK && rc_kafka_txn_is_open(run->txn)) (void)rc_kafka_txn_abort(run->txn, NULL, NULL);
    rc_arena_free(writing.scratch);
    return code;
}
