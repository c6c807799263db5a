/* consumer/engine/barrier: nobody is told that the ends are passed by a question that was asked before them. The
 * cluster and the tail are stood in for (their calls are wrapped). */
#include "consumer/engine/barrier.h"

#include <pthread.h>

#include "common/mem.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 10000, LOG_MAX = 16, PLACES_MAX = 4 };

rc_code_t __wrap_rc_kafka_admin_ends(rc_kafka_admin_t *, rc_kafka_offset_t *, size_t, int64_t, rc_error_t *);
void __wrap_rc_tail_notify(rc_tail_t *, const rc_tail_target_t *, size_t, void (*)(void *, rc_code_t), void *);

static const char *const topics[] = {"snapshot", "ledger"};

/* What was asked of the cluster and told to the tail, under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int questions;
static bool shut;    /* a question waits for its answer */
static int refusals; /* the next that are answered with an error */
static size_t places_asked[LOG_MAX];
static struct {
    rc_tail_target_t targets[PLACES_MAX];
    void (*passed)(void *, rc_code_t);
    void *opaque;
} told[LOG_MAX];
static int told_count;
static bool tail_waits; /* it calls back when the test says so */
static rc_code_t tail_code;

/* Question n, from 1, is answered with n * 1000 and the number of the topic's first letter and the partition. */
static int64_t end_of(int question, const char *topic, int32_t partition)
{
    return question * 1000 + (*topic == 'l' ? 100 : 0) + partition;
}

rc_code_t __wrap_rc_kafka_admin_ends(rc_kafka_admin_t *admin, rc_kafka_offset_t *places, size_t count,
                                     int64_t timeout_ms, rc_error_t *error)
{
    (void)admin, (void)timeout_ms;
    pthread_mutex_lock(&mutex);
    int question = ++questions;
    places_asked[question % LOG_MAX] = count;
    pthread_cond_broadcast(&changed);
    while (shut) pthread_cond_wait(&changed, &mutex);
    bool refused = refusals > 0;
    if (refused) refusals--;
    pthread_mutex_unlock(&mutex);
    if (refused) return rc_error_set(error, RC_KAFKA, RC_RETRY, "no leader");
    for (size_t i = 0; i < count; i++) places[i].offset = end_of(question, places[i].topic, places[i].partition);
    return RC_OK;
}

void __wrap_rc_tail_notify(rc_tail_t *tail, const rc_tail_target_t *targets, size_t count,
                           void (*passed)(void *, rc_code_t), void *opaque)
{
    (void)tail;
    pthread_mutex_lock(&mutex);
    ck_assert(told_count < LOG_MAX && count <= PLACES_MAX);
    for (size_t i = 0; i < count; i++) told[told_count].targets[i] = targets[i];
    told[told_count].passed = passed;
    told[told_count++].opaque = opaque;
    bool now = !tail_waits;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    if (now) passed(opaque, tail_code);
}

