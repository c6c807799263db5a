#include "producer/page/answers.h"

#include <string.h>

#include "common/text.h"
#include "common/words.h"
#include "producer/page/fold.h"
#include "producer/rules/diff.h"

static void append(json_t *array, json_t *value)
{
    (void)json_array_append_new(array, value);
}

static void put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

static void put_int(json_t *object, const char *key, int64_t value)
{
    put(object, key, json_integer(value));
}

json_t *rc_answer_events(uint32_t events)
{
    return rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, events);
}

/* --- an integration --- */

static json_t *report_json(const rc_poll_report_t *report)
{
    json_t *json = json_object();
    rc_json_put_wall(json, "started_at", report->started_at);
    rc_json_put_wall(json, "finished_at", report->finished_at);
    rc_json_put_str(json, "trigger", rc_enum_str(&RC_ENUM_TRIGGER, (int)report->trigger));
    put(json, "full", json_boolean(report->full));
    put(json, "complete", json_boolean(report->complete));
    put_int(json, "read", report->read);
    put_int(json, "events", report->events);
    return json;
}

/* How many people of the list wait in that hold. */
static int64_t count_in_hold(const rc_roster_t *roster, const char *hold_id)
{
    int64_t count = 0;
    for (size_t i = 0; i < roster->waiting_count; i++)
        for (size_t k = 0; k < roster->waiting[i].hold_count; k++)
            count += strcmp(roster->waiting[i].holds[k].hold_id, hold_id) == 0;
    return count;
}

/* How many of them wait in another one as well. */
static int64_t count_in_others(const rc_roster_t *roster, const char *hold_id)
{
    int64_t count = 0;
    for (size_t i = 0; i < roster->waiting_count; i++) {
        const rc_waiting_t *waiting = &roster->waiting[i];
        bool here = false;
        for (size_t k = 0; k < waiting->hold_count; k++) here |= strcmp(waiting->holds[k].hold_id, hold_id) == 0;
        count += here && waiting->hold_count > 1;
    }
    return count;
}

/* A hold as the list shows it: what is approved by `listed_at` are the people who are in the list. */
static json_t *hold_json(const rc_hold_t *hold, const rc_roster_t *roster)
{
    json_t *json = json_object();
    rc_json_put_str(json, "id", hold->id);
    rc_json_put_str(json, "class", rc_enum_str(&RC_ENUM_BRAKE, (int)hold->brake));
    rc_json_put_wall(json, "since", hold->since);
    rc_json_put_wall(json, "listed_at", hold->changed_at.ms ? hold->changed_at : hold->since);
    put_int(json, "employees", roster ? count_in_hold(roster, hold->id) : hold->employees);
    if (roster) put_int(json, "in_others", count_in_others(roster, hold->id));
    put_int(json, "limit", hold->limit);
    return json;
}

static json_t *holds_json(const rc_known_t *known)
{
    json_t *holds = json_array();
    const rc_sync_state_t *state = known->roster ? &known->roster->state : known->state;
    for (size_t i = 0; state && i < state->hold_count; i++) append(holds, hold_json(&state->holds[i], known->roster));
    return holds;
}

/* How many people wait for one of these reasons. */
static int64_t count_with(const rc_roster_t *roster, uint32_t reasons)
{
    int64_t count = 0;
    for (size_t i = 0; i < roster->waiting_count; i++) count += (roster->waiting[i].reasons & reasons) != 0;
    return count;
}

static json_t *waiting_json(const rc_known_t *known)
{
    const rc_roster_t *roster = known->roster;
    json_t *json = json_object(), *reasons = json_object();
    put(json, "fresh", json_boolean(known->fresh));
    put_int(json, "total", (int64_t)roster->waiting_count);
    put_int(json, "for_hr", count_with(roster, RC_REASONS_OF_HR));
    put_int(json, "for_decision", count_with(roster, 1U << RC_PENDING_HELD));
    for (int i = 0; i < RC_PENDING_COUNT; i++)
        if (roster->by_reason[i]) put_int(reasons, rc_enum_str(&RC_ENUM_PENDING, i), roster->by_reason[i]);
    put(json, "by_reason", reasons);
    if (roster->error.code != RC_OK) rc_json_put_str(json, "error", roster->error.message);
    return json;
}

