#include "producer/page/roster.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/map.h"
#include "producer/page/fold.h"

/* With what frees it. */
typedef struct {
    rc_roster_t roster;
    rc_arena_t *arena;
    atomic_int users;
} held_t;

typedef struct {
    held_t *held;
    rc_arena_t *arena;
    rc_arena_t *scratch; /* for one row */
    const rc_integration_t *integration;
    size_t waiting_room, day_room, rival_count, rival_room;
    rc_map_t *waits;  /* employee id: they wait, and their day was looked at */
    rc_map_t *wanted; /* folded address → one more than the index of its rival */
} making_t;

/* --- rows --- */

/* Room for one more; elements are copied, and the arena keeps what was grown out of. */
static void *grow(rc_arena_t *arena, void *array, size_t count, size_t *room, size_t element_bytes)
{
    if (count < *room) return array;
    size_t wider = *room ? *room * 2 : 64;
    void *grown = rc_arena_alloc(arena, wider * element_bytes);
    if (count) memcpy(grown, array, count * element_bytes);
    *room = wider;
    return grown;
}

static const char *name_of(rc_arena_t *arena, const rc_employee_t *employee, const char *employee_id)
{
    const char *name = rc_employee_name(arena, employee);
    return rc_arena_strdup(arena, name ? name : employee->email ? employee->email : employee_id);
}

static const char *fold_all(rc_arena_t *arena, const char *name, const char *email, const char *employee_id)
{
    return rc_fold(arena, rc_arena_sprintf(arena, "%s %s %s", name, email ? email : "", employee_id));
}

static void add_day(making_t *making, rc_date_t day, bool starts, const rc_employee_t *employee,
                    const char *employee_id)
{
    rc_roster_t *roster = &making->held->roster;
    if (!rc_date_is_set(day) || day.days < roster->today.days || day.days >= roster->today.days + RC_ROSTER_DAYS)
        return;
    const char *name = name_of(making->arena, employee, employee_id);
    roster->days = grow(making->arena, roster->days, roster->day_count, &making->day_room, sizeof *roster->days);
    roster->days[roster->day_count++] =
        (rc_day_t){.day = day,
                   .starts = starts,
                   .employee_id = rc_arena_strdup(making->arena, employee_id),
                   .name = name,
                   .folded = fold_all(making->arena, name, employee->email, employee_id),
                   .job_title = rc_arena_strdup(making->arena, employee->job_title),
                   .team = rc_arena_strdup(making->arena, employee->primary_team.name)};
}

static void add_days(making_t *making, const rc_employee_t *employee, const char *employee_id)
{
    /* A leave date before the hire date is left over from an earlier employment (design section 4). */
    bool leaves = !rc_date_is_set(employee->hire_date) || employee->leave_date.days >= employee->hire_date.days;
    add_day(making, employee->hire_date, true, employee, employee_id);
    if (leaves) add_day(making, employee->leave_date, false, employee, employee_id);
}

static void add_waiting_holds(rc_arena_t *arena, rc_waiting_t *waiting, const rc_pending_t *pending)
{
    rc_hold_ref_t *holds = rc_arena_alloc(arena, pending->hold_count * sizeof *holds);
    for (size_t i = 0; i < pending->hold_count; i++) {
        const rc_hold_ref_t *hold = &pending->holds[i];
        if (hold->approved) continue;
        holds[waiting->hold_count++] = (rc_hold_ref_t){
            .brake = hold->brake, .hold_id = rc_arena_strdup(arena, hold->hold_id), .since = hold->since};
    }
    waiting->holds = holds;
}

static size_t add_wanted(making_t *making, const char *email)
{
    char *folded = rc_fold(making->arena, email);
    size_t *known = rc_map_get(making->wanted, folded, strlen(folded));
    if (known) return *known;
    rc_roster_t *roster = &making->held->roster;
    roster->rivals =
        grow(making->arena, roster->rivals, making->rival_count, &making->rival_room, sizeof *roster->rivals);
    roster->rivals[making->rival_count++] = (rc_rival_t){NULL, NULL};
    size_t *number = rc_arena_alloc(making->arena, sizeof *number);
    *number = making->rival_count;
    (void)rc_map_set(making->wanted, folded, strlen(folded), number);
    return *number;
}

static bool take_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    static char mark;
    making_t *making = opaque;
    rc_roster_t *roster = &making->held->roster;
    rc_arena_t *arena = making->arena;
    (void)ordinal;
    rc_waiting_t waiting = {.employee_id = rc_arena_strdup(arena, pending->employee_id),
                            .name = name_of(arena, &pending->employee, pending->employee_id),
                            .email = rc_arena_strdup(arena, pending->employee.email),
                            .reasons = pending->reasons,
                            .wanted = pending->wanted,
                            .since = pending->since,
                            .until = pending->until};
    waiting.folded = fold_all(arena, waiting.name, waiting.email, waiting.employee_id);
    add_waiting_holds(arena, &waiting, pending);
    if (waiting.email && waiting.reasons & 1U << RC_PENDING_EMAIL_COLLISION)
        waiting.rival = add_wanted(making, waiting.email);
    for (int i = 0; i < RC_PENDING_COUNT; i++) roster->by_reason[i] += pending->reasons >> i & 1U;
    roster->waiting =
        grow(arena, roster->waiting, roster->waiting_count, &making->waiting_room, sizeof *roster->waiting);
    roster->waiting[roster->waiting_count++] = waiting;
    if (pending->wanted == RC_PRESENCE_EMPLOYED) add_days(making, &pending->employee, pending->employee_id);
    (void)rc_map_set(making->waits, waiting.employee_id, strlen(waiting.employee_id), &mark);
    return true;
}

