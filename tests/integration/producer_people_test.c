/* What operators do with people who are published already, on a real broker: publishing them again, and erasing who has
 * left. */
#include <signal.h>
#include <sys/wait.h>

#include "producer/poll/forget.h"
#include "producer/poll/resync.h"
#include "tests/integration/producer_rig.h"

enum { PEOPLE = 12, IN_TRANSACTION = 3, LEFT = 2 };

static rig_t rig;
static char prefix[48], directory[48], text[RIG_TEXT_SIZE];
static int writes, kill_before; /* 0: never */

rc_code_t __real_rc_publisher_write(rc_publisher_t *, const rc_transaction_t *, const atomic_bool *, rc_published_t *,
                                    bool *, rc_error_t *);
rc_code_t __wrap_rc_publisher_write(rc_publisher_t *, const rc_transaction_t *, const atomic_bool *, rc_published_t *,
                                    bool *, rc_error_t *);

rc_code_t __wrap_rc_publisher_write(rc_publisher_t *publisher, const rc_transaction_t *transaction,
                                    const atomic_bool *cancelled, rc_published_t *published, bool *unknown,
                                    rc_error_t *error)
{
    if (++writes == kill_before) (void)raise(SIGKILL);
    return __real_rc_publisher_write(publisher, transaction, cancelled, published, unknown, error);
}

static void open_places(void)
{
    rig_places(prefix, directory);
    sandbox_start(PEOPLE, false);
}

static void setup(void)
{
    writes = kill_before = 0;
    open_places();
    rig_open(&rig, rig_text(text, prefix, "one", directory, "brakes: {deactivations: {count: 0, percent: 0}}"));
    rig_poll(&rig, RC_POLL_FULL);
}

static void teardown(void)
{
    rig_close(&rig);
    sandbox_stop();
    rig_remove(directory);
}

/* --- who there is --- */

static const char *announced_one(int number)
{
    rig_events_t events = rig_events(&rig);
    for (size_t i = 0; i < events.count; i++)
        if (events.items[i].type == RC_EVENT_CREATED && number-- == 0) return events.items[i].employee_id;
    ck_abort_msg("there are not so many");
    return NULL;
}

static void leave(const char *employee_id)
{
    char body[160];
    (void)snprintf(body, sizeof body, "{'op': 'update', 'employee': '%s', 'employment_status': 'INACTIVE'}",
                   employee_id);
    control_quietly("POST", "changes", body);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
}

static bool find_snapshot(const char *employee_id, rc_snapshot_t *snapshot)
{
    bool found;
    OK(rc_views_snapshot(rig.service.views, rig_id(&rig), employee_id, rig.arena, snapshot, &found, &rc_oops));
    return found;
}

/* --- resync --- */

static rc_resync_result_t resynced;
static rc_error_t why;

static rc_code_t resync(const char *employee_id, rc_wall_t issued_at)
{
    const rc_poll_context_t context = rig_context(&rig);
    const rc_resync_order_t order = {.employee_id = employee_id,
                                     .issued_at = issued_at,
                                     .now = rc_wall_now(),
                                     .group = rig.group,
                                     .command_id = "c-1",
                                     .command_offset = -1};
    const rc_sync_state_t before = rig_state(&rig);
    why = RC_ERROR_INIT;
    return rc_poll_resync(&context, &order, &before, rig.arena, &resynced, &why);
}

static size_t count_resynced(const rig_events_t *events, const char *employee_id)
{
    size_t count = 0;
    for (size_t i = 0; i < events->count; i++)
        count += events->items[i].trigger == RC_TRIGGER_RESYNC &&
                 (!employee_id || strcmp(events->items[i].employee_id, employee_id) == 0);
    return count;
}

