#include "common/check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/enroll.h"
#include "common/json.h"
#include "common/kafka_admin.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/report.h"
#include "common/text.h"
#include "common/topics.h"

enum {
    THREADS_MAX = 32,
    NAMED_MAX = 3 /* of the topics that are missing: a table has to be read */
};

typedef enum { IS_OK, IS_WARNING, IS_WRONG } verdict_t;

typedef struct {
    const char *service;
    verdict_t verdict;
    char *message;
} finding_t;

struct rc_check {
    const char *service;
    const rc_integration_t *integration; /* NULL: of all */
    const rc_config_t *config;
    void (*reach)(rc_check_t *check);
    const rc_check_api_t *api;
    finding_t *findings;
    size_t count;
};

/* --- findings --- */

__attribute__((format(printf, 3, 0))) static void add(rc_check_t *check, verdict_t verdict, const char *format,
                                                      va_list list)
{
    char *message;
    if (vasprintf(&message, format, list) < 0) RC_DIE("out of memory, or a wrong format: %s", format);
    check->findings = rc_realloc(check->findings, (check->count + 1) * sizeof *check->findings);
    check->findings[check->count++] = (finding_t){check->service, verdict, message};
}

void rc_check_ok(rc_check_t *check, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(check, IS_OK, format, list);
    va_end(list);
}

__attribute__((format(printf, 2, 3))) static void warn(rc_check_t *check, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(check, IS_WARNING, format, list);
    va_end(list);
}

void rc_check_wrong(rc_check_t *check, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(check, IS_WRONG, format, list);
    va_end(list);
}

void rc_check_error(rc_check_t *check, const rc_error_t *error, const char *mend)
{
    bool has_mend = strstr(error->message, "; ") != NULL;
    rc_check_wrong(check, "%s%s%s", error->message, has_mend ? "" : "; ", has_mend ? "" : mend);
}

/* --- what both programs reach --- */

/* One finding for all that are missing: before the first start that is every one. */
static void judge_topics(rc_check_t *check, const rc_topics_result_t *result)
{
    rc_buf_t missing = RC_BUF_INIT(RC_ERROR_MESSAGE_SIZE * 16);
    size_t count = 0, fit = 0;
    for (size_t i = 0; i < result->count; i++) {
        const rc_topic_check_t *topic = &result->checks[i];
        if (topic->state == RC_TOPIC_MISSING) {
            if (count++ < NAMED_MAX)
                (void)rc_buf_add_format(&missing, "%s%s", count > 1 ? ", " : "", topic->topic->name);
        } else if (topic->state == RC_TOPIC_WRONG)
            rc_check_wrong(check, "%s", topic->message);
        else if (topic->state == RC_TOPIC_WARNING)
            warn(check, "%s", topic->message);
        else
            fit++;
    }
    if (count > NAMED_MAX) (void)rc_buf_add_str(&missing, " …");
    if (count)
        rc_check_wrong(check, "%zu of %zu topics %s missing: %s; create them with `rollcall-producer topics`", count,
                       result->count, count == 1 ? "is" : "are", missing.data);
    else if (fit == result->count)
        rc_check_ok(check, "all %zu are there, %d partitions each", fit, (int)result->checks[0].topic->partitions);
    rc_buf_fini(&missing);
}

static void reach_kafka(rc_check_t *check)
{
    rc_kafka_t *kafka = NULL;
    rc_kafka_admin_t *admin = NULL;
    rc_arena_t *arena = rc_arena_new();
    rc_topics_result_t topics = {0};
    rc_error_t error = RC_ERROR_INIT;
    char *cluster = NULL;
    rc_code_t code = rc_kafka_new(check->config, "rollcall-check", &kafka, &error);
    if (code == RC_OK) code = rc_kafka_admin_open(kafka, &admin, &error);
    if (code == RC_OK) code = rc_kafka_admin_cluster_id(admin, RC_CHECK_TIMEOUT_MS, &cluster, &error);
    if (code != RC_OK) {
        /* librdkafka's last words are a part of what is wrong */
        for (char *at = error.message; (at = strstr(at, "; ")) != NULL;) *at = ',';
        rc_check_error(check, &error, "is a broker running there, and is kafka.bootstrap.servers its address?");
        goto cleanup;
    }
    if (rc_kafka_is_mock(cluster))
        warn(check, "%s is librdkafka's mock cluster: only partition counts can be checked", cluster);
    else
        rc_check_ok(check, "cluster %s", cluster);

    check->service = "topics";
    code = rc_topics_setup(admin, check->config, false, RC_CHECK_TIMEOUT_MS, NULL, arena, &topics, &error);
    if (topics.count)
        judge_topics(check, &topics);
    else if (code != RC_OK)
        rc_check_error(check, &error, "may this client describe topics and their settings?");

cleanup:
    free(cluster);
    rc_kafka_admin_close(admin);
    rc_kafka_free(kafka);
    rc_arena_free(arena);
}

