/* consumer/engine/apply against the sandbox's Learn Amp while HR changes at random and a third of the requests goes
 * wrong: with the engine's part played in its simplest form (one record of a person at a time, S1, S4, S5, tiers of
 * milliseconds), Learn Amp equals HR when the faults stop. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/mem.h"
#include "common/text.h"
#include "consumer/engine/apply.h"
#include "consumer/rules/parking.h"
#include "tests/sandbox/random.h"
#include "tests/sandbox/requests.h"
#include "tests/sandbox/server.h"

enum {
    PEOPLE = 24,
    MORE = 40,
    TEAMS = 4,
    CHANGES = 260,
    TIMEOUT_MS = 250,
    QUIET_MS = 800 /* on a busy machine the sandbox is late, too */,
    SLOTS = 8
};
static const int64_t delays_ms[] = {40, 160, 400};

typedef struct record {
    TAILQ_ENTRY(record) link;
    rc_event_t event;
    rc_event_type_t lane;
    int attempts, before; /* header; before -1: from the event topic */
    bool unanswered, looks_again, keeps_its_place;
    int64_t written_version;
    rc_mono_t due;
} record_t;

typedef struct {
    char id[16];
    bool known;    /* HR had them at some time */
    bool replaced; /* by a new employee id: this one never comes back */
    rc_snapshot_t row;
    TAILQ_HEAD(, record) records;
    record_t *current;
    rc_apply_t *apply;
    rc_mono_t quiet_until;
    rc_ledger_entry_t ledger[RC_EVENT_COUNT];
    bool has_ledger[RC_EVENT_COUNT];
} person_t;

static sb_sandbox_t sandbox;
static sb_integration_t *company;
static rc_integration_t integration;
static rc_loop_t *loop;
static rc_http_t *http;
static rc_learnamp_t *client;
static rc_teams_t *teams;
static rc_loop_timer_t *tick;
static rc_arena_t *arena;
static sb_random_t luck;
static person_t people[MORE];
static rc_ref_t groups[TEAMS];
static int64_t version, mails;
static int changes_left, in_flight, rejected;
static bool is_renamed;

static rc_mapping_t mapping[] = {{RC_TARGET_FIRST_NAME, NULL, "first_name", 0},
                                 {RC_TARGET_LAST_NAME, NULL, "last_name", 0},
                                 {RC_TARGET_EMAIL, NULL, "work_email", 0},
                                 {RC_TARGET_JOB_TITLE, NULL, "job_title", 0},
                                 {RC_TARGET_MANAGER_EMAIL, NULL, "manager.work_email", 0}};

static uint64_t any(uint64_t below)
{
    return sb_random_next(&luck) % below;
}

/* ---- HR ---- */

static bool is_employed(const person_t *person)
{
    return person->known && person->row.presence == RC_PRESENCE_EMPLOYED;
}

static record_t *publish(person_t *person, rc_event_type_t type)
{
    record_t *record = rc_arena_alloc(arena, sizeof *record);
    record->event = (rc_event_t){.type = type,
                                 .integration_id = "personio:storm",
                                 .employee_id = person->id,
                                 .version = person->row.version,
                                 .employee = person->row.employee};
    record->lane = type;
    record->before = -1;
    TAILQ_INSERT_TAIL(&person->records, record, link);
    return record;
}

static void hire(person_t *person, const char *email, const char *replaces)
{
    person->known = true;
    person->row = (rc_snapshot_t){.version = ++version, .presence = RC_PRESENCE_EMPLOYED, .replaces = replaces};
    person->row.employee = (rc_employee_t){.email = email,
                                           .first_name = "First",
                                           .last_name = person->id,
                                           .job_title = "Engineer",
                                           .hire_date = RC_DATE_NONE,
                                           .leave_date = RC_DATE_NONE,
                                           .primary_team = groups[any(TEAMS)]};
    if (any(3) == 0) person->row.employee.manager_email = people[0].row.employee.email;
    publish(person, RC_EVENT_CREATED)->event.created.replaces = replaces;
}

static const char *new_mail(void)
{
    return rc_arena_sprintf(arena, "mail%lld@acme.example", (long long)++mails);
}

static person_t *somebody(bool employed)
{
    for (int i = 0; i < 1000; i++) {
        person_t *person = &people[any(MORE)];
        if (person->known && is_employed(person) == employed) return person;
    }
    return NULL;
}

static void leave(person_t *person)
{
    person->row.presence = RC_PRESENCE_GONE;
    person->row.version = ++version;
    publish(person, RC_EVENT_DEACTIVATED);
}

