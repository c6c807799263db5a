#include <stdlib.h>
#include <string.h>

#include "common/words.h"
#include "consumer/commands/plan/preview_state.h"
#include "consumer/commands/words.h"
#include "consumer/engine/apply.h"

enum {
    SIDE_BY_SIDE = 64, /* people; what they ask is in memory already */
    FIRST_ROOM = 64,
    SCRATCH_BYTES = 4096
};

/* ---- A person's records, one after the other ---- */

typedef struct rehearsal rehearsal_t;

typedef struct {
    rc_preview_t *plan;
    size_t cursor; /* of the wave's people */
    int under_way;
} stage_t;

struct rehearsal {
    stage_t *stage;
    rc_backlog_person_t person; /* a copy: its ledger goes on as the run's would */
    rc_arena_t *arena;
    rc_snapshot_t snapshot;
    bool has_snapshot;
    const rc_waiting_t *at;
    bool handed_over; /* from the record's own lane to created */
    bool has_worked;  /* a record was not skipped */
    rc_event_t event;
    rc_event_type_t lane;
    rc_apply_t *apply;
    rc_loop_timer_t *timer;
    const char *why;
};

static void rehearse_next(rehearsal_t *rehearsal);
static void start_more(stage_t *stage);

static void end(rehearsal_t *rehearsal)
{
    stage_t *stage = rehearsal->stage;
    rc_loop_timer_free(rehearsal->timer);
    rc_arena_free(rehearsal->arena);
    free(rehearsal);
    stage->under_way--;
    start_more(stage);
}

static void give_up(rehearsal_t *rehearsal, const rc_error_t *error)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    if (plan->error.code == RC_OK) plan->error = *error;
    end(rehearsal);
}

static rc_preview_person_t *plan_for(rehearsal_t *rehearsal, rc_preview_kind_t kind, int64_t user_id, const char *why)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    const rc_employee_t *employee =
        rehearsal->has_snapshot ? &rehearsal->snapshot.employee : &rehearsal->event.employee;
    const char *name = rc_employee_name(rehearsal->arena, employee);
    rc_preview_person_t *planned =
        rc_map_get(plan->by_employee, rehearsal->person.employee_id, strlen(rehearsal->person.employee_id));
    if (name == NULL) name = employee->email != NULL ? employee->email : planned->employee_id;
    *planned = (rc_preview_person_t){.kind = kind,
                                     .employee_id = planned->employee_id,
                                     .name = rc_arena_strdup(plan->arena, name),
                                     .user_id = user_id,
                                     .why = rc_arena_strdup(plan->arena, why)};
    if (plan->planned_count == plan->planned_room) {
        plan->planned_room = plan->planned_room > 0 ? plan->planned_room * 2 : FIRST_ROOM;
        plan->planned = rc_realloc(plan->planned, plan->planned_room * sizeof *plan->planned);
    }
    plan->planned[plan->planned_count++] = planned;
    return planned;
}

/* ---- What the first write would be ---- */

static bool is_of_teams(const char *field)
{
    return strcmp(field, "primary_team") == 0 || strcmp(field, "secondary_teams") == 0;
}

/* What the write would change, in the plan's arena. */
static void note_changes(rehearsal_t *rehearsal, rc_preview_person_t *planned, unsigned parts)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    const rc_userset_t *set = rc_readback_set(plan->readback);
    const rc_userset_user_t *user = rc_userset_by_id(set, planned->user_id);
    size_t count, kept = 0;
    if (user == NULL || !rehearsal->has_snapshot) return;
    rc_learnamp_profile_t profile = user->profile;
    profile.user.deactivated = false;
    const rc_difference_t *found =
        rc_compare_user(plan->integration, set, &rehearsal->snapshot.employee, &profile, rehearsal->arena, &count);
    rc_difference_t *changes = rc_arena_alloc(plan->arena, (count + 1) * sizeof *changes);
    for (size_t i = 0; i < count; i++) {
        if (!(parts & (is_of_teams(found[i].field) ? RC_PART_TEAM : RC_PART_PROFILE))) continue;
        changes[kept++] =
            (rc_difference_t){rc_arena_strdup(plan->arena, found[i].field), rc_arena_strdup(plan->arena, found[i].hr),
                              rc_arena_strdup(plan->arena, found[i].learnamp)};
        planned->gives_address_up = planned->gives_address_up || strcmp(found[i].field, "email") == 0;
    }
    planned->changes = changes;
    planned->change_count = kept;
}

static const char *list_of_fields(rc_arena_t *arena, const rc_preview_person_t *planned)
{
    const char *text = "";
    for (size_t i = 0; i < planned->change_count; i++)
        text = rc_words_join(arena, text, ", ", rc_words_field(arena, planned->changes[i].field));
    return text;
}

