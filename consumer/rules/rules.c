#include "consumer/rules/rules.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/mutant.h"
#include "common/text.h"
#include "consumer/rules/swap.h"

/* ---- S1 ---- */

const char *rc_rules_skip(const rc_skip_input_t *input)
{
    const rc_ledger_entry_t *entry = input->entry;
    if (entry == NULL || entry->version < input->version) return NULL;
    bool is_excepted = (input->unanswered || input->waits_for_manager) && !RC_MUTANT(SKIPPED_ANYWAY);
    if (is_excepted || input->replayed) return NULL;
    switch (entry->outcome) {
    case RC_OUTCOME_PARKED:
        return input->from_event_topic ? "a parked record covers it" : NULL;
    case RC_OUTCOME_DEAD:
        return input->from_event_topic ? "a dead-lettered record covers it" : NULL;
    case RC_OUTCOME_SKIPPED:
        /* Only the team's name differed and no member was written: an earlier record that waits in a retry topic still
         * has its member to write. */
        return input->from_event_topic ? "a newer state was looked at" : NULL;
    case RC_OUTCOME_HANDED_OVER:
        return "handed over to created";
    case RC_OUTCOME_APPLIED:
    case RC_OUTCOME_COVERED:
    case RC_OUTCOME_WITHOUT_MANAGER:
    case RC_OUTCOME_REPLAYED:
        break;
    }
    return "the same or a newer state is applied";
}

bool rc_rules_invite(const rc_case_t *about)
{
    if (about->policy->invite != RC_INVITE_ON_CREATE || about->replayed) return false;
    /* A record handed over does not say whether its person came with the first import. */
    bool may_be_import =
        about->event->type != RC_EVENT_CREATED || about->event->created.reason == RC_CREATED_INITIAL_IMPORT;
    if (may_be_import) return about->policy->initial_import_invite;
    return about->event->created.reason != RC_CREATED_RESYNC;
}

const char *rc_action_str(rc_action_kind_t kind)
{
    static const char *const names[] = {
#define X(name) #name,
        RC_ACTIONS(X)
#undef X
    };
    RC_INVARIANT((unsigned)kind < RC_ACTION_COUNT);
    return names[kind];
}

/* ---- S2: pieces ---- */

/* A step looks at one thing; it either decides the action (true) or leaves it to the next step. */
typedef struct {
    const rc_case_t *about;
    const rc_newest_t *newest;
    const rc_seen_t *seen;
    rc_action_t *action;
} rc_step_t;

static bool act(const rc_step_t *step, rc_action_kind_t kind)
{
    step->action->kind = kind;
    return true;
}

static bool act_on(const rc_step_t *step, rc_action_kind_t kind, int64_t user_id)
{
    step->action->user_id = user_id;
    return act(step, kind);
}

static bool look(const rc_step_t *step, rc_action_kind_t kind, const char *key)
{
    step->action->key = key;
    return act(step, kind);
}

static bool done(const rc_step_t *step, rc_outcome_t outcome, const char *why)
{
    step->action->outcome = outcome;
    step->action->why = why;
    /* A late deactivation of the former id may still hit the user that was adopted from it (S4). */
    step->action->look_again =
        step->about->lane == RC_EVENT_CREATED && step->newest->replaces != NULL && step->seen->wrote;
    return act(step, RC_ACTION_DONE);
}

static const char *our_id(const rc_step_t *step)
{
    return step->about->event->employee_id;
}

static bool primary_is_managed(const rc_step_t *step)
{
    return step->about->policy->primary_team_count > 0;
}

static bool secondary_is_managed(const rc_step_t *step)
{
    return step->about->policy->secondary_teams_count > 0;
}

static const rc_ref_t *primary_team(const rc_step_t *step)
{
    const rc_ref_t *team = &step->newest->employee->primary_team;
    return primary_is_managed(step) && !rc_text_empty(team->id) ? team : NULL;
}

static bool ensure(const rc_step_t *step, const rc_ref_t *team)
{
    step->action->team = *team;
    return act(step, RC_ACTION_ENSURE_TEAM);
}

/* Every team that a write will name. */
static bool ensure_teams(const rc_step_t *step)
{
    const rc_ref_t *primary = primary_team(step);
    if (primary != NULL && step->seen->primary == RC_TEAM_UNKNOWN) return ensure(step, primary);
    if (secondary_is_managed(step) && step->seen->secondary_unknown != NULL)
        return ensure(step, step->seen->secondary_unknown);
    return false;
}

