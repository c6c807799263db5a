/* Polls and ticks on a real broker: what one leaves behind when it is killed, fails or is overtaken, and what the next
 * makes of it. The calls between the steps of a poll are wrapped by the linker (CMakeLists.txt). */
#include <signal.h>
#include <sys/wait.h>

#include "common/kafka_txn.h"
#include "tests/integration/producer_rig.h"

enum { PEOPLE = 30 };

static rig_t rig;
static char prefix[48], directory[48], text[RIG_TEXT_SIZE];

/* --- where a poll can be stopped --- */

typedef enum {
    NOWHERE,
    BEFORE_FIRST,     /* transaction */
    IN_FIRST,         /* all is sent, nothing committed */
    BETWEEN,          /* the first and the second */
    IN_SECOND,        /* likewise */
    BEFORE_FOLLOWING, /* all is committed */
    PLACES
} place_t;

static place_t kill_at;
static int writes, commits, fail_write; /* fail_write: the write of that number fails */

rc_code_t __real_rc_publisher_write(rc_publisher_t *, const rc_transaction_t *, const atomic_bool *, rc_published_t *,
                                    bool *, rc_error_t *);
rc_code_t __wrap_rc_publisher_write(rc_publisher_t *, const rc_transaction_t *, const atomic_bool *, rc_published_t *,
                                    bool *, rc_error_t *);
rc_kafka_commit_t __real_rc_kafka_txn_commit(rc_kafka_txn_t *, const atomic_bool *, rc_error_t *);
rc_kafka_commit_t __wrap_rc_kafka_txn_commit(rc_kafka_txn_t *, const atomic_bool *, rc_error_t *);
rc_code_t __real_rc_views_follow(rc_views_t *, const rc_kafka_offset_t *, size_t, const atomic_bool *, rc_error_t *);
rc_code_t __wrap_rc_views_follow(rc_views_t *, const rc_kafka_offset_t *, size_t, const atomic_bool *, rc_error_t *);

/* --- records that Kombo shows twice --- */

static const char *shown_twice; /* an employee's id: first as somebody who has left, then as they are */

typedef struct {
    rc_kombo_employee_fn *fn;
    void *opaque;
} taker_t;

static rc_code_t take_twice(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *error)
{
    const taker_t *taker = opaque;
    rc_kombo_employee_t left = *employee;
    left.employment_status = "INACTIVE";
    if (shown_twice && strcmp(employee->id, shown_twice) == 0) OK(taker->fn(taker->opaque, &left, error));
    return taker->fn(taker->opaque, employee, error);
}

rc_code_t __real_rc_kombo_fetch_employees(rc_kombo_t *, const rc_kombo_query_t *, rc_kombo_employee_fn *, void *,
                                          const atomic_bool *, rc_kombo_result_t *, rc_error_t *);
rc_code_t __wrap_rc_kombo_fetch_employees(rc_kombo_t *, const rc_kombo_query_t *, rc_kombo_employee_fn *, void *,
                                          const atomic_bool *, rc_kombo_result_t *, rc_error_t *);

rc_code_t __wrap_rc_kombo_fetch_employees(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_employee_fn *fn,
                                          void *opaque, const atomic_bool *cancelled, rc_kombo_result_t *result,
                                          rc_error_t *error)
{
    taker_t taker = {fn, opaque};
    return __real_rc_kombo_fetch_employees(kombo, query, take_twice, &taker, cancelled, result, error);
}

static void pass(place_t place)
{
    if (place != NOWHERE && kill_at == place) (void)raise(SIGKILL);
}

rc_code_t __wrap_rc_publisher_write(rc_publisher_t *publisher, const rc_transaction_t *transaction,
                                    const atomic_bool *cancelled, rc_published_t *published, bool *unknown,
                                    rc_error_t *error)
{
    writes++;
    pass(writes == 1 ? BEFORE_FIRST : writes == 2 ? BETWEEN : NOWHERE);
    *unknown = false;
    if (writes == fail_write) return rc_error_set(error, RC_KAFKA, RC_RETRY, "the brokers are away");
    return __real_rc_publisher_write(publisher, transaction, cancelled, published, unknown, error);
}

rc_kafka_commit_t __wrap_rc_kafka_txn_commit(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    commits++;
    pass(commits == 1 ? IN_FIRST : commits == 2 ? IN_SECOND : NOWHERE);
    return __real_rc_kafka_txn_commit(txn, cancelled, error);
}

