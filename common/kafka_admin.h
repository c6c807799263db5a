/* Questions to the cluster, asked on a handle that reads nothing (on one that fetches, each would wait behind the
 * fetch): ends of partitions, topics, groups. Any thread; all calls block up to timeout_ms. */
#ifndef RC_COMMON_KAFKA_ADMIN_H
#define RC_COMMON_KAFKA_ADMIN_H

#include "common/kafka.h"

typedef struct rc_kafka_admin rc_kafka_admin_t;

/* Returns new (close with rc_kafka_admin_close). No broker is asked. */
rc_code_t rc_kafka_admin_open(const rc_kafka_t *kafka, rc_kafka_admin_t **admin, rc_error_t *error);
void rc_kafka_admin_close(rc_kafka_admin_t *admin); /* NULL is fine */

/* Fills in the high watermarks: behind everything that was written, open transactions included (read_uncommitted). What
 * a barrier compares with. Each partition once; all in one call, about 2 ms.
 * RC_OK: all are filled in. */
rc_code_t rc_kafka_admin_ends(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count, int64_t timeout_ms,
                              rc_error_t *error);
/* Fills in the offsets of the first records there are. */
rc_code_t rc_kafka_admin_beginnings(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count,
                                    int64_t timeout_ms, rc_error_t *error);
/* Fills in the first offset whose record is not older than since_ms (milliseconds since 1970); the end when there is
 * none. */
rc_code_t rc_kafka_admin_offsets_since(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count,
                                       int64_t since_ms, int64_t timeout_ms, rc_error_t *error);

/* The id of the cluster. Returns new in *id (free). */
rc_code_t rc_kafka_admin_cluster_id(rc_kafka_admin_t *admin, int64_t timeout_ms, char **id, rc_error_t *error);
/* Whether that id is the one of librdkafka's mock cluster, which has no admin calls and keeps little. Pure. */
bool rc_kafka_is_mock(const char *cluster_id);

/* What the cluster says of a topic. */
typedef struct {
    const char *name;      /* given by the caller; borrowed */
    int32_t partitions;    /* 0: there is no such topic */
    int replication;       /* of its first partition */
    bool settings_known;   /* the next four were answered (the mock cluster cannot) */
    bool compact;          /* cleanup.policy is compact, and nothing else */
    char cleanup[32];      /* as the cluster names it: "compact,delete" */
    int64_t retention_ms;  /* -1: for ever */
    int64_t tombstones_ms; /* delete.retention.ms */
    bool brokers_time;     /* message.timestamp.type is LogAppendTime */
} rc_kafka_topic_info_t;

/* Fills in what is behind each name. `settings`: asks for the settings too. */
rc_code_t rc_kafka_admin_topics(rc_kafka_admin_t *admin, rc_kafka_topic_info_t *topics, size_t count, bool settings,
                                int64_t timeout_ms, rc_error_t *error);

typedef struct {
    const char *name;
    int32_t partitions;
    int replication;
    bool compact;
    int64_t retention_ms;  /* of one that is not compacted */
    int64_t tombstones_ms; /* of a compacted one */
} rc_kafka_new_topic_t;

/* Creates them, with the broker's time on every record; one that exists already is fine. The first that could not be
 * created: RC_KAFKA with the broker's words.
 */
rc_code_t rc_kafka_admin_create(rc_kafka_admin_t *admin, const rc_kafka_new_topic_t *topics, size_t count,
                                int64_t timeout_ms, rc_error_t *error);

typedef struct {
    const char *client_id;
    const char *instance_id; /* group.instance.id; NULL: a dynamic member */
    const char *host;
} rc_kafka_member_t;

/* The members of a consumer group, in the arena; 0: nobody is in it (or there is no such group). */
rc_code_t rc_kafka_admin_group(rc_kafka_admin_t *admin, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                               const rc_kafka_member_t **members, size_t *count, rc_error_t *error);

/* Fills in what the group has committed of each partition (each once); RC_OFFSET_NONE: nothing. Waits for transactions
 * that hold offsets of the group and are not over. */
rc_code_t rc_kafka_admin_committed(rc_kafka_admin_t *admin, const char *group_id, rc_kafka_offset_t *partitions,
                                   size_t count, int64_t timeout_ms, rc_error_t *error);

#endif
