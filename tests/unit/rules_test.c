/* consumer/rules/rules: S1 as a table, S2 row by row, and S2, S3 and S6 run to their end against a model of Learn Amp
 * from every state that it can be in. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "consumer/rules/rules.h"

enum { V1 = 100, V2 = 200 };
#define OUR_ID   "emp-5"
#define OLD_ID   "emp-1"
#define OTHER_ID "emp-9"
#define NEW_MAIL "new@acme.example"
#define OWN_MAIL "own@acme.example"

/* ---- S6 ---- */

START_TEST(nothing_is_asked_or_written_while_a_missing_row_may_mean_forgotten)
{
    rc_policy_t policy = {.match_email = true};
    rc_event_t event = {.type = RC_EVENT_CREATED, .employee_id = OUR_ID, .version = V1};
    rc_newest_t newest = rc_newest_of(&event, NULL, false);
    rc_seen_t seen = {.fresh_barrier = false};
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        rc_case_t about = {.lane = (rc_event_type_t)lane, .event = &event, .policy = &policy};
        ck_assert_int_eq(rc_rules_step(&about, &newest, &seen).kind, RC_ACTION_NEED_BARRIER);
    }
}
END_TEST

/* ---- S1 ---- */

enum { GO, SKIP };
static const struct {
    int entry; /* rc_outcome_t; -1: none */
    int64_t entry_version;
    bool from_event_topic, unanswered, waits_for_manager;
    int want;
} skips[] = {
    {-1, 0, true, false, false, GO},
    {RC_OUTCOME_APPLIED, V1 - 1, true, false, false, GO},
    {RC_OUTCOME_APPLIED, V1, true, false, false, SKIP},
    {RC_OUTCOME_APPLIED, V2, true, false, false, SKIP},
    {RC_OUTCOME_APPLIED, V2, false, false, false, SKIP},
    {RC_OUTCOME_APPLIED, V2, false, true, false, GO},
    {RC_OUTCOME_APPLIED, V2, false, false, true, GO},
    {RC_OUTCOME_COVERED, V1, true, false, false, SKIP},
    {RC_OUTCOME_COVERED, V1, false, false, false, SKIP},
    {RC_OUTCOME_HANDED_OVER, V1, true, false, false, SKIP},
    {RC_OUTCOME_HANDED_OVER, V1, false, false, false, SKIP},
    {RC_OUTCOME_WITHOUT_MANAGER, V1, true, false, false, SKIP},
    {RC_OUTCOME_PARKED, V1, true, false, false, SKIP},
    {RC_OUTCOME_PARKED, V1, false, false, false, GO},
    {RC_OUTCOME_PARKED, V2, false, false, false, GO},
    {RC_OUTCOME_PARKED, V1 - 1, true, false, false, GO},
    {RC_OUTCOME_DEAD, V1, true, false, false, SKIP},
    {RC_OUTCOME_DEAD, V1, false, false, false, GO},
    /* only a name differed, no member was written: who waits in a retry topic has a member to write yet */
    {RC_OUTCOME_SKIPPED, V1, true, false, false, SKIP},
    {RC_OUTCOME_SKIPPED, V1, false, false, false, GO},
    {RC_OUTCOME_REPLAYED, 0, true, false, false, GO},
};

/* An operator wants it done once more, whatever the ledger says: `audit --repair`, `replay`. */
START_TEST(s1_does_not_skip_what_is_replayed)
{
    for (int outcome = 0; outcome < RC_OUTCOME_COUNT; outcome++) {
        const rc_ledger_entry_t entry = {.version = V2, .outcome = (rc_outcome_t)outcome};
        rc_skip_input_t input = {.entry = &entry, .version = V1, .replayed = true};
        ck_assert_ptr_null(rc_rules_skip(&input));
    }
}
END_TEST

START_TEST(s1_skips_what_the_ledger_covers)
{
    rc_ledger_entry_t entry = {.version = skips[_i].entry_version};
    if (skips[_i].entry >= 0) entry.outcome = (rc_outcome_t)skips[_i].entry;
    rc_skip_input_t input = {.entry = skips[_i].entry < 0 ? NULL : &entry,
                             .version = V1,
                             .from_event_topic = skips[_i].from_event_topic,
                             .unanswered = skips[_i].unanswered,
                             .waits_for_manager = skips[_i].waits_for_manager};
    ck_assert_msg((rc_rules_skip(&input) != NULL) == (skips[_i].want == SKIP), "row %d", _i);
}
END_TEST

/* ---- invitations ---- */

static const struct {
    rc_invite_t invite;
    bool import_too;
    rc_event_type_t type;
    rc_created_reason_t reason;
    bool replayed;
    bool want;
} invitations[] = {
    {RC_INVITE_NEVER, true, RC_EVENT_CREATED, RC_CREATED_NEW_HIRE, false, false},
    {RC_INVITE_ON_CREATE, false, RC_EVENT_CREATED, RC_CREATED_NEW_HIRE, false, true},
    {RC_INVITE_ON_CREATE, false, RC_EVENT_CREATED, RC_CREATED_REHIRE, false, true},
    {RC_INVITE_ON_CREATE, false, RC_EVENT_CREATED, RC_CREATED_BACK_IN_SCOPE, false, true},
    {RC_INVITE_ON_CREATE, false, RC_EVENT_CREATED, RC_CREATED_INITIAL_IMPORT, false, false},
    {RC_INVITE_ON_CREATE, true, RC_EVENT_CREATED, RC_CREATED_INITIAL_IMPORT, false, true},
    {RC_INVITE_ON_CREATE, true, RC_EVENT_CREATED, RC_CREATED_RESYNC, false, false},
    {RC_INVITE_ON_CREATE, true, RC_EVENT_CREATED, RC_CREATED_NEW_HIRE, true, false},
    {RC_INVITE_ON_CREATE, false, RC_EVENT_PROFILE_UPDATED, RC_CREATED_NEW_HIRE, false, false},
    {RC_INVITE_ON_CREATE, true, RC_EVENT_TEAM_CHANGED, RC_CREATED_NEW_HIRE, false, true},
};