rc_code_t __wrap_rc_views_follow(rc_views_t *views, const rc_kafka_offset_t *published, size_t count,
                                 const atomic_bool *cancelled, rc_error_t *error)
{
    pass(BEFORE_FOLLOWING);
    return __real_rc_views_follow(views, published, count, cancelled, error);
}

/* --- fixtures --- */

static void open_places(void)
{
    kill_at = NOWHERE;
    writes = commits = fail_write = 0;
    rig_places(prefix, directory);
    sandbox_start(PEOPLE, false);
}

/* Of the runs and of the sandbox: it is noon, so that no day begins by itself while a test counts days. */
static void begin_at_noon(void)
{
    int64_t of_day_ms = rc_wall_now().ms % RIG_DAY_MS, noon_ms = RIG_DAY_MS / 2;
    rig_advance(&rig, (noon_ms - of_day_ms + RIG_DAY_MS) % RIG_DAY_MS);
}

static void open_rig(const char *policy)
{
    open_places();
    rig_open(&rig, rig_text(text, prefix, "one", directory, policy));
    begin_at_noon();
}

static void close_rig(void)
{
    rig_close(&rig);
    sandbox_stop();
    rig_remove(directory);
}

/* The id of somebody who is announced. */
static const char *somebody(int number)
{
    rig_events_t events = rig_events(&rig);
    for (size_t i = 0; i < events.count; i++)
        if (events.items[i].type == RC_EVENT_CREATED && number-- == 0) return events.items[i].employee_id;
    ck_abort_msg("there are not so many");
    return NULL;
}

