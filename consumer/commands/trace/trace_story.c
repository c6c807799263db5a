/* The story of one employee from what is known of them. Pure. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/trace/trace.h"
#include "consumer/commands/words.h"

bool rc_trace_is_known(const rc_trace_facts_t *facts)
{
    bool known = facts->events.count > 0 || facts->parked.count > 0 || facts->letter_count > 0 || facts->has_snapshot ||
                 facts->has_pending || facts->has_user || facts->unreadable;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) known = known || facts->has_ledger[lane];
    return known;
}

const rc_employee_t *rc_trace_employee(const rc_trace_facts_t *facts)
{
    if (facts->has_pending && (facts->pending.employee.email || facts->pending.employee.last_name))
        return &facts->pending.employee;
    if (facts->has_snapshot) return &facts->snapshot.employee;
    for (size_t i = facts->events.count; i-- > 0;)
        if (!facts->events.items[i].fault) return &facts->events.items[i].event.employee;
    return NULL;
}

/* --- what still waits --- */

bool rc_trace_event_waits(const rc_trace_facts_t *facts, const rc_trace_record_t *event)
{
    /* Nobody waits for what was forgotten. */
    if (event->fault || event->is_behind || event->lane < 0 || !facts->has_snapshot) return false;
    return !facts->has_ledger[event->lane] || facts->ledger[event->lane].version < event->event.version;
}

/* The same record, parked or dead-lettered once more. */
static bool is_same(const rc_parking_t *a, const rc_parking_t *b)
{
    return a->lane == b->lane && a->origin_partition == b->origin_partition && a->origin_offset == b->origin_offset &&
           rc_text_equal(a->origin_topic, b->origin_topic);
}

static bool died_since(const rc_trace_facts_t *facts, const rc_trace_record_t *parked)
{
    for (size_t i = 0; i < facts->letter_count; i++) {
        const rc_dead_letter_t *letter = &facts->letters[i];
        if (letter->lane == parked->parking.lane && letter->origin_partition == parked->parking.origin_partition &&
            letter->origin_offset == parked->parking.origin_offset &&
            rc_text_equal(letter->origin_topic, parked->parking.origin_topic) &&
            letter->dead_lettered_at.ms > parked->written_at.ms)
            return true;
    }
    return false;
}

/* Done by now, whatever kept it. Beside a record that waits for a manager stands an entry that says that all the rest
 * is done: only one that was written when the record was due is about another attempt. */
static bool is_done(const rc_trace_facts_t *facts, const rc_trace_record_t *parked)
{
    if (parked->fault || parked->lane < 0 || !facts->has_ledger[parked->lane]) return false;
    const rc_ledger_entry_t *entry = &facts->ledger[parked->lane];
    if (entry->version < parked->event.version) return false;
    if (parked->parking.reason == RC_PARK_MANAGER && entry->at.ms < parked->parking.not_before.ms) return false;
    return entry->outcome == RC_OUTCOME_APPLIED || entry->outcome == RC_OUTCOME_COVERED ||
           entry->outcome == RC_OUTCOME_WITHOUT_MANAGER;
}

bool rc_trace_parked_waits(const rc_trace_facts_t *facts, size_t index)
{
    const rc_trace_record_t *parked = &facts->parked.items[index];
    if (parked->is_behind || is_done(facts, parked) || died_since(facts, parked)) return false;
    for (size_t later = index + 1; later < facts->parked.count; later++)
        if (is_same(&facts->parked.items[later].parking, &parked->parking)) return false;
    return true;
}

/* --- lines --- */

typedef struct {
    const rc_trace_facts_t *facts;
    rc_arena_t *arena;
    rc_trace_line_t *lines;
    size_t count;
} telling_t;

static void tell(telling_t *telling, rc_wall_t at, const char *what, int type, int64_t version,
                 const rc_kafka_offset_t *place, const char *why)
{
    telling->lines[telling->count++] = (rc_trace_line_t){.at = at,
                                                         .what = what,
                                                         .type = type,
                                                         .version = version,
                                                         .why = why,
                                                         .place = place ? *place : (rc_kafka_offset_t){NULL, 0, 0},
                                                         .times = 1,
                                                         .last_at = at};
}

static const char *or_nothing(const char *text)
{
    return rc_text_empty(text) ? "nothing" : text;
}

