#include "producer/rules/brakes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mutant.h"
#include "common/text.h"
#include "producer/rules/content.h"

#define BRAKE(name)  (1U << RC_BRAKE_##name)
#define REASON(name) (1U << RC_PENDING_##name)

enum {
    WINDOW_HOURS = 24,
    HOLD_ID_SIZE = 64, /* ours have a class, '-' and six digits */
    MAX_HOLDS = 4      /* of a class */
};

/* A hold that is open, or begins. */
typedef struct {
    char id[HOLD_ID_SIZE];
    rc_wall_t since;
    rc_wall_t changed_at;
    int64_t limit;
    int64_t held;         /* people in it so far */
    const rc_hold_t *was; /* NULL: it begins */
    bool decided;
} hold_t;

/* One class. It has one hold, and a second while what was decided about the first is being written. */
typedef struct {
    hold_t holds[MAX_HOLDS];
    int hold_count;
    hold_t *joined;    /* in this one waits what is not approved; NULL: it passes */
    int64_t published; /* within the window, before this run */
    int64_t counted;   /* by this run */
    int64_t fresh;     /* would count now */
    int64_t standing;  /* wait in a hold */
    int64_t listed;    /* are decided now */
    int64_t late;      /* were in the hold that is decided now, but not listed */
} class_t;

struct rc_brakes {
    const rc_occasion_t *occasion;
    const rc_sync_state_t *before;
    const rc_hold_decision_t *decision;
    uint32_t paused;
    int64_t hour; /* now */
    class_t classes[RC_BRAKE_COUNT];
};

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

static void add_open(rc_brakes_t *brakes, const rc_hold_t *was)
{
    class_t *class = &brakes->classes[was->brake];
    if (class->hold_count == MAX_HOLDS - 1) return; /* whoever is in it joins another */
    hold_t *hold = &class->holds[class->hold_count++];
    *hold = (hold_t){.since = was->since, .limit = was->limit, .was = was};
    (void)snprintf(hold->id, sizeof hold->id, "%s", was->id);
    hold->decided = brakes->decision && rc_text_equal(brakes->decision->hold_id, was->id);
}

static hold_t *find_hold(class_t *class, const char *hold_id)
{
    for (int i = 0; i < class->hold_count; i++)
        if (rc_text_equal(class->holds[i].id, hold_id)) return &class->holds[i];
    return NULL;
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
    for (size_t i = 0; i < before->hold_count; i++) add_open(brakes, &before->holds[i]);
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

static void look_at_stored(rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake, const rc_pending_t *stored,
                           const rc_decision_t *decision, rc_braked_t *braked)
{
    const rc_hold_ref_t *ref = find_ref(stored, brake);
    const uint8_t bit = (uint8_t)(1U << brake);
    const char *digest = rc_content_digest(arena, brake, decision);
    if (is_rejected(arena, stored, brake, digest)) {
        braked->rejected |= bit;
        return;
    }
    if (!ref || !rc_text_equal(ref->digest, digest)) return;
    if (ref->approved) {
        braked->approved |= bit;
        return;
    }
    const hold_t *hold = find_hold(&brakes->classes[brake], ref->hold_id);
    if (hold && hold->decided && ref->since.ms <= brakes->decision->listed_at.ms)
        braked->listed |= bit;
    else if (hold)
        braked->member |= bit;
}

rc_braked_t rc_brakes_look(rc_brakes_t *brakes, rc_arena_t *arena, const rc_snapshot_t *snapshot,
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

static uint8_t approved_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    return braked.approved | (brakes->decision && brakes->decision->approve ? braked.listed : 0);
}

static uint8_t rejected_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    return braked.rejected | (brakes->decision && !brakes->decision->approve ? braked.listed : 0);
}

void rc_brakes_add(rc_brakes_t *brakes, rc_braked_t braked)
{
    const uint8_t approved = approved_in(brakes, braked);
    const bool rejected = rejected_in(brakes, braked) != 0;
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        class_t *class = &brakes->classes[i];
        class->listed += braked.listed >> i & 1U;
        if (rejected || approved & 1U << i || !(braked.classes & 1U << i)) continue;
        class->standing += braked.member >> i & 1U;
        if (!braked.paused) class->fresh += braked.fresh >> i & 1U;
    }
}

/* ---- The decision ---- */

static hold_t *open_hold(class_t *class, int brake, rc_wall_t now, int64_t limit, uint64_t random)
{
    hold_t *hold = &class->holds[class->hold_count++];
    *hold = (hold_t){.since = now, .limit = limit};
    (void)snprintf(hold->id, sizeof hold->id, "%s-%06" PRIx64, rc_enum_str(&RC_ENUM_BRAKE, brake),
                   (random >> brake * 8 ^ random << 16) & 0xFFFFFF);
    return hold;
}

