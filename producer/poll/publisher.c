#include "producer/poll/publisher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "common/offsets.h"
#include "common/topics.h"

/* A command that is finished together with another one. */
typedef struct {
    int64_t offset, leader;
} joined_t;

/* The commands of one assigned partition. */
typedef struct {
    int64_t base; /* until a command was read */
    rc_offsets_t offsets;
    joined_t *joined; /* by offset */
    size_t joined_count, joined_capacity;
} commands_t;

struct rc_publisher {
    const rc_kafka_t *kafka;
    rc_metrics_t *metrics;
    rc_arena_t *names;
    const char *commands_topic;
    char *transactional_id;
    atomic_bool give_up;
    pthread_mutex_t mutex; /* held for a whole transaction */
    rc_kafka_txn_t *txn;   /* NULL: to be opened */
    rc_mono_t fenced_at;   /* 0: never */
    pthread_mutex_t commands_mutex;
    commands_t *commands; /* by partition */
    int32_t partitions;
};

enum { FENCED_AGAIN_MS = 60000 };

rc_publisher_t *rc_publisher_new(const rc_kafka_t *kafka, rc_metrics_t *metrics)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_publisher_t *publisher = rc_zalloc(sizeof *publisher);
    *publisher =
        (rc_publisher_t){.kafka = kafka,
                         .metrics = metrics,
                         .names = rc_arena_new_sized(256),
                         .transactional_id = rc_sprintf("%srollcall-producer.%s.%s", config->kafka.topic_prefix,
                                                        config->consumer.application, config->instance),
                         .partitions = config->kafka.partitions,
                         .commands = rc_calloc((size_t)config->kafka.partitions, sizeof(commands_t))};
    publisher->commands_topic = rc_topic_name(config, RC_TOPIC_COMMANDS, publisher->names);
    for (int32_t i = 0; i < publisher->partitions; i++) publisher->commands[i].offsets = RC_OFFSETS_INIT;
    RC_INVARIANT(pthread_mutex_init(&publisher->mutex, NULL) == 0 &&
                 pthread_mutex_init(&publisher->commands_mutex, NULL) == 0);
    return publisher;
}

void rc_publisher_free(rc_publisher_t *publisher)
{
    if (!publisher) return;
    rc_kafka_txn_close(publisher->txn);
    for (int32_t i = 0; i < publisher->partitions; i++) {
        rc_offsets_fini(&publisher->commands[i].offsets);
        free(publisher->commands[i].joined);
    }
    free(publisher->commands);
    pthread_mutex_destroy(&publisher->mutex);
    pthread_mutex_destroy(&publisher->commands_mutex);
    rc_arena_free(publisher->names);
    free(publisher->transactional_id);
    free(publisher);
}

/* --- commands --- */

void rc_publisher_assigned(rc_publisher_t *publisher, int32_t partition, int64_t offset)
{
    pthread_mutex_lock(&publisher->commands_mutex);
    commands_t *commands = &publisher->commands[partition];
    rc_offsets_fini(&commands->offsets);
    commands->joined_count = 0;
    commands->base = offset;
    pthread_mutex_unlock(&publisher->commands_mutex);
}

bool rc_publisher_may_have(rc_publisher_t *publisher, int32_t partition, int64_t offset)
{
    pthread_mutex_lock(&publisher->commands_mutex);
    const commands_t *commands = &publisher->commands[partition];
    bool may = offset >= commands->base && rc_offsets_takes(&commands->offsets, offset);
    pthread_mutex_unlock(&publisher->commands_mutex);
    return may;
}

void rc_publisher_command_read(rc_publisher_t *publisher, int32_t partition, int64_t offset)
{
    pthread_mutex_lock(&publisher->commands_mutex);
    rc_offsets_add(&publisher->commands[partition].offsets, offset);
    pthread_mutex_unlock(&publisher->commands_mutex);
}

void rc_publisher_command_joins(rc_publisher_t *publisher, int32_t partition, int64_t offset, int64_t leader)
{
    pthread_mutex_lock(&publisher->commands_mutex);
    commands_t *commands = &publisher->commands[partition];
    size_t at = commands->joined_count;
    while (at > 0 && commands->joined[at - 1].offset > offset) at--;
    if (at > 0 && commands->joined[at - 1].offset == offset) {
        commands->joined[at - 1].leader = leader;
    } else {
        if (commands->joined_count == commands->joined_capacity) {
            commands->joined_capacity = commands->joined_capacity ? 2 * commands->joined_capacity : 16;
            commands->joined = rc_realloc(commands->joined, commands->joined_capacity * sizeof *commands->joined);
        }
        memmove(commands->joined + at + 1, commands->joined + at,
                (commands->joined_count - at) * sizeof *commands->joined);
        commands->joined[at] = (joined_t){offset, leader};
        commands->joined_count++;
    }
    pthread_mutex_unlock(&publisher->commands_mutex);
}