static void plan_update(rehearsal_t *rehearsal, const rc_action_t *action)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    const rc_userset_t *set = rc_readback_set(plan->readback);
    const rc_userset_user_t *user = action->user_id != 0
                                        ? rc_userset_by_id(set, action->user_id)
                                        : rc_userset_by_external_id(set, rehearsal->person.employee_id);
    int64_t user_id = user != NULL ? user->profile.user.id : action->user_id;
    if (action->parts & RC_PART_IDENTITY) {
        const char *former = user != NULL ? user->profile.user.external_id : NULL;
        const char *found = former == NULL
                                ? "has the address, and no external id"
                                : rc_arena_sprintf(rehearsal->arena, "bears the former employee id %s", former);
        bool is_gone = user != NULL && user->profile.user.deactivated;
        rc_preview_person_t *planned = plan_for(
            rehearsal, RC_PREVIEW_ADOPT, user_id,
            is_gone ? rc_arena_sprintf(rehearsal->arena, "%s; deactivated, and reactivated then", found) : found);
        note_changes(rehearsal, planned, RC_PART_ALL);
        return;
    }
    rc_preview_person_t *planned = plan_for(rehearsal, RC_PREVIEW_UPDATE, user_id, NULL);
    if (action->parts & RC_PART_ASIDE) {
        planned->why = "moves to policy.swap_address until the other one has moved";
        planned->gives_address_up = true;
        return;
    }
    note_changes(rehearsal, planned, action->parts);
    planned->why = planned->change_count > 0 ? rc_arena_strdup(plan->arena, list_of_fields(rehearsal->arena, planned))
                                             : "nothing differs that Learn Amp shows; the same is written again";
}

static void plan_write(rehearsal_t *rehearsal, const rc_action_t *action)
{
    switch (action->kind) {
    case RC_ACTION_CREATE:
        (void)plan_for(rehearsal, RC_PREVIEW_CREATE, 0,
                       action->invite ? "nobody has their id or address; they are invited"
                                      : "nobody has their id or address; no invitation");
        return;
    case RC_ACTION_UPDATE:
        plan_update(rehearsal, action);
        return;
    case RC_ACTION_REACTIVATE:
        (void)plan_for(rehearsal, RC_PREVIEW_REACTIVATE, action->user_id, "employed, and deactivated at Learn Amp");
        return;
    case RC_ACTION_DEACTIVATE:
        (void)plan_for(rehearsal, RC_PREVIEW_DEACTIVATE, action->user_id,
                       rehearsal->has_snapshot ? rc_say_gone(rehearsal->snapshot.gone_reason) : "forgotten");
        return;
    case RC_ACTION_REMOVE_FROM_TEAM:
        (void)plan_for(rehearsal, RC_PREVIEW_UPDATE, action->user_id, "taken out of the primary team");
        return;
    default:
        RC_DIE("%s was held back, which is no write", rc_action_str(action->kind));
    }
}

static void plan_conflict(rehearsal_t *rehearsal, const rc_apply_result_t *result)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    const rc_employee_t *employee =
        rehearsal->has_snapshot ? &rehearsal->snapshot.employee : &rehearsal->event.employee;
    const rc_userset_user_t *holder = rc_userset_by_email(rc_readback_set(plan->readback), employee->email);
    rc_preview_person_t *planned =
        plan_for(rehearsal, RC_PREVIEW_CONFLICT, holder != NULL ? holder->profile.user.id : 0, result->reason);
    if (holder != NULL && rehearsal->lane == RC_EVENT_CREATED) planned->holder = holder->profile.user.external_id;
}

/* Parked until the former id's user is deactivated, which this run may do. */
static void plan_replaced(rehearsal_t *rehearsal, const rc_apply_result_t *result)
{
    rc_preview_t *plan = rehearsal->stage->plan;
    const char *former = rehearsal->has_snapshot ? rehearsal->snapshot.replaces : rehearsal->event.created.replaces;
    const rc_userset_user_t *user = rc_userset_by_external_id(rc_readback_set(plan->readback), former);
    rc_preview_person_t *planned =
        plan_for(rehearsal, RC_PREVIEW_CONFLICT, user != NULL ? user->profile.user.id : 0, result->reason);
    planned->waits_for = rc_arena_strdup(plan->arena, former);
}

/* ---- One record ---- */

static void note_done(rehearsal_t *rehearsal, rc_outcome_t outcome, int64_t version)
{
    rehearsal->person.ledger[rehearsal->lane].known = true;
    rehearsal->person.ledger[rehearsal->lane].outcome = outcome;
    rehearsal->person.ledger[rehearsal->lane].version = version;
}