/* Until `*count` has reached `wanted`. Check's own limit ends a test in which it never does. */
static void await(const int *count, int wanted)
{
    pthread_mutex_lock(&mutex);
    while (*count < wanted) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void open_up(void)
{
    pthread_mutex_lock(&mutex);
    shut = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static rc_loop_t *loop;
static rc_barrier_t *barrier;
static int passed_count, passed_wanted;
static rc_code_t passed_code;

static void setup(void)
{
    questions = told_count = refusals = passed_count = 0;
    shut = tail_waits = false;
    tail_code = passed_code = RC_OK;
    loop = rc_loop_new();
    barrier = rc_barrier_new(loop, NULL, NULL, topics);
}

static void teardown(void)
{
    rc_barrier_free(barrier);
    rc_loop_free(loop);
}

static void on_passed(void *opaque, rc_code_t code)
{
    ++*(int *)opaque;
    passed_code = code;
    if (++passed_count >= passed_wanted) rc_loop_stop(loop);
}

static void too_late(void *opaque)
{
    (void)opaque;
    ck_abort_msg("%d of %d were called back", passed_count, passed_wanted);
}

static void run_until(int wanted)
{
    passed_wanted = wanted;
    if (passed_count >= wanted) return;
    rc_loop_timer_t *limit = rc_loop_timer_new(loop, too_late, NULL);
    rc_loop_timer_start(limit, rc_unit_patience_ms(PATIENCE_MS), 0);
    rc_loop_run(loop);
    rc_loop_timer_free(limit);
}

static const rc_tail_target_t here[] = {{0, 3, 0}, {1, 3, 0}}, there[] = {{0, 5, 0}, {1, 5, 0}};

START_TEST(the_tail_is_given_the_ends_that_the_cluster_told)
{
    int calls = 0;
    rc_barrier_ask(barrier, here, 2, on_passed, &calls);
    run_until(1);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(passed_code, RC_OK);
    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told[0].targets[0].offset, end_of(1, "snapshot", 3));
    ck_assert_int_eq(told[0].targets[1].offset, end_of(1, "ledger", 3));
}
END_TEST

START_TEST(who_asks_while_a_question_is_under_way_is_served_by_a_later_one)
{
    int first = 0, second = 0;
    shut = true;
    rc_barrier_ask(barrier, here, 2, on_passed, &first);
    await(&questions, 1);
    rc_barrier_ask(barrier, here, 2, on_passed, &second);
    open_up();
    run_until(2);
    ck_assert_int_eq(first, 1);
    ck_assert_int_eq(second, 1);
    ck_assert_int_eq(questions, 2);
    ck_assert_int_eq(told_count, 2);
    ck_assert_int_eq(told[0].targets[0].offset, end_of(1, "snapshot", 3));
    ck_assert_int_eq(told[1].targets[0].offset, end_of(2, "snapshot", 3));
}
END_TEST

START_TEST(one_question_serves_all_who_gathered_meanwhile)
{
    int first = 0, others[20] = {0};
    shut = true;
    rc_barrier_ask(barrier, here, 2, on_passed, &first);
    await(&questions, 1);
    for (int i = 0; i < 20; i++) rc_barrier_ask(barrier, i % 2 ? here : there, 2, on_passed, &others[i]);
    open_up();
    run_until(21);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(others[i], 1);
    ck_assert_int_eq(questions, 2);
    /* Each place once, although ten wait for it. */
    ck_assert_uint_eq(places_asked[2], 4);
    ck_assert_int_eq(told_count, 3);
}
END_TEST

START_TEST(places_are_told_apart_by_topic_partition_and_number)
{
    static const rc_tail_target_t lists[][2] = {{{0, 1, 0}, {0, 2, 0}}, {{0, 1, 0}, {1, 2, 0}}, {{0, 1, 0}, {0, 3, 0}}};
    int calls[5] = {0};
    shut = true;
    rc_barrier_ask(barrier, here, 2, on_passed, &calls[4]);
    await(&questions, 1);
    for (int i = 0; i < 3; i++) rc_barrier_ask(barrier, lists[i], 2, on_passed, &calls[i]);
    rc_barrier_ask(barrier, lists[0], 1, on_passed, &calls[3]);
    open_up();
    run_until(5);
    ck_assert_int_eq(told_count, 5);
}
END_TEST

/* What a lane asks for at its assignment overlaps with what a running one asks for a record. */
START_TEST(a_place_that_two_kinds_of_askers_name_is_asked_for_once)
{
    static const rc_tail_target_t both[] = {{0, 3, 0}, {1, 3, 0}, {0, 4, 0}};
    int calls = 0;
    shut = true;
    rc_barrier_ask(barrier, there, 2, on_passed, &calls);
    await(&questions, 1);
    rc_barrier_ask(barrier, here, 1, on_passed, &calls);
    rc_barrier_ask(barrier, both, 3, on_passed, &calls);
    open_up();
    run_until(3);
    ck_assert_uint_eq(places_asked[2], 3);
    ck_assert_int_eq(told[1].targets[0].offset, end_of(2, "snapshot", 3));
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(told[2].targets[i].offset, end_of(2, topics[both[i].topic], both[i].partition));
}
END_TEST

START_TEST(it_asks_again_while_the_cluster_does_not_answer)
{
    int calls = 0;
    refusals = 2;
    rc_barrier_ask(barrier, here, 2, on_passed, &calls);
    run_until(1);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(questions, 3);
    ck_assert_int_eq(told_count, 1);
    ck_assert_int_eq(told[0].targets[0].offset, end_of(3, "snapshot", 3));
}
END_TEST

START_TEST(a_partition_that_is_not_followed_is_told_to_all_who_wait_for_it)
{
    int calls[3] = {0};
    shut = true;
    tail_code = RC_OWNERSHIP;
    rc_barrier_ask(barrier, there, 2, on_passed, &calls[0]);
    await(&questions, 1);
    rc_barrier_ask(barrier, here, 2, on_passed, &calls[1]);
    rc_barrier_ask(barrier, here, 2, on_passed, &calls[2]);
    open_up();
    run_until(3);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(calls[i], 1);
    ck_assert_int_eq(passed_code, RC_OWNERSHIP);
}
END_TEST

START_TEST(who_knows_the_offsets_asks_nobody)
{
    static const rc_tail_target_t known[] = {{1, 7, 42}};
    int calls = 0;
    rc_barrier_await(barrier, known, 1, on_passed, &calls);
    ck_assert_int_eq(calls, 0); /* on the loop, not from inside the call */
    run_until(1);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(questions, 0);
    ck_assert_int_eq(told[0].targets[0].offset, 42);
}
END_TEST

START_TEST(nobody_is_called_after_the_end_whatever_the_tail_still_holds)
{
    static const rc_tail_target_t known[] = {{1, 7, 42}};
    int calls = 0;
    tail_waits = true;
    rc_barrier_ask(barrier, here, 2, on_passed, &calls);
    await(&told_count, 1);
    rc_barrier_await(barrier, known, 1, on_passed, &calls);
    rc_barrier_free(barrier);
    barrier = NULL;
    /* As the tail does at its own end. */
    for (int i = 0; i < told_count; i++) told[i].passed(told[i].opaque, RC_CANCELLED);
    rc_loop_free(loop);
    loop = NULL;
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(it_ends_while_it_asks_again)
{
    int calls = 0;
    refusals = 1000;
    rc_barrier_ask(barrier, here, 2, on_passed, &calls);
    await(&questions, 2);
    rc_barrier_ask(barrier, there, 2, on_passed, &calls); /* not handed to the thread yet */
    rc_barrier_free(barrier);
    barrier = NULL;
    ck_assert_int_eq(told_count, 0);
    ck_assert_int_eq(calls, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("barrier");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_tail_is_given_the_ends_that_the_cluster_told);
    tcase_add_test(all, who_asks_while_a_question_is_under_way_is_served_by_a_later_one);
    tcase_add_test(all, one_question_serves_all_who_gathered_meanwhile);
    tcase_add_test(all, places_are_told_apart_by_topic_partition_and_number);
    tcase_add_test(all, a_place_that_two_kinds_of_askers_name_is_asked_for_once);
    tcase_add_test(all, it_asks_again_while_the_cluster_does_not_answer);
    tcase_add_test(all, a_partition_that_is_not_followed_is_told_to_all_who_wait_for_it);
    tcase_add_test(all, who_knows_the_offsets_asks_nobody);
    tcase_add_test(all, nobody_is_called_after_the_end_whatever_the_tail_still_holds);
    tcase_add_test(all, it_ends_while_it_asks_again);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