static void put_state(json_t *json, const rc_sync_state_t *state)
{
    rc_json_put_str(json, "state", rc_enum_str(&RC_ENUM_STATE, (int)state->state));
    if (state->state != RC_STATE_OK) rc_json_put_str(json, "reason", state->reason);
    put_int(json, "employees", state->employees);
    put_int(json, "announced", state->announced);
    put_int(json, "failures", state->failures);
    put(json, "imported", json_boolean(state->watermark.ms != 0));
    rc_json_put_wall(json, "next_poll_at", state->next_poll_at);
    put(json, "paused", rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, state->paused));
    if (state->last_poll.started_at.ms) put(json, "last_poll", report_json(&state->last_poll));
}

json_t *rc_answer_integration(const rc_known_t *known)
{
    const rc_integration_t *integration = known->integration;
    json_t *json = json_object();
    rc_json_put_str(json, "id", integration->id);
    rc_json_put_str(json, "name", integration->name);
    rc_json_put_str(json, "timezone", integration->timezone);
    rc_json_put_date(json, "today", rc_zone_date(integration->zone, known->now));
    put(json, "invites", json_boolean(integration->policy.invite == RC_INVITE_ON_CREATE));
    put_int(json, "poll_interval_ms", integration->kombo.poll_interval_ms);
    if (known->state) put_state(json, known->state);
    put(json, "holds", holds_json(known));
    if (known->roster) put(json, "waiting", waiting_json(known));
    return json;
}

/* --- lists --- */

const rc_hold_t *rc_answer_find_hold(const rc_sync_state_t *state, const char *hold_id)
{
    for (size_t i = 0; state && hold_id && i < state->hold_count; i++)
        if (strcmp(state->holds[i].id, hold_id) == 0) return &state->holds[i];
    return NULL;
}

static bool is_chosen(const rc_waiting_t *waiting, const rc_choice_t *choice)
{
    if (!(waiting->reasons & choice->reasons)) return false;
    if (!choice->hold_id) return true;
    for (size_t i = 0; i < waiting->hold_count; i++)
        if (strcmp(waiting->holds[i].hold_id, choice->hold_id) == 0) return true;
    return false;
}

const size_t *rc_answer_choose(const rc_roster_t *roster, const rc_choice_t *choice, const rc_slice_t *slice,
                               rc_arena_t *arena, size_t *count, size_t *total)
{
    size_t *chosen = rc_arena_alloc(arena, slice->limit * sizeof *chosen);
    *count = *total = 0;
    for (size_t i = 0; i < roster->waiting_count; i++) {
        const rc_waiting_t *waiting = &roster->waiting[i];
        if (!is_chosen(waiting, choice) || !rc_fold_matches(waiting->folded, slice->search)) continue;
        if (*total >= slice->offset && *count < slice->limit) chosen[(*count)++] = i;
        ++*total;
    }
    return chosen;
}

static const char *team_names(rc_arena_t *arena, const rc_employee_t *employee)
{
    const char *names = NULL;
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        const rc_ref_t *team = &employee->secondary_teams[i];
        names = rc_words_join(arena, names, ", ", team->name ? team->name : team->id);
    }
    return names;
}

static void add_changes(json_t *changes, const rc_event_t *event, const rc_snapshot_t *snapshot, rc_arena_t *arena)
{
    if (event->type == RC_EVENT_PROFILE_UPDATED)
        for (size_t i = 0; i < event->profile.change_count; i++)
            rc_json_add_change(changes, event->profile.changes[i].field, event->profile.changes[i].previous,
                               rc_employee_field(arena, &event->employee, event->profile.changes[i].field));
    if (event->type != RC_EVENT_TEAM_CHANGED) return;
    if (!rc_text_equal(event->team.previous.id, event->team.current.id) ||
        !rc_text_equal(event->team.previous.name, event->team.current.name))
        rc_json_add_change(changes, "primary_team", event->team.previous.name, event->team.current.name);
    const char *before = team_names(arena, &snapshot->employee), *after = team_names(arena, &event->employee);
    if (!rc_text_equal(before, after)) rc_json_add_change(changes, "secondary_teams", before, after);
}

/* What would be published if nothing kept it: "create", "deactivate", "update" with its changes, or "nothing" where the
 * record in HR has to change first. */
