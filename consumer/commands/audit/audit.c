/* rollcall-consumer audit: compares what was published with what Learn Amp has, person by person and field by field. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "consumer/commands/audit/audit_state.h"
#include "consumer/commands/commands.h"

enum {
    FIRST_FOUND = 64,
    ASKED_FOR_ONE_BY_ONE = 200, /* for more, all users are listed again: a hundred a request */
    SCRATCH_BYTES = 4096
};

/* ---- Findings ---- */

static rc_arena_t *arena_of(const rc_audit_t *audit)
{
    return audit->inquiry.arena;
}

static const rc_difference_t *keep_differences(rc_audit_t *audit, const rc_difference_t *differences, size_t count)
{
    rc_difference_t *kept = rc_arena_alloc(arena_of(audit), (count + 1) * sizeof *kept);
    for (size_t i = 0; i < count; i++)
        kept[i] = (rc_difference_t){rc_arena_strdup(arena_of(audit), differences[i].field),
                                    rc_arena_strdup(arena_of(audit), differences[i].hr),
                                    rc_arena_strdup(arena_of(audit), differences[i].learnamp)};
    return kept;
}

/* ---- Whether somebody is at it already ---- */

/* Lanes that bring all of the newest state. */
static bool is_whole_lane(int lane)
{
    return lane == RC_EVENT_CREATED || lane == RC_EVENT_DEACTIVATED;
}

static bool is_dead(const rc_backlog_person_t *person)
{
    int64_t whole = 0;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        bool done = person->ledger[lane].known && person->ledger[lane].outcome != RC_OUTCOME_DEAD &&
                    person->ledger[lane].outcome != RC_OUTCOME_PARKED;
        if (is_whole_lane(lane) && done && person->ledger[lane].version > whole) whole = person->ledger[lane].version;
    }
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (person->ledger[lane].known && person->ledger[lane].outcome == RC_OUTCOME_DEAD &&
            person->ledger[lane].version > whole)
            return true;
    return false;
}

static rc_coming_t coming_of(const rc_backlog_person_t *person, bool *is_whole)
{
    rc_coming_t coming = is_dead(person) ? RC_COMING_DEAD : RC_COMING_NOTHING;
    *is_whole = false;
    for (const rc_waiting_t *waiting = person->waiting; waiting != NULL; waiting = waiting->next) {
        if (waiting->unreadable || rc_backlog_skips(person, waiting) != NULL) continue;
        *is_whole = *is_whole || is_whole_lane((int)waiting->lane);
        /* A record of `audit --repair` is on its way, not put aside. */
        bool is_parked = !waiting->from_event_topic && !waiting->replayed;
        if (coming != RC_COMING_WAITING) coming = is_parked ? RC_COMING_PARKED : RC_COMING_WAITING;
    }
    return coming;
}

/* ---- One person ---- */

/* The newest name that HR gives a team; held changes make older snapshots say older names. */
static void note_team(rc_audit_t *audit, const rc_snapshot_t *snapshot)
{
    const rc_ref_t *team = &snapshot->employee.primary_team;
    if (audit->integration->policy.primary_team_count == 0 || rc_text_empty(team->id) || rc_text_empty(team->name))
        return;
    rc_audit_team_t *known = rc_map_get(audit->teams, team->id, strlen(team->id));
    if (known != NULL && known->version >= snapshot->version) return;
    if (known == NULL) {
        known = rc_arena_alloc(arena_of(audit), sizeof *known);
        known->id = rc_arena_strdup(arena_of(audit), team->id);
        (void)rc_map_set(audit->teams, team->id, strlen(team->id), known);
    }
    if (!rc_text_equal(known->hr, team->name)) known->hr = rc_arena_strdup(arena_of(audit), team->name);
    known->version = snapshot->version;
}

/* What differs; false: nothing. Its parts live in the scratch arena. */
static bool judge(rc_audit_t *audit, const rc_snapshot_t *snapshot, rc_arena_t *scratch, rc_finding_t *finding)
{
    const rc_userset_t *set = rc_readback_set(audit->readback);
    const rc_userset_user_t *user = rc_userset_by_external_id(set, snapshot->employee_id);
    *finding = (rc_finding_t){.employee_id = snapshot->employee_id, .version = snapshot->version};
    if (user != NULL) finding->user_id = user->profile.user.id;
    if (snapshot->presence == RC_PRESENCE_GONE) {
        finding->kind = RC_FINDING_NOT_DEACTIVATED;
        return user != NULL && !user->profile.user.deactivated;
    }
    if (user == NULL) {
        const rc_userset_user_t *stray = rc_userset_by_email(set, snapshot->employee.email);
        finding->kind = RC_FINDING_MISSING;
        if (stray != NULL) finding->user_id = stray->profile.user.id;
        if (stray != NULL) finding->other_id = stray->profile.user.external_id;
        return true;
    }
    audit->custom_known = audit->custom_known || user->profile.custom_known;
    finding->kind = RC_FINDING_DIFFERS;
    finding->differences = rc_compare_user(audit->integration, set, &snapshot->employee, &user->profile, scratch,
                                           &finding->difference_count);
    return finding->difference_count > 0;
}