static const char *say_changes(rc_arena_t *arena, const rc_event_t *event)
{
    const char *words = "";
    for (size_t i = 0; i < event->profile.change_count; i++) {
        const rc_change_t *change = &event->profile.changes[i];
        words = rc_words_join(arena, words, "; ",
                              rc_arena_sprintf(arena, "%s: %s → %s", rc_words_field(arena, change->field),
                                               or_nothing(change->previous),
                                               or_nothing(rc_employee_field(arena, &event->employee, change->field))));
    }
    return *words ? words : "nothing that it names";
}

static const char *say_event(rc_arena_t *arena, const rc_event_t *event)
{
    char day[RC_TIME_STR_SIZE];
    switch (event->type) {
    case RC_EVENT_CREATED:
        return event->created.replaces
                   ? rc_arena_sprintf(arena, "%s, before as %s", rc_say_created(event->created.reason),
                                      event->created.replaces)
                   : rc_say_created(event->created.reason);
    case RC_EVENT_PROFILE_UPDATED:
        return say_changes(arena, event);
    case RC_EVENT_TEAM_CHANGED:
        return rc_arena_sprintf(arena, "team: %s → %s", or_nothing(event->team.previous.name),
                                or_nothing(event->team.current.name));
    case RC_EVENT_DEACTIVATED:
        break;
    }
    const char *reason = rc_say_gone(event->deactivated.reason);
    if (!rc_date_is_set(event->deactivated.effective_date)) return reason;
    return rc_arena_sprintf(arena, "%s, as of %s", reason, rc_date_str(event->deactivated.effective_date, day));
}

static void tell_events(telling_t *telling)
{
    for (size_t i = 0; i < telling->facts->events.count; i++) {
        const rc_trace_record_t *record = &telling->facts->events.items[i];
        if (record->fault) {
            tell(telling, record->written_at, "published", record->lane, 0, &record->at,
                 rc_arena_sprintf(telling->arena, "cannot be read: %s", record->fault));
            continue;
        }
        const rc_event_t *event = &record->event;
        tell(telling, event->occurred_at, "published", (int)event->type, event->version, &record->at,
             say_event(telling->arena, event));
        if (rc_trace_event_waits(telling->facts, record))
            tell(telling, telling->facts->now, "waiting", (int)event->type, event->version, &record->at,
                 "its lane has not come to it yet");
    }
}

/* What the ledger's word is called, and what it means; DEAD and PARKED are told by their records. */
static const struct {
    const char *what, *means;
} OUTCOMES[RC_OUTCOME_COUNT] = {
    [RC_OUTCOME_APPLIED] = {"applied", "Learn Amp has it"},
    [RC_OUTCOME_COVERED] = {"applied", "nothing was left to write: a newer state covers it"},
    [RC_OUTCOME_SKIPPED] = {"skipped", "nothing was to be written"},
    [RC_OUTCOME_HANDED_OVER] = {"skipped", "handed to created: there was no such user, or a deactivated one"},
    [RC_OUTCOME_WITHOUT_MANAGER] = {"applied", "Learn Amp has it but the manager, who is no active user there"},
    [RC_OUTCOME_REPLAYED] = {"waiting", "an operator's replay brings it over once more"},
};

static void tell_ledger(telling_t *telling)
{
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        const rc_ledger_entry_t *entry = &telling->facts->ledger[lane];
        if (!telling->facts->has_ledger[lane] || !OUTCOMES[entry->outcome].what) continue;
        const char *why = OUTCOMES[entry->outcome].means;
        if (!rc_text_empty(entry->reason) && entry->outcome == RC_OUTCOME_SKIPPED)
            why = entry->reason;
        else if (!rc_text_empty(entry->reason))
            why = rc_arena_sprintf(telling->arena, "%s: %s", why, entry->reason);
        if (entry->user_id) why = rc_arena_sprintf(telling->arena, "%s (user %lld)", why, (long long)entry->user_id);
        tell(telling, entry->at, OUTCOMES[entry->outcome].what, lane, entry->version, &telling->facts->ledger_at[lane],
             why);
    }
}

static void tell_parked(telling_t *telling)
{
    for (size_t i = 0; i < telling->facts->parked.count; i++) {
        const rc_trace_record_t *record = &telling->facts->parked.items[i];
        const rc_parking_t *parking = &record->parking;
        const char *why = rc_say_parked(parking->reason);
        bool told = rc_text_empty(parking->message) || parking->reason == RC_PARK_MANAGER;
        if (!told) why = rc_arena_sprintf(telling->arena, "%s: %s", why, parking->message);
        if (rc_trace_parked_waits(telling->facts, i))
            why = rc_arena_sprintf(telling->arena, "%s; tried again %s", why,
                                   rc_words_distance(telling->arena, parking->not_before, telling->facts->now));
        tell(telling, record->written_at, "parked", record->lane, record->fault ? 0 : record->event.version,
             &record->at, why);
    }
}

