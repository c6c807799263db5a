#include "producer/rules/brakes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/text.h"
#include "producer/rules/collision.h"

#define BRAKE(name)  (1U << RC_BRAKE_##name)
#define REASON(name) (1U << RC_PENDING_##name)

enum {
    WINDOW_HOURS = 24,
    DIGEST_SIZE = 17,
    HOLD_ID_SIZE = 32, /* the longest class, '-', six digits */
    CONTENT_MAX_BYTES = 1024 * 1024
};

/* One class. */
typedef struct {
    const rc_hold_t *open; /* as it was before; NULL: none */
    bool decided;          /* `open` is what the decision is about */
    int64_t published;     /* within the window, before this run */
    int64_t counted;       /* by this run */
    int64_t fresh;         /* would count now */
    int64_t standing;      /* wait in `open`; if that is decided: only who joined late */
    int64_t listed;        /* wait in `open`, which is decided now, and were listed */
    int64_t limit;
    bool holds;                 /* what is not approved waits */
    char hold_id[HOLD_ID_SIZE]; /* in this hold */
    rc_wall_t since;
    rc_wall_t changed_at;
    int64_t held; /* people in it so far */
} class_t;

struct rc_brakes {
    const rc_occasion_t *occasion;
    const rc_sync_state_t *before;
    const rc_hold_decision_t *decision;
    uint32_t paused;
    int64_t hour; /* now */
    class_t classes[RC_BRAKE_COUNT];
};

/* ---- Contents ---- */

static void add_text(rc_buf_t *content, const char *text)
{
    /* With its length in front, so that no two lists of texts have the same bytes; NULL is not "". */
    uint32_t length = text ? (uint32_t)strlen(text) : UINT32_MAX;
    RC_INVARIANT(rc_buf_add(content, &length, sizeof length) &&
                 rc_buf_add(content, text ? text : "", text ? length : 0));
}

static void add_number(rc_buf_t *content, int64_t number)
{
    RC_INVARIANT(rc_buf_add(content, &number, sizeof number));
}

static const rc_event_t *find_event(const rc_diff_t *diff, rc_event_type_t type)
{
    for (size_t i = 0; i < diff->count; i++)
        if (diff->events[i].type == type) return &diff->events[i];
    return NULL;
}

/* The changed fields but for the address, with their new values; or the names of those that are empty now. */
static void add_changes(rc_buf_t *content, rc_arena_t *arena, const rc_diff_t *diff, bool only_cleared)
{
    const rc_event_t *event = find_event(diff, RC_EVENT_PROFILE_UPDATED);
    for (size_t i = 0; event && i < event->profile.change_count; i++) {
        const rc_change_t *change = &event->profile.changes[i];
        if (strcmp(change->field, "email") == 0) continue;
        const char *value = rc_employee_field(arena, &event->employee, change->field);
        if (only_cleared && (value || !change->previous)) continue;
        add_text(content, change->field);
        if (only_cleared) continue;
        bool is_avatar = value && strcmp(change->field, "avatar") == 0;
        add_text(content, is_avatar ? rc_arena_strndup(arena, value, rc_avatar_length(value)) : value);
    }
}

static void add_content(rc_buf_t *content, rc_arena_t *arena, rc_brake_t brake, const rc_decision_t *decision)
{
    const rc_employee_t *employee = &decision->employee;
    switch (brake) {
    case RC_BRAKE_DEACTIVATIONS:
        add_number(content, employee->status);
        add_number(content, employee->leave_date.days);
        add_number(content, decision->verdict.gone_reason);
        return;
    case RC_BRAKE_CREATIONS:
        add_number(content, employee->status);
        add_number(content, employee->hire_date.days);
        add_number(content, employee->leave_date.days);
        add_text(content, employee->email ? rc_address_key(arena, employee->email) : NULL);
        return;
    case RC_BRAKE_TEAM_CHANGES:
        add_text(content, employee->primary_team.id);
        for (size_t i = 0; i < employee->secondary_team_count; i++) add_text(content, employee->secondary_teams[i].id);
        return;
    case RC_BRAKE_EMAIL_CHANGES:
        add_text(content, employee->email ? rc_address_key(arena, employee->email) : NULL);
        return;
    case RC_BRAKE_PROFILE_CHANGES:
        add_changes(content, arena, &decision->diff, false);
        return;
    case RC_BRAKE_CLEARED_VALUES:
        add_changes(content, arena, &decision->diff, true);
        return;
    }
}

