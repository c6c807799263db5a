#include "producer/commands/holds/held.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/text.h"
#include "common/words.h"
#include "producer/rules/decide.h"

enum { EXAMPLES = 3 };

/* What is held of somebody, decided again from what is stored: as the producer does at its next tick. */
static void find_diff(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held, rc_wall_t now,
                      rc_diff_t *diff)
{
    const rc_occasion_t occasion = {.integration = integration,
                                    .trigger = RC_TRIGGER_COMMAND,
                                    .now = now,
                                    .today = rc_zone_date(integration->zone, now)};
    rc_decision_t decision;
    rc_decide_stored(arena, &occasion, held->snapshot, &held->pending, &decision);
    *diff = decision.diff;
}

static const char *name_of(rc_arena_t *arena, const rc_held_t *held)
{
    const rc_employee_t *employee = &held->pending.employee;
    const char *email = !employee->email && held->snapshot ? held->snapshot->employee.email : employee->email;
    const char *name = rc_employee_name(arena, employee);
    return rc_arena_sprintf(arena, "%s%s%s%s", name ? name : "", email ? " <" : "", email ? email : "",
                            email ? ">" : "");
}

/* --- in words --- */

static const char *quoted(rc_arena_t *arena, const char *value)
{
    return value ? rc_arena_sprintf(arena, "\"%s\"", value) : "empty";
}

static const char *team_names(rc_arena_t *arena, const rc_employee_t *employee)
{
    const char *words = employee->primary_team.name ? employee->primary_team.name : "none";
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        const rc_ref_t *team = &employee->secondary_teams[i];
        words = rc_arena_sprintf(arena, "%s + %s", words, team->name ? team->name : team->id);
    }
    return words;
}

/* One event; with `kind`, only what those who change alike share. */
static const char *describe_event(rc_arena_t *arena, const rc_event_t *event, const rc_snapshot_t *snapshot, bool kind)
{
    const char *words = "";
    char date[RC_TIME_STR_SIZE];
    switch (event->type) {
    case RC_EVENT_CREATED:
        return rc_arena_sprintf(arena, "is created (%s)", rc_enum_str(&RC_ENUM_CREATED, (int)event->created.reason));
    case RC_EVENT_DEACTIVATED:
        words =
            rc_arena_sprintf(arena, "is deactivated (%s)", rc_enum_str(&RC_ENUM_GONE, (int)event->deactivated.reason));
        return kind || !rc_date_is_set(event->deactivated.effective_date)
                   ? words
                   : rc_arena_sprintf(arena, "%s as of %s", words,
                                      rc_date_str(event->deactivated.effective_date, date));
    case RC_EVENT_TEAM_CHANGED:
        return kind ? "moves to another team"
                    : rc_arena_sprintf(arena, "team: %s → %s", team_names(arena, &snapshot->employee),
                                       team_names(arena, &event->employee));
    case RC_EVENT_PROFILE_UPDATED:
        for (size_t i = 0; i < event->profile.change_count; i++) {
            const rc_change_t *change = &event->profile.changes[i];
            const char *field = rc_words_field(arena, change->field);
            const char *after = rc_employee_field(arena, &event->employee, change->field);
            words = rc_words_join(arena, words, "; ",
                                  kind ? rc_arena_sprintf(arena, "%s %s", field, after ? "changes" : "becomes empty")
                                       : rc_arena_sprintf(arena, "%s: %s → %s", field, quoted(arena, change->previous),
                                                          quoted(arena, after)));
        }
        return words;
    }
    RC_DIE("an event of no type");
}

static const char *describe(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held,
                            rc_wall_t now, bool kind)
{
    rc_diff_t diff;
    const char *words = "";
    find_diff(arena, integration, held, now, &diff);
    for (size_t i = 0; i < diff.count; i++)
        words = rc_words_join(arena, words, "; ", describe_event(arena, &diff.events[i], held->snapshot, kind));
    if (!diff.count) words = "nothing any more";
    return rc_words_join(arena, words, "; ", held->ref->approved ? "approved here, and waits for something else" : "");
}

/* --- grouped --- */

typedef struct {
    const char *what;
    size_t people;
    const char *examples;
    rc_wall_t first, last; /* since */
} kind_t;

static void add_to(rc_arena_t *arena, kind_t *kind, const rc_held_t *held)
{
    if (kind->people++ < EXAMPLES)
        kind->examples = rc_words_join(arena, kind->examples, ", ", held->pending.employee_id);
    rc_wall_t since = held->ref->since;
    if (kind->people == 1 || since.ms < kind->first.ms) kind->first = since;
    if (since.ms > kind->last.ms) kind->last = since;
}

static int by_people(const void *a, const void *b)
{
    const kind_t *one = a, *other = b;
    if (one->people != other->people) return one->people < other->people ? 1 : -1;
    return strcmp(one->what, other->what);
}

