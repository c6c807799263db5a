/* producer/page/letters: when dead letters are read, and what becomes of the wish to try them again. What reads Kafka
 * is stood in for (its calls are wrapped). */
#include "producer/page/letters.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/kafka_admin.h"
#include "tests/support/unit.h"

rc_code_t __wrap_rc_history_open(const rc_config_t *, const char *, bool, const atomic_bool *, rc_history_t **,
                                 rc_error_t *);
void __wrap_rc_history_close(rc_history_t *);
const rc_kafka_t *__wrap_rc_history_kafka(const rc_history_t *);
rc_code_t __wrap_rc_dead_letters_read(rc_history_t *, const rc_dead_filter_t *, const atomic_bool *, rc_arena_t *,
                                      const rc_dead_letter_t **, size_t *, rc_error_t *);
rc_code_t __wrap_rc_dead_letters_replay(rc_history_t *, const rc_dead_letter_t *, size_t, const atomic_bool *, size_t *,
                                        rc_error_t *);
rc_code_t __wrap_rc_kafka_admin_open(const rc_kafka_t *, rc_kafka_admin_t **, rc_error_t *);
void __wrap_rc_kafka_admin_close(rc_kafka_admin_t *);
rc_code_t __wrap_rc_kafka_admin_cluster_id(rc_kafka_admin_t *, int64_t, char **, rc_error_t *);
rc_code_t __wrap_rc_kafka_admin_group(rc_kafka_admin_t *, const char *, int64_t, rc_arena_t *,
                                      const rc_kafka_member_t **, size_t *, rc_error_t *);

/* The thread reads it, the test writes it before it asks. */
static struct {
    rc_dead_letter_t letters[4];
    size_t count;
    atomic_int code;
    atomic_int reads, opened, closed, replays;
    rc_dead_filter_t wanted; /* of the last reading for a wish */
    const char *cluster;
    const char *empty_group; /* NULL: all have members */
    atomic_bool groups_fail;
} world;

rc_code_t __wrap_rc_history_open(const rc_config_t *config, const char *client, bool writes, const atomic_bool *stop,
                                 rc_history_t **history, rc_error_t *error)
{
    (void)config, (void)client, (void)stop, (void)error;
    ck_assert(!writes);
    atomic_fetch_add(&world.opened, 1);
    *history = (rc_history_t *)&world;
    return RC_OK;
}

void __wrap_rc_history_close(rc_history_t *history)
{
    if (history) atomic_fetch_add(&world.closed, 1);
}

const rc_kafka_t *__wrap_rc_history_kafka(const rc_history_t *history)
{
    (void)history;
    return NULL;
}

rc_code_t __wrap_rc_dead_letters_read(rc_history_t *history, const rc_dead_filter_t *filter, const atomic_bool *stop,
                                      rc_arena_t *arena, const rc_dead_letter_t **letters, size_t *count,
                                      rc_error_t *error)
{
    (void)history, (void)stop;
    atomic_fetch_add(&world.reads, 1);
    if (atomic_load(&world.code))
        return rc_error_set(error, (rc_code_t)atomic_load(&world.code), RC_RETRY, "no broker answers");
    if (filter->integration_id) world.wanted = *filter;
    *letters = rc_arena_memdup(arena, world.letters, sizeof world.letters);
    *count = world.count;
    return RC_OK;
}

rc_code_t __wrap_rc_dead_letters_replay(rc_history_t *history, const rc_dead_letter_t *letters, size_t count,
                                        const atomic_bool *stop, size_t *sent, rc_error_t *error)
{
    (void)history, (void)stop, (void)error;
    atomic_fetch_add(&world.replays, 1);
    *sent = 0;
    for (size_t i = 0; i < count; i++) *sent += letters[i].is_sendable;
    for (size_t i = 0; i < world.count; i++)
        if (world.letters[i].is_sendable) world.letters[i].state = RC_DEAD_TRYING;
    return RC_OK;
}

