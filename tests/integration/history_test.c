/* common/history and the bounded reading below it, on a real broker: what is asked for is given, and nothing else is
 * decoded. */
#include <stdlib.h>
#include <string.h>

#include "common/avro.h"
#include "common/history.h"
#include "common/kafka_producer.h"
#include "tests/support/cluster.h"
#include "tests/support/records.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000 };

static rc_cluster_t cluster;
static rc_history_t *history;
static rc_kafka_producer_t *producer;
static rc_arena_t *arena;

static void setup(void)
{
    rc_cluster_open(&cluster, NULL, NULL);
    cluster.config.consumer.application = "learnamp";
    cluster.config.schema_registry.url = "";
    arena = rc_arena_new();
    free(rc_cluster_topic(&cluster, "employee.created", false));
    free(rc_cluster_topic(&cluster, "employee.snapshot", true));
    free(rc_cluster_topic(&cluster, "learnamp.ledger", true));
    free(rc_cluster_topic(&cluster, "learnamp.dlq", false));
    free(rc_cluster_topic(&cluster, "schemas", true));
    OK(rc_kafka_producer_open(cluster.kafka, &producer, &rc_oops));
    OK(rc_history_open(&cluster.config, "rollcall-test", false, NULL, &history, &rc_oops));
}

static void teardown(void)
{
    rc_history_close(history);
    rc_kafka_producer_close(producer);
    rc_arena_free(arena);
    rc_cluster_close(&cluster);
}

static void send(rc_topic_kind_t kind, const char *key, int32_t partition, const rc_buf_t *value, rc_headers_t headers)
{
    const rc_kafka_record_t record = {.topic = rc_topic_name(&cluster.config, kind, arena),
                                      .partition = partition,
                                      .key = key,
                                      .key_bytes = key ? strlen(key) : 0,
                                      .value = value->data,
                                      .value_bytes = value->size_bytes,
                                      .headers = headers};
    OK(rc_kafka_producer_send(producer, &record, 1, PATIENCE_MS, NULL, &rc_oops));
}

/* A created event of that employee and version. */
static void send_event(rc_topic_kind_t kind, const char *employee_id, int64_t version)
{
    rc_event_t event = rc_sample_event(RC_EVENT_CREATED);
    rc_buf_t value = RC_BUF_INIT(1 << 20);
    event.employee_id = employee_id;
    event.version = version;
    const rc_parking_t parking = {.type = RC_EVENT_CREATED,
                                  .lane = RC_EVENT_CREATED,
                                  .reason = RC_PARK_REJECTED,
                                  .origin_partition = -1,
                                  .origin_offset = -1};
    OK(rc_codec_encode_event(rc_history_codec(history), &event, &value, &rc_oops));
    send(kind, rc_employee_key(arena, event.integration_id, employee_id), -1, &value,
         kind == RC_TOPIC_DLQ ? rc_headers_park(arena, (rc_headers_t){NULL, 0}, &parking) : (rc_headers_t){NULL, 0});
    rc_buf_fini(&value);
}

/* What came, as "employee:version" in order of arrival; '!' instead of the version of what cannot be read. */
static bool note(void *opaque, const rc_history_record_t *record)
{
    char **text = opaque;
    const char *id = record->employee_id ? record->employee_id : "?";
    if (record->fault.code != RC_OK)
        *text = rc_arena_sprintf(arena, "%s%s:! ", *text, id);
    else if (record->tombstone)
        *text = rc_arena_sprintf(arena, "%s%s:- ", *text, id);
    else
        *text = rc_arena_sprintf(
            arena, "%s%s:%lld ", *text, id,
            (long long)(record->kind == RC_TOPIC_LEDGER ? record->ledger.version : record->event.version));
    return true;
}

static const char *given(const rc_history_part_t *parts, size_t count, const rc_history_filter_t *filter)
{
    char *text = rc_arena_strdup(arena, "");
    OK(rc_history_read(history, parts, count, filter, arena, note, &text, NULL, &rc_oops));
    return text;
}