static void change_mail(person_t *person, const char *mail)
{
    person->row.employee.email = mail;
    person->row.version = version;
    publish(person, RC_EVENT_PROFILE_UPDATED);
}

static void move(person_t *person, rc_ref_t team)
{
    rc_ref_t before = person->row.employee.primary_team;
    person->row.employee.primary_team = team;
    person->row.version = version;
    record_t *record = publish(person, RC_EVENT_TEAM_CHANGED);
    record->event.team.previous = before;
    record->event.team.current = team;
}

static void rename_team(rc_ref_t *group)
{
    group->name = rc_arena_sprintf(arena, "Team %s v%lld", group->id, (long long)++version);
    for (int i = 0; i < MORE; i++) {
        if (is_employed(&people[i]) && rc_text_equal(people[i].row.employee.primary_team.id, group->id))
            move(&people[i], *group);
    }
}

/* Whoever leaves has what HR says by then: a user who is deactivated keeps the address that they had, and an address
 * that such a one keeps from somebody else is for a person to sort out (IDENTITY_CONFLICT). */
static bool is_settled(const person_t *person)
{
    return TAILQ_EMPTY(&person->records) && person->current == NULL;
}

/* An address changes only once its user was adopted: a stranger's user that keeps it is for a person as well. */
static bool has_user(const person_t *person)
{
    return person->has_ledger[RC_EVENT_CREATED] && person->ledger[RC_EVENT_CREATED].outcome == RC_OUTCOME_APPLIED;
}

/* The same person under a new employee id. */
static void change_id(person_t *person)
{
    for (int i = PEOPLE; i < MORE; i++) {
        if (people[i].known) continue;
        leave(person);
        person->replaced = true;
        hire(&people[i], person->row.employee.email, person->id);
        return;
    }
}

static void change_something(void)
{
    person_t *one = somebody(true), *other = somebody(true), *gone = somebody(false);
    if (one == NULL || other == NULL) return;
    version++;
    switch (any(12)) {
    case 0:
        if (is_settled(one)) leave(one);
        return;
    case 1:
    case 2:
        /* A rehire with the same id gets a fresh address: the old one may have gone to a new id. */
        if (gone != NULL && !gone->replaced) hire(gone, new_mail(), gone->row.replaces);
        return;
    case 3:
        if (is_settled(one)) change_id(one);
        return;
    case 4:
        rename_team(&groups[any(TEAMS)]);
        return;
    case 5:
        if (has_user(one)) change_mail(one, new_mail());
        return;
    case 6: {
        const char *mail = one->row.employee.email;
        if (one == other || !has_user(one) || !has_user(other)) return;
        change_mail(one, other->row.employee.email);
        change_mail(other, mail);
        return;
    }
    case 7:
    case 8:
        move(one, any(4) == 0 ? (rc_ref_t){NULL, NULL} : groups[any(TEAMS)]);
        return;
    default:
        one->row.employee.job_title = rc_arena_sprintf(arena, "Title %lld", (long long)version);
        one->row.version = version;
        publish(one, RC_EVENT_PROFILE_UPDATED);
    }
}

/* ---- the engine's part ---- */

static void pump(void);

static void write_ledger(person_t *person, rc_event_type_t lane, int64_t of, rc_outcome_t outcome)
{
    person->ledger[lane] = (rc_ledger_entry_t){.version = of, .outcome = outcome};
    person->has_ledger[lane] = true;
}

/* Into a retry topic: others come before it. */
static void put_back(person_t *person, record_t *record, int64_t delay_ms)
{
    record->due.ms = rc_loop_now(loop).ms + delay_ms;
    record->keeps_its_place = false;
    TAILQ_INSERT_TAIL(&person->records, record, link);
}

/* In memory: nobody comes before it. */
static void keep(person_t *person, record_t *record, int64_t delay_ms)
{
    record->due.ms = rc_loop_now(loop).ms + delay_ms;
    record->keeps_its_place = true;
    TAILQ_INSERT_HEAD(&person->records, record, link);
}

static void park(person_t *person, record_t *record, rc_parking_decision_t way, rc_event_type_t lane)
{
    write_ledger(person, record->lane, record->event.version,
                 way.reason == RC_PARK_HANDED_OVER ? RC_OUTCOME_HANDED_OVER : RC_OUTCOME_PARKED);
    record->lane = lane;
    record->attempts = way.attempts;
    record->before = (int)way.reason;
    record->unanswered = way.unanswered;
    put_back(person, record, delays_ms[way.tier]);
}

