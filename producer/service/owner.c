#include "producer/service/owner.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/kafka_admin.h"
#include "common/kafka_consumer.h"
#include "common/log.h"
#include "common/mutant.h"
#include "common/retry.h"
#include "common/text.h"
#include "common/topics.h"

struct rc_owner {
    const rc_kafka_t *kafka;
    const rc_config_t *config;
    const rc_worker_context_t *context;
    const rc_once_t *once;
    bool dynamic;
    rc_arena_t *names;
    const char *topic;
    char *group_id;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool ready;
    /* the thread's */
    rc_kafka_admin_t *admin;
    rc_kafka_consumer_t *consumer;
    rc_worker_t **workers; /* by index of the integration; NULL: not ours */
    bool *from_beginning;  /* by partition: at the next takeover, whatever is committed */
    bool gone_back;        /* a partition did: the topic was made anew, or cut */
    rc_mono_t fenced_at;   /* 0: never */
    rc_mono_t ended_at;    /* a worker was found ended while its partition is ours; 0: none */
};

enum {
    POLL_MS = 200,
    REOPEN_MS = 1000,
    ASK_TIMEOUT_MS = 10000,
    FENCED_AGAIN_MS = 60000,
    STEP_MS = 20,
    COMMIT_GRACE_MS = 5000,
    DESERTED_MS = 30000
};

char *rc_owner_group_id(const rc_config_t *config)
{
    return rc_sprintf("%srollcall-producer", config->kafka.topic_prefix);
}

int32_t rc_owner_partition(const rc_config_t *config, const char *integration_id)
{
    return rc_kafka_partition(integration_id, strlen(integration_id), config->kafka.partitions);
}

/* --- workers --- */

static bool have_ended(const rc_owner_t *owner)
{
    for (size_t i = 0; i < owner->config->integrations_count; i++)
        if (owner->workers[i] && !rc_worker_has_ended(owner->workers[i])) return false;
    return true;
}

/* Transactions under way are brought to their ends, but nobody waits for absent brokers for ever. */
static void stop_workers(rc_owner_t *owner)
{
    const struct timespec step = {0, STEP_MS * 1000000};
    for (size_t i = 0; i < owner->config->integrations_count; i++)
        if (owner->workers[i]) rc_worker_stop(owner->workers[i]);
    for (int64_t left_ms = COMMIT_GRACE_MS; left_ms > 0 && !have_ended(owner); left_ms -= STEP_MS)
        (void)nanosleep(&step, NULL);
    rc_publisher_give_up(owner->context->publisher, true);
    for (size_t i = 0; i < owner->config->integrations_count; i++) {
        rc_worker_free(owner->workers[i]);
        owner->workers[i] = NULL;
    }
    rc_publisher_give_up(owner->context->publisher, false);
}

static bool is_ours(int32_t partition, const rc_kafka_offset_t *partitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (partitions[i].partition == partition) return true;
    return false;
}

/* `once` waits for nobody: whose integration it is now may poll it, or is asked to. */
static void pass_over(const rc_owner_t *owner, const rc_integration_t *integration)
{
    rc_error_t error = RC_ERROR_INIT;
    if (!owner->once) return;
    (void)rc_error_set(&error, RC_OWNERSHIP, RC_REJECT, "a producer that runs elsewhere owns it; run `once` again");
    owner->once->done(owner->once->opaque, integration, RC_OWNERSHIP, &error);
}

static void start_workers(rc_owner_t *owner, const rc_kafka_group_t *group, const rc_kafka_offset_t *partitions,
                          size_t count)
{
    owner->ended_at = (rc_mono_t){0};
    for (size_t i = 0; i < owner->config->integrations_count; i++) {
        const rc_integration_t *integration = &owner->config->integrations[i];
        int32_t partition = rc_owner_partition(owner->config, integration->id);
        if (owner->once && !owner->once->is_wanted(owner->once->opaque, integration)) continue;
        if (!is_ours(partition, partitions, count)) {
            pass_over(owner, integration);
            continue;
        }
        rc_log(RC_LEVEL_INFO, "integration taken over", RC_LOG_STR(INTEGRATION, integration->id),
               RC_LOG_INT(PARTITION, partition));
        owner->workers[i] = rc_worker_new(owner->context, integration, partition, group, owner->once);
    }
}

/* --- taking over --- */

