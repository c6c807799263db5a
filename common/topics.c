#include "common/topics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum {
    HOUR_MS = 3600 * 1000,
    TOMBSTONES_MS = 24 * HOUR_MS,          /* delete.retention.ms of what we create: Kafka's default, said aloud */
    TOMBSTONES_AT_LEAST_MS = 12 * HOUR_MS, /* a local table that is not older is trusted: common/table.h */
    PAUSE_MS = 100,
    ASK_MS = 5000,
    AWAIT_SLICE_MS = 30000,
};

typedef struct {
    const char *pattern;
    bool compact;
    size_t retention; /* offset of the setting in config->kafka.retention */
} kind_t;

enum { DELETE = 0, COMPACT = 1 };
static const kind_t KINDS[] = {
#define X(name, pattern, cleanup, setting) \
    [RC_TOPIC_##name] = {pattern, cleanup, offsetof(rc_config_t, kafka.retention.setting##_ms)},
    RC_TOPICS(X)
#undef X
};

/* The pattern with the application in place of its "%s", behind the prefix. */
static const char *expand(const rc_config_t *config, const char *pattern, const char *rest, rc_arena_t *arena)
{
    bool of_application = !strncmp(pattern, "%s", 2);
    return rc_arena_sprintf(arena, "%s%s%s%s", config->kafka.topic_prefix,
                            of_application ? config->consumer.application : "", of_application ? pattern + 2 : pattern,
                            rest);
}

const char *rc_topic_name(const rc_config_t *config, rc_topic_kind_t kind, rc_arena_t *arena)
{
    RC_INVARIANT(kind != RC_TOPIC_RETRY && kind < RC_TOPIC_COUNT);
    return expand(config, KINDS[kind].pattern, "", arena);
}

const char *rc_topic_retry_name(const rc_config_t *config, size_t tier, rc_arena_t *arena)
{
    RC_INVARIANT(tier < config->consumer.retry_delays_count);
    char delay[RC_TIME_STR_SIZE];
    return expand(config, KINDS[RC_TOPIC_RETRY].pattern, rc_duration_str(config->consumer.retry_delays_ms[tier], delay),
                  arena);
}

static rc_topic_t topic_of(const rc_config_t *config, rc_topic_kind_t kind, size_t tier, rc_arena_t *arena)
{
    int64_t retention_ms;
    memcpy(&retention_ms, (const char *)config + KINDS[kind].retention, sizeof retention_ms);
    return (rc_topic_t){
        .kind = kind,
        .tier = (int)tier,
        .name = kind == RC_TOPIC_RETRY ? rc_topic_retry_name(config, tier, arena) : rc_topic_name(config, kind, arena),
        .compact = KINDS[kind].compact,
        .retention_ms = KINDS[kind].compact ? 0 : retention_ms,
        .partitions = config->kafka.partitions,
        .replication = config->kafka.replication_factor,
    };
}

const rc_topic_t *rc_topics_list(const rc_config_t *config, rc_arena_t *arena, size_t *count)
{
    size_t delays = config->consumer.retry_delays_count;
    rc_topic_t *list = rc_arena_alloc(arena, (RC_TOPIC_COUNT - 1 + delays) * sizeof *list);
    *count = 0;
    for (int kind = 0; kind < RC_TOPIC_RETRY; kind++)
        list[(*count)++] = topic_of(config, (rc_topic_kind_t)kind, 0, arena);
    for (size_t tier = 0; tier < delays; tier++) list[(*count)++] = topic_of(config, RC_TOPIC_RETRY, tier, arena);
    return list;
}

rc_topic_check_t rc_topic_check(const rc_topic_t *topic, const rc_kafka_topic_info_t *info, rc_arena_t *arena)
{
    char has[RC_TIME_STR_SIZE], needs[RC_TIME_STR_SIZE];
    const char *cleanup = topic->compact ? "compact" : "delete";
    rc_topic_check_t check = {topic, RC_TOPIC_WRONG, NULL};
    if (info->partitions == 0) {
        check.state = RC_TOPIC_MISSING;
        check.message = rc_arena_sprintf(
            arena,
            "the topic %s is missing; create it with `rollcall-producer topics`, or let an administrator: "
            "%d partitions, replication factor %d, cleanup.policy=%s%s",
            topic->name, (int)topic->partitions, topic->replication, cleanup,
            topic->compact ? "" : rc_arena_sprintf(arena, ", retention.ms=%" PRId64, topic->retention_ms));
    } else if (info->partitions != topic->partitions) {
        check.message = rc_arena_sprintf(
            arena,
            "the topic %s has %d partitions, but kafka.partitions is %d; set it to what all topics have, or use "
            "another kafka.topic_prefix and resync (adding partitions would move half of all keys)",
            topic->name, (int)info->partitions, (int)topic->partitions);
    } else if (info->settings_known && strcmp(info->cleanup, cleanup) != 0) {
        check.message =
            rc_arena_sprintf(arena,
                             "the topic %s has cleanup.policy=%s and needs %s; mend it with kafka-configs.sh --alter "
                             "--entity-type topics --entity-name %s --add-config cleanup.policy=%s",
                             topic->name, info->cleanup, cleanup, topic->name, cleanup);
    } else if (info->settings_known && !topic->compact && info->retention_ms >= 0 &&
               info->retention_ms < topic->retention_ms) {
        check.message = rc_arena_sprintf(
            arena,
            "the topic %s keeps records for %s and needs %s at least; mend it with kafka-configs.sh --alter "
            "--entity-type topics --entity-name %s --add-config retention.ms=%" PRId64,
            topic->name, rc_duration_str(info->retention_ms, has), rc_duration_str(topic->retention_ms, needs),
            topic->name, topic->retention_ms);
    } else if (info->settings_known && topic->compact && info->tombstones_ms < TOMBSTONES_AT_LEAST_MS) {
        check.message = rc_arena_sprintf(
            arena,
            "the topic %s keeps tombstones for %s and needs 12h at least; mend it with kafka-configs.sh --alter "
            "--entity-type topics --entity-name %s --add-config delete.retention.ms=%d",
            topic->name, rc_duration_str(info->tombstones_ms, has), topic->name, TOMBSTONES_MS);
    } else if (info->settings_known && info->replication < topic->replication) {
        check.state = RC_TOPIC_WARNING;
        check.message =
            rc_arena_sprintf(arena,
                             "the topic %s has %d replicas, but kafka.replication_factor is %d: the loss of "
                             "a broker may lose records; reassign its partitions, or lower the setting",
                             topic->name, info->replication, topic->replication);
    } else if (info->settings_known && !info->brokers_time) {
        check.state = RC_TOPIC_WARNING;
        check.message = rc_arena_sprintf(
            arena,
            "records of the topic %s bear the time of whoever wrote them: where a clock is wrong, Kafka refuses them "
            "or "
            "deletes them too early; mend it with kafka-configs.sh --alter --entity-type topics --entity-name %s "
            "--add-config message.timestamp.type=LogAppendTime",
            topic->name, topic->name);
    } else {
        check.state = RC_TOPIC_FITS;
    }
    return check;
}

typedef struct {
    rc_kafka_admin_t *admin;
    const rc_topic_t *topics;
    rc_kafka_topic_info_t *infos;
    bool *created;
    size_t count;
    bool mock;
    int64_t deadline_ms;
    const atomic_bool *cancelled;
} setup_t;

static int64_t time_left_ms(const setup_t *setup)
{
    int64_t left_ms = setup->deadline_ms - rc_mono_now().ms;
    return left_ms < 1 ? 1 : left_ms > ASK_MS ? ASK_MS : left_ms;
}

static rc_code_t create_missing(setup_t *setup, rc_arena_t *arena, rc_error_t *error)
{
    rc_kafka_new_topic_t *missing = rc_arena_alloc(arena, setup->count * sizeof *missing);
    size_t count = 0;
    for (size_t i = 0; i < setup->count; i++) {
        const rc_topic_t *topic = &setup->topics[i];
        setup->created[i] = setup->infos[i].partitions == 0;
        if (setup->created[i])
            missing[count++] = (rc_kafka_new_topic_t){topic->name,    topic->partitions,   topic->replication,
                                                      topic->compact, topic->retention_ms, TOMBSTONES_MS};
    }
    return rc_kafka_admin_create(setup->admin, missing, count, time_left_ms(setup), error);
}

static bool all_there(const setup_t *setup)
{
    for (size_t i = 0; i < setup->count; i++)
        if (setup->infos[i].partitions == 0) return false;
    return true;
}

/* Until the cluster shows what was created: brokers learn of topics one by one. */
static rc_code_t look(setup_t *setup, bool wait, rc_error_t *error)
{
    for (;;) {
        rc_code_t code =
            rc_kafka_admin_topics(setup->admin, setup->infos, setup->count, !setup->mock, time_left_ms(setup), error);
        /* settings of a topic that one broker shows and another does not know yet */
        if (code && !(wait && code == RC_KAFKA && rc_mono_now().ms < setup->deadline_ms)) return code;
        if ((!code && all_there(setup)) || !wait || rc_mono_now().ms >= setup->deadline_ms) return code;
        if (setup->cancelled && atomic_load(setup->cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "ended while waiting for topics");
        (void)usleep(PAUSE_MS * 1000);
    }
}

static bool stops_the_start(const rc_topic_check_t *check)
{
    return check->state == RC_TOPIC_MISSING || check->state == RC_TOPIC_WRONG;
}

static rc_code_t judge(const setup_t *setup, rc_arena_t *arena, rc_topics_result_t *result, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    rc_topic_check_t *checks = rc_arena_alloc(arena, setup->count * sizeof *checks);
    for (size_t i = 0; i < setup->count; i++) {
        checks[i] = rc_topic_check(&setup->topics[i], &setup->infos[i], arena);
        if (checks[i].state == RC_TOPIC_FITS && setup->created[i]) checks[i].state = RC_TOPIC_CREATED_NOW;
        if (!code && stops_the_start(&checks[i]))
            code = rc_error_set(error, RC_CONFIG, RC_REJECT, "%s", checks[i].message);
    }
    *result = (rc_topics_result_t){setup->mock, checks, setup->count};
    return code;
}

rc_code_t rc_topics_setup(rc_kafka_admin_t *admin, const rc_config_t *config, bool create, int64_t timeout_ms,
                          const atomic_bool *cancelled, rc_arena_t *arena, rc_topics_result_t *result,
                          rc_error_t *error)
{
    setup_t setup = {.admin = admin, .deadline_ms = rc_mono_now().ms + timeout_ms, .cancelled = cancelled};
    char *cluster;
    *result = (rc_topics_result_t){0};
    rc_code_t code = rc_kafka_admin_cluster_id(admin, time_left_ms(&setup), &cluster, error);
    if (code) return code;
    setup.mock = rc_kafka_is_mock(cluster);
    free(cluster);
    setup.topics = rc_topics_list(config, arena, &setup.count);
    setup.infos = rc_arena_alloc(arena, setup.count * sizeof *setup.infos);
    setup.created = rc_arena_alloc(arena, setup.count * sizeof *setup.created);
    for (size_t i = 0; i < setup.count; i++) setup.infos[i].name = setup.topics[i].name;

    code = look(&setup, false, error);
    bool may_create = create && !setup.mock;
    if (!code && may_create && !all_there(&setup)) {
        code = create_missing(&setup, arena, error);
        if (!code) code = look(&setup, true, error);
    }
    return code ? code : judge(&setup, arena, result, error);
}

static void log_result(const rc_topics_result_t *result)
{
    if (result->mock)
        rc_log(RC_LEVEL_WARN, "mock cluster",
               RC_LOG_STR(MESSAGE, "librdkafka's mock cluster: no topic is created, only "
                                   "partition counts are checked"));
    for (size_t i = 0; i < result->count; i++) {
        const rc_topic_check_t *check = &result->checks[i];
        if (check->state == RC_TOPIC_CREATED_NOW)
            rc_log(RC_LEVEL_INFO, "topic created", RC_LOG_STR(TOPIC, check->topic->name),
                   RC_LOG_INT(PARTITIONS, check->topic->partitions));
        else if (check->state == RC_TOPIC_WARNING)
            rc_log(RC_LEVEL_WARN, "topic differs", RC_LOG_STR(TOPIC, check->topic->name),
                   RC_LOG_STR(MESSAGE, check->message));
    }
}

/* One topic that does not fit is the error itself. Of several, each has a line in the log, and the error says so. */
static rc_code_t refuse(const rc_topics_result_t *result, rc_error_t *error)
{
    size_t count = 0;
    for (size_t i = 0; i < result->count; i++) count += stops_the_start(&result->checks[i]);
    for (size_t i = 0; count > 1 && i < result->count; i++)
        if (stops_the_start(&result->checks[i]))
            rc_log(RC_LEVEL_ERROR, "topic does not fit", RC_LOG_STR(TOPIC, result->checks[i].topic->name),
                   RC_LOG_STR(MESSAGE, result->checks[i].message));
    return count > 1 ? rc_error_prefix(error, "%zu topics do not fit, the first of them", count) : error->code;
}

rc_code_t rc_topics_await(const rc_kafka_t *kafka, const atomic_bool *cancelled, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_kafka_admin_t *admin = NULL;
    rc_arena_t *arena = rc_arena_new();
    rc_error_t trouble = RC_ERROR_INIT;
    rc_code_t code = rc_kafka_admin_open(kafka, &admin, &trouble);
    while (!code) {
        rc_topics_result_t result;
        rc_arena_reset(arena);
        code = rc_topics_setup(admin, config, config->kafka.create_topics, AWAIT_SLICE_MS, cancelled, arena, &result,
                               &trouble);
        log_result(&result);
        if (code == RC_CONFIG) code = refuse(&result, &trouble);
        if (!code || trouble.disposition != RC_RETRY) break;
        rc_log(RC_LEVEL_WARN, "waiting for kafka", RC_LOG_ERR(&trouble));
        code = cancelled && atomic_load(cancelled)
                   ? rc_error_set(&trouble, RC_CANCELLED, RC_STOPPED, "ended while waiting for kafka")
                   : RC_OK;
        if (!code) (void)usleep(PAUSE_MS * 1000);
    }
    rc_kafka_admin_close(admin);
    rc_arena_free(arena);
    if (code && error) *error = trouble;
    return code;
}