static void on_failure(person_t *person, record_t *record, const rc_apply_result_t *result)
{
    const rc_parking_input_t input = {.class = result->class,
                                      .attempts = record->attempts,
                                      .before = record->before,
                                      .tiers = sizeof delays_ms / sizeof *delays_ms,
                                      .unanswered = result->unanswered || record->unanswered,
                                      .moved_aside = result->moved_aside};
    rc_parking_decision_t way = rc_parking_decide(&input);
    switch (way.kind) {
    case RC_PARKING_TIER:
        park(person, record, way, record->lane);
        return;
    case RC_PARKING_HOLD:
        keep(person, record, 30);
        return;
    case RC_PARKING_DEAD_LETTER:
        if (result->class == RC_CLASS_REJECTED) rejected++;
        record->attempts = 0; /* what a person's replay would do */
        put_back(person, record, delays_ms[2]);
        return;
    case RC_PARKING_FINISH:
        return;
    }
}

static void on_done(void *opaque, const rc_apply_result_t *result)
{
    person_t *person = opaque;
    record_t *record = person->current;
    person->apply = NULL;
    person->current = NULL;
    in_flight--;
    ck_assert_msg(result->class != RC_CLASS_MISCONFIGURED && result->class != RC_CLASS_CREDENTIALS, "%s",
                  result->reason);
    if (result->unanswered) person->quiet_until.ms = rc_loop_now(loop).ms + QUIET_MS;
    if (result->kind == RC_APPLY_HAND_OVER) {
        park(person, record, rc_parking_hand_over(), RC_EVENT_CREATED);
    } else if (result->kind == RC_APPLY_FAILED) {
        on_failure(person, record, result);
    } else if (result->look_again) {
        record->looks_again = true;
        record->written_version = result->version;
        keep(person, record, QUIET_MS);
    } else if (person->row.version > result->version) {
        record->looks_again = true; /* S4: not for S1 to skip */
        record->written_version = 0;
        keep(person, record, 0);
    } else {
        write_ledger(person, record->lane, result->version, result->outcome);
        if (result->manager_missing) {
            rc_parking_input_t input = {.class = RC_CLASS_UNKNOWN_MANAGER,
                                        .attempts = record->attempts,
                                        .before = record->before,
                                        .tiers = sizeof delays_ms / sizeof *delays_ms};
            rc_parking_decision_t way = rc_parking_decide(&input);
            record->attempts = way.attempts;
            record->before = (int)way.reason;
            if (way.kind == RC_PARKING_TIER) put_back(person, record, delays_ms[way.tier]);
        }
    }
    pump();
}

static void read_newest(void *opaque, bool behind_barrier, rc_newest_t *newest)
{
    person_t *person = opaque;
    *newest = rc_newest_of(&person->current->event, &person->row, behind_barrier);
}

static void pass_barrier(void *opaque)
{
    person_t *person = opaque;
    rc_apply_barrier_passed(person->apply);
}

static void take_barrier(void *opaque)
{
    rc_loop_post(loop, pass_barrier, opaque);
}

static void begin(person_t *person, record_t *record)
{
    static const rc_apply_callbacks_t callbacks = {read_newest, take_barrier, on_done};
    const rc_skip_input_t skip = {.entry = person->has_ledger[record->lane] ? &person->ledger[record->lane] : NULL,
                                  .version = record->event.version,
                                  .from_event_topic = record->before < 0,
                                  .unanswered = record->unanswered,
                                  .waits_for_manager = record->before == RC_PARK_MANAGER};
    TAILQ_REMOVE(&person->records, record, link);
    if (!record->looks_again && rc_rules_skip(&skip) != NULL) return;
    const rc_apply_input_t input = {.lane = record->lane,
                                    .event = &record->event,
                                    .conflict_attempts = record->before == RC_PARK_CONFLICT ? record->attempts : 0,
                                    .written_version = record->written_version};
    person->current = record;
    in_flight++;
    person->apply = rc_apply_start(client, teams, &input, &callbacks, person);
}

static void pump(void)
{
    rc_mono_t now = rc_loop_now(loop);
    int start = (int)any(MORE);
    for (int i = 0; i < MORE && in_flight < SLOTS; i++) {
        person_t *person = &people[(start + i) % MORE];
        record_t *record, *next;
        if (person->current != NULL || now.ms < person->quiet_until.ms) continue;
        for (record = TAILQ_FIRST(&person->records); record != NULL && person->current == NULL; record = next) {
            next = TAILQ_NEXT(record, link);
            if (record->due.ms <= now.ms)
                begin(person, record);
            else if (record->keeps_its_place)
                break;
        }
    }
}