/* Where each partition's commands begin: what is committed, else the low watermark. Waits for a predecessor's open
 * transaction. */
static rc_code_t find_offsets(rc_owner_t *owner, rc_kafka_offset_t *partitions, size_t count, rc_error_t *error)
{
    rc_code_t code = rc_kafka_consumer_committed(owner->consumer, partitions, count, -1, &owner->stopping, error);
    if (code != RC_OK) return code;
    rc_kafka_offset_t *beginnings = rc_calloc(count, sizeof *beginnings);
    for (size_t i = 0; i < count; i++) beginnings[i] = (rc_kafka_offset_t){owner->topic, partitions[i].partition, 0};
    code = rc_kafka_admin_beginnings(owner->admin, beginnings, count, ASK_TIMEOUT_MS, error);
    for (size_t i = 0; code == RC_OK && i < count; i++)
        if (partitions[i].offset < beginnings[i].offset || owner->from_beginning[partitions[i].partition])
            partitions[i].offset = beginnings[i].offset;
    free(beginnings);
    return code;
}

static rc_code_t try_take_over(rc_owner_t *owner, rc_kafka_offset_t *partitions, size_t count, rc_error_t *error)
{
    if (count == 0) return RC_OK;
    /* What we left open ourselves would be in the way until it timed out. */
    rc_code_t code = rc_publisher_open(owner->context->publisher, &owner->stopping, error);
    if (code == RC_OK) code = find_offsets(owner, partitions, count, error);
    if (code == RC_OK && !RC_MUTANT(TAKEOVER_EARLY))
        code = rc_views_catch_up(owner->context->views, &owner->stopping, error);
    return code;
}

static void take_over(rc_owner_t *owner, const rc_kafka_event_t *event)
{
    size_t count = event->partition_count;
    /* Before anything that waits: a member that is lost meanwhile has no generation, and such a one fences nothing. */
    rc_kafka_group_t *group = rc_kafka_consumer_group(owner->consumer);
    rc_kafka_offset_t *partitions = rc_calloc(count, sizeof *partitions);
    for (size_t i = 0; i < count; i++)
        partitions[i] = (rc_kafka_offset_t){owner->topic, event->partitions[i].partition, RC_OFFSET_NONE};
    rc_error_t error = RC_ERROR_INIT;
    while (try_take_over(owner, partitions, count, &error) != RC_OK && !atomic_load(&owner->stopping)) {
        rc_log(RC_LEVEL_WARN, "partitions cannot be taken over yet", RC_LOG_ERR(&error));
        (void)rc_retry_pause(REOPEN_MS, &owner->stopping);
    }
    if (!atomic_load(&owner->stopping)) {
        for (size_t i = 0; i < count; i++)
            rc_publisher_assigned(owner->context->publisher, partitions[i].partition, partitions[i].offset);
        memset(owner->from_beginning, 0, (size_t)owner->config->kafka.partitions * sizeof(bool));
        if (rc_kafka_consumer_assign(owner->consumer, partitions, count, &error) != RC_OK)
            rc_log(RC_LEVEL_ERROR, "an assignment could not be taken", RC_LOG_ERR(&error));
        start_workers(owner, group, partitions, count);
        atomic_store(&owner->ready, true);
        rc_log(RC_LEVEL_INFO, "ready", RC_LOG_STR(GROUP, owner->group_id), RC_LOG_INT(PARTITIONS, count));
    }
    free(partitions);
    rc_kafka_group_free(group);
}