START_TEST(one_employee_is_read_of_one_partition_alone)
{
    send_event(RC_TOPIC_CREATED, "41", 1);
    send_event(RC_TOPIC_CREATED, "42", 2);
    send_event(RC_TOPIC_CREATED, "42", 3);
    send_event(RC_TOPIC_CREATED, "4", 4);
    const rc_history_part_t part = {RC_TOPIC_CREATED, .partition = rc_history_partition(history, "personio:A", "42")};
    const rc_history_filter_t one = {.integration_id = "personio:A", .employee_id = "42"};
    ck_assert_str_eq(given(&part, 1, &one), "42:2 42:3 ");
    const rc_history_filter_t other = {.integration_id = "personio:A", .employee_id = "43"};
    ck_assert_str_eq(given(&part, 1, &other), "");
    const rc_history_part_t all = {RC_TOPIC_CREATED, .partition = -1};
    const rc_history_filter_t beginning = {.integration_id = "personio:"}; /* of another one's id */
    ck_assert_str_eq(given(&all, 1, &beginning), "");
}
END_TEST

START_TEST(a_moment_or_an_offset_bounds_what_is_read)
{
    const char *id = "42";
    rc_history_part_t part = {RC_TOPIC_CREATED, .partition = rc_history_partition(history, "personio:A", id)};
    send_event(RC_TOPIC_CREATED, id, 1);
    rc_wall_t before = rc_wall_now();
    while (rc_wall_now().ms <= before.ms + 1) continue;
    part.since = rc_wall_now();
    ck_assert_str_eq(given(&part, 1, NULL), "");
    send_event(RC_TOPIC_CREATED, id, 2);
    send_event(RC_TOPIC_CREATED, id, 3);
    ck_assert_str_eq(given(&part, 1, NULL), "42:2 42:3 ");
    part.since = (rc_wall_t){0};
    part.offset = 2;
    ck_assert_str_eq(given(&part, 1, NULL), "42:3 ");
    part.offset = 3;
    ck_assert_str_eq(given(&part, 1, NULL), "");
}
END_TEST

/* Each record that comes brings one more: a reading that ran after them would have no end. */
static bool answer_with_another(void *opaque, const rc_history_record_t *record)
{
    (void)record;
    int *count = opaque;
    if (++*count < 50) send_event(RC_TOPIC_CREATED, "42", 100 + *count);
    return true;
}

START_TEST(what_comes_while_reading_is_left_for_the_next_time)
{
    int count = 0;
    send_event(RC_TOPIC_CREATED, "42", 1);
    send_event(RC_TOPIC_CREATED, "42", 2);
    const rc_history_part_t part = {RC_TOPIC_CREATED, .partition = -1};
    OK(rc_history_read(history, &part, 1, NULL, arena, answer_with_another, &count, NULL, &rc_oops));
    ck_assert_int_eq(count, 2);
}
END_TEST

START_TEST(parts_are_told_apart_and_keys_and_headers_are_read)
{
    rc_ledger_entry_t entry = rc_sample_ledger();
    rc_buf_t value = RC_BUF_INIT(1 << 20);
    entry.version = 7;
    OK(rc_codec_encode_ledger(rc_history_codec(history), &entry, &value, &rc_oops));
    int32_t partition = rc_history_partition(history, "personio:A", "42");
    send(RC_TOPIC_LEDGER, "team-changed:personio:A/42", partition, &value, (rc_headers_t){NULL, 0});
    send(RC_TOPIC_LEDGER, "team-changed:personio:A/421", partition, &value, (rc_headers_t){NULL, 0});
    send_event(RC_TOPIC_DLQ, "42", 5);
    rc_buf_reset(&value);
    send(RC_TOPIC_SNAPSHOT, "personio:A/42", -1, &(rc_buf_t){.data = NULL}, (rc_headers_t){NULL, 0});
    const rc_history_part_t parts[] = {{RC_TOPIC_LEDGER, .partition = partition},
                                       {RC_TOPIC_DLQ, .partition = partition},
                                       {RC_TOPIC_SNAPSHOT, .partition = partition}};
    const rc_history_filter_t one = {.integration_id = "personio:A", .employee_id = "42"};
    const char *all = given(parts, 3, &one);
    ck_assert_uint_eq(strlen(all), strlen("42:7 42:5 42:- "));
    ck_assert(strstr(all, "42:7 ") && strstr(all, "42:5 ") && strstr(all, "42:- "));
    rc_buf_fini(&value);
}
END_TEST

