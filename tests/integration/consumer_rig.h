/* For the tests of the consumer's engine: engines on loops of their own inside the test's process, the real broker, and
 * the sandbox's Learn Amp, whose faults the tests script (tests/sandbox/README.md). Published is what a test publishes
 * itself. Everything belongs to the test's own process (Check forks): use it in checked fixtures. */
#ifndef RC_TESTS_INTEGRATION_CONSUMER_RIG_H
#define RC_TESTS_INTEGRATION_CONSUMER_RIG_H

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/enroll.h"
#include "common/kafka_producer.h"
#include "common/kafka_reader.h"
#include "common/log.h"
#include "common/topics.h"
#include "consumer/engine/engine.h"
#include "tests/sandbox/learnamp_token.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

enum { RIG_PATIENCE_MS = 30000, RIG_STEP_MS = 10, RIG_PARTITIONS = 2, RIG_ENGINES_MAX = 4 };

/* What a test may want otherwise; set before rig_open. */
static struct {
    const char *consumer; /* members of `consumer:`, flow style, in front of the rig's own */
    const char *learnamp; /* likewise of the integration's `learnamp:` */
    const char *kafka;    /* likewise of `kafka:` */
    int integrations;     /* 0: one; further ones are called "personio:other", with the same Learn Amp */
} rig_settings;

typedef struct {
    rc_config_t *config;
    rc_kafka_t *kafka;
    rc_metrics_t *metrics;
    rc_loop_t *loop;
    rc_engine_t *engine;
    uint32_t events;
    pthread_t thread;
    atomic_bool runs, ended, failed;
} rig_engine_t;

static char rig_directory[64];
static char rig_prefix[64];
static rc_config_t *rig_config; /* of what the tests themselves do */
static rc_kafka_t *rig_kafka;
static rc_kafka_admin_t *rig_admin;
static rc_kafka_producer_t *rig_producer;
static rc_enrolment_t rig_enrolment;
static rc_arena_t *rig_arena;
static rig_engine_t rig_engines[RIG_ENGINES_MAX];

/* ---- settings ---- */

static inline rc_config_t *rig_parse(const char *instance)
{
    char integration[2048], text[8192];
    rc_config_t *config;
    rc_buf_t problems = RC_BUF_INIT(65536);
    const char *address = rc_httpd_address(sandbox.httpd);
    (void)snprintf(
        integration, sizeof integration,
        "kombo: {api_key: k}, learnamp: {%s, base_url: \"http://%s/learnamp/%s\", client_id: \"%s\", client_secret: "
        "\"%s\"}, policy: {primary_team: []}, mapping: {firstName: first_name, lastName: last_name, email: work_email, "
        "jobTitle: job_title, managerEmail: manager.work_email}",
        rig_settings.learnamp ? rig_settings.learnamp : "requests_per_second: 0, max_in_flight: 8", address,
        company->slug, company->client_id, company->client_secret);
    const char *consumer = rig_settings.consumer ? rig_settings.consumer : "http_timeout: 2s, retry_delays: [1s, 3s]";
    const char *kafka = rig_settings.kafka ? rig_settings.kafka : "session.timeout.ms: 6000";
    /* Groups do not have the prefix in their names. */
    int length = snprintf(
        text, sizeof text,
        "kafka: {bootstrap.servers: \"%s\", topic_prefix: \"%s\", partitions: %d, replication_factor: 1, %s, "
        "heartbeat.interval.ms: 300}\ninstance: %s\nstate_dir: \"%s\"\n"
        "consumer: {application: rig%ld, %s%s}\nintegrations:\n- {id: \"%s\", %s}\n",
        getenv("RC_TEST_KAFKA"), rig_prefix, RIG_PARTITIONS, kafka, instance, rig_directory, (long)getpid(), consumer,
        strstr(consumer, "transaction_interval") ? "" : ", transaction_interval: 50ms", company->id, integration);
    if (rig_settings.integrations > 1)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "- {id: \"personio:other\", %s}\n", integration);
    ck_assert_msg(rc_config_parse("rig.yaml", text, (size_t)length, &config, &problems) == RC_OK, "%s\n%s",
                  problems.data, text);
    rc_buf_fini(&problems);
    return config;
}

