#include "producer/commands/plan/plan_groups.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "producer/commands/plan/plan.h"

enum { ALARM_PEOPLE = 20, ALARM_LEAST = 3, ALARM_PERCENT = 10 };

static void free_list(rc_plan_list_t *list)
{
    for (size_t i = 0; i < list->row_count; i++) {
        free(list->rows[i].key);
        for (size_t cell = 0; cell < RC_PLAN_CELLS; cell++) free(list->rows[i].cells[cell]);
    }
}

static void free_kind(void *value)
{
    rc_plan_kind_t *kind = value;
    free(kind->before);
    free(kind->after);
    free(kind->employee_id);
    for (size_t i = 0; i < RC_PLAN_EXAMPLES; i++) free(kind->examples[i]);
    free(kind);
}

static void fini_field(rc_plan_field_t *field)
{
    free(field->name);
    rc_map_free(field->kinds);
}

static void free_fields(rc_plan_field_t **fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fini_field(fields[i]);
        free(fields[i]);
    }
    free(fields);
}

rc_plan_groups_t *rc_plan_groups_new(const rc_integration_t *integration)
{
    rc_plan_groups_t *groups = rc_zalloc(sizeof *groups);
    groups->integration = integration;
    groups->arena = rc_arena_new();
    groups->renames = (rc_plan_field_t){.name = rc_strdup("team name"), .kinds = rc_map_new(free_kind)};
    return groups;
}

void rc_plan_groups_free(rc_plan_groups_t *groups)
{
    if (!groups) return;
    free_list(&groups->created);
    free_list(&groups->gone);
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++) free_list(&groups->waiting[reason]);
    free_fields(groups->moves, groups->move_count);
    free_fields(groups->fields, groups->field_count);
    fini_field(&groups->renames);
    rc_arena_free(groups->arena);
    free(groups);
}

/* ---- Lists of people ---- */

/* Keeps the first rows by their keys. */
static void add_row(rc_plan_list_t *list, const char *key, const char *const cells[RC_PLAN_CELLS])
{
    size_t at = list->row_count;
    while (at > 0 && strcmp(list->rows[at - 1].key, key) > 0) at--;
    if (at == RC_PLAN_ROWS) return;
    if (list->row_count == RC_PLAN_ROWS) {
        rc_plan_row_t *last = &list->rows[--list->row_count];
        free(last->key);
        for (size_t cell = 0; cell < RC_PLAN_CELLS; cell++) free(last->cells[cell]);
    }
    if (at < list->row_count)
        memmove(&list->rows[at + 1], &list->rows[at], (list->row_count - at) * sizeof *list->rows);
    list->rows[at].key = rc_strdup(key);
    for (size_t cell = 0; cell < RC_PLAN_CELLS; cell++) list->rows[at].cells[cell] = rc_strdup(cells[cell]);
    list->row_count++;
}