void rc_publisher_command_finished(rc_publisher_t *publisher, int32_t partition, int64_t offset)
{
    if (offset < 0) return;
    pthread_mutex_lock(&publisher->commands_mutex);
    commands_t *commands = &publisher->commands[partition];
    size_t kept = 0;
    for (size_t i = 0; i < commands->joined_count; i++) {
        const joined_t *joined = &commands->joined[i];
        if (joined->leader == offset)
            rc_offsets_finish(&commands->offsets, joined->offset);
        else if (joined->offset != offset)
            commands->joined[kept++] = *joined;
    }
    commands->joined_count = kept;
    rc_offsets_finish(&commands->offsets, offset);
    pthread_mutex_unlock(&publisher->commands_mutex);
}

/* The watermark when a command, and those that joined it, are finished too. */
static int64_t watermark_with(const commands_t *commands, int64_t offset)
{
    int64_t *also = rc_calloc(commands->joined_count + 1, sizeof *also);
    size_t count = 0;
    bool placed = false;
    for (size_t i = 0; i < commands->joined_count; i++) {
        const joined_t *joined = &commands->joined[i];
        if (!placed && joined->offset > offset) also[count++] = offset, placed = true;
        if (joined->leader == offset) also[count++] = joined->offset;
    }
    if (!placed) also[count++] = offset;
    int64_t watermark = rc_offsets_watermark_with(&commands->offsets, also, count);
    free(also);
    return watermark;
}

/* What a transaction commits for its command partition: never behind what another one of it committed. */
static int64_t offset_to_commit(rc_publisher_t *publisher, const rc_transaction_t *transaction)
{
    pthread_mutex_lock(&publisher->commands_mutex);
    const commands_t *commands = &publisher->commands[transaction->command_partition];
    int64_t offset = commands->offsets.next < 0        ? commands->base
                     : transaction->command_offset < 0 ? rc_offsets_watermark(&commands->offsets)
                                                       : watermark_with(commands, transaction->command_offset);
    pthread_mutex_unlock(&publisher->commands_mutex);
    return offset;
}

/* --- the handle --- */

static rc_code_t open_handle(rc_publisher_t *publisher, const atomic_bool *cancelled, rc_error_t *error)
{
    if (publisher->txn) return RC_OK;
    rc_code_t code = rc_kafka_txn_open(publisher->kafka, publisher->transactional_id, &publisher->txn, error);
    if (code == RC_OK) code = rc_kafka_txn_init(publisher->txn, cancelled, error);
    if (code != RC_OK) {
        rc_kafka_txn_close(publisher->txn);
        publisher->txn = NULL;
    }
    return code;
}

/* The handle is dead. Turns the error into what the caller has to know. */
static rc_code_t bury(rc_publisher_t *publisher, rc_error_t *error)
{
    rc_kafka_txn_close(publisher->txn);
    publisher->txn = NULL;
    bool fenced = error->code == RC_FENCED;
    rc_metrics_count(publisher->metrics, RC_METRIC_HANDLES_REBUILT, fenced ? "fenced" : "fatal", NULL, NULL);
    rc_mono_t now = rc_mono_now();
    bool again = fenced && publisher->fenced_at.ms && now.ms - publisher->fenced_at.ms < FENCED_AGAIN_MS;
    if (fenced) publisher->fenced_at = now;
    if (again)
        return rc_error_set(
            error, RC_FENCED, RC_FATAL,
            "fenced twice within a minute: another process has the same instance name \"%s\"; give each its "
            "own (instance, --instance)",
            rc_kafka_config(publisher->kafka)->instance);
    if (error->code != RC_CANCELLED) error->disposition = RC_RETRY;
    return error->code;
}

void rc_publisher_give_up(rc_publisher_t *publisher, bool give_up)
{
    atomic_store(&publisher->give_up, give_up);
}

rc_code_t rc_publisher_open(rc_publisher_t *publisher, const atomic_bool *cancelled, rc_error_t *error)
{
    pthread_mutex_lock(&publisher->mutex);
    rc_code_t code = open_handle(publisher, cancelled, error);
    pthread_mutex_unlock(&publisher->mutex);
    return code;
}