static void reach_registry(rc_check_t *check)
{
    rc_enrolment_t enrolment;
    rc_error_t error = RC_ERROR_INIT;
    rc_enrol_reader(check->config, &enrolment);
    if (rc_registry_ping(enrolment.registry, NULL, &error) == RC_OK)
        rc_check_ok(check, "%s answers", check->config->schema_registry.url);
    else
        rc_check_error(check, &error, "is the registry running, and is schema_registry.url its address?");
    rc_enrolment_fini(&enrolment);
}

static void reach_api(rc_check_t *check)
{
    check->api->reach(check->config, check->integration, check);
}

/* --- side by side --- */

typedef struct {
    rc_check_t *checks;
    size_t count;
    atomic_size_t next;
} queue_t;

static void *work(void *opaque)
{
    queue_t *queue = opaque;
    size_t at;
    while ((at = atomic_fetch_add(&queue->next, 1)) < queue->count) queue->checks[at].reach(&queue->checks[at]);
    return NULL;
}

static void reach_all(rc_check_t *checks, size_t count)
{
    pthread_t threads[THREADS_MAX];
    queue_t queue = {.checks = checks, .count = count};
    size_t started = 0;
    while (started < count && started < THREADS_MAX && pthread_create(&threads[started], NULL, work, &queue) == 0)
        started++;
    (void)work(&queue); /* also when no thread could be had */
    for (size_t i = 0; i < started; i++) (void)pthread_join(threads[i], NULL);
}

/* --- what is printed --- */

static void print_table(const rc_args_t *args, const rc_check_t *checks, size_t count)
{
    static const char *const words[] = {[IS_OK] = "ok", [IS_WARNING] = "warning", [IS_WRONG] = "WRONG"};
    rc_report_t *report = rc_report_new("service|integration||~result|~what to do");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < checks[i].count; j++) {
            const finding_t *finding = &checks[i].findings[j];
            const char *mend = strstr(finding->message, "; ");
            char *what = rc_sprintf("%.*s", mend ? (int)(mend - finding->message) : (int)strlen(finding->message),
                                    finding->message);
            char *todo = mend ? rc_cli_complete(args, mend + 2) : NULL;
            const char *cells[] = {finding->service, checks[i].integration ? checks[i].integration->id : NULL,
                                   words[finding->verdict], what, todo};
            rc_report_add(report, cells);
            free(todo);
            free(what);
        }
    }
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
}

static void print_json(const rc_check_t *checks, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < checks[i].count; j++) {
            const finding_t *finding = &checks[i].findings[j];
            json_t *json = json_object();
            rc_json_put_str(json, "service", finding->service);
            rc_json_put_str(json, "integration", checks[i].integration ? checks[i].integration->id : NULL);
            (void)json_object_set_new(json, "ok", json_boolean(finding->verdict != IS_WRONG));
            rc_json_put_str(json, "message", finding->message);
            (void)json_array_append_new(list, json);
        }
    }
    json_t *document = json_pack("{s:o}", "checks", list);
    rc_json_print(document);
}

/* --- the command --- */

static rc_check_t *plan(const rc_args_t *args, const rc_check_api_t *api, const rc_config_t *config, size_t *count)
{
    rc_check_t *checks = rc_calloc(config->integrations_count + 2, sizeof *checks);
    *count = 0;
    checks[(*count)++] = (rc_check_t){.service = "Kafka", .config = config, .reach = reach_kafka};
    if (!rc_text_empty(config->schema_registry.url))
        checks[(*count)++] = (rc_check_t){.service = "schema registry", .config = config, .reach = reach_registry};
    for (size_t i = 0; i < config->integrations_count; i++) {
        const rc_integration_t *integration = &config->integrations[i];
        if (args->integration && strcmp(args->integration, integration->id) != 0) continue;
        checks[(*count)++] = (rc_check_t){
            .service = api->service, .integration = integration, .config = config, .reach = reach_api, .api = api};
    }
    return checks;
}

static void free_checks(rc_check_t *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < checks[i].count; j++) free(checks[i].findings[j].message);
        free(checks[i].findings);
    }
    free(checks);
}

rc_exit_t rc_check_run(const rc_args_t *args, const rc_check_api_t *api)
{
    rc_config_t *config = NULL;
    rc_exit_t exit = rc_cli_config(args, &config);
    if (exit != RC_EXIT_DONE) return exit;
    /* What the clients below complain about is what the findings say. */
    rc_log_open(
        &(rc_log_options_t){.level = RC_LEVEL_ERROR, .format = config->log.format, .program = args->program->name});
    size_t count, wrong = 0, all = 0;
    rc_check_t *checks = plan(args, api, config, &count);
    reach_all(checks, count);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < checks[i].count; j++) wrong += checks[i].findings[j].verdict == IS_WRONG;
        all += checks[i].count;
    }
    if (args->json)
        print_json(checks, count);
    else
        print_table(args, checks, count);
    if (wrong) (void)rc_cli_fail(args, RC_EXIT_FAILED, "%zu of %zu checks failed", wrong, all);
    free_checks(checks, count);
    rc_config_free(config);
    return wrong ? RC_EXIT_FAILED : RC_EXIT_DONE;
}