static void count_held(size_t *held, uint32_t *held_by, int brake)
{
    if (brake < 0) return;
    ++*held;
    *held_by |= 1U << brake;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static const char *name_of(rc_arena_t *arena, const rc_employee_t *employee)
{
    return or_empty(rc_employee_name(arena, employee));
}

static const char *date_of(rc_arena_t *arena, rc_date_t date)
{
    char text[RC_TIME_STR_SIZE];
    return rc_arena_strdup(arena, rc_date_str(date, text));
}

static const char *why_created(rc_arena_t *arena, const rc_event_t *event)
{
    static const char *const words[RC_CREATED_COUNT] = {[RC_CREATED_NEW_HIRE] = "new",
                                                        [RC_CREATED_REHIRE] = "comes back",
                                                        [RC_CREATED_BACK_IN_SCOPE] = "in scope again",
                                                        [RC_CREATED_INITIAL_IMPORT] = "first import",
                                                        [RC_CREATED_RESYNC] = "once more"};
    const char *why = words[event->created.reason];
    return event->created.replaces ? rc_arena_sprintf(arena, "%s, formerly %s", why, event->created.replaces) : why;
}

static const char *why_gone(rc_gone_reason_t reason)
{
    static const char *const words[RC_GONE_COUNT] = {
        [RC_GONE_INACTIVE] = "inactive",         [RC_GONE_TERMINATION_DATE] = "the last day is over",
        [RC_GONE_DELETED] = "deleted",           [RC_GONE_MISSING] = "missing",
        [RC_GONE_OUT_OF_SCOPE] = "out of scope", [RC_GONE_RESYNC] = "once more"};
    return words[reason];
}

static void add_created(rc_plan_groups_t *groups, const rc_settled_t *settled, const rc_event_t *event, int held_by)
{
    rc_arena_t *arena = groups->arena;
    const rc_employee_t *employee = &event->employee;
    const char *name = name_of(arena, employee), *starts = date_of(arena, employee->hire_date);
    const char *const cells[RC_PLAN_CELLS] = {settled->employee_id,        name,   employee->email,
                                              employee->primary_team.name, starts, why_created(arena, event)};
    groups->created.people++;
    groups->created_by[event->created.reason]++;
    count_held(&groups->created.held, &groups->created.held_by, held_by);
    add_row(&groups->created, rc_arena_sprintf(arena, "%s\t%s\t%s", starts, name, settled->employee_id), cells);
}

static void add_gone(rc_plan_groups_t *groups, const rc_settled_t *settled, const rc_event_t *event, int held_by)
{
    rc_arena_t *arena = groups->arena;
    const rc_employee_t *employee = &event->employee;
    const char *name = name_of(arena, employee), *day = date_of(arena, event->deactivated.effective_date);
    const char *const cells[RC_PLAN_CELLS] = {settled->employee_id,        name, employee->email,
                                              employee->primary_team.name, day,  why_gone(event->deactivated.reason)};
    groups->gone.people++;
    groups->gone_by[event->deactivated.reason]++;
    count_held(&groups->gone.held, &groups->gone.held_by, held_by);
    add_row(&groups->gone, rc_arena_sprintf(arena, "%s\t%s\t%s", day, name, settled->employee_id), cells);
}

/* ---- Changes of fields ---- */

static rc_plan_field_t *find_field(rc_plan_field_t ***fields, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*fields)[i]->name, name) == 0) return (*fields)[i];
    *fields = rc_realloc(*fields, (*count + 1) * sizeof **fields);
    rc_plan_field_t *field = rc_zalloc(sizeof *field);
    *field = (rc_plan_field_t){.name = rc_strdup(name), .kinds = rc_map_new(free_kind)};
    return (*fields)[(*count)++] = field;
}

typedef struct {
    rc_plan_groups_t *groups;
    const char *employee_id;
    const char *who;
    bool is_team;
    int held_by;
} adding_t;

static void add_kind(const adding_t *adding, rc_plan_field_t *field, const char *before, const char *after)
{
    field->people++;
    field->emptied += !after;
    count_held(&field->held, &field->held_by, adding->held_by);
    const char *key =
        after ? rc_arena_sprintf(adding->groups->arena, "%d%s\n%s", before != NULL, or_empty(before), after) : "empty";
    rc_plan_kind_t *kind = rc_map_get(field->kinds, key, strlen(key));
    if (!kind && rc_map_count(field->kinds) == RC_PLAN_KINDS) return;
    if (!kind) {
        kind = rc_zalloc(sizeof *kind);
        kind->before = rc_strdup(before);
        kind->after = rc_strdup(after);
        kind->employee_id = rc_strdup(adding->employee_id);
        (void)rc_map_set(field->kinds, key, strlen(key), kind);
    }
    if (!rc_text_equal(kind->before, before)) kind->various = true;
    if (kind->people < RC_PLAN_EXAMPLES) kind->examples[kind->people] = rc_strdup(adding->who);
    kind->people++;
}

static void add_change(void *opaque, const char *field, const char *before, const char *after)
{
    const adding_t *adding = opaque;
    rc_plan_groups_t *groups = adding->groups;
    add_kind(adding,
             adding->is_team ? find_field(&groups->moves, &groups->move_count, field)
                             : find_field(&groups->fields, &groups->field_count, field),
             before, after);
}

/* A team that is called otherwise counts for each of its members. */
static void add_renames(const adding_t *adding, const rc_employee_t *before, const rc_employee_t *after)
{
    rc_plan_field_t *renames = &adding->groups->renames;
    const rc_ref_t *old = &before->primary_team, *new = &after->primary_team;
    adding->groups->renamed++;
    if (!rc_text_equal(old->name, new->name)) add_kind(adding, renames, old->name, new->name);
    for (size_t i = 0; i < before->secondary_team_count && i < after->secondary_team_count; i++) {
        old = &before->secondary_teams[i];
        new = &after->secondary_teams[i];
        if (!rc_text_equal(old->name, new->name)) add_kind(adding, renames, old->name, new->name);
    }
}

/* ---- A person ---- */