static inline int rig_remove(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static inline void rig_open(void)
{
    rc_topics_result_t topics;
    const char *level = getenv("RC_TEST_LOG");
    rc_log_open(&(rc_log_options_t){.level = level && !strcmp(level, "debug") ? RC_LEVEL_DEBUG
                                             : level                          ? RC_LEVEL_INFO
                                                                              : RC_LEVEL_ERROR,
                                    .format = RC_FORMAT_TEXT,
                                    .program = "rig"});
    sandbox_start(1, false);
    rig_arena = rc_arena_new();
    (void)snprintf(rig_directory, sizeof rig_directory, "/tmp/rollcall-rig.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig_directory));
    (void)snprintf(rig_prefix, sizeof rig_prefix, "t%ld.%lld.", (long)getpid(), (long long)rc_wall_now().ms);
    rig_config = rig_parse("rig");
    OK(rc_kafka_new(rig_config, "rollcall-test", &rig_kafka, &rc_oops));
    OK(rc_kafka_admin_open(rig_kafka, &rig_admin, &rc_oops));
    OK(rc_topics_setup(rig_admin, rig_config, true, RIG_PATIENCE_MS, NULL, rig_arena, &topics, &rc_oops));
    OK(rc_enrol_writer(rig_kafka, NULL, &rig_enrolment, &rc_oops));
    OK(rc_kafka_producer_open(rig_kafka, &rig_producer, &rc_oops));
}

/* ---- engines ---- */

static inline void rig_stopped(void *opaque, bool failed)
{
    rig_engine_t *at = opaque;
    atomic_store(&at->failed, failed);
    ck_assert_msg(!atomic_exchange(&at->ended, true), "an engine said twice that it has ended");
    rc_loop_stop(at->loop);
}

static inline void *rig_run(void *opaque)
{
    rig_engine_t *at = opaque;
    rc_loop_run(at->loop);
    rc_engine_close(at->engine);
    rc_loop_free(at->loop);
    rc_engine_free(at->engine);
    return NULL;
}

/* Starts an engine under a name; its lanes are `events` (0: all). Returns it. */
static inline rig_engine_t *rig_start(int index, const char *instance, uint32_t events)
{
    rig_engine_t *at = &rig_engines[index];
    *at = (rig_engine_t){.config = rig_parse(instance), .events = events ? events : (1u << RC_EVENT_COUNT) - 1};
    OK(rc_kafka_new(at->config, "rollcall-consumer", &at->kafka, &rc_oops));
    at->metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    at->loop = rc_loop_new();
    const rc_engine_options_t options = {.kafka = at->kafka,
                                         .codec = rig_enrolment.codec,
                                         .metrics = at->metrics,
                                         .loop = at->loop,
                                         .events = at->events,
                                         .stopped = rig_stopped,
                                         .opaque = at};
    OK(rc_engine_new(&options, &at->engine, &rc_oops));
    atomic_store(&at->runs, true);
    ck_assert_int_eq(pthread_create(&at->thread, NULL, rig_run, at), 0);
    return at;
}

/* Asks an engine something on its loop. */
typedef struct {
    rig_engine_t *at;
    long (*question)(rc_engine_t *engine);
    long answer;
    atomic_bool answered;
} rig_question_t;

static inline void rig_answer(void *opaque)
{
    rig_question_t *asked = opaque;
    asked->answer = asked->question(asked->at->engine);
    atomic_store(&asked->answered, true);
}

static inline long rig_ask(rig_engine_t *at, long (*question)(rc_engine_t *engine))
{
    rig_question_t asked = {.at = at, .question = question};
    rc_loop_post(at->loop, rig_answer, &asked);
    while (!atomic_load(&asked.answered)) (void)usleep(1000);
    return asked.answer;
}

static inline long rig_is_ready(rc_engine_t *engine)
{
    return rc_engine_is_ready(engine);
}

static inline long rig_held(rc_engine_t *engine)
{
    return (long)engine->records;
}

static inline long rig_stop_engine(rc_engine_t *engine)
{
    rc_engine_stop(engine);
    return 0;
}

static inline long rig_partitions(rc_engine_t *engine)
{
    long count = 0;
    for (int i = 0; i < RC_EVENT_COUNT; i++)
        count +=
            engine->lanes[i] && engine->lanes[i]->state == RC_LANE_RUNNING ? (long)engine->lanes[i]->assigned_count : 0;
    return count;
}

/* Waits until the condition holds. */
#define RIG_AWAIT(condition)                                                                      \
    do {                                                                                          \
        int64_t rig_until_ms = rc_mono_now().ms + rc_unit_patience_ms(RIG_PATIENCE_MS);           \
        while (!(condition)) {                                                                    \
            ck_assert_msg(rc_mono_now().ms < rig_until_ms, "waited in vain for: %s", #condition); \
            (void)usleep(RIG_STEP_MS * 1000);                                                     \
        }                                                                                         \
    } while (0)

static inline void rig_await_ready(rig_engine_t *at)
{
    RIG_AWAIT(rig_ask(at, rig_is_ready));
}

/* Stops an engine, as a signal would, and frees it. */
static inline void rig_end(rig_engine_t *at)
{
    if (!atomic_load(&at->runs)) return;
    if (!atomic_load(&at->ended)) (void)rig_ask(at, rig_stop_engine);
    RIG_AWAIT(atomic_load(&at->ended));
    ck_assert_int_eq(pthread_join(at->thread, NULL), 0);
    atomic_store(&at->runs, false);
    rc_metrics_free(at->metrics);
    rc_kafka_free(at->kafka);
    rc_config_free(at->config);
}

static inline void rig_close(void)
{
    for (int i = 0; i < RIG_ENGINES_MAX; i++) rig_end(&rig_engines[i]);
    rc_kafka_producer_close(rig_producer);
    rc_enrolment_fini(&rig_enrolment);
    rc_kafka_admin_close(rig_admin);
    rc_kafka_free(rig_kafka);
    rc_config_free(rig_config);
    (void)nftw(rig_directory, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
    rc_arena_free(rig_arena);
    sandbox_stop();
}

/* ---- what is published ---- */

/* An employee "eN" of the first integration, called Ann N. */
static inline rc_event_t rig_event(rc_event_type_t type, const char *employee_id, int64_t version)
{
    rc_event_t event = {.type = type,
                        .event_id = rc_arena_sprintf(rig_arena, "%s-%lld", employee_id, (long long)version),
                        .integration_id = company->id,
                        .employee_id = employee_id,
                        .version = version,
                        .previous_version = version - 1,
                        .occurred_at = rc_wall_now(),
                        .trigger = RC_TRIGGER_POLL,
                        .created.reason = RC_CREATED_NEW_HIRE};
    event.employee = (rc_employee_t){.email = rc_arena_sprintf(rig_arena, "%s@acme.example", employee_id),
                                     .first_name = "Ann",
                                     .last_name = employee_id,
                                     .job_title = rc_arena_sprintf(rig_arena, "v%lld", (long long)version),
                                     .hire_date = RC_DATE_NONE,
                                     .leave_date = RC_DATE_NONE};
    event.deactivated.effective_date = RC_DATE_NONE;
    return event;
}

static inline const char *rig_topic(rc_topic_kind_t kind)
{
    return rc_topic_name(rig_config, kind, rig_arena);
}

static inline void rig_send(rc_kafka_record_t record)
{
    OK(rc_kafka_producer_send(rig_producer, &record, 1, RIG_PATIENCE_MS, NULL, &rc_oops));
}

/* The snapshot of the event's state, alone. */
static inline rc_kafka_record_t rig_snapshot_record(const rc_event_t *event)
{
    rc_snapshot_t snapshot = {.integration_id = event->integration_id,
                              .employee_id = event->employee_id,
                              .version = event->version,
                              .previous_version = event->previous_version,
                              .presence = event->type == RC_EVENT_DEACTIVATED ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                              .occurred_at = event->occurred_at,
                              .employee = event->employee,
                              .replaces = event->created.replaces,
                              .effective_date = RC_DATE_NONE};
    rc_buf_t value = RC_BUF_INIT(65536);
    OK(rc_codec_encode_snapshot(rig_enrolment.codec, &snapshot, &value, &rc_oops));
    char *key = rc_employee_key(rig_arena, event->integration_id, event->employee_id);
    const void *bytes = rc_arena_strndup(rig_arena, value.data, value.size_bytes);
    rc_kafka_record_t record = {.topic = rig_topic(RC_TOPIC_SNAPSHOT),
                                .partition = -1,
                                .key = key,
                                .key_bytes = strlen(key),
                                .value = bytes,
                                .value_bytes = value.size_bytes};
    rc_buf_fini(&value);
    return record;
}

static inline rc_kafka_record_t rig_event_record(const rc_event_t *event)
{
    rc_buf_t value = RC_BUF_INIT(65536);
    OK(rc_codec_encode_event(rig_enrolment.codec, event, &value, &rc_oops));
    char *key = rc_employee_key(rig_arena, event->integration_id, event->employee_id);
    const void *bytes = rc_arena_strndup(rig_arena, value.data, value.size_bytes);
    rc_kafka_record_t record = {.topic = rig_topic(rc_topic_of_event(event->type)),
                                .partition = -1,
                                .key = key,
                                .key_bytes = strlen(key),
                                .value = bytes,
                                .value_bytes = value.size_bytes,
                                .headers = rc_headers_event(rig_arena, event)};
    rc_buf_fini(&value);
    return record;
}

static inline void rig_publish(const rc_event_t *events, size_t count)
{
    rc_kafka_record_t *records = rc_calloc(2 * count, sizeof *records);
    for (size_t i = 0; i < count; i++) {
        records[i] = rig_snapshot_record(&events[i]);
        records[count + i] = rig_event_record(&events[i]);
    }
    /* No transaction holds them together: an event that came first would be of somebody who is forgotten (S6). */
    OK(rc_kafka_producer_send(rig_producer, records, count, RIG_PATIENCE_MS, NULL, &rc_oops));
    OK(rc_kafka_producer_send(rig_producer, records + count, count, RIG_PATIENCE_MS, NULL, &rc_oops));
    free(records);
}

/* Employees "<letter>0" … in one type and version. */
static inline void rig_publish_many(rc_event_type_t type, char letter, int count, int64_t version)
{
    rc_event_t *events = rc_calloc((size_t)count, sizeof *events);
    for (int i = 0; i < count; i++)
        events[i] = rig_event(type, rc_arena_sprintf(rig_arena, "%c%d", letter, i), version);
    rig_publish(events, (size_t)count);
    free(events);
}

static inline void rig_publish_one(rc_event_type_t type, const char *employee_id, int64_t version)
{
    rc_event_t event = rig_event(type, employee_id, version);
    rig_publish(&event, 1);
}

/* ---- what came of it ---- */

/* The user of an employee as Learn Amp has them: its job title, "deactivated", or "" when there is none. In the arena.
 */
static inline const char *rig_user(const char *employee_id)
{
    char path[128];
    (void)snprintf(path, sizeof path, "users?employee=%s", employee_id);
    json_t *answer = control("GET", path, NULL);
    const json_t *user = json_array_get(json_object_get(answer, "users"), 0);
    const char *status_text = user ? rc_json_str(json_object_get(user, "status"), "status") : "";
    const char *title = user ? rc_json_str(user, "jobTitle") : NULL;
    bool gone = status_text && !strcasecmp(status_text, "Deactivated");
    const char *text = rc_arena_strdup(rig_arena, gone ? "deactivated" : title ? title : "");
    json_decref(answer);
    return text;
}

static inline bool rig_user_is(const char *employee_id, const char *wanted)
{
    return strcmp(rig_user(employee_id), wanted) == 0;
}

/* How many users Learn Amp has. */
static inline long rig_user_count(void)
{
    json_t *answer = control("GET", "users?limit=1", NULL);
    long count = (long)rc_json_int(answer, "count", -1);
    json_decref(answer);
    return count;
}

static inline bool rig_count_one(void *opaque, const rc_kafka_message_t *message)
{
    (void)message;
    (*(long *)opaque)++;
    return true;
}

/* Committed records of a topic. */
static inline long rig_count(const char *topic)
{
    long count = 0;
    const rc_kafka_span_t all = {.topic = topic, .partition = -1};
    OK(rc_kafka_read_all(rig_kafka, &all, 1, RIG_PATIENCE_MS, rig_count_one, &count, NULL, &rc_oops));
    return count;
}

/* A metric's value, by its name and the beginning of its labels in the text that Prometheus gets; 0: not there. */
static inline double rig_metric(rig_engine_t *at, const char *name_and_labels)
{
    rc_buf_t text = RC_BUF_INIT(1 << 20);
    double sum = 0;
    rc_metrics_render(at->metrics, &text);
    for (const char *line = text.data; line && (line = strstr(line, name_and_labels)); line++) {
        const char *value = strchr(line, ' ');
        if (value && (line == text.data || line[-1] == '\n')) sum += strtod(value, NULL);
    }
    rc_buf_fini(&text);
    return sum;
}

/* Whether a line of that text begins so. */
static inline bool rig_has_metric(rig_engine_t *at, const char *beginning)
{
    rc_buf_t text = RC_BUF_INIT(1 << 20);
    rc_metrics_render(at->metrics, &text);
    const char *line = text.data;
    while (line && (line = strstr(line, beginning)) && line != text.data && line[-1] != '\n') line++;
    bool found = line != NULL;
    rc_buf_fini(&text);
    return found;
}

static inline void rig_fault(const char *description)
{
    control_quietly("POST", "/faults", description);
}

static inline void rig_mend(void)
{
    control_quietly("DELETE", "/faults", NULL);
}

#endif
