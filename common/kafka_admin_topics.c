#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kafka_admin_handle.h"

static void take_metadata(const struct rd_kafka_metadata_topic *from, rc_kafka_topic_info_t *topic)
{
    topic->partitions = from->partition_cnt;
    topic->replication = from->partition_cnt > 0 ? from->partitions[0].replica_cnt : 0;
}

/* Of all topics: asking for one by name would create it where brokers create by themselves. */
static rc_code_t ask_metadata(rc_kafka_admin_t *admin, rc_kafka_topic_info_t *topics, size_t count, int64_t timeout_ms,
                              rc_error_t *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err = rd_kafka_metadata(admin->handle.rk, 1, NULL, &metadata, (int)timeout_ms);
    if (err) return rc_kafka_error(error, &admin->handle, err, NULL, "asking for the topics");
    for (size_t i = 0; i < count; i++) {
        topics[i].partitions = topics[i].replication = 0;
        for (int j = 0; j < metadata->topic_cnt; j++)
            if (!metadata->topics[j].err && !strcmp(metadata->topics[j].topic, topics[i].name))
                take_metadata(&metadata->topics[j], &topics[i]);
    }
    rd_kafka_metadata_destroy(metadata);
    return RC_OK;
}

static void take_setting(const char *name, const char *value, rc_kafka_topic_info_t *topic)
{
    if (!strcmp(name, "cleanup.policy")) {
        (void)snprintf(topic->cleanup, sizeof topic->cleanup, "%s", value);
        topic->compact = !strcmp(value, "compact");
    } else if (!strcmp(name, "retention.ms")) {
        topic->retention_ms = strtoll(value, NULL, 10);
    } else if (!strcmp(name, "message.timestamp.type")) {
        topic->brokers_time = !strcmp(value, "LogAppendTime");
    } else if (!strcmp(name, "delete.retention.ms")) {
        topic->tombstones_ms = strtoll(value, NULL, 10);
    }
}

static void take_settings(const rd_kafka_ConfigResource_t *from, rc_kafka_topic_info_t *topic)
{
    size_t entries;
    const rd_kafka_ConfigEntry_t **list = rd_kafka_ConfigResource_configs(from, &entries);
    for (size_t i = 0; i < entries; i++) {
        const char *value = rd_kafka_ConfigEntry_value(list[i]);
        if (value) take_setting(rd_kafka_ConfigEntry_name(list[i]), value, topic);
    }
    topic->settings_known = entries > 0;
}

static rc_kafka_topic_info_t *find(rc_kafka_topic_info_t *topics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(topics[i].name, name)) return &topics[i];
    return NULL;
}

static rc_code_t ask_settings(rc_kafka_admin_t *admin, rc_kafka_topic_info_t *topics, size_t count, int64_t timeout_ms,
                              rc_error_t *error)
{
    rd_kafka_ConfigResource_t **asked = rc_calloc(count, sizeof(rd_kafka_ConfigResource_t *));
    size_t existing = 0;
    for (size_t i = 0; i < count; i++)
        if (topics[i].partitions > 0)
            asked[existing++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i].name);
    rd_kafka_event_t *answer = NULL;
    rc_code_t code = RC_OK;
    if (existing == 0) goto cleanup;
    rd_kafka_AdminOptions_t *options = rc_kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle.rk);
    rd_kafka_DescribeConfigs(admin->handle.rk, asked, existing, options, queue);
    code = rc_kafka_admin_wait(admin, queue, options, timeout_ms, "asking for the settings of topics", &answer, error);
    if (code) goto cleanup;

    size_t answered;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(answer), &answered);
    for (size_t i = 0; !code && i < answered; i++) {
        const char *name = rd_kafka_ConfigResource_name(resources[i]);
        rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(resources[i]);
        rc_kafka_topic_info_t *topic = find(topics, count, name);
        if (err)
            code = rc_kafka_error(error, &admin->handle, err, rd_kafka_ConfigResource_error_string(resources[i]),
                                  "the settings of the topic %s", name);
        else if (topic)
            take_settings(resources[i], topic);
    }

cleanup:
    if (answer) rd_kafka_event_destroy(answer);
    for (size_t i = 0; i < existing; i++) rd_kafka_ConfigResource_destroy(asked[i]);
    free(asked);
    return code;
}

rc_code_t rc_kafka_admin_topics(rc_kafka_admin_t *admin, rc_kafka_topic_info_t *topics, size_t count, bool settings,
                                int64_t timeout_ms, rc_error_t *error)
{
    for (size_t i = 0; i < count; i++) topics[i] = (rc_kafka_topic_info_t){.name = topics[i].name};
    rc_code_t code = ask_metadata(admin, topics, count, timeout_ms, error);
    if (!code && settings) code = ask_settings(admin, topics, count, timeout_ms, error);
    return code;
}

static rd_kafka_NewTopic_t *describe(const rc_kafka_new_topic_t *topic, rc_error_t *error)
{
    char text[256], number[32];
    rd_kafka_NewTopic_t *description =
        rd_kafka_NewTopic_new(topic->name, topic->partitions, topic->replication, text, sizeof text);
    if (!description) {
        (void)rc_error_set(error, RC_CONFIG, RC_REJECT, "the topic %s: %s", topic->name, text);
        return NULL;
    }
    (void)rd_kafka_NewTopic_set_config(description, "cleanup.policy", topic->compact ? "compact" : "delete");
    (void)rd_kafka_NewTopic_set_config(description, "message.timestamp.type", "LogAppendTime");
    (void)snprintf(number, sizeof number, "%lld",
                   (long long)(topic->compact ? topic->tombstones_ms : topic->retention_ms));
    (void)rd_kafka_NewTopic_set_config(description, topic->compact ? "delete.retention.ms" : "retention.ms", number);
    return description;
}

rc_code_t rc_kafka_admin_create(rc_kafka_admin_t *admin, const rc_kafka_new_topic_t *topics, size_t count,
                                int64_t timeout_ms, rc_error_t *error)
{
    rd_kafka_NewTopic_t **wanted = rc_calloc(count, sizeof(rd_kafka_NewTopic_t *));
    rd_kafka_event_t *answer = NULL;
    rc_code_t code = RC_OK;
    size_t described = 0;
    if (count == 0) goto cleanup;
    for (; described < count; described++)
        if (!(wanted[described] = describe(&topics[described], error))) {
            code = RC_CONFIG;
            goto cleanup;
        }
    rd_kafka_AdminOptions_t *options = rc_kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
    char text[128];
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, (int)timeout_ms, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle.rk);
    rd_kafka_CreateTopics(admin->handle.rk, wanted, count, options, queue);
    code = rc_kafka_admin_wait(admin, queue, options, timeout_ms, "creating topics", &answer, error);
    if (code) goto cleanup;

    size_t answered;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &answered);
    for (size_t i = 0; !code && i < answered; i++) {
        rd_kafka_resp_err_t err = rd_kafka_topic_result_error(results[i]);
        if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            code = rc_kafka_error(error, &admin->handle, err, rd_kafka_topic_result_error_string(results[i]),
                                  "creating the topic %s", rd_kafka_topic_result_name(results[i]));
    }

cleanup:
    if (answer) rd_kafka_event_destroy(answer);
    rd_kafka_NewTopic_destroy_array(wanted, described);
    free(wanted);
    return code;
}
