/* For the tests of the producer's engine: a sandbox of its own, topics of its own on the real broker, and the parts of
 * a producer process without its threads, so that a test decides what runs when, and at what time of day. Call
 * everything inside the test: nothing of it survives Check's fork. */
#ifndef RC_TESTS_INTEGRATION_PRODUCER_RIG_H
#define RC_TESTS_INTEGRATION_PRODUCER_RIG_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/kafka_admin.h"
#include "common/kafka_consumer.h"
#include "common/kafka_reader.h"
#include "common/topics.h"
#include "producer/service/service.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

enum { RIG_PATIENCE_MS = 30000, RIG_TEXT_SIZE = 4096, RIG_HOUR_MS = 3600 * 1000, RIG_DAY_MS = 24 * RIG_HOUR_MS };

typedef struct {
    rc_config_t *config;
    rc_service_t service;
    atomic_bool stop;
    rc_kafka_consumer_t *consumer;
    rc_kafka_group_t *group; /* of this member, while it was assigned */
    rc_kombo_fields_t *fields;
    rc_kombo_t *kombo;
    rc_roll_t *roll;
    rc_arena_t *arena;
    size_t transaction_employees;
    int64_t clock_offset_ms;
    bool look_at_everybody;
    const rc_hold_decision_t *decision;
    rc_sync_state_t before; /* of the last poll */
    rc_poll_result_t result;
    rc_error_t error;
} rig_t;

static int rig_page_size = 10; /* many pages */

/* The configuration of a process for all integrations of the sandbox; `policy` is flow YAML. Returns text. */
static inline char *rig_text(char text[RIG_TEXT_SIZE], const char *prefix, const char *instance, const char *directory,
                             const char *policy)
{
    size_t used = (size_t)snprintf(
        text, RIG_TEXT_SIZE,
        "kafka: {bootstrap.servers: \"%s\", topic_prefix: \"%s\", partitions: %d, replication_factor: 1, "
        "session.timeout.ms: 6000, heartbeat.interval.ms: 300}\n"
        "instance: %s\nstate_dir: %s\nproducer: {http_timeout: 5s}\nintegrations:\n",
        getenv("RC_TEST_KAFKA"), prefix, RC_CLUSTER_PARTITIONS, instance, directory);
    for (size_t i = 0; i < sandbox.integration_count; i++)
        used += (size_t)snprintf(
            text + used, RIG_TEXT_SIZE - used,
            "  - id: \"%s\"\n    name: Acme\n    timezone: UTC\n"
            "    kombo: {base_url: \"http://%s/kombo/v1\", api_key: \"%s\", page_size: %d, full_sync_interval: 30d}\n"
            "    learnamp: {client_id: a, client_secret: b}\n    policy: {%s}\n",
            sandbox.integrations[i]->id, rc_httpd_address(sandbox.httpd), sandbox.api_key, rig_page_size, policy);
    return text;
}

