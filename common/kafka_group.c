#include "common/kafka_group.h"

#include <stdlib.h>

struct rc_kafka_group {
    rd_kafka_consumer_group_metadata_t *raw;
};

rc_kafka_group_t *rc_kafka_group_from(rd_kafka_consumer_group_metadata_t *raw)
{
    RC_INVARIANT(raw != NULL);
    rc_kafka_group_t *group = rc_alloc(sizeof *group);
    group->raw = raw;
    return group;
}

const rd_kafka_consumer_group_metadata_t *rc_kafka_group_raw(const rc_kafka_group_t *group)
{
    return group->raw;
}

rc_kafka_group_t *rc_kafka_group_new(const char *group_id)
{
    return rc_kafka_group_from(rd_kafka_consumer_group_metadata_new(group_id));
}

rd_kafka_t *_Atomic rc_kafka_group_member;

rc_kafka_group_t *rc_kafka_group_taken_late(void)
{
    return rc_kafka_group_from(rd_kafka_consumer_group_metadata(rc_kafka_group_member));
}

rc_kafka_group_t *rc_kafka_group_copy(const rc_kafka_group_t *group)
{
    void *bytes;
    size_t size_bytes;
    rd_kafka_consumer_group_metadata_t *raw = NULL;
    rd_kafka_error_t *reason = rd_kafka_consumer_group_metadata_write(group->raw, &bytes, &size_bytes);
    RC_INVARIANT(!reason);
    reason = rd_kafka_consumer_group_metadata_read(&raw, bytes, size_bytes);
    RC_INVARIANT(!reason);
    rd_kafka_mem_free(NULL, bytes);
    return rc_kafka_group_from(raw);
}

void rc_kafka_group_free(rc_kafka_group_t *group)
{
    if (!group) return;
    rd_kafka_consumer_group_metadata_destroy(group->raw);
    free(group);
}