static void on_tick(void *opaque)
{
    (void)opaque;
    if (changes_left > 0 && in_flight < SLOTS) {
        changes_left--;
        change_something();
        if (changes_left == 0) (void)sb_faults_remove(sandbox.faults, 0);
    }
    pump();
    bool idle = changes_left == 0 && in_flight == 0;
    for (int i = 0; i < MORE; i++) idle = idle && TAILQ_EMPTY(&people[i].records);
    if (!idle) return;
    if (is_renamed) rc_loop_stop(loop);
    /* A rename whose members all moved on before it came is nobody's any more: once more in the calm. */
    for (int i = 0; i < TEAMS && !is_renamed; i++) rename_team(&groups[i]);
    is_renamed = true;
}

/* ---- the scene ---- */

static void add_fault(const char *kind, double probability, int status, int seed)
{
    json_t *fault = json_pack("{s:s, s:s, s:f, s:i, s:i, s:i}", "side", "learnamp", "kind", kind, "probability",
                              probability, "status", status, "delay_ms", 120, "seed", seed);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(sb_faults_add(sandbox.faults, fault, &error) > 0, "%s", error.message);
    json_decref(fault);
}

/* Half of them have a user already, whom nobody gave an external id. */
static void add_user(const char *email)
{
    sb_refusal_t refusal;
    json_t *params =
        json_pack("{s:s, s:s, s:s, s:b}", "email", email, "firstName", "x", "lastName", "y", "skipInvitation", 1);
    sb_refusal_init(&refusal);
    ck_assert_ptr_nonnull(sb_store_user_create(company->store, params, sb_now(&sandbox), &refusal));
    sb_refusal_fini(&refusal);
    json_decref(params);
}

static uint64_t random_bits(void *opaque)
{
    (void)opaque;
    return sb_random_next(&luck);
}

static void setup(void)
{
    const sb_integration_options_t options = {.seed = 3, .people = 1, .epoch = {20000}, .bodies = true};
    static const rc_learnamp_hooks_t hooks = {.random = random_bits};
    rc_error_t error = RC_ERROR_INIT;
    sb_sandbox_init(&sandbox, "/kombo/v1", 1);
    company = sb_integration_add(&sandbox, &options, &error);
    ck_assert_msg(company != NULL, "%s", error.message);
    ck_assert_msg(sb_server_start(&sandbox, "127.0.0.1:0", 2, &error) == RC_OK, "%s", error.message);
    arena = rc_arena_new();
    integration = (rc_integration_t){.id = "personio:storm", .mapping = mapping, .mapping_count = 5};
    integration.policy = (rc_policy_t){
        .match_email = true, .create_teams = true, .primary_team_count = 1, .swap_address = "swap-{id}@acme.example"};
    integration.learnamp.base_url =
        rc_arena_sprintf(arena, "http://%s/learnamp/%s", rc_httpd_address(sandbox.httpd), company->slug);
    integration.learnamp.client_id = company->client_id;
    integration.learnamp.client_secret = company->client_secret;
    integration.learnamp.scope = "users:read users:create users:update users:deactivate users:reactivate teams:read "
                                 "teams:create teams:update team_users:read team_users:create team_users:delete";
    loop = rc_loop_new();
    http = rc_http_new(loop, &(rc_http_options_t){.proxy = NULL});
    client = rc_learnamp_new(loop, http, &integration, TIMEOUT_MS, NULL, &hooks);
    teams = rc_teams_new(client);
    tick = rc_loop_timer_new(loop, on_tick, NULL);
}

static void teardown(void)
{
    rc_loop_timer_free(tick);
    for (int i = 0; i < MORE; i++)
        if (people[i].apply != NULL) (void)rc_apply_cancel(people[i].apply);
    rc_teams_free(teams);
    rc_learnamp_free(client);
    rc_http_free(http);
    rc_loop_free(loop);
    rc_httpd_free(sandbox.httpd);
    sb_sandbox_fini(&sandbox);
    rc_arena_free(arena);
}

