#include "common/dead_letters.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"

enum {
    /* Between the clocks of those who wrote a dead letter, its ledger entry and the copy that was sent once more. */
    CLOCK_SLACK_MS = 10 * 60 * 1000,
};

/* --- the rule --- */

static const struct {
    const char *means;
    const char *mend;
} REASONS[RC_PARK_COUNT] = {
    [RC_PARK_REJECTED] = {"Learn Amp refused what was sent",
                          "mend the value in the HR system or at Learn Amp, then try again"},
    [RC_PARK_IDENTITY_CONFLICT] = {"the address or the external id belongs to another user of Learn Amp",
                                   "find that user at Learn Amp, give them their own address, then try again"},
    [RC_PARK_POISON] = {"the record cannot be read",
                        "see what wrote it; if a newer release of rollcall-consumer reads it, try again with that"},
};

const char *rc_dead_reason_means(rc_park_reason_t reason)
{
    const char *means = REASONS[reason].means;
    return means ? means : "the consumers gave it up";
}

const char *rc_dead_reason_mend(rc_park_reason_t reason)
{
    const char *mend = REASONS[reason].mend;
    return mend ? mend : "see the message, then try again";
}

static void settle(rc_dead_letter_t *letter, rc_dead_state_t state, const char *became)
{
    letter->state = state;
    letter->became = became;
}

/* Whether the lane has finished the letter's version, or a newer one. */
static bool is_finished(const rc_dead_letter_t *letter, const rc_ledger_entry_t *ledger)
{
    if (letter->version == 0 || !ledger || ledger->version < letter->version) return false;
    return ledger->version > letter->version ||
           (ledger->outcome != RC_OUTCOME_DEAD && ledger->outcome != RC_OUTCOME_PARKED);
}

void rc_dead_letter_judge(rc_dead_letter_t *letter, const rc_dead_evidence_t *evidence)
{
    const rc_ledger_entry_t *ledger = evidence->ledger;
    settle(letter, RC_DEAD_OPEN, NULL);
    if (evidence->died_again)
        settle(letter, RC_DEAD_SETTLED, "it was tried again, and dead-lettered again");
    else if (is_finished(letter, ledger))
        settle(letter, RC_DEAD_SETTLED,
               ledger->version > letter->version ? "a newer event of this person came after it" : "it was done since");
    else if (evidence->sent_again)
        settle(letter, RC_DEAD_TRYING, "it was sent once more");
    else if (letter->version == 0 || (!ledger && letter->reason == RC_PARK_POISON))
        return; /* what could not be read has no entry in the ledger */
    else if (!ledger)
        settle(letter, RC_DEAD_SETTLED, "nothing is known of this person any more");
    else if (ledger->outcome == RC_OUTCOME_REPLAYED)
        settle(letter, RC_DEAD_TRYING, "everything of this person is being replayed");
    else if (ledger->version == letter->version && ledger->outcome == RC_OUTCOME_PARKED)
        settle(letter, RC_DEAD_TRYING, "it waits for another try");
}

/* --- reading --- */

typedef struct {
    rc_dead_letter_t letter;
    bool died_again;
    bool sent_again;
    bool has_ledger;
    rc_ledger_entry_t ledger; /* version and outcome only */
    char *ledger_key;         /* NULL: its key or its lane is not known */
} found_t;

typedef struct {
    const rc_dead_filter_t *filter;
    rc_arena_t *arena;   /* the caller's */
    rc_arena_t *scratch; /* of one record */
    found_t **items;
    size_t count;
    size_t capacity;
    rc_map_t *newest; /* by event and lane: the last of them */
    rc_map_t *keys;   /* by ledger key: those of them that may be open; the first stands for all */
    bool *partitions; /* which of them hold one that may be open */
    size_t partition_count;
    rc_wall_t since; /* the oldest of these, less the slack */
} search_t;

/* What stays the same when an event is dead-lettered again: whose record of which event it is. */
static const char *identity(rc_arena_t *arena, const char *topic, int32_t partition, int64_t offset,
                            const rc_parking_t *parking)
{
    if (parking->origin_topic && parking->origin_partition >= 0 && parking->origin_offset >= 0) {
        topic = parking->origin_topic;
        partition = parking->origin_partition;
        offset = parking->origin_offset;
    }
    return rc_arena_sprintf(arena, "%d:%s/%d/%lld", parking->lane, topic, (int)partition, (long long)offset);
}