/* The one who has an address that somebody waits for, and no name of theirs yet; else NULL. */
static rc_rival_t *find_rival(making_t *making, const char *email)
{
    if (!email || !rc_map_count(making->wanted)) return NULL;
    rc_arena_reset(making->scratch);
    char *folded = rc_fold(making->scratch, email);
    const size_t *number = rc_map_get(making->wanted, folded, strlen(folded));
    rc_rival_t *rival = number ? &making->held->roster.rivals[*number - 1] : NULL;
    return rival && !rival->name ? rival : NULL;
}

static bool take_snapshot(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    making_t *making = opaque;
    (void)ordinal;
    if (snapshot->presence != RC_PRESENCE_EMPLOYED) return true;
    const rc_employee_t *employee = &snapshot->employee;
    rc_rival_t *rival = find_rival(making, employee->email);
    if (rival)
        *rival = (rc_rival_t){rc_arena_strdup(making->arena, snapshot->employee_id),
                              name_of(making->arena, employee, snapshot->employee_id)};
    /* Of who waits the newest projection was looked at. */
    if (!rc_map_get(making->waits, snapshot->employee_id, strlen(snapshot->employee_id)))
        add_days(making, employee, snapshot->employee_id);
    return true;
}

/* --- a whole one --- */

static int by_name(const void *a, const void *b)
{
    const rc_waiting_t *one = a, *other = b;
    int order = strcmp(one->folded, other->folded);
    return order ? order : strcmp(one->employee_id, other->employee_id);
}

static int by_day(const void *a, const void *b)
{
    const rc_day_t *one = a, *other = b;
    if (one->day.days != other->day.days) return one->day.days < other->day.days ? -1 : 1;
    if (one->starts != other->starts) return one->starts ? -1 : 1;
    return strcmp(one->folded, other->folded);
}

static rc_code_t take_all(making_t *making, rc_views_t *views, rc_error_t *error)
{
    rc_roster_t *roster = &making->held->roster;
    const char *id = making->integration->id;
    bool found = false;
    rc_code_t code = rc_views_state(views, id, making->arena, &roster->state, &found, error);
    if (code == RC_OK && !found) roster->state = (rc_sync_state_t){.integration_id = id};
    if (code == RC_OK) code = rc_views_each_pending(views, id, take_pending, making, error);
    if (code == RC_OK) code = rc_views_each_snapshot(views, id, NULL, take_snapshot, making, error);
    if (code != RC_OK) return code;
    for (size_t i = 0; i < roster->waiting_count; i++) {
        const rc_waiting_t *waiting = &roster->waiting[i];
        bool collides = waiting->reasons & 1U << RC_PENDING_EMAIL_COLLISION;
        rc_rival_t *rival = collides ? NULL : find_rival(making, waiting->email);
        if (rival) *rival = (rc_rival_t){waiting->employee_id, waiting->name};
    }
    if (roster->waiting_count) qsort(roster->waiting, roster->waiting_count, sizeof *roster->waiting, by_name);
    if (roster->day_count) qsort(roster->days, roster->day_count, sizeof *roster->days, by_day);
    return RC_OK;
}

const rc_roster_t *rc_roster_make(const rc_integration_t *integration, rc_views_t *views, rc_wall_t now)
{
    held_t *held = rc_zalloc(sizeof *held);
    held->arena = rc_arena_new();
    atomic_init(&held->users, 1);
    held->roster = (rc_roster_t){.as_of = now, .today = rc_zone_date(integration->zone, now), .error = RC_ERROR_INIT};
    making_t making = {.held = held,
                       .arena = held->arena,
                       .scratch = rc_arena_new_sized(512),
                       .integration = integration,
                       .waits = rc_map_new(NULL),
                       .wanted = rc_map_new(NULL)};
    if (take_all(&making, views, &held->roster.error) != RC_OK)
        rc_log(RC_LEVEL_WARN, "the lists of the status page could not be made",
               RC_LOG_STR(INTEGRATION, integration->id), RC_LOG_ERR(&held->roster.error));
    if (held->roster.error.code != RC_OK) held->roster.waiting_count = held->roster.day_count = 0;
    rc_map_free(making.waits);
    rc_map_free(making.wanted);
    rc_arena_free(making.scratch);
    return &held->roster;
}

static held_t *held_of(const rc_roster_t *roster)
{
    return (held_t *)(uintptr_t)roster; /* its first member */
}

void rc_roster_retain(const rc_roster_t *roster)
{
    atomic_fetch_add(&held_of(roster)->users, 1);
}

void rc_roster_release(const rc_roster_t *roster)
{
    if (!roster) return;
    held_t *held = held_of(roster);
    if (atomic_fetch_sub(&held->users, 1) != 1) return;
    rc_arena_free(held->arena);
    free(held);
}