START_TEST(only_new_people_are_invited_and_only_when_the_policy_says_so)
{
    rc_policy_t policy = {.invite = invitations[_i].invite, .initial_import_invite = invitations[_i].import_too};
    rc_event_t event = {.type = invitations[_i].type, .created = {.reason = invitations[_i].reason}};
    rc_case_t about = {.event = &event, .policy = &policy, .replayed = invitations[_i].replayed};
    ck_assert_msg(rc_rules_invite(&about) == invitations[_i].want, "row %d", _i);
}
END_TEST

/* ---- S2, row by row: what is known, and the one next step ---- */

typedef enum { U = 0, NONE, ACTIVE, DEACT } state_t; /* unknown, none, found */

static rc_found_t found(state_t state, int64_t id, const char *external_id, const char *email)
{
    if (state == U) return (rc_found_t){.look = RC_LOOK_UNKNOWN};
    if (state == NONE) return (rc_found_t){.look = RC_LOOK_NONE, .looked_for = email};
    return (rc_found_t){.look = RC_LOOK_FOUND,
                        .looked_for = email,
                        .user_id = id,
                        .deactivated = state == DEACT,
                        .external_id = external_id,
                        .email = email};
}

static const struct {
    const char *what;
    rc_event_type_t lane;
    bool gone;
    const char *replaces;
    state_t ours, replaced, by_mail;
    const char *mail_id; /* the external id of the user found by e-mail */
    bool written;        /* all of N, in this run */
    bool fresh_barrier;
    rc_action_kind_t want;
    unsigned parts;
    int64_t user_id;
} steps[] = {
    {"created looks by external id first", RC_EVENT_CREATED, false, OLD_ID, U, U, U, NULL, false, false,
     RC_ACTION_LOOKUP_EXTERNAL, 0, 0},
    {"then by replaces", RC_EVENT_CREATED, false, OLD_ID, NONE, U, U, NULL, false, false, RC_ACTION_LOOKUP_REPLACES, 0,
     0},
    {"then by e-mail", RC_EVENT_CREATED, false, OLD_ID, NONE, NONE, U, NULL, false, false, RC_ACTION_LOOKUP_EMAIL, 0,
     0},
    {"without replaces by e-mail at once", RC_EVENT_CREATED, false, NULL, NONE, U, U, NULL, false, false,
     RC_ACTION_LOOKUP_EMAIL, 0, 0},
    {"then it creates", RC_EVENT_CREATED, false, NULL, NONE, U, NONE, NULL, false, false, RC_ACTION_CREATE, 0, 0},
    {"ours and active is written", RC_EVENT_CREATED, false, NULL, ACTIVE, U, U, NULL, false, false, RC_ACTION_UPDATE,
     RC_PART_ALL, 0},
    {"ours and deactivated is reactivated", RC_EVENT_CREATED, false, NULL, DEACT, U, U, NULL, false, false,
     RC_ACTION_REACTIVATE, 0, 1},
    {"ours and written is done", RC_EVENT_CREATED, false, NULL, ACTIVE, U, U, NULL, true, false, RC_ACTION_DONE, 0, 0},
    {"the replaced is adopted once deactivated", RC_EVENT_CREATED, false, OLD_ID, NONE, DEACT, U, NULL, false, false,
     RC_ACTION_UPDATE, RC_PART_IDENTITY, 2},
    {"the replaced waits while active", RC_EVENT_CREATED, false, OLD_ID, NONE, ACTIVE, U, NULL, false, false,
     RC_ACTION_REPLACED, 0, 0},
    {"by e-mail without external id: adopted", RC_EVENT_CREATED, false, NULL, NONE, U, ACTIVE, NULL, false, false,
     RC_ACTION_UPDATE, RC_PART_ALL | RC_PART_IDENTITY, 3},
    {"by e-mail, deactivated: the id first", RC_EVENT_CREATED, false, NULL, NONE, U, DEACT, NULL, false, false,
     RC_ACTION_UPDATE, RC_PART_IDENTITY, 3},
    {"by e-mail with the id of replaces, active", RC_EVENT_CREATED, false, OLD_ID, NONE, NONE, ACTIVE, OLD_ID, false,
     false, RC_ACTION_REPLACED, 0, 0},
    {"by e-mail with the id of replaces, deactivated", RC_EVENT_CREATED, false, OLD_ID, NONE, NONE, DEACT, OLD_ID,
     false, false, RC_ACTION_UPDATE, RC_PART_IDENTITY, 3},
    {"by e-mail with somebody else's id", RC_EVENT_CREATED, false, OLD_ID, NONE, NONE, ACTIVE, OTHER_ID, false, false,
     RC_ACTION_CONFLICT, 0, 0},
    {"created, N gone: looks", RC_EVENT_CREATED, true, NULL, U, U, U, NULL, false, true, RC_ACTION_LOOKUP_EXTERNAL, 0,
     0},
    {"created, N gone, none: done", RC_EVENT_CREATED, true, NULL, NONE, U, U, NULL, false, true, RC_ACTION_DONE, 0, 0},
    {"created, N gone, active: a barrier", RC_EVENT_CREATED, true, NULL, ACTIVE, U, U, NULL, false, false,
     RC_ACTION_NEED_BARRIER, 0, 0},
    {"created, N gone, active, behind it", RC_EVENT_CREATED, true, NULL, ACTIVE, U, U, NULL, false, true,
     RC_ACTION_DEACTIVATE, 0, 1},
    {"created, N gone, deactivated: done", RC_EVENT_CREATED, true, NULL, DEACT, U, U, NULL, false, true, RC_ACTION_DONE,
     0, 0},
    {"deactivated, N gone: looks", RC_EVENT_DEACTIVATED, true, NULL, U, U, U, NULL, false, true,
     RC_ACTION_LOOKUP_EXTERNAL, 0, 0},
    {"deactivated, N gone, active: a barrier", RC_EVENT_DEACTIVATED, true, NULL, ACTIVE, U, U, NULL, false, false,
     RC_ACTION_NEED_BARRIER, 0, 0},
    {"deactivated, N gone, active, behind it", RC_EVENT_DEACTIVATED, true, NULL, ACTIVE, U, U, NULL, false, true,
     RC_ACTION_DEACTIVATE, 0, 1},
    {"deactivated, N gone, deactivated: done", RC_EVENT_DEACTIVATED, true, NULL, DEACT, U, U, NULL, false, true,
     RC_ACTION_DONE, 0, 0},
    {"deactivated, N gone, none: done", RC_EVENT_DEACTIVATED, true, NULL, NONE, U, U, NULL, false, true, RC_ACTION_DONE,
     0, 0},
    {"deactivated, N employed: looks", RC_EVENT_DEACTIVATED, false, OLD_ID, U, U, U, NULL, false, true,
     RC_ACTION_LOOKUP_EXTERNAL, 0, 0},
    {"deactivated, N employed, none: left to created", RC_EVENT_DEACTIVATED, false, OLD_ID, NONE, U, U, NULL, false,
     true, RC_ACTION_DONE, 0, 0},
    {"deactivated, N employed, active: written", RC_EVENT_DEACTIVATED, false, NULL, ACTIVE, U, U, NULL, false, true,
     RC_ACTION_UPDATE, RC_PART_ALL, 0},
    {"deactivated, N employed, deactivated: back", RC_EVENT_DEACTIVATED, false, NULL, DEACT, U, U, NULL, false, true,
     RC_ACTION_REACTIVATE, 0, 1},
    {"profile: written without a look", RC_EVENT_PROFILE_UPDATED, false, OLD_ID, U, U, U, NULL, false, false,
     RC_ACTION_UPDATE, RC_PART_PROFILE, 0},
    {"profile, N gone: covered", RC_EVENT_PROFILE_UPDATED, true, NULL, U, U, U, NULL, false, false, RC_ACTION_DONE, 0,
     0},
    {"profile, no such user: handed over", RC_EVENT_PROFILE_UPDATED, false, NULL, NONE, U, U, NULL, false, false,
     RC_ACTION_HAND_OVER, 0, 0},
    {"profile, deactivated user: handed over", RC_EVENT_PROFILE_UPDATED, false, NULL, DEACT, U, U, NULL, true, false,
     RC_ACTION_HAND_OVER, 0, 0},
    {"profile, written: done", RC_EVENT_PROFILE_UPDATED, false, NULL, ACTIVE, U, U, NULL, true, false, RC_ACTION_DONE,
     0, 0},
    {"team: written without a look", RC_EVENT_TEAM_CHANGED, false, NULL, U, U, U, NULL, false, false, RC_ACTION_UPDATE,
     RC_PART_TEAM, 0},
    {"team, N gone: covered", RC_EVENT_TEAM_CHANGED, true, NULL, U, U, U, NULL, false, false, RC_ACTION_DONE, 0, 0},
    {"team, no such user: handed over", RC_EVENT_TEAM_CHANGED, false, NULL, NONE, U, U, NULL, false, false,
     RC_ACTION_HAND_OVER, 0, 0},
    {"team, deactivated user: handed over", RC_EVENT_TEAM_CHANGED, false, NULL, DEACT, U, U, NULL, true, false,
     RC_ACTION_HAND_OVER, 0, 0},
    {"team, written: done", RC_EVENT_TEAM_CHANGED, false, NULL, ACTIVE, U, U, NULL, true, false, RC_ACTION_DONE, 0, 0},
};