static const char *put_changes(json_t *json, const rc_known_t *known, const rc_person_t *person, rc_arena_t *arena)
{
    const uint32_t unknown = 1U << RC_PENDING_NO_EMAIL | 1U << RC_PENDING_NO_NAME;
    const rc_pending_t *pending = person->pending;
    bool announced = rc_standing_is_announced(rc_standing_of(person->snapshot));
    if (pending->wanted == RC_PRESENCE_GONE) return announced ? "deactivate" : "nothing";
    if (!announced) return "create";
    if (pending->reasons & unknown) return "nothing";
    const rc_occasion_t occasion = {.integration = known->integration,
                                    .trigger = RC_TRIGGER_POLL,
                                    .now = known->now,
                                    .today = rc_zone_date(known->integration->zone, known->now)};
    const rc_verdict_t verdict = {.kind = RC_VERDICT_EMPLOYED, .not_before = RC_DATE_NONE, .next_date = RC_DATE_NONE};
    rc_diff_t diff;
    rc_diff(arena, &occasion, pending->employee_id, person->snapshot, &pending->employee, &verdict, &diff);
    json_t *changes = json_array();
    for (size_t i = 0; i < diff.count; i++) add_changes(changes, &diff.events[i], person->snapshot, arena);
    put(json, "changes", changes);
    return "update";
}

static void put_person(json_t *json, const rc_known_t *known, const rc_person_t *person, rc_arena_t *arena)
{
    const rc_pending_t *pending = person->pending;
    const rc_employee_t *employee = &pending->employee;
    const char *would = put_changes(json, known, person, arena);
    put(json, "would", json_string(would));
    if (pending->wanted == RC_PRESENCE_GONE) {
        rc_json_put_str(json, "gone_reason", rc_enum_str(&RC_ENUM_GONE, (int)pending->gone_reason));
        rc_json_put_date(json, "effective_date", pending->effective_date);
        if (person->snapshot) employee = &person->snapshot->employee;
    }
    rc_json_put_str(json, "job_title", employee->job_title);
    rc_json_put_str(json, "team", employee->primary_team.name);
    rc_json_put_date(json, "hire_date", pending->employee.hire_date);
    rc_json_put_date(json, "leave_date", pending->employee.leave_date);
}

json_t *rc_answer_waiting(const rc_known_t *known, const rc_waiting_t *waiting, const rc_person_t *person,
                          rc_arena_t *arena)
{
    json_t *json = json_object(), *holds = json_array();
    rc_json_put_str(json, "employee_id", waiting->employee_id);
    rc_json_put_str(json, "name", waiting->name);
    rc_json_put_str(json, "email", waiting->email);
    put(json, "reasons", rc_json_symbols(RC_ENUM_PENDING.symbols, RC_ENUM_PENDING.count, waiting->reasons));
    rc_json_put_wall(json, "since", waiting->since);
    rc_json_put_wall(json, "until", waiting->until);
    for (size_t i = 0; i < waiting->hold_count; i++) {
        json_t *hold = json_object();
        rc_json_put_str(hold, "id", waiting->holds[i].hold_id);
        rc_json_put_str(hold, "class", rc_enum_str(&RC_ENUM_BRAKE, (int)waiting->holds[i].brake));
        append(holds, hold);
    }
    put(json, "holds", holds);
    const rc_rival_t *rival = waiting->rival ? &known->roster->rivals[waiting->rival - 1] : NULL;
    if (rival && rival->name) {
        json_t *other = json_object();
        rc_json_put_str(other, "employee_id", rival->employee_id);
        rc_json_put_str(other, "name", rival->name);
        put(json, "same_address", other);
    }
    /* What is stored may have changed since the list was made. */
    if (person->pending) put_person(json, known, person, arena);
    return json;
}

json_t *rc_answer_days(const rc_known_t *known, const rc_slice_t *slice)
{
    const rc_roster_t *roster = known->roster;
    json_t *json = json_object(), *days = json_array();
    size_t total = 0;
    int64_t starts = 0, leaves = 0;
    for (size_t i = 0; i < roster->day_count; i++) {
        const rc_day_t *day = &roster->days[i];
        if (!rc_fold_matches(day->folded, slice->search)) continue;
        starts += day->starts;
        leaves += !day->starts;
        if (total++ < slice->offset || json_array_size(days) >= slice->limit) continue;
        json_t *row = json_object();
        rc_json_put_date(row, "day", day->day);
        put(row, "starts", json_boolean(day->starts));
        rc_json_put_str(row, "employee_id", day->employee_id);
        rc_json_put_str(row, "name", day->name);
        rc_json_put_str(row, "job_title", day->job_title);
        rc_json_put_str(row, "team", day->team);
        append(days, row);
    }
    rc_json_put_date(json, "today", roster->today);
    put_int(json, "days_ahead", RC_ROSTER_DAYS);
    put_int(json, "total", (int64_t)total);
    put_int(json, "starts", starts);
    put_int(json, "leaves", leaves);
    put(json, "rows", days);
    return json;
}