/* A prefix of this test's own, and a folder. */
static inline void rig_places(char prefix[48], char directory[48])
{
    (void)snprintf(prefix, 48, "t%ld.%lld.", (long)getpid(), (long long)rc_wall_now().ms);
    (void)snprintf(directory, 48, "/tmp/rollcall-producer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static inline void rig_remove(const char *directory)
{
    char command[64];
    (void)snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static inline void rig_init(rig_t *rig, const char *text)
{
    rc_buf_t problems = RC_BUF_INIT(64 * 1024);
    *rig = (rig_t){.transaction_employees = 10000, .error = RC_ERROR_INIT};
    rc_log_set_level(RC_LEVEL_ERROR);
    ck_assert_msg(rc_config_parse("test.yaml", text, strlen(text), &rig->config, &problems) == RC_OK, "%s",
                  problems.data);
    rc_buf_fini(&problems);
    rig->arena = rc_arena_new();
    rig->roll = rc_roll_new();
    OK(rc_service_init(&rig->service, rig->config, &rig->stop, &rc_oops));
    rig->kombo = rc_kombo_open(rig->config, &rig->config->integrations[0], 5000, rig->service.metrics, &rig->fields);
}

/* Becomes a member of the producers' group and takes over what it is given. */
static inline void rig_join(rig_t *rig)
{
    char *group_id = rc_owner_group_id(rig->config);
    const char *topic = rc_topic_name(rig->config, RC_TOPIC_COMMANDS, rig->arena);
    rc_kafka_event_t event = {.kind = RC_KAFKA_NONE};
    OK(rc_publisher_open(rig->service.publisher, NULL, &rc_oops));
    OK(rc_kafka_consumer_open(rig->service.kafka, group_id, rig->config->instance, &rig->consumer, &rc_oops));
    OK(rc_kafka_consumer_subscribe(rig->consumer, &topic, 1, &rc_oops));
    int64_t until_ms = rc_mono_now().ms + rc_unit_patience_ms(RIG_PATIENCE_MS);
    while (event.kind != RC_KAFKA_ASSIGN && rc_mono_now().ms < until_ms) {
        rc_kafka_event_release(&event);
        (void)rc_kafka_consumer_poll(rig->consumer, 100, &event, &rc_oops);
    }
    ck_assert_int_eq(event.kind, RC_KAFKA_ASSIGN);
    OK(rc_kafka_consumer_assign(rig->consumer, event.partitions, event.partition_count, &rc_oops));
    for (size_t i = 0; i < event.partition_count; i++)
        rc_publisher_assigned(rig->service.publisher, event.partitions[i].partition, 0);
    rc_kafka_event_release(&event);
    rig->group = rc_kafka_consumer_group(rig->consumer);
    OK(rc_views_catch_up(rig->service.views, NULL, &rc_oops));
    free(group_id);
}

static inline void rig_open(rig_t *rig, const char *text)
{
    rig_init(rig, text);
    rig_join(rig);
}

static inline void rig_close(rig_t *rig)
{
    rc_kafka_consumer_close(rig->consumer);
    rc_kafka_group_free(rig->group);
    rc_kombo_free(rig->kombo);
    rc_kombo_fields_free(rig->fields);
    rc_roll_free(rig->roll);
    rc_service_fini(&rig->service);
    rc_config_free(rig->config);
    rc_arena_free(rig->arena);
}

static inline const char *rig_id(const rig_t *rig)
{
    return rig->config->integrations[0].id;
}

static inline rc_poll_context_t rig_context(rig_t *rig)
{
    static const atomic_bool never;
    const rc_integration_t *integration = &rig->config->integrations[0];
    return (rc_poll_context_t){.config = rig->config,
                               .integration = integration,
                               .codec = rig->service.enrolment.codec,
                               .metrics = rig->service.metrics,
                               .views = rig->service.views,
                               .publisher = rig->service.publisher,
                               .kombo = rig->kombo,
                               .roll = rig->roll,
                               .stage_directory = rig->service.context.stage_directory,
                               .command_partition = rc_owner_partition(rig->config, integration->id),
                               .transaction_employees = rig->transaction_employees,
                               .cancelled = &never};
}

/* The state as it is published. */
static inline rc_sync_state_t rig_state(rig_t *rig)
{
    bool found;
    rc_sync_state_t state = {.failures = 0};
    OK(rc_views_state(rig->service.views, rig_id(rig), rig->arena, &state, &found, &rc_oops));
    return found ? state : (rc_sync_state_t){.integration_id = rig_id(rig)};
}

/* One run; what comes of it is in rig->result and rig->error. */
static inline rc_code_t rig_run(rig_t *rig, rc_poll_kind_t kind)
{
    const rc_poll_context_t context = rig_context(rig);
    const rc_poll_order_t order = {.kind = kind,
                                   .trigger = kind == RC_POLL_TICK ? RC_TRIGGER_SCHEDULE : RC_TRIGGER_POLL,
                                   .now = {rc_wall_now().ms + rig->clock_offset_ms},
                                   .group = rig->group,
                                   .command_offset = -1,
                                   .look_at_everybody = rig->look_at_everybody,
                                   .decision = rig->decision};
    rig->error = RC_ERROR_INIT;
    rig->before = rig_state(rig);
    return rc_poll_run(&context, &order, &rig->before, rig->arena, &rig->result, &rig->error);
}

static inline void rig_poll(rig_t *rig, rc_poll_kind_t kind)
{
    ck_assert_msg(rig_run(rig, kind) == RC_OK, "%s", rig->error.message);
}

/* Moves the clock of the runs and of the sandbox. */
static inline void rig_advance(rig_t *rig, int64_t ms)
{
    char body[64];
    rig->clock_offset_ms += ms;
    (void)snprintf(body, sizeof body, "{'offset_ms': %lld}", (long long)rig->clock_offset_ms);
    control_quietly("PUT", "/clock", body);
}

static inline rc_date_t rig_today(const rig_t *rig)
{
    return (rc_date_t){(int32_t)((rc_wall_now().ms + rig->clock_offset_ms) / RIG_DAY_MS)};
}

static inline bool rig_pending(rig_t *rig, const char *employee_id, rc_pending_t *pending)
{
    bool found;
    OK(rc_views_pending(rig->service.views, rig_id(rig), employee_id, rig->arena, pending, &found, &rc_oops));
    return found;
}

/* --- what was published --- */

typedef struct {
    rc_event_t *items; /* in the order of the topics, then of the partitions; in the arena of the rig */
    size_t count;
    size_t capacity;
    rig_t *rig;
} rig_events_t;

static inline bool rig_take_event(void *opaque, const rc_kafka_message_t *message)
{
    rig_events_t *events = opaque;
    rc_event_t *event = &events->items[events->count++];
    ck_assert_uint_lt(events->count, events->capacity);
    OK(rc_codec_decode_event(events->rig->service.enrolment.codec, message->value, message->value_bytes,
                             events->rig->arena, event, NULL, &rc_oops));
    return true;
}

static inline rig_events_t rig_events(rig_t *rig)
{
    rig_events_t events = {.capacity = 4096, .rig = rig};
    events.items = rc_arena_alloc(rig->arena, events.capacity * sizeof *events.items);
    for (int type = 0; type < RC_EVENT_COUNT; type++) {
        const rc_kafka_span_t all = {
            .topic = rc_topic_name(rig->config, rc_topic_of_event((rc_event_type_t)type), rig->arena), .partition = -1};
        OK(rc_kafka_read_all(rig->service.kafka, &all, 1, RIG_PATIENCE_MS, rig_take_event, &events, NULL, &rc_oops));
    }
    return events;
}

static inline size_t rig_count(const rig_events_t *events, rc_event_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < events->count; i++) count += events->items[i].type == type;
    return count;
}

/* The newest event of somebody, of that type; NULL: none. */
static inline const rc_event_t *rig_newest(const rig_events_t *events, rc_event_type_t type, const char *employee_id)
{
    const rc_event_t *newest = NULL;
    for (size_t i = 0; i < events->count; i++) {
        const rc_event_t *event = &events->items[i];
        if (event->type != type || strcmp(event->employee_id, employee_id) != 0) continue;
        if (!newest || event->version > newest->version) newest = event;
    }
    return newest;
}

/* I1: every change once per type, and every version follows one that was published. */
static inline void rig_check_chains(const rig_events_t *events)
{
    for (size_t i = 0; i < events->count; i++) {
        const rc_event_t *event = &events->items[i];
        bool follows = event->previous_version == 0;
        for (size_t k = 0; k < events->count; k++) {
            const rc_event_t *other = &events->items[k];
            if (k == i || strcmp(other->employee_id, event->employee_id) != 0) continue;
            ck_assert_msg(other->version != event->version || other->type != event->type, "%s twice at %lld",
                          event->employee_id, (long long)event->version);
            ck_assert_msg(other->version == event->version || other->previous_version != event->previous_version,
                          "%s: two versions follow %lld", event->employee_id, (long long)event->previous_version);
            follows |= other->version == event->previous_version;
        }
        ck_assert_msg(follows, "%s: %lld was never published", event->employee_id, (long long)event->previous_version);
    }
}

#endif