START_TEST(s2_takes_the_one_right_step)
{
    rc_policy_t policy = {.match_email = true, .primary_team_count = 1, .create_teams = true};
    rc_event_t event = {.type = steps[_i].lane, .employee_id = OUR_ID, .version = V1};
    event.employee.email = NEW_MAIL;
    event.employee.primary_team = (rc_ref_t){"g1", "Sales"};
    rc_newest_t newest = {.version = V1,
                          .presence = steps[_i].gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                          .employee = &event.employee,
                          .replaces = steps[_i].replaces};
    rc_seen_t seen = {.by_external_id = found(steps[_i].ours, 1, OUR_ID, NEW_MAIL),
                      .by_replaces = found(steps[_i].replaced, 2, OLD_ID, NEW_MAIL),
                      .by_email = found(steps[_i].by_mail, 3, steps[_i].mail_id, NEW_MAIL),
                      .primary = RC_TEAM_THERE,
                      .fresh_barrier = steps[_i].fresh_barrier,
                      .profile_version = steps[_i].written ? V1 : 0,
                      .team_version = steps[_i].written ? V1 : 0};
    rc_case_t about = {.lane = steps[_i].lane, .event = &event, .policy = &policy};
    rc_action_t action = rc_rules_step(&about, &newest, &seen);
    ck_assert_msg(action.kind == steps[_i].want, "%s: %s, not %s", steps[_i].what, rc_action_str(action.kind),
                  rc_action_str(steps[_i].want));
    ck_assert_msg(action.parts == steps[_i].parts, "%s: parts %u", steps[_i].what, action.parts);
    ck_assert_msg(action.user_id == steps[_i].user_id, "%s: user %lld", steps[_i].what, (long long)action.user_id);
}
END_TEST

/* ---- teams ---- */