json_t *rc_answer_polls(const rc_poll_note_t *notes, size_t count)
{
    json_t *polls = json_array();
    for (size_t i = 0; i < count; i++) {
        const rc_poll_note_t *note = &notes[i];
        json_t *json = note->failed ? json_object() : report_json(&note->report);
        put(json, "failed", json_boolean(note->failed));
        rc_json_put_wall(json, "at", note->at);
        if (note->failed) {
            rc_json_put_str(json, "state", rc_enum_str(&RC_ENUM_STATE, (int)note->state));
            rc_json_put_str(json, "reason", note->reason);
        }
        append(polls, json);
    }
    return polls;
}

json_t *rc_answer_order(const rc_order_t *order, const rc_command_note_t *ended, rc_wall_t now)
{
    json_t *json = json_object();
    const char *status = ended                           ? ended->ok ? "done" : "failed"
                         : now.ms > order->expires_at.ms ? "unanswered"
                                                         : "under way";
    rc_json_put_str(json, "id", order->id);
    rc_json_put_str(json, "what", rc_enum_str(&RC_ENUM_COMMAND, (int)order->kind));
    if (order->hold_id) {
        rc_json_put_str(json, "hold", order->hold_id);
        rc_json_put_str(json, "class", rc_enum_str(&RC_ENUM_BRAKE, (int)order->brake));
        put_int(json, "employees", order->employees);
    }
    if (order->events) put(json, "events", rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, order->events));
    rc_json_put_wall(json, "issued_at", order->issued_at);
    rc_json_put_str(json, "status", status);
    if (ended) {
        rc_json_put_wall(json, "ended_at", ended->at);
        if (!ended->ok) rc_json_put_str(json, "message", ended->message);
    }
    return json;
}

/* --- dead letters --- */

int64_t rc_answer_count_letters(const rc_letterbox_t *box, const char *integration_id)
{
    int64_t count = 0;
    for (size_t i = 0; i < box->count; i++) count += rc_text_equal(box->letters[i].integration_id, integration_id);
    return count;
}

static json_t *letter_json(const rc_dead_letter_t *letter)
{
    json_t *json = json_object();
    put_int(json, "partition", letter->partition);
    put_int(json, "offset", letter->offset);
    rc_json_put_str(json, "employee_id", letter->employee_id);
    rc_json_put_str(json, "name", letter->person);
    if (letter->type >= 0) rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, letter->type));
    rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_PARK, (int)letter->reason));
    rc_json_put_str(json, "message", letter->message ? letter->message : letter->fault);
    put_int(json, "attempts", letter->attempts);
    rc_json_put_wall(json, "first_failed_at", letter->first_failed_at);
    rc_json_put_wall(json, "dead_lettered_at", letter->dead_lettered_at);
    put(json, "can_be_tried", json_boolean(letter->is_sendable));
    return json;
}

json_t *rc_answer_letters(const rc_letterbox_t *box, const char *integration_id, const rc_retry_report_t *report,
                          const rc_slice_t *slice, rc_arena_t *arena)
{
    json_t *json = json_object(), *rows = json_array(), *retry = json_object();
    size_t total = 0;
    for (size_t i = 0; i < box->count; i++) {
        const rc_dead_letter_t *letter = &box->letters[i];
        if (!rc_text_equal(letter->integration_id, integration_id)) continue;
        const char *text = rc_fold(arena, rc_arena_sprintf(arena, "%s %s", letter->person ? letter->person : "",
                                                           letter->employee_id ? letter->employee_id : ""));
        if (!rc_fold_matches(text, slice->search)) continue;
        if (total++ >= slice->offset && json_array_size(rows) < slice->limit) append(rows, letter_json(letter));
    }
    put(retry, "busy", json_boolean(report->busy));
    put_int(retry, "sent", (int64_t)report->sent);
    rc_json_put_wall(retry, "ended_at", report->ended_at);
    if (*report->problem) rc_json_put_str(retry, "problem", report->problem);
    rc_json_put_wall(json, "as_of", box->as_of);
    put(json, "retry", retry);
    put_int(json, "total", (int64_t)total);
    put(json, "rows", rows);
    return json;
}