/* A primary team that HR does not name any more; the update cannot say "none". */
static bool remove_from_team(const rc_step_t *step)
{
    const rc_found_t *user = &step->seen->by_external_id;
    if (!primary_is_managed(step) || primary_team(step) != NULL) return false;
    if (user->look != RC_LOOK_FOUND || !user->team_known) return look(step, RC_ACTION_LOOKUP_TEAMS, our_id(step));
    if (user->primary_team_id == 0) return false;
    step->action->team_id = user->primary_team_id;
    return act_on(step, RC_ACTION_REMOVE_FROM_TEAM, user->user_id);
}

static bool update(const rc_step_t *step, unsigned parts, int64_t user_id)
{
    step->action->parts = parts;
    return act_on(step, RC_ACTION_UPDATE, user_id);
}

static const char *why_written(const rc_step_t *step)
{
    const rc_ref_t *team = primary_team(step);
    if (team == NULL || step->seen->primary != RC_TEAM_ABSENT) return NULL;
    return rc_text_empty(team->name)
               ? "written without the team: it is not at Learn Amp, and the group has no name to make it with"
               : "written without the team: it is not at Learn Amp, and policy.create_teams is off";
}

static bool knows_holder(const rc_step_t *step)
{
    const rc_found_t *found = &step->seen->by_email;
    return found->look != RC_LOOK_UNKNOWN && rc_email_equal(found->looked_for, step->newest->employee->email);
}

/* ---- S2: somebody else has what we want ---- */

/* After a write was answered "taken", and our own user was looked up again. True: decided. */
static bool settle_conflict(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    const rc_found_t *ours = &seen->by_external_id;
    if (seen->moved_aside) return act(step, RC_ACTION_CONFLICT);
    if (seen->conflicts == 0) return false;
    if (!knows_holder(step)) return look(step, RC_ACTION_LOOKUP_EMAIL, step->newest->employee->email);

    const rc_found_t *holder = &seen->by_email;
    bool somebody_else = holder->look == RC_LOOK_FOUND && holder->user_id != ours->user_id;
    if (!somebody_else) return seen->conflicts > 1 ? act(step, RC_ACTION_CONFLICT) : false;

    const char *template = step->about->policy->swap_address;
    /* Of two who swap, the lower id moves: both see the same two ids, so never both. Of a longer ring, at least one. */
    bool ours_to_move = !rc_text_empty(holder->external_id) && strcmp(our_id(step), holder->external_id) < 0;
    if (rc_text_empty(template) || step->about->conflict_attempts < 2 || !ours_to_move || ours->user_id == 0)
        return act(step, RC_ACTION_CONFLICT);
    char *aside = rc_swap_address(step->about->policy, our_id(step));
    bool is_there = rc_email_equal(ours->email, aside);
    free(aside);
    return is_there ? act(step, RC_ACTION_CONFLICT) : update(step, RC_PART_ASIDE, 0);
}

/* ---- S2: N is employed, and the lane brings all of N ---- */

/* A team that is renamed while nobody is in it has no member whose event would say so: whoever comes into it does. Not
 * what is published or read again: its name may be older than the team's, and nothing newer would follow. */
static bool rename_team(const rc_step_t *step)
{
    const rc_event_t *event = step->about->event;
    bool again = step->about->replayed ||
                 (event->type == RC_EVENT_CREATED && event->created.reason == RC_CREATED_RESYNC) ||
                 event->type == RC_EVENT_DEACTIVATED;
    if (step->seen->rename_due == NULL || again) return false;
    step->action->team = *step->seen->rename_due;
    return act(step, RC_ACTION_RENAME_TEAM);
}

/* The user bears our external id: everything of N, and active. */
static bool bring_all(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    const rc_found_t *user = &seen->by_external_id;
    if (settle_conflict(step)) return true;
    if (user->deactivated) return act_on(step, RC_ACTION_REACTIVATE, user->user_id);
    int64_t version = step->newest->version;
    if (seen->profile_version < version || seen->team_version < version)
        return ensure_teams(step) || update(step, RC_PART_ALL, 0);
    if (remove_from_team(step) || rename_team(step)) return true;
    return done(step, RC_OUTCOME_APPLIED, why_written(step));
}

/* The user becomes ours. One who is deactivated gets the external id first and is reactivated then: if we died between,
 * the next try must find them as ours. */
static bool adopt(const rc_step_t *step, const rc_found_t *user)
{
    if (user->deactivated) return update(step, RC_PART_IDENTITY, user->user_id);
    return ensure_teams(step) || update(step, RC_PART_ALL | RC_PART_IDENTITY, user->user_id);
}

