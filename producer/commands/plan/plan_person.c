/* What a settled person means to `plan`. */
#include <string.h>

#include "producer/commands/plan/plan.h"

#define BIT(value) (1U << (value))

static uint32_t brakes_of(rc_event_type_t type)
{
    switch (type) {
    case RC_EVENT_CREATED:
        return BIT(RC_BRAKE_CREATIONS);
    case RC_EVENT_DEACTIVATED:
        return BIT(RC_BRAKE_DEACTIVATIONS);
    case RC_EVENT_TEAM_CHANGED:
        return BIT(RC_BRAKE_TEAM_CHANGES);
    case RC_EVENT_PROFILE_UPDATED:
        return BIT(RC_BRAKE_EMAIL_CHANGES) | BIT(RC_BRAKE_PROFILE_CHANGES) | BIT(RC_BRAKE_CLEARED_VALUES);
    }
    RC_DIE("an event of no type");
}

int rc_plan_held_by(const rc_settled_t *settled, const rc_event_t *event)
{
    const rc_obstacles_t *obstacles = &settled->obstacles;
    int other = -1;
    if (settled->publishes || !(obstacles->reasons & BIT(RC_PENDING_HELD))) return -1;
    for (size_t i = 0; i < obstacles->hold_count; i++) {
        const rc_hold_ref_t *hold = &obstacles->holds[i];
        if (hold->approved) continue;
        if (brakes_of(event->type) & BIT(hold->brake)) return (int)hold->brake;
        if (other < 0) other = (int)hold->brake;
    }
    return other;
}

bool rc_plan_shows(const rc_settled_t *settled, const rc_event_t *event)
{
    return settled->publishes || rc_plan_held_by(settled, event) >= 0;
}

uint32_t rc_plan_waits(const rc_settled_t *settled, const rc_pending_t **pending)
{
    *pending = settled->action == RC_PENDING_WRITE     ? &settled->pending
               : settled->action == RC_PENDING_NOTHING ? settled->stored.pending
                                                       : NULL;
    return *pending ? (*pending)->reasons & ~BIT(RC_PENDING_HELD) : 0;
}

/* ---- Field by field ---- */

typedef struct {
    rc_arena_t *arena;
    void (*visit)(void *opaque, const char *field, const char *before, const char *after);
    void *opaque;
} changes_t;

static const char *names_of(rc_arena_t *arena, const rc_ref_t *teams, size_t count)
{
    const char *names = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *name = teams[i].name ? teams[i].name : teams[i].id;
        names = names ? rc_arena_sprintf(arena, "%s, %s", names, name) : name;
    }
    return names;
}

static void visit_teams(const changes_t *changes, const rc_employee_t *before, const rc_employee_t *after)
{
    const char *now = before ? names_of(changes->arena, before->secondary_teams, before->secondary_team_count) : NULL;
    const char *then = names_of(changes->arena, after->secondary_teams, after->secondary_team_count);
    const rc_ref_t *from = before ? &before->primary_team : &(rc_ref_t){NULL, NULL}, *to = &after->primary_team;
    bool same = (from->id && to->id ? strcmp(from->id, to->id) == 0 : from->id == to->id) &&
                (from->name && to->name ? strcmp(from->name, to->name) == 0 : from->name == to->name);
    if (!same) changes->visit(changes->opaque, "primary_team", from->name, to->name);
    if (now && then ? strcmp(now, then) != 0 : now != then)
        changes->visit(changes->opaque, "secondary_teams", now, then);
}

static void visit_created(const changes_t *changes, const rc_employee_t *employee)
{
    static const char *const fields[] = {"email",         "first_name", "last_name",       "status",
                                         "hire_date",     "leave_date", "job_title",       "avatar",
                                         "manager_email", "language",   "primary_location"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = rc_employee_field(changes->arena, employee, fields[i]);
        if (value) changes->visit(changes->opaque, fields[i], NULL, value);
    }
    for (size_t i = 0; i < employee->custom_count; i++)
        if (employee->custom[i].value)
            changes->visit(changes->opaque, rc_arena_sprintf(changes->arena, "custom:%s", employee->custom[i].name),
                           NULL, employee->custom[i].value);
    visit_teams(changes, NULL, employee);
}

void rc_plan_each_change(rc_arena_t *arena, const rc_settled_t *settled, const rc_event_t *event,
                         void (*visit)(void *opaque, const char *field, const char *before, const char *after),
                         void *opaque)
{
    const changes_t changes = {arena, visit, opaque};
    switch (event->type) {
    case RC_EVENT_CREATED:
        visit_created(&changes, &event->employee);
        return;
    case RC_EVENT_PROFILE_UPDATED:
        for (size_t i = 0; i < event->profile.change_count; i++) {
            const rc_change_t *change = &event->profile.changes[i];
            visit(opaque, change->field, change->previous, rc_employee_field(arena, &event->employee, change->field));
        }
        return;
    case RC_EVENT_TEAM_CHANGED:
        visit_teams(&changes, &settled->stored.snapshot->employee, &event->employee);
        return;
    case RC_EVENT_DEACTIVATED:
        return;
    }
}