static hold_t *last_undecided(class_t *class)
{
    for (int i = class->hold_count; i-- > 0;)
        if (!class->holds[i].decided) return &class->holds[i];
    return NULL;
}

void rc_brakes_decide(rc_brakes_t *brakes, int64_t announced, uint64_t random)
{
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        class_t *class = &brakes->classes[i];
        int64_t limit = rc_brake_limit(brakes->occasion->integration->policy.brakes[i], announced);
        bool trips = class->fresh > 0 && class->published + class->fresh > limit;
        if (limit < 0 || RC_MUTANT(BRAKE_IGNORED) || (!trips && class->standing == 0)) continue;
        class->joined = class->standing > 0 ? last_undecided(class) : NULL;
        if (!class->joined) class->joined = open_hold(class, i, brakes->occasion->now, limit, random);
    }
}

/* ---- After the decision ---- */

/* The classes in which the change waits. */
static uint8_t held_in(const rc_brakes_t *brakes, rc_braked_t braked)
{
    uint8_t held = 0;
    uint8_t open = (uint8_t)(braked.classes & ~approved_in(brakes, braked));
    for (int i = 0; i < RC_BRAKE_COUNT; i++) /* Who is paused joins nothing, but stays where they are. */
        if (open & 1U << i && brakes->classes[i].joined && (!braked.paused || braked.member & 1U << i))
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
                                    rc_enum_str(&RC_ENUM_BRAKE, i), rc_content_digest(arena, (rc_brake_t)i, decision));
    return text;
}

/* Joins the hold of the class, or stays where it is. */
static rc_hold_ref_t join(rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake, rc_braked_t braked,
                          const rc_pending_t *stored, const rc_decision_t *decision)
{
    class_t *class = &brakes->classes[brake];
    const rc_hold_ref_t *ref = braked.member & 1U << brake ? find_ref(stored, brake) : NULL;
    hold_t *hold = ref ? find_hold(class, ref->hold_id) : NULL;
    if (hold && hold->decided) {
        class->late++;
        hold = NULL;
    }
    const rc_wall_t since = hold ? ref->since : brakes->occasion->now;
    if (!hold) hold = class->joined;
    hold->held++;
    if (since.ms > hold->changed_at.ms) hold->changed_at = since;
    return (rc_hold_ref_t){.brake = brake,
                           .hold_id = rc_arena_strdup(arena, hold->id),
                           .since = since,
                           .digest = rc_content_digest(arena, brake, decision)};
}

static rc_hold_ref_t keep_approval(const rc_brakes_t *brakes, rc_arena_t *arena, rc_brake_t brake,
                                   const rc_pending_t *stored, const rc_decision_t *decision)
{
    const rc_hold_ref_t *ref = find_ref(stored, brake);
    RC_INVARIANT(ref);
    return (rc_hold_ref_t){.brake = brake,
                           .hold_id = ref->hold_id,
                           .since = ref->approved ? ref->since : brakes->occasion->now,
                           .digest = rc_content_digest(arena, brake, decision),
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

static void save_hold(const hold_t *hold, bool complete, int brake, rc_arena_t *arena, rc_hold_t *holds, size_t *count)
{
    if (hold->held > 0)
        holds[(*count)++] = (rc_hold_t){.id = rc_arena_strdup(arena, hold->id),
                                        .brake = (rc_brake_t)brake,
                                        .since = hold->since,
                                        .employees = hold->held,
                                        .limit = hold->limit,
                                        .changed_at = hold->changed_at};
    else if (hold->was && !complete)
        holds[(*count)++] = *hold->was;
}

void rc_brakes_save(const rc_brakes_t *brakes, bool complete, rc_arena_t *arena, rc_sync_state_t *state)
{
    rc_hold_t *holds = rc_arena_alloc(arena, RC_BRAKE_COUNT * MAX_HOLDS * sizeof *holds);
    state->holds = holds;
    state->hold_count = 0;
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        const class_t *class = &brakes->classes[i];
        save_window(brakes, arena, i, state);
        for (int k = 0; k < class->hold_count; k++)
            save_hold(&class->holds[k], complete, i, arena, holds, &state->hold_count);
    }
}

bool rc_brakes_decided(const rc_brakes_t *brakes, rc_decided_t *decided)
{
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        const class_t *class = &brakes->classes[i];
        for (int k = 0; k < class->hold_count; k++) {
            if (!class->holds[k].decided) continue;
            *decided = (rc_decided_t){class->listed, class->late, class->late ? class->joined->id : NULL};
            return true;
        }
    }
    return false;
}
