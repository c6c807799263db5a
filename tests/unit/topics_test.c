/* common/topics: the names and settings of design section 2, and what is said when the cluster has them otherwise. */
#include <check.h>
#include <string.h>

#include "common/topics.h"
#include "tests/support/unit.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static rc_arena_t *arena;
static int64_t delays_ms[] = {30000, 300000, 3600000};
static rc_config_t config;

static void setup(void)
{
    arena = rc_arena_new();
    config.kafka.topic_prefix = "hris.";
    config.kafka.partitions = 12;
    config.kafka.replication_factor = 3;
    config.kafka.retention.events_ms = 30LL * DAY_MS;
    config.kafka.retention.commands_ms = 7LL * DAY_MS;
    config.kafka.retention.retry_ms = 14LL * DAY_MS;
    config.kafka.retention.dead_letters_ms = 90LL * DAY_MS;
    config.consumer.application = "learnamp";
    config.consumer.retry_delays_ms = delays_ms;
    config.consumer.retry_delays_count = 3;
}

static void teardown(void)
{
    rc_arena_free(arena);
}

static const struct {
    const char *name;
    bool compact;
    int days; /* 0: compacted */
} EXPECTED[] = {
    {"hris.employee.created", false, 30},
    {"hris.employee.profile-updated", false, 30},
    {"hris.employee.team-changed", false, 30},
    {"hris.employee.deactivated", false, 30},
    {"hris.employee.snapshot", true, 0},
    {"hris.schemas", true, 0},
    {"hris.sync.commands", false, 7},
    {"hris.sync.state", true, 0},
    {"hris.sync.pending", true, 0},
    {"hris.learnamp.ledger", true, 0},
    {"hris.learnamp.dlq", false, 90},
    {"hris.learnamp.retry.30s", false, 14},
    {"hris.learnamp.retry.5m", false, 14},
    {"hris.learnamp.retry.1h", false, 14},
};
enum { TOPICS = sizeof EXPECTED / sizeof *EXPECTED };

START_TEST(the_list_is_that_of_the_design)
{
    size_t count;
    const rc_topic_t *topics = rc_topics_list(&config, arena, &count);
    ck_assert_uint_eq(count, TOPICS);
    for (size_t i = 0; i < TOPICS; i++) {
        ck_assert_str_eq(topics[i].name, EXPECTED[i].name);
        ck_assert_int_eq(topics[i].compact, EXPECTED[i].compact);
        ck_assert_int_eq(topics[i].retention_ms, (int64_t)EXPECTED[i].days * DAY_MS);
        ck_assert_int_eq(topics[i].partitions, 12);
        ck_assert_int_eq(topics[i].replication, 3);
    }
    ck_assert_int_eq(topics[13].tier, 2);
}
END_TEST

START_TEST(names_follow_prefix_application_and_delay)
{
    config.kafka.topic_prefix = "acme-";
    config.consumer.application = "wiki";
    ck_assert_str_eq(rc_topic_name(&config, RC_TOPIC_LEDGER, arena), "acme-wiki.ledger");
    ck_assert_str_eq(rc_topic_name(&config, RC_TOPIC_STATE, arena), "acme-sync.state");
    ck_assert_str_eq(rc_topic_retry_name(&config, 1, arena), "acme-wiki.retry.5m");
    ck_assert_str_eq(rc_topic_name(&config, rc_topic_of_event(RC_EVENT_TEAM_CHANGED), arena),
                     "acme-employee.team-changed");
    ck_assert_str_eq(rc_topic_name(&config, rc_topic_of_event(RC_EVENT_DEACTIVATED), arena),
                     "acme-employee.deactivated");
}
END_TEST