START_TEST(what_nobody_can_read_is_given_with_its_reason)
{
    rc_buf_t value = RC_BUF_INIT(100);
    (void)rc_buf_add(&value, "\xC3\x01unknown!and so on", 19);
    send(RC_TOPIC_CREATED, "personio:A/42", -1, &value, (rc_headers_t){NULL, 0});
    rc_buf_reset(&value);
    (void)rc_buf_add_str(&value, "hello");
    send(RC_TOPIC_CREATED, NULL, 0, &value, (rc_headers_t){NULL, 0});
    const rc_history_part_t part = {RC_TOPIC_CREATED, .partition = -1};
    const char *all = given(&part, 1, NULL);
    ck_assert(strstr(all, "42:! ") && strstr(all, "?:! "));
    rc_buf_fini(&value);
}
END_TEST

/* A later release's ledger entry: a field more at its end. Its schema lies in the `schemas` topic. */
START_TEST(a_later_writers_schema_is_found_in_its_topic)
{
    rc_ledger_entry_t entry = rc_sample_ledger();
    const rc_schema_t *today = rc_schema_store_current(rc_codec_store(rc_history_codec(history)), RC_RECORD_LEDGER);
    int fields = (int)(strrchr(today->json, ']') - today->json);
    char *json = rc_arena_sprintf(arena, "%.*s, {\"name\": \"mood\", \"type\": \"string\"}]}", fields, today->json);
    rc_avro_schema_t *schema;
    OK(rc_avro_schema_parse(json, strlen(json), &schema, &rc_oops));
    const rc_framing_t framing = {.wire = RC_WIRE_SINGLE_OBJECT, .fingerprint = rc_avro_schema_fingerprint(schema)};
    rc_avro_schema_free(schema);

    rc_buf_t value = RC_BUF_INIT(1 << 20);
    entry.version = 9;
    OK(rc_codec_encode_ledger(rc_history_codec(history), &entry, &value, &rc_oops));
    (void)rc_framing_format(&framing, (uint8_t *)value.data); /* as long as today's */
    (void)rc_buf_add(&value,
                     "\x08"
                     "glad",
                     5);
    send(RC_TOPIC_LEDGER, "created:personio:A/42", 0, &value, (rc_headers_t){NULL, 0});
    send(RC_TOPIC_LEDGER, "created:personio:A/43", 0, &value, (rc_headers_t){NULL, 0});
    const rc_history_part_t part = {RC_TOPIC_LEDGER, .partition = 0};
    ck_assert_str_eq(given(&part, 1, NULL), "42:! 43:! ");

    char key[RC_FINGERPRINT_STR_SIZE];
    rc_buf_reset(&value);
    (void)rc_buf_add_str(&value, json);
    send(RC_TOPIC_SCHEMAS, rc_fingerprint_str(framing.fingerprint, key), -1, &value, (rc_headers_t){NULL, 0});
    rc_history_close(history);
    OK(rc_history_open(&cluster.config, "rollcall-test", false, NULL, &history, &rc_oops));
    ck_assert_str_eq(given(&part, 1, NULL), "42:9 43:9 ");
    rc_buf_fini(&value);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("history");
    TCase *tests = tcase_create("history");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_employee_is_read_of_one_partition_alone);
    tcase_add_test(tests, a_moment_or_an_offset_bounds_what_is_read);
    tcase_add_test(tests, what_comes_while_reading_is_left_for_the_next_time);
    tcase_add_test(tests, parts_are_told_apart_and_keys_and_headers_are_read);
    tcase_add_test(tests, what_nobody_can_read_is_given_with_its_reason);
    tcase_add_test(tests, a_later_writers_schema_is_found_in_its_topic);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
