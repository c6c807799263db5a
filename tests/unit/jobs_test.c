/* producer/service/jobs: which of the waiting commands one poll answers. */
#include "producer/service/jobs.h"

#include "tests/support/unit.h"

static rc_jobs_t jobs;

static void add(int64_t offset, rc_command_kind_t kind, rc_trigger_t trigger)
{
    const rc_command_t command = {.id = "id", .integration_id = "personio:A", .kind = kind, .trigger = trigger};
    rc_jobs_add(&jobs, &command, offset);
}

static void webhook(int64_t offset)
{
    add(offset, RC_COMMAND_POLL, RC_TRIGGER_WEBHOOK);
}

static void setup(void)
{
    rc_jobs_init(&jobs);
}

static void teardown(void)
{
    rc_jobs_fini(&jobs);
}

static int64_t next(bool webhooks_may_poll)
{
    bool wait;
    const rc_job_t *job = rc_jobs_next(&jobs, webhooks_may_poll, &wait);
    return job ? job->offset : wait ? -2 : -1;
}

static void count_one(void *opaque, const rc_job_t *job)
{
    (void)job;
    ++*(int *)opaque;
}

/* Begins a poll for the next command; returns how many join it. */
static int begin(rc_job_t **job)
{
    bool wait;
    int count = 0;
    *job = rc_jobs_next(&jobs, true, &wait);
    ck_assert_ptr_nonnull(*job);
    rc_jobs_join(&jobs, *job, count_one, &count);
    return count;
}

START_TEST(a_pause_does_not_stand_in_line)
{
    webhook(1);
    add(2, RC_COMMAND_FULL_POLL, RC_TRIGGER_COMMAND);
    ck_assert_int_eq(next(true), 2);
    add(3, RC_COMMAND_RESUME, RC_TRIGGER_COMMAND);
    add(4, RC_COMMAND_PAUSE, RC_TRIGGER_COMMAND);
    ck_assert_int_eq(next(true), 3); /* these two as they were given */
}
END_TEST

START_TEST(webhooks_that_wait_are_one_poll)
{
    rc_job_t *job;
    for (int64_t offset = 0; offset < 200; offset++) webhook(offset);
    ck_assert_int_eq(begin(&job), 199);
    ck_assert_int_eq(job->offset, 199);
    rc_jobs_drop(&jobs, job);
    ck_assert_int_eq(next(true), -1);
}
END_TEST

START_TEST(a_webhook_that_comes_during_a_poll_gets_another)
{
    rc_job_t *job;
    webhook(0);
    webhook(1);
    ck_assert_int_eq(begin(&job), 1);
    webhook(2);
    rc_jobs_drop(&jobs, job);
    ck_assert_int_eq(next(true), 2);
}
END_TEST

START_TEST(a_poll_that_failed_is_made_again_for_all_that_wait_by_then)
{
    rc_job_t *job;
    webhook(0);
    webhook(1);
    ck_assert_int_eq(begin(&job), 1);
    webhook(2);
    ck_assert_int_eq(begin(&job), 2);
    ck_assert_int_eq(job->offset, 2);
    rc_jobs_drop(&jobs, job);
    ck_assert_int_eq(next(true), -1);
}
END_TEST

START_TEST(an_operators_command_does_not_wait_behind_webhooks_and_its_poll_answers_them)
{
    rc_job_t *job;
    webhook(0);
    add(1, RC_COMMAND_FULL_POLL, RC_TRIGGER_COMMAND);
    webhook(2);
    ck_assert_int_eq(next(false), 1);
    ck_assert_int_eq(begin(&job), 2);
    rc_jobs_drop(&jobs, job);
    ck_assert_int_eq(next(true), -1);
}
END_TEST

START_TEST(whoever_waits_for_an_answer_gets_their_own)
{
    rc_job_t *job;
    add(0, RC_COMMAND_POLL, RC_TRIGGER_COMMAND);
    add(1, RC_COMMAND_POLL, RC_TRIGGER_COMMAND);
    add(2, RC_COMMAND_FULL_POLL, RC_TRIGGER_WEBHOOK); /* none of ours writes one */
    for (int64_t offset = 0; offset < 3; offset++) {
        ck_assert_int_eq(begin(&job), 0);
        ck_assert_int_eq(job->offset, offset);
        rc_jobs_drop(&jobs, job);
    }
}
END_TEST

START_TEST(webhooks_wait_when_they_may_not_poll)
{
    ck_assert_int_eq(next(false), -1);
    webhook(0);
    ck_assert_int_eq(next(false), -2);
    ck_assert_int_eq(next(true), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("jobs");
    TCase *tests = tcase_create("jobs");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_pause_does_not_stand_in_line);
    tcase_add_test(tests, webhooks_that_wait_are_one_poll);
    tcase_add_test(tests, a_webhook_that_comes_during_a_poll_gets_another);
    tcase_add_test(tests, a_poll_that_failed_is_made_again_for_all_that_wait_by_then);
    tcase_add_test(tests, an_operators_command_does_not_wait_behind_webhooks_and_its_poll_answers_them);
    tcase_add_test(tests, whoever_waits_for_an_answer_gets_their_own);
    tcase_add_test(tests, webhooks_wait_when_they_may_not_poll);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