START_TEST(resync_publishes_everybody_as_they_are_with_a_new_version_and_nothing_else_changes)
{
    rc_snapshot_t before, after;
    const char *gone = announced_one(2);
    leave(gone);
    ck_assert(find_snapshot(gone, &before));
    const rc_sync_state_t state = rig_state(&rig);
    OK(resync(NULL, (rc_wall_t){rc_wall_now().ms + 1}));
    ck_assert_int_eq(resynced.created, state.announced);
    ck_assert_int_eq(resynced.deactivated, 1);
    ck_assert(!resynced.behind);
    ck_assert(find_snapshot(gone, &after));
    ck_assert_int_eq(after.previous_version, before.version);
    ck_assert_int_eq(after.gone_reason, before.gone_reason);
    ck_assert_int_eq(after.effective_date.days, before.effective_date.days);
    ck_assert_mem_eq(after.counted_hours, before.counted_hours, sizeof after.counted_hours);
    rig_events_t events = rig_events(&rig);
    rig_check_chains(&events);
    const rc_event_t *event = rig_newest(&events, RC_EVENT_DEACTIVATED, gone);
    ck_assert_int_eq(event->deactivated.reason, RC_GONE_RESYNC);
    event = rig_newest(&events, RC_EVENT_CREATED, announced_one(0));
    ck_assert_int_eq(event->created.reason, RC_CREATED_RESYNC);
    const rc_sync_state_t now = rig_state(&rig);
    ck_assert_int_eq(now.announced, state.announced);
    ck_assert_int_eq(now.employees, state.employees);
    ck_assert_uint_eq(now.windows[RC_BRAKE_CREATIONS].count, state.windows[RC_BRAKE_CREATIONS].count);
    ck_assert_uint_eq(now.windows[RC_BRAKE_DEACTIVATIONS].count, state.windows[RC_BRAKE_DEACTIVATIONS].count);
    ck_assert_str_eq(now.last_command_id, "c-1");
    ck_assert(now.last_command_ok);
    ck_assert_ptr_nonnull(strstr(now.last_command_message, "1 deactivated"));
    rig_poll(&rig, RC_POLL_FULL); /* and the next poll finds nothing that differs */
    ck_assert_uint_eq(rig_events(&rig).count, events.count);
}
END_TEST

START_TEST(resync_of_one_leaves_the_others_alone)
{
    const char *id = announced_one(1);
    size_t before = rig_events(&rig).count;
    OK(resync(id, (rc_wall_t){rc_wall_now().ms + 1}));
    rig_events_t events = rig_events(&rig);
    ck_assert_uint_eq(events.count, before + 1);
    ck_assert_uint_eq(count_resynced(&events, id), 1);
    ck_assert_int_eq(resync("nobody", rc_wall_now()), RC_NOT_FOUND);
    ck_assert_int_eq(why.disposition, RC_REJECT);
    ck_assert_ptr_nonnull(strstr(why.message, "nobody"));
}
END_TEST

START_TEST(resync_does_not_go_past_a_pause)
{
    bool behind;
    const char *gone = announced_one(2);
    leave(gone);
    const rc_poll_context_t context = rig_context(&rig);
    rc_sync_state_t state = rig_state(&rig);
    state.paused = 1U << RC_EVENT_DEACTIVATED;
    OK(rc_poll_publish_state(&context, rig.group, &state, -1, &behind, &rc_oops));
    size_t before = rig_events(&rig).count;
    ck_assert_int_eq(resync(NULL, (rc_wall_t){rc_wall_now().ms + 1}), RC_CONFLICT);
    ck_assert_ptr_nonnull(strstr(why.message, "rollcall-producer resume --integration"));
    ck_assert_uint_eq(rig_events(&rig).count, before);
    OK(resync(announced_one(0), (rc_wall_t){rc_wall_now().ms + 1})); /* what is not paused */
    ck_assert_int_eq(resynced.created, 1);
}
END_TEST

/* The clock of whoever asked may be ahead: what is done is done all the same. */
static const int64_t AHEAD_MS = 3600000;