static const char *digest_of(rc_arena_t *arena, rc_brake_t brake, const rc_decision_t *decision)
{
    rc_buf_t content = RC_BUF_INIT(CONTENT_MAX_BYTES);
    char text[DIGEST_SIZE];
    add_content(&content, arena, brake, decision);
    (void)snprintf(text, sizeof text, "%016" PRIx64, rc_hash64(content.data ? content.data : "", content.size_bytes));
    rc_buf_fini(&content);
    return rc_arena_strdup(arena, text);
}

/* ---- What stands in a pending record ---- */

static const rc_hold_ref_t *find_ref(const rc_pending_t *stored, rc_brake_t brake)
{
    for (size_t i = 0; stored && i < stored->hold_count; i++)
        if (stored->holds[i].brake == brake) return &stored->holds[i];
    return NULL;
}

/* Whether the record says that this content of the class was rejected: "class:digest class:digest". */
static bool is_rejected(rc_arena_t *arena, const rc_pending_t *stored, rc_brake_t brake, const char *digest)
{
    const char *rejected = stored && stored->rejected_digest ? stored->rejected_digest : "";
    const char *entry = rc_arena_sprintf(arena, "%s:%s", rc_enum_str(&RC_ENUM_BRAKE, (int)brake), digest);
    const char *at = strstr(rejected, entry);
    return at && (at == rejected || at[-1] == ' ');
}

/* ---- Before the decision ---- */

int64_t rc_brake_limit(rc_brake_limit_t policy, int64_t announced)
{
    if (rc_brake_limit_is_off(policy)) return -1;
    int64_t share = announced * policy.percent / 100;
    return share > policy.count ? share : policy.count;
}

static int64_t sum_window(const rc_brakes_t *brakes, int brake)
{
    int64_t sum = 0;
    for (size_t i = 0; i < brakes->before->windows[brake].count; i++)
        if (brakes->before->windows[brake].buckets[i].hour >= brakes->hour - WINDOW_HOURS)
            sum += brakes->before->windows[brake].buckets[i].count;
    return sum;
}

rc_brakes_t *rc_brakes_new(const rc_occasion_t *occasion, const rc_sync_state_t *before, uint32_t paused,
                           const rc_hold_decision_t *decision)
{
    rc_brakes_t *brakes = rc_zalloc(sizeof *brakes);
    *brakes = (rc_brakes_t){.occasion = occasion,
                            .before = before,
                            .decision = decision,
                            .paused = paused,
                            .hour = occasion->now.ms / (3600 * 1000)};
    for (int i = 0; i < RC_BRAKE_COUNT; i++) brakes->classes[i].published = sum_window(brakes, i);
    for (size_t i = 0; i < before->hold_count; i++) {
        class_t *class = &brakes->classes[before->holds[i].brake];
        class->open = &before->holds[i];
        class->decided = decision && rc_text_equal(decision->hold_id, class->open->id);
    }
    return brakes;
}

void rc_brakes_free(rc_brakes_t *brakes)
{
    free(brakes);
}

/* A class whose creations the first import lets in. */
static uint8_t classes_of(const rc_brakes_t *brakes, const rc_diff_t *diff)
{
    uint32_t without = brakes->occasion->initial_import ? BRAKE(CREATIONS) : 0;
    return (uint8_t)(diff->brakes & ~without);
}

static void look_at_stored(const rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake, const rc_pending_t *stored,
                           const rc_decision_t *decision, rc_braked_t *braked)
{
    const class_t *class = &brakes->classes[brake];
    const rc_hold_ref_t *ref = find_ref(stored, brake);
    const uint8_t bit = (uint8_t)(1U << brake);
    const char *digest = digest_of(arena, brake, decision);
    if (is_rejected(arena, stored, brake, digest)) {
        braked->rejected |= bit;
        return;
    }
    if (!ref || !rc_text_equal(ref->digest, digest)) return;
    if (ref->approved) {
        braked->approved |= bit;
        return;
    }
    if (!class->open || !rc_text_equal(ref->hold_id, class->open->id)) return;
    braked->member |= bit;
    if (class->decided && ref->since.ms > brakes->decision->listed_at.ms) braked->late |= bit;
}