static void give_up(rc_owner_t *owner, const rc_kafka_event_t *event)
{
    rc_error_t error = RC_ERROR_INIT;
    atomic_store(&owner->ready, false);
    rc_log(RC_LEVEL_INFO, event->lost ? "partitions lost" : "partitions revoked", RC_LOG_STR(GROUP, owner->group_id),
           RC_LOG_INT(PARTITIONS, event->partition_count));
    stop_workers(owner);
    if (rc_kafka_consumer_unassign(owner->consumer, &error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "partitions could not be given up", RC_LOG_ERR(&error));
}

/* --- commands --- */

static rc_worker_t *find_worker(const rc_owner_t *owner, const char *integration_id)
{
    for (size_t i = 0; i < owner->config->integrations_count; i++)
        if (owner->workers[i] && strcmp(owner->config->integrations[i].id, integration_id) == 0)
            return owner->workers[i];
    return NULL;
}

/* Whether this process is there for that command. */
static bool is_awaited(const rc_once_t *once, const rc_command_t *command)
{
    if (!once) return true;
    for (size_t i = 0; once->from_topic && i < once->command_count; i++)
        if (rc_text_equal(once->commands[i].id, command->id)) return true;
    return false;
}

/* A command goes to its worker; one that cannot be carried out is passed over. */
static void take_command(rc_owner_t *owner, const rc_kafka_message_t *message)
{
    rc_arena_t *arena = rc_arena_new_sized(1024);
    rc_error_t error = RC_ERROR_INIT;
    rc_command_t command;
    const char *why = NULL;
    rc_worker_t *worker = NULL;
    rc_publisher_command_read(owner->context->publisher, message->partition, message->offset);
    if (!message->value || rc_codec_decode_command(owner->context->codec, message->value, message->value_bytes, arena,
                                                   &command, NULL, &error) != RC_OK) {
        rc_metrics_count(owner->context->metrics, RC_METRIC_UNREADABLE, message->topic, "bytes", NULL);
        why = message->value ? error.message : "it has no value";
    } else if (command.expires_at.ms < rc_wall_now().ms) {
        why = "it has expired";
    } else if (!(worker = find_worker(owner, command.integration_id))) {
        why = "the configuration does not name its integration";
    }
    if (worker && is_awaited(owner->once, &command)) {
        rc_worker_command(worker, &command, message->offset);
    } else {
        if (!why) why = "this process makes one poll only";
        rc_log(RC_LEVEL_WARN, "a command was passed over", RC_LOG_INT(PARTITION, message->partition),
               RC_LOG_INT(OFFSET, message->offset), RC_LOG_STR(REASON, why));
        rc_publisher_command_finished(owner->context->publisher, message->partition, message->offset);
    }
    rc_arena_free(arena);
}

/* Commands of a topic that is gone may still be with the workers, and their offsets mean nothing any more. */
static bool has_gone_back(rc_owner_t *owner, int32_t partition, int64_t offset)
{
    if (rc_publisher_may_have(owner->context->publisher, partition, offset)) return false;
    owner->from_beginning[partition] = owner->gone_back = true;
    return true;
}

/* --- the thread --- */

static rc_code_t open_all(rc_owner_t *owner, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    if (!owner->admin) code = rc_kafka_admin_open(owner->kafka, &owner->admin, error);
    if (code == RC_OK) code = rc_publisher_open(owner->context->publisher, &owner->stopping, error);
    if (code == RC_OK)
        code = rc_kafka_consumer_open(owner->kafka, owner->group_id, owner->dynamic ? NULL : owner->config->instance,
                                      &owner->consumer, error);
    if (code == RC_OK) code = rc_kafka_consumer_subscribe(owner->consumer, &owner->topic, 1, error);
    if (code != RC_OK) {
        rc_kafka_consumer_close(owner->consumer);
        owner->consumer = NULL;
    }
    return code;
}

/* Two fencings within a minute by the same instance name: two processes share it. */
static void note_fenced(rc_owner_t *owner, const rc_error_t *error)
{
    rc_mono_t now = rc_mono_now();
    bool again = owner->fenced_at.ms && now.ms - owner->fenced_at.ms < FENCED_AGAIN_MS;
    owner->fenced_at = now;
    if (again) owner->context->fatal(owner->context->opaque, error);
}

static void rebuild(rc_owner_t *owner, const rc_error_t *error)
{
    rc_log(RC_LEVEL_ERROR, "the consumer handle died and is built anew", RC_LOG_STR(GROUP, owner->group_id),
           RC_LOG_ERR(error));
    rc_metrics_count(owner->context->metrics, RC_METRIC_HANDLES_REBUILT, error->code == RC_FENCED ? "fenced" : "fatal",
                     NULL, NULL);
    atomic_store(&owner->ready, false);
    stop_workers(owner);
    rc_kafka_consumer_close(owner->consumer);
    owner->consumer = NULL;
    if (error->code == RC_FENCED) note_fenced(owner, error);
    (void)rc_retry_pause(REOPEN_MS, &owner->stopping);
}

static void on_event(rc_owner_t *owner, const rc_kafka_event_t *event)
{
    switch (event->kind) {
    case RC_KAFKA_ASSIGN:
        take_over(owner, event);
        break;
    case RC_KAFKA_REVOKE:
        give_up(owner, event);
        break;
    case RC_KAFKA_MESSAGE:
        if (!has_gone_back(owner, event->message.partition, event->message.offset))
            take_command(owner, &event->message);
        break;
    case RC_KAFKA_EOF:
        (void)has_gone_back(owner, event->at.partition, event->at.offset);
        break;
    case RC_KAFKA_OUT_OF_RANGE: /* the consumer goes on at the first command there is */
    case RC_KAFKA_NONE:
        break;
    }
}

/* The partitions have to be taken over again. */
static bool is_lost(rc_owner_t *owner, rc_error_t *error)
{
    if (!owner->gone_back) return false;
    owner->gone_back = false;
    (void)rc_error_set(error, RC_KAFKA, RC_FATAL, "%s goes back behind what was read: it was made anew, or cut",
                       owner->topic);
    return true;
}

/* A worker ends by itself when the group refuses its work; that the partitions were lost follows within moments. When
 * it does not, nobody would work that integration. */
static bool is_deserted(rc_owner_t *owner, rc_error_t *error)
{
    if (owner->once) return false;
    bool ended = false;
    for (size_t i = 0; i < owner->config->integrations_count; i++)
        ended |= owner->workers[i] && rc_worker_has_ended(owner->workers[i]);
    rc_mono_t now = rc_mono_now();
    if (!ended) owner->ended_at = (rc_mono_t){0};
    if (!ended || !owner->ended_at.ms) {
        if (ended) owner->ended_at = now;
        return false;
    }
    if (now.ms - owner->ended_at.ms < DESERTED_MS) return false;
    (void)rc_error_set(error, RC_OWNERSHIP, RC_FATAL, "the group refuses what it assigned");
    return true;
}

static void *run(void *opaque)
{
    rc_owner_t *owner = opaque;
    while (!atomic_load(&owner->stopping)) {
        rc_error_t error = RC_ERROR_INIT;
        if (!owner->consumer && open_all(owner, &error) != RC_OK) {
            if (error.code != RC_CANCELLED)
                rc_log(RC_LEVEL_ERROR, "cannot join the producers, trying again", RC_LOG_ERR(&error));
            if (error.code == RC_FENCED) note_fenced(owner, &error);
            (void)rc_retry_pause(REOPEN_MS, &owner->stopping);
            continue;
        }
        rc_kafka_event_t event;
        rc_code_t code = rc_kafka_consumer_poll(owner->consumer, POLL_MS, &event, &error);
        if (code == RC_OK) {
            on_event(owner, &event);
            rc_kafka_event_release(&event);
            if (is_lost(owner, &error) || is_deserted(owner, &error)) rebuild(owner, &error);
        } else if (error.disposition == RC_FATAL) {
            rebuild(owner, &error);
        }
    }
    atomic_store(&owner->ready, false);
    stop_workers(owner);
    rc_kafka_consumer_close(owner->consumer);
    rc_kafka_admin_close(owner->admin);
    return NULL;
}

rc_owner_t *rc_owner_new(const rc_kafka_t *kafka, const rc_worker_context_t *context, const rc_once_t *once)
{
    rc_owner_t *owner = rc_zalloc(sizeof *owner);
    *owner = (rc_owner_t){.kafka = kafka,
                          .config = rc_kafka_config(kafka),
                          .context = context,
                          .once = once,
                          .dynamic = once && !once->in_place_of_service,
                          .names = rc_arena_new_sized(256),
                          .group_id = rc_owner_group_id(rc_kafka_config(kafka))};
    owner->topic = rc_topic_name(owner->config, RC_TOPIC_COMMANDS, owner->names);
    owner->workers = rc_calloc(owner->config->integrations_count, sizeof(rc_worker_t *));
    owner->from_beginning = rc_calloc((size_t)owner->config->kafka.partitions, sizeof(bool));
    RC_INVARIANT(pthread_create(&owner->thread, NULL, run, owner) == 0);
    return owner;
}

void rc_owner_free(rc_owner_t *owner)
{
    if (!owner) return;
    atomic_store(&owner->stopping, true);
    RC_INVARIANT(pthread_join(owner->thread, NULL) == 0);
    free(owner->workers);
    free(owner->from_beginning);
    free(owner->group_id);
    rc_arena_free(owner->names);
    free(owner);
}

bool rc_owner_is_ready(const rc_owner_t *owner)
{
    return atomic_load(&owner->ready);
}
