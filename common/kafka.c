#include "common/kafka.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_handle.h"
#include "common/kafka_property.h"

struct rc_kafka {
    const rc_config_t *config;
    char *client_id;
    atomic_llong warned_at_ms; /* monotonic */
};

rc_code_t rc_kafka_new(const rc_config_t *config, const char *program, rc_kafka_t **out, rc_error_t *error)
{
    char why[320];
    for (size_t i = 0; i < config->kafka.properties_count; i++) {
        const rc_config_property_t *property = &config->kafka.properties[i];
        if (!rc_kafka_property_check(property->name, property->value, why, sizeof why))
            return rc_error_set(error, RC_CONFIG, RC_REJECT, "%s:%d: kafka.%s: %s", config->path, property->line,
                                property->name, why);
    }
    rc_kafka_t *kafka = rc_zalloc(sizeof *kafka);
    kafka->config = config;
    kafka->client_id = rc_sprintf("%s@%s", program, config->instance);
    atomic_init(&kafka->warned_at_ms, INT64_MIN / 2);
    *out = kafka;
    return RC_OK;
}

void rc_kafka_free(rc_kafka_t *kafka)
{
    if (!kafka) return;
    free(kafka->client_id);
    free(kafka);
}

const rc_config_t *rc_kafka_config(const rc_kafka_t *kafka)
{
    return kafka->config;
}

const char *rc_kafka_client_id(const rc_kafka_t *kafka)
{
    return kafka->client_id;
}

bool rc_kafka_may_warn(const rc_kafka_t *kafka, int64_t every_ms)
{
    /* the settings are read-only but for this */
    atomic_llong *warned_at_ms = (atomic_llong *)&kafka->warned_at_ms;
    long long now = rc_mono_now().ms, before = atomic_load(warned_at_ms);
    return now - before >= every_ms && atomic_compare_exchange_strong(warned_at_ms, &before, now);
}

int32_t rc_kafka_partition(const void *key, size_t key_bytes, int32_t partitions)
{
    RC_INVARIANT(key_bytes > 0 && partitions > 0);
    return rd_kafka_msg_partitioner_murmur2(NULL, key, key_bytes, partitions, NULL, NULL);
}

rc_headers_t rc_kafka_message_headers(const rc_kafka_message_t *message, rc_arena_t *arena)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message->raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return (rc_headers_t){0};
    size_t count = rd_kafka_header_cnt(headers);
    rc_header_t *items = rc_arena_alloc(arena, count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        (void)rd_kafka_header_get_all(headers, i, &items[i].name, &items[i].value, &items[i].value_bytes);
    return (rc_headers_t){items, count};
}