START_TEST(a_difference_is_named_with_its_mend)
{
    static const struct {
        rc_topic_kind_t kind;
        rc_kafka_topic_info_t info;
        rc_topic_state_t state;
        const char *says[3];
    } cases[] = {
        {RC_TOPIC_CREATED, {NULL, 12, 3, true, false, "delete", 30LL * DAY_MS, 0, true}, RC_TOPIC_FITS, {0}},
        {RC_TOPIC_CREATED, {NULL, 12, 3, true, false, "delete", -1, 0, true}, RC_TOPIC_FITS, {0}},
        {RC_TOPIC_CREATED, {NULL, 12, 3, true, false, "delete", 31LL * DAY_MS, 0, true}, RC_TOPIC_FITS, {0}},
        {RC_TOPIC_SNAPSHOT, {NULL, 12, 5, true, true, "compact", 0, DAY_MS, true}, RC_TOPIC_FITS, {0}},
        {RC_TOPIC_CREATED,
         {NULL, 0, 0, false, false, "", 0, 0, false},
         RC_TOPIC_MISSING,
         {"hris.employee.created", "12 partitions", "rollcall-producer topics"}},
        {RC_TOPIC_CREATED, {NULL, 24, 3, true, false, "delete", -1, 0, true}, RC_TOPIC_WRONG, {"24", "12", "resync"}},
        {RC_TOPIC_CREATED, {NULL, 4, 1, false, false, "", 0, 0, false}, RC_TOPIC_WRONG, {"4", "12", "topic_prefix"}},
        {RC_TOPIC_CREATED,
         {NULL, 12, 3, true, false, "delete", DAY_MS, 0, true},
         RC_TOPIC_WRONG,
         {"1d", "30d", "retention.ms=2592000000"}},
        {RC_TOPIC_CREATED,
         {NULL, 12, 3, true, true, "compact", -1, DAY_MS, true},
         RC_TOPIC_WRONG,
         {"compact", "cleanup.policy=delete", "hris.employee.created"}},
        {RC_TOPIC_SNAPSHOT,
         {NULL, 12, 3, true, false, "delete", -1, DAY_MS, true},
         RC_TOPIC_WRONG,
         {"delete", "cleanup.policy=compact", "hris.employee.snapshot"}},
        {RC_TOPIC_SNAPSHOT,
         {NULL, 12, 3, true, false, "compact,delete", -1, DAY_MS, true},
         RC_TOPIC_WRONG,
         {"compact,delete", "cleanup.policy=compact", ""}},
        {RC_TOPIC_LEDGER,
         {NULL, 12, 3, true, true, "compact", -1, 3600000, true},
         RC_TOPIC_WRONG,
         {"1h", "12h", "delete.retention.ms=86400000"}},
        {RC_TOPIC_CREATED,
         {NULL, 12, 1, true, false, "delete", -1, 0, true},
         RC_TOPIC_WARNING,
         {"1 replicas", "replication_factor is 3", "lower"}},
        {RC_TOPIC_CREATED,
         {NULL, 12, 3, true, false, "delete", -1, 0, false},
         RC_TOPIC_WARNING,
         {"clock", "message.timestamp.type=LogAppendTime", "hris.employee.created"}},
        {RC_TOPIC_CREATED, {NULL, 12, 1, false, false, "", 0, 0, false}, RC_TOPIC_FITS, {0}}, /* the mock cluster */
    };
    size_t count;
    const rc_topic_t *topics = rc_topics_list(&config, arena, &count);
    rc_topic_check_t check = rc_topic_check(&topics[cases[_i].kind], &cases[_i].info, arena);
    ck_assert_msg(check.state == cases[_i].state, "case %d: %s", _i, check.message ? check.message : "fits");
    ck_assert_int_eq(check.message == NULL, cases[_i].says[0] == NULL);
    for (int i = 0; i < 3 && cases[_i].says[i]; i++)
        ck_assert_msg(strstr(check.message, cases[_i].says[i]) != NULL, "%s is not in: %s", cases[_i].says[i],
                      check.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topics");
    TCase *cases = tcase_create("topics");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_list_is_that_of_the_design);
    tcase_add_test(cases, names_follow_prefix_application_and_delay);
    tcase_add_loop_test(cases, a_difference_is_named_with_its_mend, 0, 15);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