/* Somebody is seen to differ for the first time: it may be a race, so nothing but who it is counts yet. */
static void suspect(rc_audit_t *audit, const rc_finding_t *judged)
{
    rc_finding_t *finding = rc_arena_alloc(arena_of(audit), sizeof *finding);
    *finding = (rc_finding_t){.employee_id = rc_arena_strdup(arena_of(audit), judged->employee_id),
                              .kind = judged->kind,
                              .version = judged->version};
    (void)rc_map_set(audit->findings, finding->employee_id, strlen(finding->employee_id), finding);
}

/* Whether the state that was suspected is applied by now: it was published before the records were read, so they show
 * it if it waits. Learn Amp is read after this. */
static void watch(rc_audit_t *audit, const rc_snapshot_t *snapshot, const rc_backlog_person_t *person)
{
    rc_finding_t *finding = rc_map_get(audit->findings, person->employee_id, strlen(person->employee_id));
    bool is_whole;
    finding->moves = finding->version != snapshot->version || coming_of(person, &is_whole) == RC_COMING_WAITING;
    finding->version = snapshot->version;
}

/* Still so at the last look. What moved in between is on its way. */
static rc_code_t confirm(rc_audit_t *audit, const rc_finding_t *judged, const rc_snapshot_t *snapshot,
                         const rc_backlog_person_t *person, rc_error_t *error)
{
    rc_finding_t *finding = rc_map_get(audit->findings, judged->employee_id, strlen(judged->employee_id));
    bool moves = finding->moves || finding->version != judged->version;
    finding->kind = judged->kind;
    finding->version = judged->version;
    finding->user_id = judged->user_id;
    finding->other_id = rc_arena_strdup(arena_of(audit), judged->other_id);
    const char *name = rc_employee_name(arena_of(audit), &snapshot->employee);
    finding->name = rc_arena_strdup(arena_of(audit), name != NULL ? name : snapshot->employee.email);
    finding->differences = keep_differences(audit, judged->differences, judged->difference_count);
    finding->difference_count = judged->difference_count;
    finding->coming = coming_of(person, &finding->is_whole);
    if (finding->coming == RC_COMING_NOTHING && moves) finding->coming = RC_COMING_WAITING;
    if (audit->found_count == audit->found_room) {
        audit->found_room = audit->found_room > 0 ? audit->found_room * 2 : FIRST_FOUND;
        audit->found = rc_realloc(audit->found, audit->found_room * sizeof *audit->found);
    }
    audit->found[audit->found_count++] = finding;
    return audit->inquiry.args->repair ? rc_audit_make_record(audit, finding, snapshot, error) : RC_OK;
}

/* ---- Everybody ---- */

/* Between what is published and what Learn Amp shows lies the time that it takes to read both. So who differs is looked
 * at three times: who it is; whether that state is applied; and, when Learn Amp was read again after that, whether they
 * still differ while nothing newer was published. */
typedef enum { SUSPECT, WATCH, CONFIRM } look_t;

static rc_code_t take(rc_audit_t *audit, look_t what, const rc_snapshot_t *snapshot, const rc_backlog_person_t *person,
                      rc_arena_t *scratch, rc_error_t *error)
{
    rc_finding_t judged;
    if (what == WATCH) {
        watch(audit, snapshot, person);
        return RC_OK;
    }
    audit->compared += what == SUSPECT;
    if (what == SUSPECT && snapshot->presence == RC_PRESENCE_EMPLOYED) note_team(audit, snapshot);
    if (!judge(audit, snapshot, scratch, &judged)) return RC_OK;
    if (what == CONFIRM) return confirm(audit, &judged, snapshot, person, error);
    suspect(audit, &judged);
    return RC_OK;
}

/* Goes through all snapshots, or after the first look through those of the people who differed. */
static rc_code_t look(rc_audit_t *audit, look_t what, rc_error_t *error)
{
    rc_arena_t *scratch = rc_arena_new_sized(SCRATCH_BYTES);
    const rc_map_t *only = what == SUSPECT ? NULL : audit->findings;
    bool more = true;
    rc_code_t code = what == SUSPECT ? RC_OK : rc_backlog_rewind(audit->backlog, error);
    while (code == RC_OK && more) {
        const rc_backlog_person_t *person;
        size_t cursor = 0;
        code = rc_backlog_next_wave(audit->backlog, only, &more, error);
        while (code == RC_OK && (person = rc_backlog_next(audit->backlog, &cursor)) != NULL) {
            rc_snapshot_t snapshot;
            bool found;
            rc_arena_reset(scratch);
            code = rc_backlog_snapshot(audit->backlog, person, scratch, &snapshot, &found, error);
            if (code != RC_OK || !found) continue;
            snapshot.employee_id = person->employee_id;
            code = take(audit, what, &snapshot, person, scratch, error);
        }
        rc_inquiry_tell(&audit->inquiry, "snapshots", audit->compared, -1);
    }
    rc_arena_free(scratch);
    return code;
}