static size_t group(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held, size_t count,
                    rc_wall_t now, kind_t *kinds)
{
    rc_arena_t *scratch = rc_arena_new();
    rc_map_t *map = rc_map_new(NULL);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        rc_arena_reset(scratch);
        const char *what = describe(scratch, integration, &held[i], now, true);
        kind_t *kind = rc_map_get(map, what, strlen(what));
        if (!kind) {
            kind = &kinds[found++];
            *kind = (kind_t){.what = rc_arena_strdup(arena, what), .examples = ""};
            (void)rc_map_set(map, what, strlen(what), kind);
        }
        add_to(arena, kind, &held[i]);
    }
    rc_map_free(map);
    rc_arena_free(scratch);
    qsort(kinds, found, sizeof *kinds, by_people);
    return found;
}

static rc_report_t *report_kinds(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held,
                                 size_t count, rc_wall_t now)
{
    rc_report_t *report = rc_report_new(">people|~what would change|since|for example");
    kind_t *kinds = rc_arena_alloc(arena, count * sizeof *kinds);
    size_t found = group(arena, integration, held, count, now, kinds);
    for (size_t i = 0; i < found; i++) {
        const char *first = rc_words_distance(arena, kinds[i].first, now),
                   *last = rc_words_distance(arena, kinds[i].last, now);
        const char *cells[] = {rc_arena_sprintf(arena, "%zu", kinds[i].people), kinds[i].what,
                               rc_text_equal(first, last) ? first : rc_arena_sprintf(arena, "%s to %s", first, last),
                               kinds[i].examples};
        rc_report_add(report, cells);
    }
    return report;
}

static rc_report_t *report_people(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held,
                                  size_t count, rc_wall_t now)
{
    rc_report_t *report = rc_report_new("employee|who|since|~what would change");
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {held[i].pending.employee_id, name_of(arena, &held[i]),
                               rc_words_distance(arena, held[i].ref->since, now),
                               describe(arena, integration, &held[i], now, false)};
        rc_report_add(report, cells);
    }
    return report;
}

rc_report_t *rc_held_report(const rc_integration_t *integration, const rc_held_t *held, size_t count, rc_wall_t now)
{
    rc_arena_t *arena = rc_arena_new();
    rc_report_t *report = count > RC_HELD_LINES ? report_kinds(arena, integration, held, count, now)
                                                : report_people(arena, integration, held, count, now);
    rc_arena_free(arena);
    return report;
}

/* --- for programs --- */

static json_t *event_json(rc_arena_t *arena, const rc_event_t *event, const rc_snapshot_t *snapshot)
{
    json_t *json = json_object(), *changes = json_array();
    rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, (int)event->type));
    if (event->type == RC_EVENT_CREATED)
        rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_CREATED, (int)event->created.reason));
    if (event->type == RC_EVENT_DEACTIVATED) {
        rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_GONE, (int)event->deactivated.reason));
        rc_json_put_date(json, "effective_date", event->deactivated.effective_date);
    }
    if (event->type == RC_EVENT_TEAM_CHANGED)
        rc_json_add_change(changes, "teams", team_names(arena, &snapshot->employee),
                           team_names(arena, &event->employee));
    for (size_t i = 0; event->type == RC_EVENT_PROFILE_UPDATED && i < event->profile.change_count; i++)
        rc_json_add_change(changes, event->profile.changes[i].field, event->profile.changes[i].previous,
                           rc_employee_field(arena, &event->employee, event->profile.changes[i].field));
    (void)json_object_set_new(json, "changes", changes);
    return json;
}

static json_t *person_json(rc_arena_t *arena, const rc_integration_t *integration, const rc_held_t *held, rc_wall_t now)
{
    json_t *json = json_object(), *events = json_array(), *others = json_array();
    const rc_employee_t *employee = &held->pending.employee;
    rc_diff_t diff;
    find_diff(arena, integration, held, now, &diff);
    rc_json_put_str(json, "employee_id", held->pending.employee_id);
    rc_json_put_str(json, "first_name", employee->first_name);
    rc_json_put_str(json, "last_name", employee->last_name);
    rc_json_put_str(json, "email", employee->email);
    rc_json_put_wall(json, "since", held->ref->since);
    (void)json_object_set_new(json, "approved", json_boolean(held->ref->approved));
    for (size_t i = 0; i < diff.count; i++)
        (void)json_array_append_new(events, event_json(arena, &diff.events[i], held->snapshot));
    (void)json_object_set_new(json, "events", events);
    for (size_t i = 0; i < held->pending.hold_count; i++)
        if (&held->pending.holds[i] != held->ref)
            (void)json_array_append_new(others, json_string(held->pending.holds[i].hold_id));
    (void)json_object_set_new(json, "also_held_by", others);
    return json;
}

json_t *rc_held_json(const rc_integration_t *integration, const rc_held_t *held, size_t count, rc_wall_t now)
{
    rc_arena_t *arena = rc_arena_new();
    json_t *people = json_array();
    for (size_t i = 0; i < count; i++) {
        rc_arena_reset(arena);
        (void)json_array_append_new(people, person_json(arena, integration, &held[i], now));
    }
    rc_arena_free(arena);
    return people;
}