/* A mutant's: what was produced so far becomes visible by itself. */
static rc_code_t cut_transaction(rc_publisher_t *publisher, rc_error_t *error)
{
    bool done = rc_kafka_txn_commit(publisher->txn, &publisher->give_up, error) == RC_COMMIT_DONE;
    return done ? rc_kafka_txn_begin(publisher->txn, error) : error->code;
}

static rc_code_t fill(rc_publisher_t *publisher, const rc_transaction_t *transaction, rc_error_t *error)
{
    for (size_t i = 0; i < transaction->count; i++) {
        if (RC_MUTANT(PUBLISHED_APART) && i + 2 == transaction->count && cut_transaction(publisher, error) != RC_OK)
            return error->code;
        rc_code_t code = rc_kafka_txn_produce(publisher->txn, &transaction->records[i], error);
        if (code != RC_OK) return code;
    }
    if (RC_MUTANT(UNFENCED)) return RC_OK;
    const rc_kafka_offset_t offset = {publisher->commands_topic, transaction->command_partition,
                                      offset_to_commit(publisher, transaction)};
    rc_kafka_group_t *late = RC_MUTANT(METADATA_LATE) ? rc_kafka_group_taken_late() : NULL;
    rc_code_t code = rc_kafka_txn_send_offsets(publisher->txn, late ? late : transaction->group, &offset, 1, error);
    rc_kafka_group_free(late);
    return code;
}

static void copy_published(const rc_publisher_t *publisher, rc_published_t *published)
{
    size_t count;
    const rc_kafka_offset_t *produced = rc_kafka_txn_produced(publisher->txn, &count);
    published->items = rc_calloc(count, sizeof *published->items);
    published->count = count;
    if (count) memcpy(published->items, produced, count * sizeof *produced);
}

static rc_code_t write_locked(rc_publisher_t *publisher, const rc_transaction_t *transaction,
                              const atomic_bool *cancelled, rc_published_t *published, bool *unknown, rc_error_t *error)
{
    if (cancelled && atomic_load(cancelled))
        return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped before a transaction began");
    rc_code_t code = open_handle(publisher, cancelled, error);
    if (code != RC_OK) return code;
    if (rc_kafka_txn_begin(publisher->txn, error) != RC_OK)
        return error->disposition == RC_FATAL ? bury(publisher, error) : error->code;
    if (fill(publisher, transaction, error) != RC_OK) {
        bool fatal = error->disposition == RC_FATAL;
        rc_error_t abort_error = RC_ERROR_INIT;
        if (rc_kafka_txn_abort(publisher->txn, &publisher->give_up, &abort_error) != RC_OK || fatal)
            return bury(publisher, error);
        return error->code;
    }
    switch (rc_kafka_txn_commit(publisher->txn, &publisher->give_up, error)) {
    case RC_COMMIT_DONE:
        copy_published(publisher, published);
        return RC_OK;
    case RC_COMMIT_ABORTED:
        return error->code;
    case RC_COMMIT_DEAD:
        *unknown = true;
        return bury(publisher, error);
    }
    RC_DIE("a commit ended in no way that is known");
}

rc_code_t rc_publisher_write(rc_publisher_t *publisher, const rc_transaction_t *transaction,
                             const atomic_bool *cancelled, rc_published_t *published, bool *unknown, rc_error_t *error)
{
    *unknown = false;
    pthread_mutex_lock(&publisher->mutex);
    rc_mono_t began = rc_mono_now();
    rc_code_t code = write_locked(publisher, transaction, cancelled, published, unknown, error);
    if (code == RC_OK) {
        if (transaction->command_offset >= 0)
            rc_publisher_command_finished(publisher, transaction->command_partition, transaction->command_offset);
        rc_series_observe(rc_metrics_series(publisher->metrics, RC_METRIC_TRANSACTION_DURATION, NULL, NULL, NULL),
                          (double)(rc_mono_now().ms - began.ms) / 1000.0);
    }
    rc_metrics_count(publisher->metrics, RC_METRIC_TRANSACTIONS,
                     code == RC_OK                               ? "committed"
                     : code == RC_FENCED || code == RC_OWNERSHIP ? "fenced"
                                                                 : "aborted",
                     NULL, NULL);
    pthread_mutex_unlock(&publisher->mutex);
    return code;
}