static rc_dead_letter_t letter_of(rc_arena_t *arena, const rc_history_record_t *record)
{
    const rc_parking_t *parking = &record->parking;
    rc_dead_letter_t letter = {.topic = rc_arena_strdup(arena, record->message.topic),
                               .partition = record->message.partition,
                               .offset = record->message.offset,
                               .integration_id = rc_arena_strdup(arena, record->integration_id),
                               .employee_id = rc_arena_strdup(arena, record->employee_id),
                               .type = parking->type,
                               .lane = parking->lane,
                               .is_sendable = parking->lane >= 0 && !record->tombstone,
                               .reason = parking->reason,
                               .message = rc_arena_strdup(arena, parking->message),
                               .attempts = parking->attempt,
                               .first_failed_at = parking->first_failed_at,
                               .dead_lettered_at = parking->failed_at,
                               .origin_topic = rc_arena_strdup(arena, parking->origin_topic),
                               .origin_partition = parking->origin_partition,
                               .origin_offset = parking->origin_offset};
    if (!letter.dead_lettered_at.ms) letter.dead_lettered_at.ms = record->message.timestamp_ms;
    if (record->tombstone) {
        letter.fault = "it was too large to be copied; read it where it was first read";
    } else if (record->fault.code != RC_OK) {
        letter.fault = rc_arena_strdup(arena, record->fault.message);
    } else {
        letter.type = (int)record->event.type;
        letter.version = record->event.version;
        letter.person = rc_employee_name(arena, &record->event.employee);
    }
    return letter;
}

static bool take_letter(void *opaque, const rc_history_record_t *record)
{
    search_t *search = opaque;
    const rc_kafka_message_t *at = &record->message;
    found_t *found = rc_arena_alloc(search->arena, sizeof *found);
    found->letter = letter_of(search->arena, record);
    if (search->count == search->capacity) {
        search->capacity = search->capacity ? search->capacity * 2 : 64;
        search->items = rc_realloc(search->items, search->capacity * sizeof(found_t *));
    }
    search->items[search->count++] = found;
    const char *name = identity(search->scratch, at->topic, at->partition, at->offset, &record->parking);
    found_t *before = rc_map_set(search->newest, name, strlen(name), found);
    if (before) before->died_again = true;
    rc_arena_reset(search->scratch);
    return true;
}

static bool is_asked_for(const rc_dead_filter_t *filter, const rc_dead_letter_t *letter)
{
    return (filter->reason < 0 || filter->reason == (int)letter->reason) &&
           letter->dead_lettered_at.ms >= filter->since.ms && (filter->offset < 0 || filter->offset == letter->offset);
}

/* Leaves those that were asked for, and notes where to look for what became of them. */
static void choose(search_t *search)
{
    size_t kept = 0;
    search->since = rc_wall_now();
    for (size_t i = 0; i < search->count; i++) {
        found_t *found = search->items[i];
        const rc_dead_letter_t *letter = &found->letter;
        if (!is_asked_for(search->filter, letter)) continue;
        search->items[kept++] = found;
        if (found->died_again) continue;
        search->partitions[letter->partition] = true;
        if (letter->dead_lettered_at.ms < search->since.ms) search->since = letter->dead_lettered_at;
        if (letter->lane < 0 || !letter->employee_id || !letter->version) continue;
        const char *key = rc_employee_key(search->scratch, letter->integration_id, letter->employee_id);
        found->ledger_key = rc_ledger_key(search->arena, (rc_event_type_t)letter->lane, key, strlen(key));
        if (!rc_map_get(search->keys, found->ledger_key, strlen(found->ledger_key)))
            (void)rc_map_set(search->keys, found->ledger_key, strlen(found->ledger_key), found);
        rc_arena_reset(search->scratch);
    }
    search->count = kept;
    search->since.ms -= search->since.ms > CLOCK_SLACK_MS ? CLOCK_SLACK_MS : search->since.ms;
}

/* The engine parks nothing with the reason of a dead letter: such a record is a copy that was sent once more, and bears
 * the moment of the dead letter that it was made from. */
static bool is_sent_again(const rc_parking_t *parking)
{
    return parking->reason == RC_PARK_REJECTED || parking->reason == RC_PARK_IDENTITY_CONFLICT ||
           parking->reason == RC_PARK_POISON;
}