static void on_done(void *opaque, const rc_apply_result_t *result)
{
    rehearsal_t *rehearsal = opaque;
    const rc_action_t *action = rc_apply_action(rehearsal->apply);
    rehearsal->apply = NULL;
    if (result->kind == RC_APPLY_FAILED && result->class == RC_CLASS_HELD) {
        plan_write(rehearsal, action);
        end(rehearsal);
    } else if (result->kind == RC_APPLY_FAILED && result->class == RC_CLASS_CONFLICT) {
        plan_conflict(rehearsal, result);
        end(rehearsal);
    } else if (result->kind == RC_APPLY_FAILED && result->class == RC_CLASS_REPLACED) {
        plan_replaced(rehearsal, result);
        end(rehearsal);
    } else if (result->kind == RC_APPLY_FAILED && result->class == RC_CLASS_NO_SNAPSHOT) {
        (void)plan_for(rehearsal, RC_PREVIEW_NOTHING, result->user_id, result->reason);
        end(rehearsal);
    } else if (result->kind == RC_APPLY_FAILED) {
        rc_error_t error = RC_ERROR_INIT;
        (void)rc_error_set(&error, RC_HTTP, RC_RETRY, "employee %s: Learn Amp cannot be asked: %.300s; try again",
                           rehearsal->person.employee_id, result->reason != NULL ? result->reason : "no answer");
        give_up(rehearsal, &error);
    } else {
        rehearsal->handed_over = result->kind == RC_APPLY_HAND_OVER;
        if (rehearsal->handed_over)
            note_done(rehearsal, RC_OUTCOME_HANDED_OVER, rehearsal->event.version);
        else
            note_done(rehearsal, result->outcome, result->version);
        rehearsal->why = rc_arena_strdup(rehearsal->arena, result->reason);
        if (!rehearsal->handed_over) rehearsal->at = rehearsal->at->next;
        rehearse_next(rehearsal);
    }
}

static void read_newest(void *opaque, bool behind_barrier, rc_newest_t *newest)
{
    const rehearsal_t *rehearsal = opaque;
    (void)behind_barrier;
    /* The snapshots were read to their end after the records: a barrier could not show more. */
    *newest = rc_newest_of(&rehearsal->event, rehearsal->has_snapshot ? &rehearsal->snapshot : NULL, true);
}

static void pass_barrier(void *opaque)
{
    rehearsal_t *rehearsal = opaque;
    rc_apply_barrier_passed(rehearsal->apply);
}

static void take_barrier(void *opaque)
{
    rehearsal_t *rehearsal = opaque;
    rc_loop_timer_start(rehearsal->timer, 0, 0);
}

/* The next record that the run would not skip, or the end. */
static void rehearse_next(rehearsal_t *rehearsal)
{
    static const rc_apply_callbacks_t callbacks = {read_newest, take_barrier, on_done};
    rc_preview_t *plan = rehearsal->stage->plan;
    rc_error_t error = RC_ERROR_INIT;
    for (; rehearsal->at != NULL; rehearsal->at = rehearsal->at->next, rehearsal->handed_over = false) {
        rc_waiting_t waiting = *rehearsal->at;
        if (rehearsal->handed_over) {
            waiting.lane = RC_EVENT_CREATED;
            waiting.from_event_topic = false;
        }
        if (waiting.unreadable || rc_backlog_skips(&rehearsal->person, &waiting) != NULL) continue;
        rehearsal->has_worked = true;
        rehearsal->lane = waiting.lane;
        if (rc_backlog_event(plan->backlog, &waiting, rehearsal->arena, &rehearsal->event, &error) != RC_OK) {
            give_up(rehearsal, &error);
            return;
        }
        const rc_apply_input_t input = {.lane = waiting.lane,
                                        .event = &rehearsal->event,
                                        .replayed = waiting.replayed,
                                        .conflict_attempts = waiting.conflict_attempts,
                                        .behind_barrier = true};
        rehearsal->apply =
            rc_apply_start(rc_readback_client(plan->readback), plan->teams, &input, &callbacks, rehearsal);
        return;
    }
    if (rehearsal->has_worked) (void)plan_for(rehearsal, RC_PREVIEW_NOTHING, 0, rehearsal->why);
    end(rehearsal);
}

/* ---- Everybody of a wave ---- */

static bool has_waiting(const rc_backlog_person_t *person)
{
    for (const rc_waiting_t *waiting = person->waiting; waiting != NULL; waiting = waiting->next)
        if (!waiting->unreadable && rc_backlog_skips(person, waiting) == NULL) return true;
    return false;
}

