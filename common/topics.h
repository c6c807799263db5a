/* The topics of design section 2: what they are called, how they are kept, and whether the cluster has them so. The
 * list is pure; rc_topics_setup asks the cluster. Any thread. */
#ifndef RC_COMMON_TOPICS_H
#define RC_COMMON_TOPICS_H

#include "common/buf.h"
#include "common/config.h"
#include "common/domain.h"
#include "common/kafka_admin.h"

/* Name below the prefix, who keeps it ("%s" is consumer.application), cleanup, setting that says for how long. The four
 * event topics come first, in the order of rc_event_type_t. */
/* clang-format off */
#define RC_TOPICS(X) \
    X(CREATED,         "employee.created",         DELETE,  events) \
    X(PROFILE_UPDATED, "employee.profile-updated", DELETE,  events) \
    X(TEAM_CHANGED,    "employee.team-changed",    DELETE,  events) \
    X(DEACTIVATED,     "employee.deactivated",     DELETE,  events) \
    X(SNAPSHOT,        "employee.snapshot",        COMPACT, events) \
    X(SCHEMAS,         "schemas",                  COMPACT, events) \
    X(COMMANDS,        "sync.commands",            DELETE,  commands) \
    X(STATE,           "sync.state",               COMPACT, events) \
    X(PENDING,         "sync.pending",             COMPACT, events) \
    X(LEDGER,          "%s.ledger",                COMPACT, events) \
    X(DLQ,             "%s.dlq",                   DELETE,  dead_letters) \
    X(RETRY,           "%s.retry.",                DELETE,  retry)
/* clang-format on */

typedef enum {
#define X(name, pattern, cleanup, retention) RC_TOPIC_##name,
    RC_TOPICS(X)
#undef X
        RC_TOPIC_COUNT
} rc_topic_kind_t;

typedef struct {
    rc_topic_kind_t kind;
    int tier; /* RETRY: index of its delay in consumer.retry_delays; else 0 */
    const char *name;
    bool compact;
    int64_t retention_ms; /* at least; 0 for a compacted one */
    int32_t partitions;
    int replication; /* at least, and only a warning */
} rc_topic_t;

/* All topics of a configuration: one a kind, a RETRY one a delay. In the arena. */
const rc_topic_t *rc_topics_list(const rc_config_t *config, rc_arena_t *arena, size_t *count);

/* The full name of one. Not for RC_TOPIC_RETRY. In the arena. */
const char *rc_topic_name(const rc_config_t *config, rc_topic_kind_t kind, rc_arena_t *arena);
/* "hris.learnamp.retry.5m". In the arena. */
const char *rc_topic_retry_name(const rc_config_t *config, size_t tier, rc_arena_t *arena);
/* The topic of an event type. */
static inline rc_topic_kind_t rc_topic_of_event(rc_event_type_t type)
{
    return (rc_topic_kind_t)type;
}

typedef enum {
    RC_TOPIC_FITS,
    RC_TOPIC_CREATED_NOW,
    RC_TOPIC_WARNING,
    RC_TOPIC_MISSING,
    RC_TOPIC_WRONG
} rc_topic_state_t;

typedef struct {
    const rc_topic_t *topic;
    rc_topic_state_t state;
    const char *message; /* what is wrong and how to mend it; NULL: nothing */
} rc_topic_check_t;

/* Compares one topic with what the cluster says. Pure. The message is in the arena. */
rc_topic_check_t rc_topic_check(const rc_topic_t *topic, const rc_kafka_topic_info_t *info, rc_arena_t *arena);

typedef struct {
    bool mock; /* librdkafka's mock cluster: nothing was created, only partition counts were checked */
    const rc_topic_check_t *checks; /* in the order of rc_topics_list */
    size_t count;
} rc_topics_result_t;

/* Creates what is missing (when `create` and the cluster can), waits until the cluster shows all, and checks all.
 * RC_OK: every one fits (warnings included). RC_CONFIG with RC_REJECT: *error names the first that does not, and
 * *result (filled in whenever the cluster answered; in the arena) all. Otherwise as common/kafka.h says. */
rc_code_t rc_topics_setup(rc_kafka_admin_t *admin, const rc_config_t *config, bool create, int64_t timeout_ms,
                          const atomic_bool *cancelled, rc_arena_t *arena, rc_topics_result_t *result,
                          rc_error_t *error);

/* The same at the start of a service: waits for the brokers without end, logs what was done and every warning. */
rc_code_t rc_topics_await(const rc_kafka_t *kafka, const atomic_bool *cancelled, rc_error_t *error);

#endif