static bool take_evidence(void *opaque, const rc_history_record_t *record)
{
    search_t *search = opaque;
    const rc_kafka_message_t *at = &record->message;
    if (record->kind == RC_TOPIC_LEDGER) {
        found_t *first = rc_map_get(search->keys, at->key, at->key_bytes);
        first->has_ledger = !record->tombstone && record->fault.code == RC_OK;
        if (first->has_ledger)
            first->ledger = (rc_ledger_entry_t){.version = record->ledger.version, .outcome = record->ledger.outcome};
    } else if (is_sent_again(&record->parking)) {
        const char *name = identity(search->scratch, at->topic, at->partition, at->offset, &record->parking);
        found_t *found = rc_map_get(search->newest, name, strlen(name));
        if (found && found->letter.dead_lettered_at.ms == record->parking.failed_at.ms) found->sent_again = true;
    }
    rc_arena_reset(search->scratch);
    return true;
}

static bool is_evidence(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    const search_t *search = opaque;
    return kind != RC_TOPIC_LEDGER || (message->key && rc_map_get(search->keys, message->key, message->key_bytes));
}

/* The ledger and the retry topics of the partitions concerned. They are read after the dead letters, so that they know
 * of each at least what was written with it. */
static rc_code_t read_evidence(rc_history_t *history, search_t *search, const atomic_bool *cancelled, rc_error_t *error)
{
    const rc_history_filter_t filter = {.wants = is_evidence, .opaque = search};
    size_t tiers = rc_kafka_config(rc_history_kafka(history))->consumer.retry_delays_count, count = 0;
    rc_history_part_t *parts = rc_calloc(search->partition_count * (tiers + 1), sizeof *parts);
    for (size_t i = 0; i < search->partition_count; i++) {
        if (!search->partitions[i]) continue;
        parts[count++] = (rc_history_part_t){RC_TOPIC_LEDGER, .partition = (int32_t)i, .since = search->since};
        for (size_t tier = 0; tier < tiers; tier++)
            parts[count++] =
                (rc_history_part_t){RC_TOPIC_RETRY, .tier = tier, .partition = (int32_t)i, .since = search->since};
    }
    rc_code_t code = count == 0 ? RC_OK
                                : rc_history_read(history, parts, count, &filter, search->scratch, take_evidence,
                                                  search, cancelled, error);
    free(parts);
    return code;
}

static void judge_all(search_t *search)
{
    for (size_t i = 0; i < search->count; i++) {
        found_t *found = search->items[i];
        const found_t *first =
            found->ledger_key ? rc_map_get(search->keys, found->ledger_key, strlen(found->ledger_key)) : NULL;
        const rc_dead_evidence_t evidence = {.died_again = found->died_again,
                                             .sent_again = found->sent_again,
                                             .ledger = first && first->has_ledger ? &first->ledger : NULL};
        rc_dead_letter_judge(&found->letter, &evidence);
    }
}

static int by_time(const void *a, const void *b)
{
    const rc_dead_letter_t *one = a, *other = b;
    if (one->dead_lettered_at.ms != other->dead_lettered_at.ms)
        return one->dead_lettered_at.ms < other->dead_lettered_at.ms ? -1 : 1;
    if (one->partition != other->partition) return one->partition < other->partition ? -1 : 1;
    return (one->offset > other->offset) - (one->offset < other->offset);
}

rc_code_t rc_dead_letters_read(rc_history_t *history, const rc_dead_filter_t *filter, const atomic_bool *cancelled,
                               rc_arena_t *arena, const rc_dead_letter_t **letters, size_t *count, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(rc_history_kafka(history));
    search_t search = {.filter = filter,
                       .arena = arena,
                       .scratch = rc_arena_new(),
                       .newest = rc_map_new(NULL),
                       .keys = rc_map_new(NULL),
                       .partition_count = (size_t)config->kafka.partitions};
    search.partitions = rc_calloc(search.partition_count, sizeof *search.partitions);
    rc_history_part_t part = {RC_TOPIC_DLQ, .partition = filter->partition};
    if (filter->employee_id)
        part.partition = rc_history_partition(history, filter->integration_id, filter->employee_id);
    const rc_history_filter_t whose = {.integration_id = filter->integration_id, .employee_id = filter->employee_id};
    rc_code_t code = rc_history_read(history, &part, 1, &whose, search.scratch, take_letter, &search, cancelled, error);
    if (code == RC_OK) {
        choose(&search);
        code = read_evidence(history, &search, cancelled, error);
    }
    if (code == RC_OK) {
        judge_all(&search);
        rc_dead_letter_t *list = rc_arena_alloc(arena, search.count * sizeof *list);
        for (size_t i = 0; i < search.count; i++) list[i] = search.items[i]->letter;
        qsort(list, search.count, sizeof *list, by_time);
        *letters = list;
        *count = search.count;
    }
    free(search.items);
    free(search.partitions);
    rc_map_free(search.newest);
    rc_map_free(search.keys);
    rc_arena_free(search.scratch);
    return code;
}