static void add_event(rc_plan_groups_t *groups, const rc_settled_t *settled, const rc_event_t *event)
{
    adding_t adding = {.groups = groups,
                       .employee_id = settled->employee_id,
                       .who = name_of(groups->arena, &event->employee),
                       .is_team = event->type == RC_EVENT_TEAM_CHANGED,
                       .held_by = rc_plan_held_by(settled, event)};
    switch (event->type) {
    case RC_EVENT_CREATED:
        add_created(groups, settled, event, adding.held_by);
        return;
    case RC_EVENT_DEACTIVATED:
        add_gone(groups, settled, event, adding.held_by);
        return;
    case RC_EVENT_TEAM_CHANGED:
        if (settled->diff.rename_only) {
            add_renames(&adding, &settled->stored.snapshot->employee, &event->employee);
            return;
        }
        groups->moved++;
        break;
    case RC_EVENT_PROFILE_UPDATED:
        groups->changed++;
        break;
    }
    rc_plan_each_change(groups->arena, settled, event, add_change, &adding);
}

static void add_waiting(rc_plan_groups_t *groups, const char *employee_id, const rc_snapshot_t *snapshot,
                        const rc_pending_t *pending)
{
    rc_arena_t *arena = groups->arena;
    const rc_employee_t *employee = &pending->employee;
    bool known = employee->first_name || employee->last_name || employee->email;
    if (!known && snapshot) employee = &snapshot->employee;
    const char *name = name_of(arena, employee);
    bool waits = false;
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++) {
        if (reason == RC_PENDING_HELD || !(pending->reasons >> reason & 1U)) continue;
        bool has_day = (reason == RC_PENDING_NOT_YET || reason == RC_PENDING_ABSENT_ONCE) && pending->until.ms;
        const char *until = has_day ? date_of(arena, rc_zone_date(groups->integration->zone, pending->until)) : "";
        const char *const cells[RC_PLAN_CELLS] = {employee_id, name, employee->email, until};
        rc_plan_list_t *list = &groups->waiting[reason];
        list->people++;
        waits = true;
        add_row(list, rc_arena_sprintf(arena, "%s\t%s\t%s", until, name, employee_id), cells);
    }
    groups->waiting_people += waits;
}

void rc_plan_groups_add(rc_plan_groups_t *groups, const rc_settled_t *settled)
{
    const rc_pending_t *pending;
    bool held = false;
    rc_arena_reset(groups->arena);
    for (size_t i = 0; i < settled->diff.count; i++) {
        const rc_event_t *event = &settled->diff.events[i];
        if (!rc_plan_shows(settled, event)) continue;
        held |= !settled->publishes;
        add_event(groups, settled, event);
    }
    groups->held += held;
    groups->published += settled->publishes;
    if (rc_plan_waits(settled, &pending)) add_waiting(groups, settled->employee_id, settled->stored.snapshot, pending);
}

void rc_plan_groups_wait(rc_plan_groups_t *groups, const rc_pending_t *pending)
{
    rc_arena_reset(groups->arena);
    add_waiting(groups, pending->employee_id, NULL, pending);
}

/* ---- For printing ---- */

typedef struct {
    const rc_plan_kind_t **kinds;
    size_t count;
} gathering_t;

static bool gather(void *opaque, const void *key, size_t key_bytes, void *value)
{
    gathering_t *gathering = opaque;
    (void)key, (void)key_bytes;
    gathering->kinds[gathering->count++] = value;
    return true;
}

static int by_people(const void *a, const void *b)
{
    const rc_plan_kind_t *one = *(const rc_plan_kind_t *const *)a, *other = *(const rc_plan_kind_t *const *)b;
    if (one->people != other->people) return one->people < other->people ? 1 : -1;
    int order = strcmp(or_empty(one->examples[0]), or_empty(other->examples[0]));
    return order ? order : strcmp(or_empty(one->before), or_empty(other->before));
}

const rc_plan_kind_t **rc_plan_field_kinds(const rc_plan_field_t *field, size_t *count)
{
    gathering_t gathering = {rc_calloc(rc_map_count(field->kinds) + 1, sizeof *gathering.kinds), 0};
    rc_map_each(field->kinds, gather, &gathering);
    qsort(gathering.kinds, gathering.count, sizeof *gathering.kinds, by_people);
    *count = gathering.count;
    return gathering.kinds;
}

bool rc_plan_field_is_alarming(const rc_plan_field_t *field, int64_t announced)
{
    int64_t emptied = (int64_t)field->emptied;
    return emptied >= ALARM_PEOPLE || (emptied >= ALARM_LEAST && emptied * 100 >= announced * ALARM_PERCENT);
}