rc_braked_t rc_brakes_look(const rc_brakes_t *brakes, rc_arena_t *arena, const rc_snapshot_t *snapshot,
                           const rc_pending_t *stored, const rc_decision_t *decision)
{
    rc_braked_t braked = {.classes = classes_of(brakes, &decision->diff)};
    for (size_t i = 0; i < decision->diff.count; i++)
        if (brakes->paused & 1U << decision->diff.events[i].type) braked.paused = 1;
    /* Somebody else had the address: they may go on waiting for that, and count when they are published. */
    bool waits_for_address = stored && stored->reasons == REASON(EMAIL_COLLISION);
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        if (!(braked.classes & 1U << i)) continue;
        bool counted = snapshot && snapshot->counted_hours[i] >= brakes->hour - WINDOW_HOURS;
        if (!counted && !waits_for_address) braked.fresh |= (uint8_t)(1U << i);
        if (stored && (stored->hold_count || stored->rejected_digest))
            look_at_stored(brakes, arena, (rc_brake_t)i, stored, decision, &braked);
    }
    return braked;
}

/* The classes in which the decision of now is about this person. */
static uint8_t listed_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    uint8_t listed = 0;
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        if (brakes->classes[i].decided) listed |= (uint8_t)(braked.member & ~braked.late & 1U << i);
    return listed;
}

static uint8_t approved_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    bool approves = brakes->decision && brakes->decision->approve;
    return braked.approved | (approves ? listed_in(brakes, braked) : 0);
}

static uint8_t rejected_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    bool rejects = brakes->decision && !brakes->decision->approve;
    return braked.rejected | (rejects ? listed_in(brakes, braked) : 0);
}

void rc_brakes_add(rc_brakes_t *brakes, rc_braked_t braked)
{
    const uint8_t listed = listed_in(brakes, braked), approved = approved_in(brakes, braked);
    const bool rejected = rejected_in(brakes, braked) != 0;
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        class_t *class = &brakes->classes[i];
        class->listed += listed >> i & 1U;
        if (rejected || approved & 1U << i || !(braked.classes & 1U << i)) continue;
        class->standing += braked.member >> i & 1U;
        if (!braked.paused) class->fresh += braked.fresh >> i & 1U;
    }
}

/* ---- The decision ---- */

static void open_hold(class_t *class, int brake, rc_wall_t now, uint64_t random)
{
    (void)snprintf(class->hold_id, sizeof class->hold_id, "%s-%06" PRIx64, rc_enum_str(&RC_ENUM_BRAKE, brake),
                   (random >> brake * 8 ^ random << 16) & 0xFFFFFF);
    class->since = now;
}

void rc_brakes_decide(rc_brakes_t *brakes, int64_t announced, uint64_t random)
{
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        class_t *class = &brakes->classes[i];
        class->limit = rc_brake_limit(brakes->occasion->integration->policy.brakes[i], announced);
        if (class->limit < 0) continue;
        bool stands = class->standing > 0;
        bool trips = class->fresh > 0 && class->published + class->fresh > class->limit;
        class->holds = stands || trips;
        if (stands && !class->decided) {
            (void)snprintf(class->hold_id, sizeof class->hold_id, "%s", class->open->id);
            class->since = class->open->since;
            class->limit = class->open->limit;
        } else if (class->holds) {
            open_hold(class, i, brakes->occasion->now, random);
        }
    }
}

/* ---- After the decision ---- */

/* The classes in which the change waits. */
static uint8_t held_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    uint8_t held = 0;
    uint8_t open = (uint8_t)(braked.classes & ~approved_in(brakes, braked));
    for (int i = 0; i < RC_BRAKE_COUNT; i++) /* Who is paused joins nothing, but stays where they are. */
        if (open & 1U << i && brakes->classes[i].holds && (!braked.paused || braked.member & 1U << i))
            held |= (uint8_t)(1U << i);
    return held;
}

bool rc_brakes_let_pass(const rc_brakes_t *brakes, rc_braked_t braked)
{
    return !braked.paused && !rejected_in(brakes, braked) && !held_in(brakes, braked);
}

static const char *rejected_text(rc_arena_t *arena, uint8_t rejected, const rc_decision_t *decision)
{
    const char *text = NULL;
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        if (rejected & 1U << i)
            text = rc_arena_sprintf(arena, "%s%s%s:%s", text ? text : "", text ? " " : "",
                                    rc_enum_str(&RC_ENUM_BRAKE, i), digest_of(arena, (rc_brake_t)i, decision));
    return text;
}

/* Joins the hold of the class, or stays in it. */
static rc_hold_ref_t join(rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake, rc_braked_t braked,
                          const rc_pending_t *stored, const rc_decision_t *decision)
{
    class_t *class = &brakes->classes[brake];
    bool stays = braked.member & 1U << brake && !class->decided;
    rc_hold_ref_t ref = {.brake = brake,
                         .hold_id = rc_arena_strdup(arena, class->hold_id),
                         .since = stays ? find_ref(stored, brake)->since : brakes->occasion->now,
                         .digest = digest_of(arena, brake, decision)};
    class->held++;
    if (ref.since.ms > class->changed_at.ms) class->changed_at = ref.since;
    return ref;
}