rc_code_t __wrap_rc_kafka_admin_open(const rc_kafka_t *kafka, rc_kafka_admin_t **admin, rc_error_t *error)
{
    (void)kafka, (void)error;
    *admin = (rc_kafka_admin_t *)&world;
    return RC_OK;
}

void __wrap_rc_kafka_admin_close(rc_kafka_admin_t *admin)
{
    (void)admin;
}

rc_code_t __wrap_rc_kafka_admin_cluster_id(rc_kafka_admin_t *admin, int64_t timeout_ms, char **id, rc_error_t *error)
{
    (void)admin, (void)timeout_ms, (void)error;
    *id = rc_strdup(world.cluster);
    return RC_OK;
}

rc_code_t __wrap_rc_kafka_admin_group(rc_kafka_admin_t *admin, const char *group, int64_t timeout_ms, rc_arena_t *arena,
                                      const rc_kafka_member_t **members, size_t *count, rc_error_t *error)
{
    static const rc_kafka_member_t member = {"rollcall-consumer", "one", "here"};
    (void)admin, (void)timeout_ms, (void)arena;
    ck_assert(strncmp(group, "learnamp.", 9) == 0);
    if (atomic_load(&world.groups_fail)) return rc_error_set(error, RC_KAFKA, RC_RETRY, "a coordinator loads");
    *members = &member;
    *count = !(world.empty_group && strcmp(group, world.empty_group) == 0);
    return RC_OK;
}

static rc_integration_t integrations[2] = {{.id = "personio:A"}, {.id = "personio:B"}};
static rc_config_t config;
static rc_letters_t *letters;

static void set_up(void)
{
    memset(&world, 0, sizeof world);
    world.cluster = "real";
    world.letters[0] = (rc_dead_letter_t){.integration_id = "personio:A", .offset = 7, .is_sendable = true};
    world.letters[1] =
        (rc_dead_letter_t){.integration_id = "personio:A", .state = RC_DEAD_SETTLED, .is_sendable = true};
    world.letters[2] = (rc_dead_letter_t){.integration_id = "personio:A", .state = RC_DEAD_TRYING};
    world.count = 3;
    config = (rc_config_t){.integrations = integrations, .integrations_count = 2};
    config.consumer.application = "learnamp";
    letters = rc_letters_new(&config);
}

static void tear_down(void)
{
    rc_letters_free(letters);
    ck_assert_int_eq(atomic_load(&world.opened), atomic_load(&world.closed));
}