static bool adopt_replaced(const rc_step_t *step, const rc_found_t *user)
{
    if (!user->deactivated) {
        step->action->why = "the user of the former employee id is still active";
        return act(step, RC_ACTION_REPLACED);
    }
    return adopt(step, user);
}

static bool has_replaces(const rc_step_t *step)
{
    return !rc_text_empty(step->newest->replaces) && !rc_text_equal(step->newest->replaces, our_id(step));
}

/* A user found by address. `is_present`: it is the address that the person has now. */
static bool adopt_by_email(const rc_step_t *step, const rc_found_t *user, bool is_present)
{
    bool is_free = rc_text_empty(user->external_id) || RC_MUTANT(ADOPTS_ANYBODY);
    if (is_free || rc_text_equal(user->external_id, our_id(step))) return adopt(step, user);
    if (has_replaces(step) && rc_text_equal(user->external_id, step->newest->replaces))
        return adopt_replaced(step, user);
    if (!is_present) return false; /* somebody else took over the former address */
    return act(step, RC_ACTION_CONFLICT);
}

static bool look_by_email(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    const char *address = step->newest->employee->email;
    const char *own = step->about->event->employee.email;
    if (!rc_text_empty(address)) {
        if (!knows_holder(step)) return look(step, RC_ACTION_LOOKUP_EMAIL, address);
        if (seen->by_email.look == RC_LOOK_FOUND) return adopt_by_email(step, &seen->by_email, true);
    }
    if (rc_text_empty(own) || rc_email_equal(own, address)) return false;
    if (seen->by_own_email.look == RC_LOOK_UNKNOWN) return look(step, RC_ACTION_LOOKUP_OWN_EMAIL, own);
    return seen->by_own_email.look == RC_LOOK_FOUND && adopt_by_email(step, &seen->by_own_email, false);
}

/* Nobody bears our external id: whom to adopt, or a new user. */
static bool find_or_create(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    if (has_replaces(step)) {
        if (seen->by_replaces.look == RC_LOOK_UNKNOWN)
            return look(step, RC_ACTION_LOOKUP_REPLACES, step->newest->replaces);
        if (seen->by_replaces.look == RC_LOOK_FOUND) return adopt_replaced(step, &seen->by_replaces);
    }
    if (step->about->policy->match_email && look_by_email(step)) return true;
    if (settle_conflict(step) || ensure_teams(step)) return true;
    step->action->invite = rc_rules_invite(step->about);
    return act(step, RC_ACTION_CREATE);
}

/* ---- S2: N is gone ---- */

static bool send_away(const rc_step_t *step)
{
    const rc_found_t *user = &step->seen->by_external_id;
    bool ours = step->about->lane == RC_EVENT_DEACTIVATED;
    rc_outcome_t nothing_to_do = ours || step->seen->wrote ? RC_OUTCOME_APPLIED : RC_OUTCOME_COVERED;
    if (user->look == RC_LOOK_UNKNOWN) return look(step, RC_ACTION_LOOKUP_EXTERNAL, our_id(step));
    if (user->look == RC_LOOK_NONE) return done(step, nothing_to_do, "no such user, and the person is gone");
    if (user->deactivated)
        return done(step, nothing_to_do, step->seen->wrote ? NULL : "the user was deactivated already");
    if (step->newest->in_doubt) {
        step->action->why = "an active user, and no snapshot that says whether they are employed";
        return act(step, RC_ACTION_NO_SNAPSHOT);
    }
    if (!step->seen->fresh_barrier && !RC_MUTANT(NO_BARRIER_GONE)) return act(step, RC_ACTION_NEED_BARRIER);
    return act_on(step, RC_ACTION_DEACTIVATE, user->user_id);
}

/* ---- S2: the lanes ---- */

/* What created and deactivated have in common: they look first. `absent` decides when an employed person has no user.
 */
static bool step_after_a_look(const rc_step_t *step, bool (*absent)(const rc_step_t *))
{
    if (step->newest->presence == RC_PRESENCE_GONE) return send_away(step);
    switch (step->seen->by_external_id.look) {
    case RC_LOOK_UNKNOWN:
        return look(step, RC_ACTION_LOOKUP_EXTERNAL, our_id(step));
    case RC_LOOK_FOUND:
        return bring_all(step);
    case RC_LOOK_NONE:
        break;
    }
    return absent(step);
}

static bool step_created(const rc_step_t *step)
{
    return step_after_a_look(step, find_or_create);
}

static bool leave_to_created(const rc_step_t *step)
{
    return done(step, RC_OUTCOME_COVERED, "employed again, and no such user yet: left to created");
}