typedef struct {
    rc_policy_t policy;
    rc_event_t event;
    rc_newest_t newest;
    rc_seen_t seen;
    rc_case_t about;
} scene_t;

/* A team change of somebody who is there, in a team that is there. */
static void scene_init(scene_t *scene, rc_event_type_t lane)
{
    *scene = (scene_t){.policy = {.match_email = true, .primary_team_count = 1, .create_teams = true}};
    scene->event = (rc_event_t){.type = lane, .employee_id = OUR_ID, .version = V1};
    scene->event.employee.email = NEW_MAIL;
    scene->event.employee.primary_team = (rc_ref_t){"g1", "Sales"};
    scene->event.team.previous = (rc_ref_t){"g0", "Support"};
    scene->event.team.current = (rc_ref_t){"g1", "Sales"};
    scene->newest = rc_newest_of(&scene->event, &(rc_snapshot_t){.version = 0}, true);
    scene->seen.primary = RC_TEAM_THERE;
    scene->about = (rc_case_t){.lane = lane, .event = &scene->event, .policy = &scene->policy};
}

static rc_action_t next(const scene_t *scene)
{
    return rc_rules_step(&scene->about, &scene->newest, &scene->seen);
}

START_TEST(teams_are_ensured_before_they_are_named)
{
    static const rc_event_type_t lanes[] = {RC_EVENT_CREATED, RC_EVENT_TEAM_CHANGED, RC_EVENT_DEACTIVATED};
    scene_t scene;
    scene_init(&scene, lanes[_i]);
    scene.newest.presence = RC_PRESENCE_EMPLOYED;
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    scene.seen.primary = RC_TEAM_UNKNOWN;
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_ENSURE_TEAM);
    ck_assert_str_eq(action.team.id, "g1");
    scene.seen.primary = RC_TEAM_THERE;
    scene.policy.secondary_teams_count = 1;
    rc_ref_t second = {"g2", "Choir"};
    scene.seen.secondary_unknown = &second;
    action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_ENSURE_TEAM);
    ck_assert_str_eq(action.team.id, "g2");
}
END_TEST

START_TEST(team_changed_renames_first)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_TEAM_CHANGED);
    scene.seen.rename_due = &scene.event.employee.primary_team;
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_RENAME_TEAM);
    ck_assert_str_eq(action.team.name, "Sales");
}
END_TEST

static const struct {
    rc_event_type_t lane, type;
    rc_created_reason_t reason;
    bool replayed;
    rc_action_kind_t wanted;
} WHO_IS_NEW[] = {
    {RC_EVENT_CREATED, RC_EVENT_CREATED, RC_CREATED_NEW_HIRE, false, RC_ACTION_RENAME_TEAM},
    {RC_EVENT_CREATED, RC_EVENT_CREATED, RC_CREATED_REHIRE, false, RC_ACTION_RENAME_TEAM},
    {RC_EVENT_CREATED, RC_EVENT_TEAM_CHANGED, RC_CREATED_NEW_HIRE, false, RC_ACTION_RENAME_TEAM}, /* handed over */
    {RC_EVENT_CREATED, RC_EVENT_CREATED, RC_CREATED_RESYNC, false, RC_ACTION_DONE},
    {RC_EVENT_CREATED, RC_EVENT_CREATED, RC_CREATED_NEW_HIRE, true, RC_ACTION_DONE},
    {RC_EVENT_DEACTIVATED, RC_EVENT_DEACTIVATED, RC_CREATED_NEW_HIRE, false, RC_ACTION_DONE},
};

START_TEST(who_comes_into_a_team_brings_the_name_that_it_got_while_nobody_was_in_it)
{
    scene_t scene;
    scene_init(&scene, WHO_IS_NEW[_i].lane);
    scene.event.type = WHO_IS_NEW[_i].type;
    if (scene.event.type == RC_EVENT_CREATED) scene.event.created.reason = WHO_IS_NEW[_i].reason;
    scene.about.replayed = WHO_IS_NEW[_i].replayed;
    scene.newest.presence = RC_PRESENCE_EMPLOYED;
    scene.seen.fresh_barrier = true;
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    scene.seen.rename_due = &scene.event.employee.primary_team;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE); /* the person first */
    scene.seen.profile_version = scene.seen.team_version = scene.newest.version;
    ck_assert_int_eq(next(&scene).kind, WHO_IS_NEW[_i].wanted);
}
END_TEST

START_TEST(where_only_the_name_differs_no_member_is_written)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_TEAM_CHANGED);
    scene.event.team.previous = (rc_ref_t){"g1", "Vertrieb"};
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_DONE);
    ck_assert_int_eq(action.outcome, RC_OUTCOME_SKIPPED); /* so that S1 lets an older parked record write the member */

    scene.policy.secondary_teams_count = 1; /* the event does not say whether those changed */
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE);
    scene.policy.secondary_teams_count = 0;
    /* N has moved on, and back to the same team: meanwhile another lane may have written the other one. */
    scene.newest.version = V2;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE);
}
END_TEST

START_TEST(a_team_that_hr_took_away_is_removed_with_one_look)
{
    static const rc_event_type_t lanes[] = {RC_EVENT_CREATED, RC_EVENT_TEAM_CHANGED, RC_EVENT_DEACTIVATED};
    scene_t scene;
    scene_init(&scene, lanes[_i]);
    scene.newest.presence = RC_PRESENCE_EMPLOYED;
    scene.event.employee.primary_team = scene.event.team.current = (rc_ref_t){NULL, NULL};
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    scene.seen.profile_version = scene.seen.team_version = V1;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_LOOKUP_TEAMS);
    scene.seen.by_external_id.team_known = true;
    scene.seen.by_external_id.primary_team_id = 77;
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_REMOVE_FROM_TEAM);
    ck_assert_int_eq(action.team_id, 77);
    ck_assert_int_eq(action.user_id, 1);
    scene.seen.by_external_id.primary_team_id = 0;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_DONE);
    scene.policy.primary_team_count = 0; /* `[]` leaves teams alone */
    scene.seen.by_external_id.team_known = false;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_DONE);
}
END_TEST