static void start(stage_t *stage, const rc_backlog_person_t *person)
{
    rc_preview_t *plan = stage->plan;
    rc_error_t error = RC_ERROR_INIT;
    rehearsal_t *rehearsal = rc_zalloc(sizeof *rehearsal);
    *rehearsal = (rehearsal_t){
        .stage = stage, .person = *person, .arena = rc_arena_new_sized(SCRATCH_BYTES), .at = person->waiting};
    rehearsal->timer = rc_loop_timer_new(rc_learnamp_loop(rc_readback_client(plan->readback)), pass_barrier, rehearsal);
    stage->under_way++;
    if (rc_backlog_snapshot(plan->backlog, person, rehearsal->arena, &rehearsal->snapshot, &rehearsal->has_snapshot,
                            &error) != RC_OK) {
        give_up(rehearsal, &error);
    } else if (person->snapshot != NULL && !rehearsal->has_snapshot) {
        (void)plan_for(rehearsal, RC_PREVIEW_NOTHING, 0, "their newest published state cannot be read");
        end(rehearsal);
    } else {
        rehearse_next(rehearsal);
    }
}

static void start_more(stage_t *stage)
{
    const rc_backlog_person_t *person;
    rc_preview_t *plan = stage->plan;
    while (stage->under_way < SIDE_BY_SIDE && plan->error.code == RC_OK && !atomic_load(&plan->inquiry->cancelled) &&
           (person = rc_backlog_next(plan->backlog, &stage->cursor)) != NULL)
        if (has_waiting(person)) start(stage, person);
    if (stage->under_way == 0) rc_loop_stop(rc_learnamp_loop(rc_readback_client(plan->readback)));
}

/* Where the lists are not complete, who is concerned is asked for directly. */
static rc_code_t enter_concerned(rc_preview_t *plan, rc_error_t *error)
{
    const rc_backlog_person_t *person;
    size_t cursor = 0, count = 0, room = 0;
    const char **ids = NULL;
    while ((person = rc_backlog_next(plan->backlog, &cursor)) != NULL) {
        if (!has_waiting(person)) continue;
        rc_preview_person_t *planned = rc_arena_alloc(plan->arena, sizeof *planned);
        planned->employee_id = rc_arena_strdup(plan->arena, person->employee_id);
        (void)rc_map_set(plan->by_employee, planned->employee_id, strlen(planned->employee_id), planned);
        if (count == room) {
            room = room > 0 ? room * 2 : FIRST_ROOM;
            ids = rc_realloc(ids, room * sizeof *ids);
        }
        ids[count++] = planned->employee_id;
    }
    rc_code_t code =
        rc_readback_is_complete(plan->readback) ? RC_OK : rc_readback_again(plan->readback, ids, count, error);
    free(ids);
    return code;
}

rc_code_t rc_preview_rehearse(rc_preview_t *plan, rc_error_t *error)
{
    stage_t stage = {.plan = plan};
    rc_code_t code = enter_concerned(plan, error);
    if (code != RC_OK) return code;
    plan->rehearses = true;
    stage.under_way = 1; /* so that nobody ends the loop before it runs */
    start_more(&stage);
    stage.under_way--;
    start_more(&stage);
    rc_loop_run(rc_learnamp_loop(rc_readback_client(plan->readback)));
    plan->rehearses = false;
    if (atomic_load(&plan->inquiry->cancelled)) return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped");
    if (plan->error.code != RC_OK) *error = plan->error;
    return plan->error.code;
}

/* ---- What depends on others ---- */

static const rc_preview_person_t *planned_of(const rc_preview_t *plan, const char *employee_id)
{
    return employee_id != NULL ? rc_map_get(plan->by_employee, employee_id, strlen(employee_id)) : NULL;
}

void rc_preview_settle(rc_preview_t *plan)
{
    for (size_t i = 0; i < plan->planned_count; i++) {
        rc_preview_person_t *planned = plan->planned[i];
        const rc_preview_person_t *former = planned_of(plan, planned->waits_for),
                                  *holder = planned_of(plan, planned->holder);
        if (former != NULL && former->kind == RC_PREVIEW_DEACTIVATE) {
            planned->kind = RC_PREVIEW_ADOPT;
            planned->why = "bears the former employee id; once it is deactivated, which this run does too";
        } else if (planned->kind == RC_PREVIEW_CONFLICT && holder != NULL && holder->gives_address_up) {
            planned->kind = RC_PREVIEW_CREATE;
            planned->user_id = 0;
            planned->why = "once the user who has the address gets another one, which this run does too";
        }
    }
}