static bool step_deactivated(const rc_step_t *step)
{
    return step_after_a_look(step, leave_to_created);
}

/* What profile-updated and team-changed have in common: they update by external id without a look, and look only when
 * an answer leaves a question. True: decided. */
static bool step_of_employed_user(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    if (step->newest->presence == RC_PRESENCE_GONE)
        return done(step, RC_OUTCOME_COVERED, "the person is gone: left to deactivated");
    bool in_question = seen->ambiguous > 0 || seen->conflicts > 0;
    if (in_question && seen->by_external_id.look == RC_LOOK_UNKNOWN)
        return look(step, RC_ACTION_LOOKUP_EXTERNAL, our_id(step));
    if (seen->by_external_id.look == RC_LOOK_NONE) {
        step->action->why = "no such user: handed over to created";
        return act(step, RC_ACTION_HAND_OVER);
    }
    if (seen->by_external_id.look == RC_LOOK_FOUND && seen->by_external_id.deactivated) {
        step->action->why = "the user is deactivated: handed over to created";
        return act(step, RC_ACTION_HAND_OVER);
    }
    return false;
}

static bool step_profile_updated(const rc_step_t *step)
{
    if (step_of_employed_user(step) || settle_conflict(step)) return true;
    if (step->seen->profile_version < step->newest->version) return update(step, RC_PART_PROFILE, 0);
    return done(step, RC_OUTCOME_APPLIED, NULL);
}

/* Only the team's name differs, so no member is written. Not once N has moved on: another lane may have written a move
 * that came after this event, and what N takes back would be skipped (S1). Nor where secondary teams are kept as well:
 * the event does not say whether they changed. */
static bool is_rename_only(const rc_step_t *step)
{
    const rc_event_t *event = step->about->event;
    const rc_ref_t *primary = primary_team(step);
    return event->type == RC_EVENT_TEAM_CHANGED && event->version == step->newest->version && primary != NULL &&
           !secondary_is_managed(step) && rc_text_equal(event->team.previous.id, event->team.current.id) &&
           !rc_text_equal(event->team.previous.name, event->team.current.name);
}

static bool step_team_changed(const rc_step_t *step)
{
    const rc_seen_t *seen = step->seen;
    if (step_of_employed_user(step) || settle_conflict(step)) return true;
    if (!primary_is_managed(step) && !secondary_is_managed(step))
        return done(step, RC_OUTCOME_COVERED, "the policy leaves teams alone");
    if (ensure_teams(step)) return true;

    const rc_ref_t *primary = primary_team(step);
    bool is_there = primary != NULL && seen->primary == RC_TEAM_THERE;
    if (seen->rename_due != NULL) {
        step->action->team = *seen->rename_due;
        return act(step, RC_ACTION_RENAME_TEAM);
    }
    if (is_rename_only(step))
        return done(step, RC_OUTCOME_SKIPPED, "only the team's name differs: no member is written");
    bool names_a_team = is_there || secondary_is_managed(step);
    if (names_a_team && seen->team_version < step->newest->version) return update(step, RC_PART_TEAM, 0);
    if (remove_from_team(step)) return true;
    return done(step, RC_OUTCOME_APPLIED, why_written(step));
}

rc_action_t rc_rules_step(const rc_case_t *about, const rc_newest_t *newest, const rc_seen_t *seen)
{
    static bool (*const lanes[RC_EVENT_COUNT])(const rc_step_t *) = {
        [RC_EVENT_CREATED] = step_created,
        [RC_EVENT_PROFILE_UPDATED] = step_profile_updated,
        [RC_EVENT_TEAM_CHANGED] = step_team_changed,
        [RC_EVENT_DEACTIVATED] = step_deactivated,
    };
    rc_action_t action = {.kind = RC_ACTION_NEED_BARRIER, .outcome = RC_OUTCOME_APPLIED};
    rc_step_t step = {about, newest, seen, &action};
    RC_INVARIANT((unsigned)about->lane < RC_EVENT_COUNT);

    if (seen->ambiguous > 1) {
        action.kind = RC_ACTION_MISCONFIGURED;
        action.why =
            "user and teams are there, and still Learn Amp does not find something: a custom field of the mapping?";
        return action;
    }
    if (seen->conflicts > 2) {
        action.kind = RC_ACTION_CONFLICT;
        return action;
    }
    /* Whether an employee without a row is new or forgotten shows behind a barrier, and nobody who is forgotten may be
     * created again. */
    if (newest->from == RC_NEWEST_EVENT_ALONE) return action;
    bool decided = lanes[about->lane](&step);
    RC_INVARIANT(decided);
    return action;
}
