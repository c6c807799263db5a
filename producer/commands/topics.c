/* rollcall-producer topics: creates what is missing, and shows how all are kept. */
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/log.h"
#include "common/report.h"
#include "common/topics.h"
#include "producer/commands/commands.h"

enum { TIMEOUT_MS = 30000 };

static const char *const STATES[] = {[RC_TOPIC_FITS] = "ok",
                                     [RC_TOPIC_CREATED_NOW] = "created",
                                     [RC_TOPIC_WARNING] = "warning",
                                     [RC_TOPIC_MISSING] = "missing",
                                     [RC_TOPIC_WRONG] = "wrong"};

static const char *cleanup(const rc_topic_t *topic)
{
    return topic->compact ? "compact" : "delete";
}

static void print_table(const rc_topics_result_t *result)
{
    char kept[RC_TIME_STR_SIZE];
    rc_report_t *report = rc_report_new("topic|>partitions|cleanup|>kept for|state|~what to do");
    for (size_t i = 0; i < result->count; i++) {
        const rc_topic_check_t *check = &result->checks[i];
        rc_report_add_format(report, "%s\t%d\t%s\t%s\t%s\t%s", check->topic->name, (int)check->topic->partitions,
                             cleanup(check->topic),
                             check->topic->compact ? "ever" : rc_duration_str(check->topic->retention_ms, kept),
                             STATES[check->state], check->message ? check->message : "");
    }
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
    if (result->mock) (void)puts("librdkafka's mock cluster: no topic is created, only partition counts are checked.");
}

static void print_json(const rc_topics_result_t *result)
{
    json_t *topics = json_array();
    for (size_t i = 0; i < result->count; i++) {
        const rc_topic_check_t *check = &result->checks[i];
        json_t *topic = json_object();
        rc_json_put_str(topic, "topic", check->topic->name);
        (void)json_object_set_new(topic, "partitions", json_integer(check->topic->partitions));
        rc_json_put_str(topic, "cleanup", cleanup(check->topic));
        if (!check->topic->compact)
            (void)json_object_set_new(topic, "retention_ms", json_integer(check->topic->retention_ms));
        rc_json_put_str(topic, "state", STATES[check->state]);
        rc_json_put_str(topic, "message", check->message);
        (void)json_array_append_new(topics, topic);
    }
    json_t *document = json_pack("{s:o}", "topics", topics);
    rc_json_print(document);
}

rc_exit_t rc_producer_topics(const rc_args_t *args)
{
    rc_config_t *config = NULL;
    rc_exit_t exit = rc_cli_config(args, &config);
    if (exit != RC_EXIT_DONE) return exit;
    /* What the client complains about meanwhile is what is printed in the end. */
    rc_log_open(
        &(rc_log_options_t){.level = RC_LEVEL_ERROR, .format = config->log.format, .program = args->program->name});
    rc_kafka_t *kafka = NULL;
    rc_kafka_admin_t *admin = NULL;
    rc_arena_t *arena = rc_arena_new();
    rc_topics_result_t result = {.count = 0};
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_kafka_new(config, args->program->name, &kafka, &error);
    if (code != RC_OK) exit = RC_EXIT_USAGE;
    if (code == RC_OK) code = rc_kafka_admin_open(kafka, &admin, &error);
    if (code == RC_OK) code = rc_topics_setup(admin, config, true, TIMEOUT_MS, NULL, arena, &result, &error);
    if (result.count && args->json) print_json(&result);
    if (result.count && !args->json) print_table(&result);
    if (code != RC_OK && !result.count) (void)rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    if (code != RC_OK && exit == RC_EXIT_DONE) exit = RC_EXIT_FAILED;
    rc_kafka_admin_close(admin);
    rc_kafka_free(kafka);
    rc_arena_free(arena);
    rc_config_free(config);
    return exit;
}