static void change(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void change(const char *format, ...)
{
    char body[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(body, sizeof body, format, arguments);
    va_end(arguments);
    control_quietly("POST", "changes", body);
}

static void fault(const char *description)
{
    control_quietly("POST", "/faults", description);
}

/* --- I1 --- */

/* The process that is to be killed: told its configuration when the sandbox stands, which has threads. */
static void poll_and_die(int from, place_t place)
{
    ssize_t got = read(from, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    rig_open(&rig, text);
    rig.transaction_employees = 10;
    kill_at = place;
    (void)rig_run(&rig, RC_POLL_FULL);
    _exit(EXIT_FAILURE);
}

START_TEST(I1_a_poll_that_was_killed_anywhere_is_completed_by_the_next_without_a_gap_or_a_repetition)
{
    int pipe_of[2], status_of_child;
    place_t place = (place_t)_i;
    ck_assert_int_eq(pipe(pipe_of), 0);
    pid_t child = fork();
    if (child == 0) poll_and_die(pipe_of[0], place);
    open_places();
    (void)rig_text(text, prefix, "one", directory, "");
    ck_assert_int_eq(write(pipe_of[1], text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(waitpid(child, &status_of_child, 0), child);
    ck_assert_msg(WIFSIGNALED(status_of_child) && WTERMSIG(status_of_child) == SIGKILL, "status %d", status_of_child);

    rig_open(&rig, text);
    rig.transaction_employees = 10;
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    bool all_was_done = place == BEFORE_FOLLOWING;
    ck_assert_int_eq(rig.result.kind, all_was_done ? RC_POLL_INCREMENTAL : RC_POLL_FULL);
    rig_events_t events = rig_events(&rig);
    size_t created = rig_count(&events, RC_EVENT_CREATED);
    ck_assert_uint_eq(created, events.count);
    ck_assert_uint_eq(created, (size_t)rig.result.state.announced);
    ck_assert_uint_gt(created, PEOPLE / 2);
    for (size_t i = 0; i < events.count; i++)
        ck_assert_int_eq(events.items[i].created.reason, RC_CREATED_INITIAL_IMPORT);
    rig_check_chains(&events);

    control_quietly("POST", "changes", "{'op': 'random', 'changes': 40, 'seed': 5}");
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    events = rig_events(&rig);
    ck_assert_uint_gt(events.count, created);
    rig_check_chains(&events);
    size_t before = events.count;
    rig_poll(&rig, RC_POLL_FULL);
    events = rig_events(&rig);
    ck_assert_uint_eq(events.count, before);
    close_rig();
}
END_TEST

START_TEST(a_poll_that_failed_half_way_leaves_its_counts_and_asks_for_catching_up)
{
    open_rig("");
    rig.transaction_employees = 10;
    fail_write = 2;
    ck_assert_int_eq(rig_run(&rig, RC_POLL_FULL), RC_KAFKA);
    ck_assert(rig.result.behind);
    OK(rc_views_catch_up(rig.service.views, NULL, &rc_oops));
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert(!rig.result.behind);
    ck_assert_int_eq(rig.before.announced, 10); /* what the first transaction published counts already */
    ck_assert_int_eq(rig.before.watermark.ms, 0);
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(events.count, (size_t)rig.result.state.announced);
    rig_check_chains(&events);
    close_rig();
}
END_TEST

START_TEST(an_approval_that_failed_half_way_is_completed_by_the_next)
{
    enum { LEAVERS = 6 };
    open_rig("brakes: {deactivations: {count: 2, percent: 0}}");
    rig_poll(&rig, RC_POLL_FULL);
    for (int i = 1; i <= LEAVERS; i++) change("{'op': 'leave', 'employee': %d}", i);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_uint_eq(rig.result.state.hold_count, 1);
    const rc_hold_t hold = rig.result.state.holds[0];
    const rc_hold_decision_t decision = {hold.id, true, hold.changed_at};
    rig.decision = &decision;
    rig.transaction_employees = 2;
    fail_write = writes + 3;
    ck_assert_int_eq(rig_run(&rig, RC_POLL_TICK), RC_KAFKA);
    OK(rc_views_catch_up(rig.service.views, NULL, &rc_oops));
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(rig_count(&events, RC_EVENT_DEACTIVATED), 4);
    rig_poll(&rig, RC_POLL_TICK);
    events = rig_events(&rig);
    ck_assert_uint_eq(rig_count(&events, RC_EVENT_DEACTIVATED), LEAVERS);
    rig_check_chains(&events);
    ck_assert_uint_eq(rig.result.state.hold_count, 0);
    ck_assert_uint_eq(rig.result.state.windows[RC_BRAKE_DEACTIVATIONS].count, 0);
    close_rig();
}
END_TEST

START_TEST(nothing_is_published_before_the_fetch_has_ended)
{
    open_rig("");
    fault("{'side': 'kombo', 'kind': 'cut', 'after': 2, 'match': {'path': '/hris/employees'}}");
    ck_assert_int_eq(rig_run(&rig, RC_POLL_FULL), RC_INTERRUPTED);
    ck_assert_int_eq(writes, 0);
    ck_assert(!rig.result.behind);
    fault("{'side': 'kombo', 'kind': 'cursor_expired', 'after': 1}");
    rig_poll(&rig, RC_POLL_INCREMENTAL); /* the listing starts again */
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(events.count, (size_t)rig.result.state.announced);
    rig_check_chains(&events);
    fault("{'side': 'kombo', 'kind': 'cursor_expired', 'next': -1}");
    ck_assert_int_eq(rig_run(&rig, RC_POLL_FULL), RC_CURSOR_EXPIRED); /* but not for ever */
    close_rig();
}
END_TEST

START_TEST(a_member_that_was_overtaken_publishes_nothing)
{
    rig_t other;
    char *second = rc_alloc(RIG_TEXT_SIZE);
    open_rig("");
    rc_kafka_consumer_close(rig.consumer); /* silent for longer than the session */
    rig.consumer = NULL;
    rig_open(&other, rig_text(second, prefix, "two", directory, ""));
    other.clock_offset_ms = rig.clock_offset_ms;
    ck_assert_int_eq(rig_run(&rig, RC_POLL_FULL), RC_OWNERSHIP);
    ck_assert_uint_eq(rig_events(&rig).count, 0);
    rig_poll(&other, RC_POLL_FULL);
    ck_assert_uint_eq(rig_events(&other).count, (size_t)other.result.state.announced);
    rig_close(&other);
    close_rig();
    free(second);
}
END_TEST

START_TEST(a_stopped_worker_begins_no_transaction)
{
    open_rig("");
    const atomic_bool stopped = true;
    bool unknown;
    rc_published_t published;
    rc_error_t error = RC_ERROR_INIT;
    const rc_transaction_t nothing = {.command_partition = 0, .command_offset = -1, .group = rig.group};
    ck_assert_int_eq(rc_publisher_write(rig.service.publisher, &nothing, &stopped, &published, &unknown, &error),
                     RC_CANCELLED);
    ck_assert_int_eq(commits, 0);
    close_rig();
}
END_TEST

/* --- absence --- */

START_TEST(I2_I3_somebody_missing_leaves_with_the_second_full_fetch_behind_the_grace)
{
    open_rig("");
    rc_pending_t pending;
    rig_poll(&rig, RC_POLL_FULL);
    const char *id = somebody(3);
    change("{'op': 'vanish', 'employee': '%s'}", id);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert(!rig_pending(&rig, id, &pending));
    rig_poll(&rig, RC_POLL_FULL);
    ck_assert(rig_pending(&rig, id, &pending));
    ck_assert_uint_eq(pending.reasons, 1U << RC_PENDING_ABSENT_ONCE);
    ck_assert_int_eq(rig.result.pending[RC_PENDING_ABSENT_ONCE], 1);
    rig_poll(&rig, RC_POLL_FULL); /* too early */
    rig_advance(&rig, 4 * 3600 * 1000);
    rig_poll(&rig, RC_POLL_TICK); /* no look at all */
    ck_assert_msg(rig.result.next_look_at.ms == 0, "a tick would follow a tick until the next full fetch");
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(rig_count(&events, RC_EVENT_DEACTIVATED), 0);
    rig_poll(&rig, RC_POLL_FULL);
    events = rig_events(&rig);
    const rc_event_t *left = rig_newest(&events, RC_EVENT_DEACTIVATED, id);
    ck_assert_ptr_nonnull(left);
    ck_assert_int_eq(left->deactivated.reason, RC_GONE_MISSING);
    ck_assert(!rig_pending(&rig, id, &pending));
    rig_check_chains(&events);
    close_rig();
}
END_TEST

START_TEST(I3_of_somebody_shown_twice_the_later_record_counts)
{
    open_rig("");
    rig_poll(&rig, RC_POLL_FULL);
    char *id = rc_strdup(somebody(3));
    for (int i = 0; i < 2; i++) {
        if (i == 1) change("{'op': 'update', 'employee': '%s', 'custom_fields': {'shoe_size': 44}}", id);
        shown_twice = id;
        rig_poll(&rig, i == 0 ? RC_POLL_FULL : RC_POLL_INCREMENTAL);
        shown_twice = NULL;
        ck_assert_int_gt(rig.result.state.last_poll.read, 0);
        ck_assert_int_eq(rig.result.events[RC_EVENT_DEACTIVATED], 0);
        ck_assert_int_eq(rig.result.state.last_poll.events, 0);
    }
    free(id);
    close_rig();
}
END_TEST

START_TEST(what_changed_while_kombos_clock_was_ahead_is_not_missed)
{
    open_rig("");
    rig_poll(&rig, RC_POLL_FULL);
    control_quietly("PUT", "/clock", "{'advance_ms': 1200000}"); /* wrongly, but not so much that the poll fails */
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    control_quietly("PUT", "/clock", "{'advance_ms': -1200000}");
    change("{'op': 'update', 'employee': 1, 'job_title': 'Overlooked'}");
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(rig_count(&events, RC_EVENT_PROFILE_UPDATED), 1);
    ck_assert_int_eq(rig.result.kind, RC_POLL_FULL);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.kind, RC_POLL_INCREMENTAL);
    close_rig();
}
END_TEST

START_TEST(I2_an_empty_list_deactivates_nobody)
{
    open_rig("");
    rig_poll(&rig, RC_POLL_FULL);
    fault("{'side': 'kombo', 'kind': 'empty_list', 'match': {'path': '/hris/employees'}}");
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.pending[RC_PENDING_ABSENT_ONCE], 0);
    fault("{'side': 'kombo', 'kind': 'empty_list', 'match': {'path': '/hris/employees'}}");
    rig_poll(&rig, RC_POLL_FULL);
    ck_assert_int_eq(rig.result.pending[RC_PENDING_ABSENT_ONCE], rig.result.state.announced);
    rig_poll(&rig, RC_POLL_FULL);
    ck_assert_int_eq(rig.result.pending[RC_PENDING_ABSENT_ONCE], 0);
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(rig_count(&events, RC_EVENT_DEACTIVATED), 0);
    close_rig();
}
END_TEST

START_TEST(somebody_deleted_leaves_when_a_second_look_by_id_shows_the_record)
{
    open_rig("");
    rc_pending_t pending;
    rig_poll(&rig, RC_POLL_FULL);
    const char *id = somebody(2);
    change("{'op': 'delete', 'employee': '%s'}", id);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert(rig_pending(&rig, id, &pending));
    ck_assert_int_eq(rig.result.next_look_at.ms, pending.until.ms);
    rig_poll(&rig, RC_POLL_INCREMENTAL); /* the overlap shows the same change again */
    rig_advance(&rig, 4 * 3600 * 1000);
    fault("{'side': 'kombo', 'kind': 'empty_list'}"); /* proves nothing */
    rig_poll(&rig, RC_POLL_TICK);
    ck_assert(rig_pending(&rig, id, &pending));
    ck_assert_msg(rig.result.next_look_at.ms == 0, "ticks without end");
    rig_poll(&rig, RC_POLL_TICK);
    rig_events_t events = rig_events(&rig);
    const rc_event_t *left = rig_newest(&events, RC_EVENT_DEACTIVATED, id);
    ck_assert_ptr_nonnull(left);
    ck_assert_int_eq(left->deactivated.reason, RC_GONE_DELETED);
    ck_assert_int_eq(left->trigger, RC_TRIGGER_SCHEDULE);
    close_rig();
}
END_TEST

/* --- days --- */

START_TEST(a_tick_lets_days_come_while_kombo_is_away)
{
    open_rig("create: 0d");
    char hired[RC_TIME_STR_SIZE], left[RC_TIME_STR_SIZE];
    rc_pending_t pending;
    change("{'op': 'hire', 'first_name': 'Ada', 'last_name': 'L', 'work_email': 'ada@x.example', "
           "'employment_status': 'PENDING', 'start_date': '%s'}",
           rc_date_str((rc_date_t){rig_today(&rig).days + 3}, hired));
    rig_poll(&rig, RC_POLL_FULL);
    int64_t announced = rig.result.state.announced;
    ck_assert_int_ge(rig.result.pending[RC_PENDING_NOT_YET], 1);
    const char *leaver = somebody(1), *deleted = somebody(2);
    change("{'op': 'update', 'employee': '%s', 'termination_date': '%s'}", leaver,
           rc_date_str((rc_date_t){rig_today(&rig).days + 2}, left));
    change("{'op': 'delete', 'employee': '%s'}", deleted);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert(rig_pending(&rig, deleted, &pending));

    fault("{'side': 'kombo', 'kind': 'status', 'status': 503, 'next': -1}");
    rig.look_at_everybody = true;
    rig_advance(&rig, 2LL * RIG_DAY_MS);
    rig_poll(&rig, RC_POLL_TICK);
    ck_assert_int_eq(rig.result.events[RC_EVENT_DEACTIVATED], 0); /* the last day still belongs to them */
    rig_advance(&rig, RIG_DAY_MS);
    rig_poll(&rig, RC_POLL_TICK);
    ck_assert_int_eq(rig.result.events[RC_EVENT_DEACTIVATED], 1);
    ck_assert_int_ge(rig.result.events[RC_EVENT_CREATED], 1);
    rig_events_t events = rig_events(&rig);
    const rc_event_t *event = rig_newest(&events, RC_EVENT_DEACTIVATED, leaver);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event->deactivated.reason, RC_GONE_TERMINATION_DATE);
    ck_assert_int_eq(rig.result.state.announced, announced - 1 + rig.result.events[RC_EVENT_CREATED]);
    ck_assert(rig_pending(&rig, deleted, &pending));
    rig_check_chains(&events);
    close_rig();
}
END_TEST

START_TEST(a_tick_says_nothing_about_the_state_of_kombo)
{
    open_rig("");
    bool behind;
    char left[RC_TIME_STR_SIZE];
    change("{'op': 'update', 'employee': 1, 'termination_date': '%s'}", rc_date_str(rig_today(&rig), left));
    rig_poll(&rig, RC_POLL_FULL);
    rc_sync_state_t state = rig.result.state;
    state.state = RC_STATE_NEEDS_CUSTOMER;
    state.reason = "the customer reconnects it";
    state.failures = 7;
    const rc_poll_context_t context = rig_context(&rig);
    OK(rc_poll_publish_state(&context, rig.group, &state, -1, &behind, &rc_oops));
    rig.look_at_everybody = true;
    rig_advance(&rig, RIG_DAY_MS);
    rig_poll(&rig, RC_POLL_TICK);
    ck_assert_int_eq(rig.result.events[RC_EVENT_DEACTIVATED], 1);
    ck_assert_int_eq(rig.result.state.state, RC_STATE_NEEDS_CUSTOMER);
    ck_assert_int_eq(rig.result.state.failures, 7);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.state.state, RC_STATE_OK);
    ck_assert_int_eq(rig.result.state.failures, 0);
    close_rig();
}
END_TEST

/* --- names --- */

static const rc_event_t *created_with(const rig_events_t *events, const char *email)
{
    for (size_t i = 0; i < events->count; i++) {
        const rc_event_t *event = &events->items[i];
        if (event->type == RC_EVENT_CREATED && strcmp(event->employee.email, email) == 0) return event;
    }
    ck_abort_msg("%s was not announced", email);
    return NULL;
}

static void hire_later(const char *name, int days)
{
    char hired[RC_TIME_STR_SIZE];
    change("{'op': 'hire', 'first_name': '%s', 'last_name': 'L', 'work_email': '%s@x.example', "
           "'employment_status': 'PENDING', 'start_date': '%s', 'team': 'Alpha'}",
           name, name, rc_date_str((rc_date_t){rig_today(&rig).days + days}, hired));
}

START_TEST(a_renamed_team_reaches_its_members_and_those_who_wait)
{
    open_rig("create: 0d");
    change("[{'op': 'add_group', 'name': 'Alpha', 'type': 'TEAM'}, "
           "{'op': 'update', 'employee': 1, 'team': 'Alpha'}, {'op': 'update', 'employee': 2, 'team': 'Alpha'}]");
    hire_later("ada", 1);
    hire_later("bea", 2);
    rig_poll(&rig, RC_POLL_FULL);
    change("{'op': 'update', 'employee': 2, 'work_email': null}"); /* announced, and waits too */
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.pending[RC_PENDING_NO_EMAIL], 1);
    rig_advance(&rig, 10 * 60 * 1000); /* out of the overlap: nobody is read again */
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    rig_advance(&rig, 10 * 60 * 1000);
    change("{'op': 'rename_group', 'group': 'Alpha', 'name': 'Beta'}");
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.state.last_poll.read, 0);
    ck_assert_int_eq(rig.result.events[RC_EVENT_TEAM_CHANGED], 1);
    rig_advance(&rig, RIG_DAY_MS);
    rig_poll(&rig, RC_POLL_TICK);
    rig_events_t events = rig_events(&rig);
    ck_assert_str_eq(created_with(&events, "ada@x.example")->employee.primary_team.name, "Beta");

    change("{'op': 'rename_group', 'group': 'Beta', 'name': 'Gamma'}");
    rig_advance(&rig, RIG_DAY_MS); /* the name and the day in one poll */
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert_int_eq(rig.result.kind, RC_POLL_INCREMENTAL);
    events = rig_events(&rig);
    ck_assert_str_eq(created_with(&events, "bea@x.example")->employee.primary_team.name, "Gamma");
    rig_check_chains(&events);
    close_rig();
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("producer polls");
    TCase *tcase = tcase_create("polls");
    tcase_add_loop_test(tcase,
                        I1_a_poll_that_was_killed_anywhere_is_completed_by_the_next_without_a_gap_or_a_repetition,
                        BEFORE_FIRST, PLACES);
    tcase_add_test(tcase, a_poll_that_failed_half_way_leaves_its_counts_and_asks_for_catching_up);
    tcase_add_test(tcase, an_approval_that_failed_half_way_is_completed_by_the_next);
    tcase_add_test(tcase, nothing_is_published_before_the_fetch_has_ended);
    tcase_add_test(tcase, a_member_that_was_overtaken_publishes_nothing);
    tcase_add_test(tcase, a_stopped_worker_begins_no_transaction);
    tcase_add_test(tcase, I2_I3_somebody_missing_leaves_with_the_second_full_fetch_behind_the_grace);
    tcase_add_test(tcase, I3_of_somebody_shown_twice_the_later_record_counts);
    tcase_add_test(tcase, what_changed_while_kombos_clock_was_ahead_is_not_missed);
    tcase_add_test(tcase, I2_an_empty_list_deactivates_nobody);
    tcase_add_test(tcase, somebody_deleted_leaves_when_a_second_look_by_id_shows_the_record);
    tcase_add_test(tcase, a_tick_lets_days_come_while_kombo_is_away);
    tcase_add_test(tcase, a_tick_says_nothing_about_the_state_of_kombo);
    tcase_add_test(tcase, a_renamed_team_reaches_its_members_and_those_who_wait);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