static void tell_letters(telling_t *telling)
{
    for (size_t i = 0; i < telling->facts->letter_count; i++) {
        const rc_dead_letter_t *letter = &telling->facts->letters[i];
        const rc_kafka_offset_t place = {letter->topic, letter->partition, letter->offset};
        const char *why = rc_dead_reason_means(letter->reason);
        if (!rc_text_empty(letter->message)) why = rc_arena_sprintf(telling->arena, "%s: %s", why, letter->message);
        if (letter->state != RC_DEAD_OPEN) why = rc_arena_sprintf(telling->arena, "%s (%s)", why, letter->became);
        tell(telling, letter->dead_lettered_at, "dead-lettered", letter->lane, letter->version, &place, why);
    }
}

static void tell_pending(telling_t *telling)
{
    const rc_trace_facts_t *facts = telling->facts;
    const rc_pending_t *pending = &facts->pending;
    if (!facts->has_pending) return;
    int type = pending->wanted == RC_PRESENCE_GONE ? (int)RC_EVENT_DEACTIVATED
               : facts->has_snapshot               ? -1
                                                   : (int)RC_EVENT_CREATED;
    const char *why = "";
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++)
        if (pending->reasons & 1U << reason)
            why = rc_words_join(telling->arena, why, "; ", rc_words_pending((rc_pending_reason_t)reason));
    for (size_t i = 0; i < pending->hold_count; i++)
        why = rc_arena_sprintf(telling->arena, "%s; hold %s%s", why, pending->holds[i].hold_id,
                               pending->holds[i].approved ? " (approved)" : "");
    if (pending->until.ms)
        why =
            rc_arena_sprintf(telling->arena, "%s; until %s UTC", why, rc_words_moment(telling->arena, pending->until));
    tell(telling, pending->since, pending->reasons & 1U << RC_PENDING_HELD ? "held" : "waiting", type, 0,
         &facts->pending_at, why);
}

/* --- order --- */

/* What comes of what, for what happened within one millisecond. */
static int rank(const char *what)
{
    static const char *const order[] = {"published",     "held",    "waiting", "parked",
                                        "dead-lettered", "skipped", "applied"};
    for (int i = 0; i < (int)(sizeof order / sizeof *order); i++)
        if (strcmp(order[i], what) == 0) return i;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const rc_trace_line_t *one = a, *other = b;
    if (one->at.ms != other->at.ms) return one->at.ms < other->at.ms ? -1 : 1;
    if (one->version != other->version) return one->version < other->version ? -1 : 1;
    if (rank(one->what) != rank(other->what)) return rank(one->what) - rank(other->what);
    if (one->type != other->type) return one->type - other->type;
    return (one->place.offset > other->place.offset) - (one->place.offset < other->place.offset);
}

const rc_trace_line_t *rc_trace_story(const rc_trace_facts_t *facts, rc_arena_t *arena, size_t *count)
{
    size_t most = 2 * facts->events.count + facts->parked.count + facts->letter_count + RC_EVENT_COUNT + 1;
    telling_t telling = {
        .facts = facts, .arena = arena, .lines = rc_arena_alloc(arena, most * sizeof(rc_trace_line_t))};
    tell_events(&telling);
    tell_parked(&telling);
    tell_letters(&telling);
    tell_ledger(&telling);
    tell_pending(&telling);
    qsort(telling.lines, telling.count, sizeof *telling.lines, by_time);
    *count = telling.count;
    return telling.lines;
}

const rc_trace_line_t *rc_trace_shorten(const rc_trace_line_t *lines, size_t count, rc_arena_t *arena,
                                        size_t *shortened)
{
    rc_trace_line_t *kept = rc_arena_alloc(arena, count * sizeof *kept);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        rc_trace_line_t *last = used ? &kept[used - 1] : NULL;
        bool again = last && last->type == lines[i].type && last->version == lines[i].version &&
                     strcmp(last->what, lines[i].what) == 0 && rc_text_equal(last->why, lines[i].why);
        if (again) {
            last->times++;
            last->last_at = lines[i].at;
        } else {
            kept[used++] = lines[i];
        }
    }
    *shortened = used;
    return kept;
}