START_TEST(a_team_that_may_not_be_created_is_left_out_and_said)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_TEAM_CHANGED);
    scene.seen.primary = RC_TEAM_ABSENT;
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_DONE);
    ck_assert_ptr_nonnull(strstr(action.why, "policy.create_teams"));
    scene_init(&scene, RC_EVENT_CREATED);
    scene.seen.primary = RC_TEAM_ABSENT;
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE);
    scene.seen.profile_version = scene.seen.team_version = V1;
    ck_assert_ptr_nonnull(strstr(next(&scene).why, "policy.create_teams"));
    scene.event.employee.primary_team.name = NULL; /* one that nobody could make */
    ck_assert_ptr_nonnull(strstr(next(&scene).why, "no name"));
}
END_TEST

START_TEST(a_policy_without_teams_leaves_them_alone)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_TEAM_CHANGED);
    scene.policy.primary_team_count = 0;
    scene.seen.primary = RC_TEAM_UNKNOWN;
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_DONE);
    ck_assert_int_eq(action.outcome, RC_OUTCOME_COVERED);
}
END_TEST

/* ---- addresses ---- */

START_TEST(the_events_own_address_is_tried_last_and_never_takes_a_strangers_user)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_CREATED);
    rc_employee_t newer = scene.event.employee;
    newer.email = NEW_MAIL;
    scene.event.employee.email = OWN_MAIL;
    scene.newest.employee = &newer;
    scene.seen.by_external_id = found(NONE, 0, NULL, NULL);
    scene.seen.by_email = found(NONE, 0, NULL, NEW_MAIL);
    rc_action_t action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_LOOKUP_OWN_EMAIL);
    ck_assert_str_eq(action.key, OWN_MAIL);
    scene.seen.by_own_email = found(ACTIVE, 4, OTHER_ID, OWN_MAIL);
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_CREATE);
    scene.seen.by_own_email = found(ACTIVE, 4, NULL, OWN_MAIL);
    action = next(&scene);
    ck_assert_int_eq(action.kind, RC_ACTION_UPDATE);
    ck_assert_int_eq(action.user_id, 4);
    scene.policy.match_email = false;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_CREATE);
}
END_TEST

START_TEST(another_address_makes_the_lookup_void)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_CREATED);
    scene.seen.by_external_id = found(NONE, 0, NULL, NULL);
    scene.seen.by_email = found(NONE, 0, NULL, "before@acme.example");
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_LOOKUP_EMAIL);
    scene.seen.by_email.looked_for = "NEW@ACME.EXAMPLE"; /* the same, written otherwise */
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_CREATE);
}
END_TEST

static const struct {
    const char *swap, *holder_id, *our_email;
    int attempts;
    rc_action_kind_t want;
} swaps[] = {
    {"swap-{id}@acme.example", OTHER_ID, "a@acme.example", 2, RC_ACTION_UPDATE},
    {"swap-{id}@acme.example", OTHER_ID, "a@acme.example", 7, RC_ACTION_UPDATE},
    {"swap-{id}@acme.example", OTHER_ID, "a@acme.example", 1, RC_ACTION_CONFLICT}, /* a chain resolves by itself */
    {"swap-{id}@acme.example", OLD_ID, "a@acme.example", 2, RC_ACTION_CONFLICT},   /* the other one moves */
    {"swap-{id}@acme.example", NULL, "a@acme.example", 2, RC_ACTION_CONFLICT},     /* a stranger never moves */
    {"swap-{id}@acme.example", OTHER_ID, "swap-emp-5@acme.example", 2, RC_ACTION_CONFLICT}, /* moved already */
    {"", OTHER_ID, "a@acme.example", 2, RC_ACTION_CONFLICT},
};

START_TEST(of_two_who_swap_the_lower_id_moves_aside_from_the_second_tier_on)
{
    static const rc_event_type_t lanes[] = {RC_EVENT_CREATED, RC_EVENT_PROFILE_UPDATED, RC_EVENT_DEACTIVATED};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        scene_t scene;
        scene_init(&scene, lanes[i]);
        scene.newest.presence = RC_PRESENCE_EMPLOYED;
        scene.policy.swap_address = swaps[_i].swap;
        scene.about.conflict_attempts = swaps[_i].attempts;
        scene.seen.conflicts = 1;
        ck_assert_int_eq(next(&scene).kind, RC_ACTION_LOOKUP_EXTERNAL);
        scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, swaps[_i].our_email);
        ck_assert_int_eq(next(&scene).kind, RC_ACTION_LOOKUP_EMAIL);
        scene.seen.by_email = found(ACTIVE, 9, swaps[_i].holder_id, NEW_MAIL);
        rc_action_t action = next(&scene);
        ck_assert_msg(action.kind == swaps[_i].want, "row %d: %s", _i, rc_action_str(action.kind));
        if (action.kind == RC_ACTION_UPDATE) ck_assert_uint_eq(action.parts, RC_PART_ASIDE);
        scene.seen.moved_aside = true;
        ck_assert_int_eq(next(&scene).kind, RC_ACTION_CONFLICT);
    }
}
END_TEST

START_TEST(a_conflict_that_is_gone_when_looked_at_is_tried_once_more)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_PROFILE_UPDATED);
    scene.seen.conflicts = 1;
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, "a@acme.example");
    scene.seen.by_email = found(NONE, 0, NULL, NEW_MAIL);
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE);
    scene.seen.conflicts = 2;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_CONFLICT);
}
END_TEST