static void populate(uint64_t seed)
{
    memset(people, 0, sizeof people);
    version = mails = 0;
    in_flight = rejected = 0;
    is_renamed = false;
    luck = sb_random_of(seed, 9);
    for (int i = 0; i < TEAMS; i++)
        groups[i] = (rc_ref_t){rc_arena_sprintf(arena, "g%d", i), rc_arena_sprintf(arena, "Team g%d", i)};
    for (int i = 0; i < MORE; i++) {
        snprintf(people[i].id, sizeof people[i].id, "emp%02d", i);
        TAILQ_INIT(&people[i].records);
    }
    for (int i = 0; i < PEOPLE; i++) {
        const char *mail = new_mail();
        if (i % 2 == 0) add_user(mail);
        hire(&people[i], mail, NULL);
    }
}

/* ---- the end ---- */

/* What the service was asked about somebody, for the one who reads a failure. */
static void tell(const person_t *person)
{
    json_t *book = sb_requests_list(company->requests[SB_SIDE_LEARNAMP], 0, 100000, person->id), *entry;
    size_t i;
    json_array_foreach(json_is_array(book) ? book : json_object_get(book, "requests"), i, entry)
    {
        char *text = rc_json_text(entry, false);
        fprintf(stderr, "%s: %s\n", person->id, text);
        free(text);
    }
    json_decref(book);
}

static bool is_right(const person_t *person)
{
    const sb_user_t *user = sb_store_user_by_external_id(company->store, person->id);
    bool is_active = user != NULL && user->status != SB_STATUS_DEACTIVATED;
    if (!is_employed(person)) return !is_active;
    const rc_employee_t *employee = &person->row.employee;
    const sb_team_t *team = is_active ? sb_store_team(company->store, user->primary_team) : NULL;
    return is_active && rc_text_equal(user->text[SB_USER_EMAIL], employee->email) &&
           rc_text_equal(user->text[SB_USER_JOB_TITLE], employee->job_title) &&
           rc_text_equal(team != NULL ? team->external_id : NULL, employee->primary_team.id);
}

static void check_person(const person_t *person)
{
    if (is_right(person)) return;
    tell(person);
    ck_abort_msg("%s is not as HR says (%s)", person->id, is_employed(person) ? "employed" : "gone");
}

static void check_all(void)
{
    size_t employed = 0, active = 0;
    for (int i = 0; i < MORE; i++) {
        if (!people[i].known) continue;
        check_person(&people[i]);
        employed += is_employed(&people[i]);
    }
    for (size_t i = 0; i < sb_store_users(company->store); i++) {
        const sb_user_t *user = sb_store_user_at(company->store, i);
        if (user->status == SB_STATUS_DEACTIVATED) continue;
        active++;
        ck_assert_msg(user->text[SB_USER_EXTERNAL_ID] != NULL, "user %ld (%s) is nobody's", user->id,
                      user->text[SB_USER_EMAIL]);
    }
    ck_assert_uint_eq(active, employed);
    ck_assert_uint_le(sb_store_teams(company->store), TEAMS);
    for (int i = 0; i < TEAMS; i++) {
        const sb_team_t *team = sb_store_team_by_external_id(company->store, groups[i].id);
        if (team != NULL && team->users > 0) ck_assert_str_eq(team->name, groups[i].name);
    }
}

static void run_storm(uint64_t seed)
{
    populate(seed);
    changes_left = CHANGES;
    rc_loop_timer_start(tick, 0, 4);
    rc_loop_run(loop);
    check_all();
    ck_assert_int_eq(rejected, 0);
}

START_TEST(learn_amp_equals_hr_after_a_calm_day)
{
    run_storm((uint64_t)_i + 1);
}
END_TEST

START_TEST(learn_amp_equals_hr_when_the_faults_stop)
{
    add_fault("status", 0.05, 500, 1 + _i);
    add_fault("status", 0.05, 503, 2 + _i);
    add_fault("status", 0.03, 502, 3 + _i);
    add_fault("drop", 0.04, 0, 4 + _i);
    add_fault("cut", 0.04, 0, 5 + _i);
    add_fault("late", 0.05, 0, 6 + _i);
    add_fault("delay", 0.05, 0, 7 + _i);
    add_fault("hang", 0.02, 0, 8 + _i);
    add_fault("throttle", 0.03, 0, 9 + _i);
    add_fault("garbage", 0.03, 0, 10 + _i);
    run_storm((uint64_t)_i + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("apply_storm");
    TCase *tcase = tcase_create("storm");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, learn_amp_equals_hr_after_a_calm_day, 0, 1);
    tcase_add_loop_test(tcase, learn_amp_equals_hr_when_the_faults_stop, 0, 2);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