/* Waits for the box of the reading of that number, or a later one; to be released. */
static const rc_letterbox_t *look(int reads)
{
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(10000);
    for (;;) {
        bool fresh;
        const rc_letterbox_t *box = rc_letters_get(letters, &fresh);
        if (box && fresh && atomic_load(&world.reads) >= reads) return box;
        rc_letterbox_release(box);
        ck_assert_int_lt(rc_mono_now().ms, deadline_ms);
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

static rc_retry_report_t retry(int32_t partition, int64_t offset)
{
    const rc_retry_wish_t wish = {integrations[0].id, partition, offset};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(10000);
    ck_assert(rc_letters_retry(letters, &wish));
    for (;;) {
        rc_retry_report_t report = rc_letters_report(letters, "personio:A");
        if (!report.busy) return report;
        ck_assert_int_lt(rc_mono_now().ms, deadline_ms);
        (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

START_TEST(nobody_looks_and_nothing_is_read)
{
    ck_assert_int_eq(atomic_load(&world.opened), 0);
}
END_TEST

START_TEST(only_those_that_wait_for_a_person_are_shown)
{
    const rc_letterbox_t *box = look(1);
    ck_assert_uint_eq(box->count, 1);
    ck_assert_int_eq(box->letters[0].offset, 7);
    ck_assert_uint_eq(box->unattended, 0);
    rc_letterbox_release(box);
}
END_TEST

START_TEST(a_box_that_is_young_is_not_read_again)
{
    for (int i = 0; i < 100; i++) rc_letterbox_release(look(1));
    ck_assert_int_eq(atomic_load(&world.reads), 1);
}
END_TEST

START_TEST(a_failure_is_told_and_the_next_reading_begins_with_a_new_handle)
{
    atomic_store(&world.code, RC_KAFKA);
    const rc_letterbox_t *box = look(1);
    ck_assert_int_eq(box->error.code, RC_KAFKA);
    ck_assert_uint_eq(box->count, 0);
    rc_letterbox_release(box);
    ck_assert_int_eq(atomic_load(&world.closed), 1);
}
END_TEST

START_TEST(one_is_sent_once_more_and_leaves_the_list_at_once)
{
    rc_letterbox_release(look(1));
    rc_retry_report_t report = retry(0, 7);
    ck_assert_uint_eq(report.sent, 1);
    ck_assert_str_eq(report.problem, "");
    ck_assert_int_gt(report.ended_at.ms, 0);
    ck_assert_str_eq(world.wanted.integration_id, "personio:A");
    ck_assert_int_eq(world.wanted.partition, 0);
    ck_assert_int_eq(world.wanted.offset, 7);
    const rc_letterbox_t *box = look(3); /* the list, the wish, the list */
    ck_assert_uint_eq(box->count, 0);
    rc_letterbox_release(box);
    ck_assert(!rc_letters_report(letters, "personio:B").ended_at.ms);
}
END_TEST

START_TEST(all_means_all_of_the_integration)
{
    (void)retry(-1, 0);
    ck_assert_str_eq(world.wanted.integration_id, "personio:A");
    ck_assert_int_eq(world.wanted.partition, -1);
    ck_assert_int_eq(world.wanted.offset, -1);
}
END_TEST

START_TEST(what_cannot_be_sent_is_told)
{
    world.letters[0].is_sendable = false;
    rc_retry_report_t report = retry(0, 7);
    ck_assert_uint_eq(report.sent, 0);
    ck_assert_ptr_nonnull(strstr(report.problem, "cannot be tried again"));
    atomic_store(&world.code, RC_TIMEOUT);
    ck_assert_str_eq(retry(0, 7).problem, "no broker answers");
}
END_TEST

START_TEST(what_is_settled_already_needs_no_second_try)
{
    world.letters[0].state = RC_DEAD_SETTLED;
    rc_retry_report_t report = retry(0, 7);
    ck_assert_uint_eq(report.sent, 0);
    ck_assert_str_eq(report.problem, "");
}
END_TEST

START_TEST(an_integration_that_nobody_configured_gets_no_wish)
{
    const rc_retry_wish_t wish = {"personio:C", -1, -1};
    ck_assert(!rc_letters_retry(letters, &wish));
}
END_TEST

START_TEST(a_lane_without_a_consumer_is_noticed)
{
    world.empty_group = "learnamp.team-changed";
    const rc_letterbox_t *box = look(1);
    ck_assert_uint_eq(box->unattended, 1U << RC_EVENT_TEAM_CHANGED);
    rc_letterbox_release(box);
}
END_TEST

START_TEST(what_cannot_be_told_is_no_news)
{
    world.empty_group = "learnamp.created";
    if (_i)
        atomic_store(&world.groups_fail, true);
    else
        world.cluster = "mockCluster1234";
    const rc_letterbox_t *box = look(1);
    ck_assert_uint_eq(box->unattended, 0);
    rc_letterbox_release(box);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("letters");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, nobody_looks_and_nothing_is_read);
    tcase_add_test(all, only_those_that_wait_for_a_person_are_shown);
    tcase_add_test(all, a_box_that_is_young_is_not_read_again);
    tcase_add_test(all, a_failure_is_told_and_the_next_reading_begins_with_a_new_handle);
    tcase_add_test(all, one_is_sent_once_more_and_leaves_the_list_at_once);
    tcase_add_test(all, all_means_all_of_the_integration);
    tcase_add_test(all, what_cannot_be_sent_is_told);
    tcase_add_test(all, what_is_settled_already_needs_no_second_try);
    tcase_add_test(all, an_integration_that_nobody_configured_gets_no_wish);
    tcase_add_test(all, a_lane_without_a_consumer_is_noticed);
    tcase_add_loop_test(all, what_cannot_be_told_is_no_news, 0, 2);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