START_TEST(what_stays_missing_though_all_is_there_is_our_configuration)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_PROFILE_UPDATED);
    scene.seen.ambiguous = 1;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_LOOKUP_EXTERNAL);
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_UPDATE);
    scene.seen.ambiguous = 2;
    ck_assert_int_eq(next(&scene).kind, RC_ACTION_MISCONFIGURED);
}
END_TEST

START_TEST(who_replaces_somebody_is_looked_at_again)
{
    scene_t scene;
    scene_init(&scene, RC_EVENT_CREATED);
    scene.newest.replaces = OLD_ID;
    scene.seen.by_external_id = found(ACTIVE, 1, OUR_ID, NEW_MAIL);
    scene.seen.profile_version = scene.seen.team_version = V1;
    scene.seen.wrote = true;
    ck_assert(next(&scene).look_again);
    scene.seen.wrote = false; /* the second look found all well */
    ck_assert(!next(&scene).look_again);
    scene.newest.replaces = NULL;
    scene.seen.wrote = true;
    ck_assert(!next(&scene).look_again);
}
END_TEST

/* ---- S2, S3, S6 against a model, from every state ---- */

enum { OURS, REPLACED, MAIL, OWN, USERS };

typedef struct {
    bool exists, active, in_team;
    const char *external_id, *email;
    int64_t profile, team; /* versions of N that were written */
} user_t;

typedef struct {
    scene_t scene;
    rc_employee_t newest_employee;
    user_t users[USERS + 1]; /* the last place is for a new one */
    bool was_ours_active;
    rc_action_t end;
    char story[512];
} world_t;

static user_t *by_id(world_t *world, const char *external_id)
{
    for (int i = 0; i <= USERS; i++)
        if (world->users[i].exists && rc_text_equal(world->users[i].external_id, external_id)) return &world->users[i];
    return NULL;
}

static user_t *by_mail(world_t *world, const char *email)
{
    for (int i = 0; i <= USERS; i++)
        if (world->users[i].exists && rc_email_equal(world->users[i].email, email)) return &world->users[i];
    return NULL;
}

static rc_found_t show(world_t *world, const user_t *user, const char *looked_for)
{
    if (user == NULL) return (rc_found_t){.look = RC_LOOK_NONE, .looked_for = looked_for};
    return (rc_found_t){.look = RC_LOOK_FOUND,
                        .looked_for = looked_for,
                        .user_id = user - world->users + 1,
                        .deactivated = !user->active,
                        .external_id = user->external_id,
                        .email = user->email};
}

static void taken(world_t *world)
{
    rc_seen_t *seen = &world->scene.seen;
    seen->conflicts++;
    seen->by_external_id = seen->by_replaces = seen->by_email = seen->by_own_email =
        (rc_found_t){.look = RC_LOOK_UNKNOWN};
}

static void absent(world_t *world)
{
    taken(world);
    world->scene.seen.conflicts--;
    world->scene.seen.ambiguous++;
}

static void write_user(world_t *world, user_t *user, unsigned parts)
{
    rc_seen_t *seen = &world->scene.seen;
    const char *email = world->newest_employee.email;
    user_t *holder = by_mail(world, email), *bearer = by_id(world, OUR_ID);
    bool mail_taken = (parts & RC_PART_PROFILE) && holder != NULL && holder != user;
    bool id_taken = (parts & RC_PART_IDENTITY) && bearer != NULL && bearer != user;
    if (mail_taken || id_taken) {
        taken(world);
        return;
    }
    if (parts & RC_PART_IDENTITY) user->external_id = OUR_ID;
    if (parts & RC_PART_PROFILE) {
        user->email = email;
        user->profile = seen->profile_version = world->scene.newest.version;
    }
    if (parts & RC_PART_TEAM) {
        user->team = seen->team_version = world->scene.newest.version;
        if (world->newest_employee.primary_team.id != NULL) user->in_team = true;
    }
    seen->wrote = true;
    seen->by_external_id = show(world, user, NULL);
}