typedef struct {
    const char **ids;
    size_t count;
    bool missing_only;
} ids_t;

static bool add_id(void *opaque, const void *key, size_t key_bytes, void *value)
{
    ids_t *ids = opaque;
    const rc_finding_t *finding = value;
    (void)key;
    (void)key_bytes;
    if (!ids->missing_only || finding->kind == RC_FINDING_MISSING) ids->ids[ids->count++] = finding->employee_id;
    return true;
}

/* Reads again who differed, and the teams, which may have been made meanwhile. */
static rc_code_t read_again(rc_audit_t *audit, rc_error_t *error)
{
    size_t count = rc_map_count(audit->findings);
    ids_t ids = {.ids = rc_calloc(count + 1, sizeof *ids.ids)};
    rc_code_t code = RC_OK;
    bool one_by_one = count <= ASKED_FOR_ONE_BY_ONE;
    if (!one_by_one) {
        code = rc_readback_users(audit->readback, error);
        ids.missing_only = true;
    }
    if (code == RC_OK && (one_by_one || !rc_readback_is_complete(audit->readback))) {
        rc_map_each(audit->findings, add_id, &ids);
        code = rc_readback_again(audit->readback, ids.ids, ids.count, error);
    }
    if (code == RC_OK) code = rc_readback_teams(audit->readback, error);
    free(ids.ids);
    return code;
}

static int by_kind_and_id(const void *a, const void *b)
{
    const rc_finding_t *one = *(rc_finding_t *const *)a, *other = *(rc_finding_t *const *)b;
    if (one->kind != other->kind) return one->kind < other->kind ? 1 : -1; /* people before fields */
    return strcmp(one->employee_id, other->employee_id);
}

static bool note_misnamed(void *opaque, const void *key, size_t key_bytes, void *value)
{
    rc_audit_t *audit = opaque;
    rc_audit_team_t *team = value;
    (void)key;
    (void)key_bytes;
    const rc_learnamp_team_t *there = rc_userset_team_by_external_id(rc_readback_set(audit->readback), team->id);
    if (there == NULL || rc_text_equal(there->name, team->hr)) return true;
    team->learnamp = rc_arena_strdup(arena_of(audit), there->name);
    audit->misnamed[audit->misnamed_count++] = team;
    return true;
}

static rc_code_t find_differences(rc_audit_t *audit, rc_error_t *error)
{
    rc_inquiry_t *inquiry = &audit->inquiry;
    rc_code_t code = rc_readback_users(audit->readback, error);
    if (code == RC_OK) code = rc_readback_teams(audit->readback, error);
    if (code == RC_OK)
        code = rc_backlog_new(inquiry->history, inquiry->config, audit->integration->id, inquiry->args->wait_ms,
                              &inquiry->cancelled, &audit->backlog, error);
    if (code == RC_OK) code = look(audit, SUSPECT, error);
    if (code != RC_OK) return code;
    if (rc_map_count(audit->findings) > 0) {
        code = look(audit, WATCH, error);
        if (code == RC_OK) code = read_again(audit, error);
        if (code == RC_OK) code = look(audit, CONFIRM, error);
        if (code != RC_OK) return code;
    }
    if (audit->found_count > 1) qsort(audit->found, audit->found_count, sizeof *audit->found, by_kind_and_id);
    audit->misnamed = rc_arena_alloc(arena_of(audit), (rc_map_count(audit->teams) + 1) * sizeof *audit->misnamed);
    rc_map_each(audit->teams, note_misnamed, audit);
    return RC_OK;
}

/* ---- The command ---- */

rc_exit_t rc_consumer_audit(const rc_args_t *args)
{
    rc_audit_t audit = {.integration = NULL};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t code = rc_inquiry_open(&audit.inquiry, args, "rollcall-consumer-audit", args->repair);
    if (code != RC_EXIT_DONE) goto cleanup;
    audit.integration = rc_cli_integration(args, audit.inquiry.config);
    if (audit.integration == NULL) {
        code = RC_EXIT_USAGE;
        goto cleanup;
    }
    const rc_readback_options_t options = rc_inquiry_readback(&audit.inquiry, audit.integration);
    audit.readback = rc_readback_new(&options);
    audit.findings = rc_map_new(NULL);
    audit.teams = rc_map_new(NULL);
    rc_code_t done = find_differences(&audit, &error);
    if (done == RC_OK && args->repair) done = rc_audit_repair(&audit, &error);
    rc_inquiry_hush(&audit.inquiry);
    if (done != RC_OK) {
        code = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
        goto cleanup;
    }
    if (args->json)
        rc_audit_json(&audit);
    else
        rc_audit_report(&audit);
    code = audit.found_count > 0 ? RC_EXIT_HELD : RC_EXIT_DONE;
cleanup:
    rc_backlog_free(audit.backlog);
    rc_readback_free(audit.readback);
    rc_map_free(audit.findings);
    rc_map_free(audit.teams);
    free(audit.found);
    rc_inquiry_close(&audit.inquiry);
    return code;
}