static rc_hold_ref_t keep_approval(const rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake,
                                   const rc_pending_t *stored, const rc_decision_t *decision)
{
    const rc_hold_ref_t *ref = find_ref(stored, brake);
    RC_INVARIANT(ref);
    return (rc_hold_ref_t){.brake = brake,
                           .hold_id = ref->hold_id,
                           .since = ref->approved ? ref->since : brakes->occasion->now,
                           .digest = digest_of(arena, brake, decision),
                           .approved = true};
}

void rc_brakes_obstacles(rc_brakes_t *brakes, rc_arena_t *arena, rc_braked_t braked, const rc_pending_t *stored,
                         const rc_decision_t *decision, rc_obstacles_t *obstacles)
{
    const uint8_t rejected = rejected_in(brakes, braked), approved = approved_in(brakes, braked);
    const uint8_t held = rejected ? 0 : held_in(brakes, braked);
    *obstacles = (rc_obstacles_t){.reasons = braked.paused ? REASON(PAUSED) : 0};
    if (rejected) {
        obstacles->reasons |= REASON(REJECTED);
        obstacles->rejected_digest = rejected_text(arena, rejected, decision);
        return;
    }
    if (held) obstacles->reasons |= REASON(HELD);
    if (!held && !approved) return;
    rc_hold_ref_t *refs = rc_arena_alloc(arena, RC_BRAKE_COUNT * sizeof *refs);
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        if (held & 1U << i)
            refs[obstacles->hold_count++] = join(brakes, arena, (rc_brake_t)i, braked, stored, decision);
        else if (approved & 1U << i)
            refs[obstacles->hold_count++] = keep_approval(brakes, arena, (rc_brake_t)i, stored, decision);
    }
    obstacles->holds = refs;
}

void rc_brakes_count(rc_brakes_t *brakes, rc_braked_t braked, rc_snapshot_t *after)
{
    uint8_t approved = approved_in(brakes, braked);
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        if (!(braked.classes & ~approved & 1U << i)) continue;
        if (after->counted_hours[i] >= brakes->hour - WINDOW_HOURS) continue;
        after->counted_hours[i] = brakes->hour;
        brakes->classes[i].counted++;
    }
}

static void save_window(const rc_brakes_t *brakes, rc_arena_t *arena, int brake, rc_sync_state_t *state)
{
    size_t most = brakes->before->windows[brake].count, count = 0;
    int64_t counted = brakes->classes[brake].counted;
    rc_bucket_t *buckets = rc_arena_alloc(arena, (most + 1) * sizeof *buckets);
    for (size_t i = 0; i < most; i++) {
        rc_bucket_t bucket = brakes->before->windows[brake].buckets[i];
        if (bucket.hour < brakes->hour - WINDOW_HOURS) continue;
        if (bucket.hour == brakes->hour) {
            bucket.count += counted;
            counted = 0;
        }
        buckets[count++] = bucket;
    }
    if (counted) buckets[count++] = (rc_bucket_t){brakes->hour, counted};
    state->windows[brake].buckets = buckets;
    state->windows[brake].count = count;
}

void rc_brakes_save(const rc_brakes_t *brakes, rc_arena_t *arena, rc_sync_state_t *state)
{
    rc_hold_t *holds = rc_arena_alloc(arena, RC_BRAKE_COUNT * sizeof *holds);
    state->holds = holds;
    state->hold_count = 0;
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        const class_t *class = &brakes->classes[i];
        save_window(brakes, arena, i, state);
        if (!class->holds) continue;
        holds[state->hold_count++] = (rc_hold_t){.id = rc_arena_strdup(arena, class->hold_id),
                                                 .brake = (rc_brake_t)i,
                                                 .since = class->since,
                                                 .employees = class->held,
                                                 .limit = class->limit,
                                                 .changed_at = class->changed_at};
    }
}

bool rc_brakes_decided(const rc_brakes_t *brakes, rc_decided_t *decided)
{
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        const class_t *class = &brakes->classes[i];
        if (!class->decided) continue;
        *decided = (rc_decided_t){class->listed, class->standing, class->holds ? class->hold_id : NULL};
        return true;
    }
    return false;
}