/* Carries the action out. What may never happen is checked here. */
static void perform(world_t *world, const rc_action_t *action)
{
    scene_t *scene = &world->scene;
    rc_seen_t *seen = &scene->seen;
    user_t *user = action->user_id > 0 ? &world->users[action->user_id - 1] : by_id(world, OUR_ID);
    bool had_fresh_barrier = seen->fresh_barrier;
    seen->fresh_barrier = false;
    switch (action->kind) {
    case RC_ACTION_LOOKUP_EXTERNAL:
        seen->by_external_id = show(world, by_id(world, action->key), NULL);
        break;
    case RC_ACTION_LOOKUP_REPLACES:
        seen->by_replaces = show(world, by_id(world, action->key), NULL);
        break;
    case RC_ACTION_LOOKUP_EMAIL:
        seen->by_email = show(world, by_mail(world, action->key), action->key);
        break;
    case RC_ACTION_LOOKUP_OWN_EMAIL:
        seen->by_own_email = show(world, by_mail(world, action->key), action->key);
        break;
    case RC_ACTION_LOOKUP_TEAMS:
        seen->by_external_id = show(world, by_id(world, action->key), NULL);
        seen->by_external_id.team_known = true;
        seen->by_external_id.primary_team_id = user != NULL && user->in_team ? 70 : 0;
        break;
    case RC_ACTION_CREATE:
        ck_assert_msg(by_id(world, OUR_ID) == NULL, "creates a second user: %s", world->story);
        user = &world->users[USERS];
        if (by_mail(world, world->newest_employee.email) != NULL) {
            taken(world);
            break;
        }
        *user = (user_t){.exists = true, .active = true, .external_id = OUR_ID};
        write_user(world, user, RC_PART_ALL);
        seen->by_external_id.team_known = true;
        break;
    case RC_ACTION_UPDATE:
        if (user == NULL) {
            absent(world);
            break;
        }
        if (action->parts & RC_PART_IDENTITY) {
            bool free_user = user->external_id == NULL || rc_text_equal(user->external_id, OUR_ID);
            bool replaced = scene->newest.replaces != NULL && rc_text_equal(user->external_id, OLD_ID) && !user->active;
            ck_assert_msg(free_user || replaced, "adopts somebody else's user: %s", world->story);
            ck_assert_msg(scene->about.lane == RC_EVENT_CREATED, "only created adopts: %s", world->story);
        }
        write_user(world, user, action->parts);
        break;
    case RC_ACTION_REACTIVATE:
        ck_assert_msg(scene->newest.presence == RC_PRESENCE_EMPLOYED, "brings back who is gone: %s", world->story);
        ck_assert(rc_text_equal(user->external_id, OUR_ID) && !user->active);
        user->active = true;
        user->in_team = false;
        seen->wrote = true;
        seen->profile_version = seen->team_version = 0;
        seen->by_external_id.deactivated = false;
        break;
    case RC_ACTION_DEACTIVATE:
        ck_assert_msg(had_fresh_barrier, "S3: deactivates without a barrier: %s", world->story);
        ck_assert_msg(scene->newest.presence == RC_PRESENCE_GONE, "I3: deactivates the employed: %s", world->story);
        ck_assert_msg(!scene->newest.in_doubt, "I3: deactivates because a snapshot is not there: %s", world->story);
        ck_assert_msg(rc_text_equal(user->external_id, OUR_ID) && user->active, "deactivates another: %s",
                      world->story);
        user->active = user->in_team = false;
        seen->wrote = true;
        seen->by_external_id.deactivated = true;
        break;
    case RC_ACTION_REMOVE_FROM_TEAM:
        ck_assert(user->in_team && rc_text_equal(user->external_id, OUR_ID));
        user->in_team = false;
        seen->by_external_id.primary_team_id = 0;
        break;
    case RC_ACTION_NEED_BARRIER:
        seen->fresh_barrier = true;
        if (scene->newest.from == RC_NEWEST_EVENT_ALONE) {
            scene->newest.from = RC_NEWEST_FORGOTTEN;
            scene->newest.presence = RC_PRESENCE_GONE;
            scene->newest.in_doubt = scene->about.lane != RC_EVENT_DEACTIVATED;
        }
        break;
    case RC_ACTION_ENSURE_TEAM:
        seen->primary = RC_TEAM_THERE;
        break;
    default:
        ck_abort_msg("%s is not for this model: %s", rc_action_str(action->kind), world->story);
    }
}

static bool is_end(rc_action_kind_t kind)
{
    return kind == RC_ACTION_DONE || kind == RC_ACTION_HAND_OVER || kind == RC_ACTION_CONFLICT ||
           kind == RC_ACTION_REPLACED || kind == RC_ACTION_NO_SNAPSHOT || kind == RC_ACTION_MISCONFIGURED;
}

static void run_to_the_end(world_t *world)
{
    for (int i = 0; i < 30; i++) {
        rc_action_t action = next(&world->scene);
        size_t used = strlen(world->story);
        snprintf(world->story + used, sizeof world->story - used, "%s ", rc_action_str(action.kind));
        if (is_end(action.kind)) {
            world->end = action;
            return;
        }
        perform(world, &action);
    }
    ck_abort_msg("it never ends: %s", world->story);
}

typedef struct {
    int lane;
    int newest;         /* employed, gone, forgotten */
    int ours, replaced; /* absent, active, deactivated */
    int mail; /* N's address: nobody, a free active user, a free deactivated one, a stranger, the replaced, ours */
    int own;  /* the event's own address differs: no; nobody; a free user */
    int team; /* N names one; the user is in one */
    bool match_email;
} start_t;

static bool world_init(world_t *world, const start_t *start)
{
    *world = (world_t){.story = ""};
    scene_t *scene = &world->scene;
    scene_init(scene, (rc_event_type_t)start->lane);
    world->newest_employee = scene->event.employee;
    if (start->own > 0) scene->event.employee.email = OWN_MAIL;
    if (!(start->team & 1)) world->newest_employee.primary_team = (rc_ref_t){NULL, NULL};
    scene->newest = (rc_newest_t){.version = V1,
                                  .employee = &world->newest_employee,
                                  .replaces = start->replaced > 0 || start->mail == 4 ? OLD_ID : NULL,
                                  .presence = start->newest == 1 ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                                  .from = start->newest == 2 ? RC_NEWEST_EVENT_ALONE : RC_NEWEST_SNAPSHOT};
    scene->policy.match_email = start->match_email;
    scene->seen.primary = RC_TEAM_UNKNOWN;
    bool in_team = start->team & 2;
    if (start->ours > 0)
        world->users[OURS] = (user_t){true, start->ours == 1, start->ours == 1 && in_team, OUR_ID, "ours@x", 0, 0};
    if (start->replaced > 0)
        world->users[REPLACED] =
            (user_t){true, start->replaced == 1, start->replaced == 1 && in_team, OLD_ID, "old@x", 0, 0};
    if (start->mail >= 1 && start->mail <= 3)
        world->users[MAIL] = (user_t){
            true, start->mail != 2, start->mail != 2 && in_team, start->mail == 3 ? OTHER_ID : NULL, NEW_MAIL, 0, 0};
    if (start->mail == 4 && start->replaced == 0) return false;
    if (start->mail == 4) world->users[REPLACED].email = NEW_MAIL;
    if (start->mail == 5 && start->ours == 0) return false;
    if (start->mail == 5) world->users[OURS].email = NEW_MAIL;
    if (start->own == 2) world->users[OWN] = (user_t){true, true, in_team, NULL, OWN_MAIL, 0, 0};
    world->was_ours_active = start->ours == 1;
    return true;
}

