#include "tests/sandbox/broker.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_mock.h"
#include "common/topics.h"

enum { MAX_DELAYS = 16 };

struct sb_broker {
    rc_kafka_mock_t *mock;
    json_t *description;
};

static rc_code_t parse_delays(const char *text, int64_t delays_ms[MAX_DELAYS], size_t *count, rc_error_t *error)
{
    char one[32];
    *count = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        if (length >= sizeof one || *count == MAX_DELAYS)
            return rc_error_set(error, RC_USAGE, RC_REJECT, "\"%s\" is no list of delays such as 30s,5m,1h", text);
        memcpy(one, text, length);
        one[length] = '\0';
        if (rc_duration_parse(one, &delays_ms[(*count)++], error)) return error->code;
        if (!text[length]) return RC_OK;
        text += length + 1;
    }
}

static rc_code_t create_topics(rc_kafka_mock_t *mock, const rc_config_t *config, json_t *names, rc_error_t *error)
{
    size_t count;
    rc_arena_t *arena = rc_arena_new();
    const rc_topic_t *topics = rc_topics_list(config, arena, &count);
    const char **list = rc_arena_alloc(arena, count * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        list[i] = topics[i].name;
        (void)json_array_append_new(names, json_string(list[i]));
    }
    rc_code_t code = rc_kafka_mock_create_topics(mock, list, count, config->kafka.partitions, error);
    rc_arena_free(arena);
    return code;
}

rc_code_t sb_broker_new(const sb_broker_options_t *options, sb_broker_t **broker, rc_error_t *error)
{
    int64_t delays_ms[MAX_DELAYS];
    size_t delay_count;
    rc_kafka_mock_t *mock = NULL;
    json_t *names = json_array();
    rc_code_t code = parse_delays(options->retry_delays, delays_ms, &delay_count, error);
    if (code || (code = rc_kafka_mock_new(1, &mock, error))) goto cleanup;

    rc_config_t config = {0};
    config.kafka.topic_prefix = options->topic_prefix;
    config.kafka.partitions = options->partitions;
    config.consumer.application = options->application;
    config.consumer.retry_delays_ms = delays_ms;
    config.consumer.retry_delays_count = delay_count;
    if ((code = create_topics(mock, &config, names, error))) goto cleanup;

    sb_broker_t *made = rc_alloc(sizeof *made);
    *made = (sb_broker_t){mock,
                          json_pack("{s:s, s:s, s:i, s:O}", "bootstrap", rc_kafka_mock_bootstrap(mock), "topic_prefix",
                                    options->topic_prefix, "partitions", options->partitions, "topics", names)};
    mock = NULL;
    *broker = made;
cleanup:
    rc_kafka_mock_free(mock);
    json_decref(names);
    return code;
}

void sb_broker_free(sb_broker_t *broker)
{
    if (!broker) return;
    rc_kafka_mock_free(broker->mock);
    json_decref(broker->description);
    free(broker);
}

json_t *sb_broker_describe(const sb_broker_t *broker)
{
    return json_incref(broker->description);
}