static void resync_and_die(int from)
{
    rc_wall_t issued_at;
    ck_assert_int_eq(read(from, &issued_at, sizeof issued_at), (ssize_t)sizeof issued_at);
    ssize_t got = read(from, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    rig_open(&rig, text);
    rig_poll(&rig, RC_POLL_FULL);
    rig.transaction_employees = IN_TRANSACTION;
    kill_before = writes + 3;
    (void)resync(NULL, issued_at);
    _exit(EXIT_FAILURE);
}

START_TEST(resync_that_was_killed_between_two_transactions_goes_on_without_a_repetition)
{
    int pipe_of[2], end;
    ck_assert_int_eq(pipe(pipe_of), 0);
    pid_t child = fork();
    if (child == 0) resync_and_die(pipe_of[0]);
    open_places();
    (void)rig_text(text, prefix, "one", directory, "");
    rc_wall_t issued_at = {rc_wall_now().ms + AHEAD_MS};
    ck_assert_int_eq(write(pipe_of[1], &issued_at, sizeof issued_at), (ssize_t)sizeof issued_at);
    ck_assert_int_eq(write(pipe_of[1], text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(waitpid(child, &end, 0), child);
    ck_assert_msg(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL, "status %d", end);

    rig_open(&rig, text);
    const rc_sync_state_t state = rig_state(&rig);
    ck_assert_ptr_null(state.last_command_id); /* nobody was told that it is done */
    OK(resync(NULL, issued_at));
    ck_assert_int_eq(resynced.created, state.announced - 2 * IN_TRANSACTION);
    ck_assert_ptr_nonnull(strstr(resynced.state.last_command_message, "; 6 passed over"));
    rig_events_t events = rig_events(&rig);
    rig_check_chains(&events);
    ck_assert_uint_eq(count_resynced(&events, NULL), (size_t)state.announced);
    for (size_t i = 0; i < events.count; i++)
        ck_assert_uint_eq(count_resynced(&events, events.items[i].employee_id), 1);
    teardown();
}
END_TEST

/* --- forget --- */

static rc_forget_result_t forgotten;

static rc_code_t forget(const char *employee_id, rc_wall_t gone_before, size_t most)
{
    const rc_poll_context_t context = rig_context(&rig);
    const rc_forget_order_t order = {.employee_id = employee_id,
                                     .gone_before = gone_before,
                                     .most = most,
                                     .group = rig.group,
                                     .command_id = employee_id ? "c-2" : NULL,
                                     .command_offset = -1};
    const rc_sync_state_t before = rig_state(&rig);
    why = RC_ERROR_INIT;
    return rc_poll_forget(&context, &order, &before, rig.arena, &forgotten, &why);
}

typedef struct {
    const char *key;
    int32_t partition;
    int tombstones;
    int elsewhere;
} graves_t;

static bool count_grave(void *opaque, const rc_kafka_message_t *message)
{
    graves_t *graves = opaque;
    size_t length = strlen(graves->key);
    if (message->value || message->key_bytes < length ||
        memcmp((const char *)message->key + message->key_bytes - length, graves->key, length) != 0)
        return true;
    *(message->partition == graves->partition ? &graves->tombstones : &graves->elsewhere) += 1;
    return true;
}

static int graves_in(rc_topic_kind_t topic, const char *employee_id)
{
    graves_t graves = {.key = rc_employee_key(rig.arena, rig_id(&rig), employee_id)};
    graves.partition = rc_kafka_partition(graves.key, strlen(graves.key), rig.config->kafka.partitions);
    const rc_kafka_span_t all = {.topic = rc_topic_name(rig.config, topic, rig.arena), .partition = -1};
    OK(rc_kafka_read_all(rig.service.kafka, &all, 1, RIG_PATIENCE_MS, count_grave, &graves, NULL, &rc_oops));
    ck_assert_int_eq(graves.elsewhere, 0);
    return graves.tombstones;
}

START_TEST(forget_erases_who_has_left_from_snapshot_pending_and_ledger_and_a_rehire_has_a_higher_version)
{
    rc_snapshot_t before, after;
    char body[160];
    const char *id = announced_one(1);
    leave(id);
    ck_assert(find_snapshot(id, &before));
    int64_t employees = rig_state(&rig).employees;
    OK(forget(id, (rc_wall_t){0}, 0));
    ck_assert_uint_eq(forgotten.forgotten, 1);
    ck_assert(!find_snapshot(id, &after));
    ck_assert_int_eq(graves_in(RC_TOPIC_SNAPSHOT, id), 1);
    ck_assert_int_ge(graves_in(RC_TOPIC_PENDING, id), 1);
    ck_assert_int_eq(graves_in(RC_TOPIC_LEDGER, id), RC_EVENT_COUNT);
    ck_assert_int_eq(rig_state(&rig).employees, employees - 1);
    ck_assert_str_eq(rig_state(&rig).last_command_id, "c-2");
    size_t events = rig_events(&rig).count;
    rig_poll(&rig, RC_POLL_FULL); /* who has left and was never announced is of no concern */
    ck_assert_uint_eq(rig_events(&rig).count, events);
    (void)snprintf(body, sizeof body, "{'op': 'update', 'employee': '%s', 'employment_status': 'ACTIVE'}", id);
    control_quietly("POST", "changes", body);
    rig_poll(&rig, RC_POLL_INCREMENTAL);
    ck_assert(find_snapshot(id, &after));
    ck_assert_int_gt(after.version, before.version);
    ck_assert_int_eq(after.previous_version, 0);
    ck_assert_int_eq(rig_state(&rig).employees, employees);
}
END_TEST

START_TEST(forget_refuses_the_employed_and_the_unknown)
{
    rc_snapshot_t snapshot;
    const char *id = announced_one(1);
    ck_assert_int_eq(forget(id, (rc_wall_t){0}, 0), RC_CONFLICT);
    ck_assert_int_eq(why.disposition, RC_REJECT);
    ck_assert_ptr_nonnull(strstr(why.message, "is employed"));
    ck_assert(find_snapshot(id, &snapshot));
    ck_assert_int_eq(forget("nobody", (rc_wall_t){0}, 0), RC_NOT_FOUND);
    ck_assert_int_eq(graves_in(RC_TOPIC_SNAPSHOT, id), 0);
}
END_TEST

START_TEST(forget_by_itself_takes_only_who_is_gone_for_long_and_so_many_at_once)
{
    rc_snapshot_t snapshot;
    for (int i = 0; i < LEFT; i++) leave(announced_one(i));
    int writes_before = writes;
    OK(forget(NULL, (rc_wall_t){rc_wall_now().ms - RIG_DAY_MS}, 10));
    ck_assert_uint_eq(forgotten.forgotten, 0);
    ck_assert_int_eq(writes, writes_before); /* not even a state */
    rc_wall_t later = {rc_wall_now().ms + 3 * (int64_t)RIG_DAY_MS};
    OK(forget(NULL, later, 1));
    ck_assert_uint_eq(forgotten.forgotten, 1);
    OK(forget(NULL, later, 10));
    ck_assert_uint_eq(forgotten.forgotten, LEFT - 1);
    for (int i = 0; i < LEFT; i++) ck_assert(!find_snapshot(announced_one(i), &snapshot));
    ck_assert(find_snapshot(announced_one(LEFT), &snapshot));
}
END_TEST

START_TEST(somebody_is_gone_from_the_end_of_the_last_day_or_from_when_it_was_published)
{
    const int64_t noon_ms = INT64_C(20779) * RIG_DAY_MS + RIG_DAY_MS / 2;
    rc_snapshot_t snapshot = {.occurred_at = {noon_ms}, .effective_date = {20779}};
    ck_assert_int_eq(rc_forget_gone_since(&snapshot).ms, INT64_C(20780) * RIG_DAY_MS);
    snapshot.effective_date.days = 20000;
    ck_assert_int_eq(rc_forget_gone_since(&snapshot).ms, noon_ms);
    snapshot.effective_date = RC_DATE_NONE;
    ck_assert_int_eq(rc_forget_gone_since(&snapshot).ms, noon_ms);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("people");
    TCase *tcase = tcase_create("people"), *alone = tcase_create("killed");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, resync_publishes_everybody_as_they_are_with_a_new_version_and_nothing_else_changes);
    tcase_add_test(tcase, resync_of_one_leaves_the_others_alone);
    tcase_add_test(tcase, resync_does_not_go_past_a_pause);
    tcase_add_test(tcase,
                   forget_erases_who_has_left_from_snapshot_pending_and_ledger_and_a_rehire_has_a_higher_version);
    tcase_add_test(tcase, forget_refuses_the_employed_and_the_unknown);
    tcase_add_test(tcase, forget_by_itself_takes_only_who_is_gone_for_long_and_so_many_at_once);
    tcase_add_test(alone, resync_that_was_killed_between_two_transactions_goes_on_without_a_repetition);
    tcase_add_test(alone, somebody_is_gone_from_the_end_of_the_last_day_or_from_when_it_was_published);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, alone);
    return rc_unit_run(suite);
}