static void check_end(world_t *world, const start_t *start)
{
    const scene_t *scene = &world->scene;
    const user_t *ours = by_id(world, OUR_ID);
    bool gone = scene->newest.presence == RC_PRESENCE_GONE;
    bool brings_all = start->lane == RC_EVENT_CREATED || start->lane == RC_EVENT_DEACTIVATED;
    int bearers = 0;
    for (int i = 0; i <= USERS; i++)
        bearers += world->users[i].exists && rc_text_equal(world->users[i].external_id, OUR_ID);
    ck_assert_msg(bearers <= 1, "two users of one person: %s", world->story);

    switch (world->end.kind) {
    case RC_ACTION_DONE:
        if (gone && brings_all) ck_assert_msg(ours == NULL || !ours->active, "gone, and active: %s", world->story);
        if (gone && !brings_all)
            ck_assert_msg(world->end.outcome == RC_OUTCOME_COVERED, "left to deactivated: %s", world->story);
        if (gone || (start->lane == RC_EVENT_DEACTIVATED && ours == NULL)) break;
        ck_assert_msg(ours != NULL && ours->active, "employed, and not there: %s", world->story);
        if (start->lane != RC_EVENT_TEAM_CHANGED)
            ck_assert_msg(ours->profile == V1 && rc_email_equal(ours->email, NEW_MAIL), "profile: %s", world->story);
        if (start->lane != RC_EVENT_PROFILE_UPDATED)
            ck_assert_msg(ours->in_team == ((start->team & 1) != 0), "team: %s", world->story);
        break;
    case RC_ACTION_HAND_OVER:
        ck_assert_msg(!gone && !brings_all && (ours == NULL || !ours->active), "hands over: %s", world->story);
        break;
    case RC_ACTION_CONFLICT: {
        const user_t *holder = by_mail(world, NEW_MAIL);
        ck_assert_msg(!gone && holder != NULL && holder != ours, "no conflict: %s", world->story);
        break;
    }
    case RC_ACTION_REPLACED:
        ck_assert_msg(!gone && start->lane == RC_EVENT_CREATED && start->replaced == 1 && ours == NULL, "waits: %s",
                      world->story);
        break;
    case RC_ACTION_NO_SNAPSHOT:
        ck_assert_msg(scene->newest.in_doubt && ours != NULL && ours->active, "no doubt: %s", world->story);
        break;
    default:
        ck_abort_msg("%s: %s", rc_action_str(world->end.kind), world->story);
    }
    /* A user of somebody else is as it was. */
    if (start->mail == 3) ck_assert(world->users[MAIL].active && world->users[MAIL].profile == 0);
    if (start->replaced == 1) ck_assert_msg(world->users[REPLACED].active, "%s", world->story);
}

START_TEST(s2_brings_learn_amp_to_n_from_every_state)
{
    int worlds = 0;
    start_t start;
    for (start.lane = 0; start.lane < RC_EVENT_COUNT; start.lane++)
        for (start.newest = 0; start.newest < 3; start.newest++)
            for (start.ours = 0; start.ours < 3; start.ours++)
                for (start.replaced = 0; start.replaced < 3; start.replaced++)
                    for (start.mail = 0; start.mail < 6; start.mail++)
                        for (start.own = 0; start.own < 3; start.own++)
                            for (start.team = 0; start.team < 4; start.team++)
                                for (int match = 0; match < 2; match++) {
                                    world_t world;
                                    start.match_email = match;
                                    if (!world_init(&world, &start)) continue;
                                    run_to_the_end(&world);
                                    check_end(&world, &start);
                                    worlds++;
                                }
    ck_assert_int_gt(worlds, 10000);
}
END_TEST

#define COUNT_OF(array) (int)(sizeof array / sizeof *array)

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *tcase = tcase_create("newest and S1");
    tcase_add_test(tcase, nothing_is_asked_or_written_while_a_missing_row_may_mean_forgotten);
    tcase_add_test(tcase, s1_does_not_skip_what_is_replayed);
    tcase_add_loop_test(tcase, s1_skips_what_the_ledger_covers, 0, COUNT_OF(skips));
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("S2");
    tcase_add_loop_test(tcase, only_new_people_are_invited_and_only_when_the_policy_says_so, 0, COUNT_OF(invitations));
    tcase_add_loop_test(tcase, s2_takes_the_one_right_step, 0, COUNT_OF(steps));
    tcase_add_loop_test(tcase, teams_are_ensured_before_they_are_named, 0, 3);
    tcase_add_test(tcase, team_changed_renames_first);
    tcase_add_loop_test(tcase, who_comes_into_a_team_brings_the_name_that_it_got_while_nobody_was_in_it, 0,
                        sizeof WHO_IS_NEW / sizeof *WHO_IS_NEW);
    tcase_add_test(tcase, where_only_the_name_differs_no_member_is_written);
    tcase_add_loop_test(tcase, a_team_that_hr_took_away_is_removed_with_one_look, 0, 3);
    tcase_add_test(tcase, a_team_that_may_not_be_created_is_left_out_and_said);
    tcase_add_test(tcase, a_policy_without_teams_leaves_them_alone);
    tcase_add_test(tcase, the_events_own_address_is_tried_last_and_never_takes_a_strangers_user);
    tcase_add_test(tcase, another_address_makes_the_lookup_void);
    tcase_add_loop_test(tcase, of_two_who_swap_the_lower_id_moves_aside_from_the_second_tier_on, 0, COUNT_OF(swaps));
    tcase_add_test(tcase, a_conflict_that_is_gone_when_looked_at_is_tried_once_more);
    tcase_add_test(tcase, what_stays_missing_though_all_is_there_is_our_configuration);
    tcase_add_test(tcase, who_replaces_somebody_is_looked_at_again);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("to the end");
    tcase_add_test(tcase, s2_brings_learn_amp_to_n_from_every_state);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
