/* Whether somebody is in step, else why not and what to type next. Pure. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/trace/trace.h"
#include "consumer/commands/words.h"

enum { OVERDUE_MS = 60 * 1000 /* a retry that was due so long ago has nobody who reads it */ };

static const char PRODUCER[] = "rollcall-producer";

typedef struct {
    const rc_trace_facts_t *facts;
    rc_arena_t *arena;
    rc_trace_verdict_t *verdict;
} judging_t;

/* --- putting it down --- */

static void add(const char **list, size_t *count, const char *sentence)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(list[i], sentence) == 0) return;
    if (*count < RC_TRACE_FINDINGS_MAX) list[(*count)++] = sentence;
}

static void because(const judging_t *judging, const char *sentence)
{
    judging->verdict->kind = RC_TRACE_NOT_IN_STEP;
    add(judging->verdict->because, &judging->verdict->because_count, sentence);
}

static void later(const judging_t *judging, const char *sentence)
{
    if (judging->verdict->kind == RC_TRACE_IN_STEP) judging->verdict->kind = RC_TRACE_LATER;
    add(judging->verdict->because, &judging->verdict->because_count, sentence);
}

static void note(const judging_t *judging, const char *sentence)
{
    add(judging->verdict->notes, &judging->verdict->note_count, sentence);
}

/* "VERB --integration ID", and what `more` adds. */
static void type_next(const judging_t *judging, const char *program, const char *verb, const char *more,
                      const char *what)
{
    rc_trace_verdict_t *verdict = judging->verdict;
    const char *command =
        rc_arena_sprintf(judging->arena, "%s --integration %s%s", verb, judging->facts->integration->id, more);
    for (size_t i = 0; i < verdict->next_count; i++)
        if (strcmp(verdict->next[i].command, command) == 0 && rc_text_equal(verdict->next[i].program, program)) return;
    if (verdict->next_count < RC_TRACE_NEXT_MAX)
        verdict->next[verdict->next_count++] = (rc_trace_next_t){program, command, what, false};
}

static void type_foreign(const judging_t *judging, const char *command, const char *what)
{
    rc_trace_verdict_t *verdict = judging->verdict;
    if (verdict->next_count < RC_TRACE_NEXT_MAX)
        verdict->next[verdict->next_count++] = (rc_trace_next_t){NULL, command, what, true};
}

static const char *this_one(const judging_t *judging)
{
    return rc_arena_sprintf(judging->arena, " --employee %s", judging->facts->employee_id);
}

/* An address or an id may be the first word of a shell's command line: quoted where it has to be. */
static const char *somebody(const judging_t *judging, const char *id)
{
    bool plain = id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-")] == '\0';
    return rc_arena_sprintf(judging->arena, plain ? " --employee %s" : " --employee '%s'", id);
}

/* --- what somebody else has --- */

static const char *say_holder(const judging_t *judging, const rc_learnamp_user_t *other)
{
    const char *whose = other->external_id ? rc_arena_sprintf(judging->arena, "bears the id %s", other->external_id)
                                           : "bears no id of the HR system";
    return rc_arena_sprintf(judging->arena, "user %lld has the address and %s", (long long)other->id, whose);
}

/* Whoever has it at Learn Amp has to give it up there, or in HR where they are known. */
static void judge_conflict(const judging_t *judging)
{
    const rc_learnamp_user_t *other = judging->facts->namesake;
    if (!other) return;
    because(judging, rc_arena_sprintf(judging->arena,
                                      "at Learn Amp %s; who is wrong there or in HR is to be given another address",
                                      say_holder(judging, other)));
    if (other->external_id)
        type_next(judging, NULL, "trace", somebody(judging, other->external_id), "who has the address at Learn Amp");
}

/* --- dead letters --- */

static void judge_letters(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    for (size_t i = 0; i < facts->letter_count; i++) {
        const rc_dead_letter_t *letter = &facts->letters[i];
        if (letter->state != RC_DEAD_OPEN) continue;
        because(judging, rc_arena_sprintf(judging->arena, "the %s event was dead-lettered: %s%s%s; %s",
                                          rc_say_type(letter->lane), rc_dead_reason_means(letter->reason),
                                          rc_text_empty(letter->message) ? "" : ": ",
                                          rc_text_empty(letter->message) ? "" : letter->message,
                                          rc_dead_reason_mend(letter->reason)));
        if (letter->reason == RC_PARK_IDENTITY_CONFLICT) judge_conflict(judging);
        type_next(judging, NULL, "dlq replay", rc_arena_sprintf(judging->arena, "%s --apply", this_one(judging)),
                  "when it is mended: tries again");
    }
}

/* --- parked --- */

static const char *manager_of(const rc_trace_facts_t *facts, const rc_trace_record_t *parked)
{
    const char *published = facts->has_snapshot ? facts->snapshot.employee.manager_email : NULL;
    return published || parked->fault ? published : parked->event.employee.manager_email;
}

static void type_for_parked(const judging_t *judging, const rc_trace_record_t *parked)
{
    const char *manager = manager_of(judging->facts, parked);
    switch (parked->parking.reason) {
    case RC_PARK_MANAGER:
        if (manager) type_next(judging, NULL, "trace", somebody(judging, manager), "where the manager is");
        return;
    case RC_PARK_REPLACED:
        if (!parked->fault && parked->event.created.replaces)
            type_next(judging, NULL, "trace", somebody(judging, parked->event.created.replaces),
                      "why their former id is still active");
        return;
    case RC_PARK_CONFLICT:
        judge_conflict(judging);
        return;
    case RC_PARK_UNKNOWN_INTEGRATION:
        type_foreign(judging, "systemctl restart rollcall-consumer",
                     "when their configuration names it as yours does: they read it as they start");
        return;
    case RC_PARK_UNKNOWN_SCHEMA:
        type_next(judging, NULL, "check", "",
                  "whether the schema registry is reached; when it is, the consumers need the newer release");
        return;
    case RC_PARK_NO_SNAPSHOT:
        type_next(judging, PRODUCER, "once", " --full", "publishes whoever is employed and has no snapshot");
        return;
    case RC_PARK_HANDED_OVER:
    case RC_PARK_REPAIR:
        return; /* they are on their way */
    default:
        type_next(judging, NULL, "check", "", "whether Learn Amp can be reached, and what it says");
    }
}

static void judge_parked(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    for (size_t i = 0; i < facts->parked.count; i++) {
        const rc_trace_record_t *parked = &facts->parked.items[i];
        const rc_parking_t *parking = &parked->parking;
        if (!rc_trace_parked_waits(facts, i)) continue;
        bool overdue = parking->not_before.ms + OVERDUE_MS < facts->now.ms;
        bool unread = parked->lane >= 0 && facts->readers[parked->lane] == RC_READERS_NONE;
        const char *when = rc_words_distance(judging->arena, parking->not_before, facts->now);
        because(judging, rc_arena_sprintf(judging->arena, "the %s event waits in a retry topic: %s (%s %s)",
                                          rc_say_type(parked->lane), rc_say_parked(parking->reason),
                                          overdue ? "was due" : "tried again", when));
        if (unread)
            type_next(judging, NULL, "check", "", "no rollcall-consumer reads that lane; start it when this is well");
        else
            type_for_parked(judging, parked);
    }
}

/* --- events that no lane has taken up --- */

static bool is_paused(const rc_trace_facts_t *facts, int type)
{
    return facts->has_state && type >= 0 && facts->state.paused & 1U << type;
}

static void judge_event(const judging_t *judging, const rc_trace_record_t *event)
{
    const rc_trace_facts_t *facts = judging->facts;
    rc_arena_t *arena = judging->arena;
    const char *name = rc_say_type(event->lane);
    if (is_paused(facts, event->lane)) {
        because(judging, rc_arena_sprintf(arena, "the %s event waits: its lane is paused for this integration", name));
        type_next(judging, PRODUCER, "resume", rc_arena_sprintf(arena, " --events %s", name), "goes on");
    } else if (facts->readers[event->lane] == RC_READERS_NONE) {
        because(judging,
                rc_arena_sprintf(
                    arena, "the %s event was published and not applied: no rollcall-consumer reads that lane", name));
        type_next(judging, NULL, "check", "", "whether it could; then start it: systemctl start rollcall-consumer");
    } else {
        because(judging,
                rc_arena_sprintf(arena,
                                 "the %s event was published %s and not applied yet: its lane has much to do, or the "
                                 "breaker of this integration is open",
                                 name, rc_words_distance(arena, event->event.occurred_at, facts->now)));
        type_next(judging, NULL, "check", "", "whether Learn Amp can be reached, and what it says");
    }
}

/* --- put aside, and not there any more --- */

static bool is_put_aside_somewhere(const rc_trace_facts_t *facts, int lane, int64_t version)
{
    for (size_t i = 0; i < facts->parked.count; i++)
        if (facts->parked.items[i].lane == lane && facts->parked.items[i].event.version == version) return true;
    for (size_t i = 0; i < facts->letter_count; i++)
        if (facts->letters[i].lane == lane && facts->letters[i].version == version) return true;
    return false;
}

static void judge_what_is_lost(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        const rc_ledger_entry_t *entry = &facts->ledger[lane];
        bool aside = entry->outcome == RC_OUTCOME_PARKED || entry->outcome == RC_OUTCOME_DEAD;
        if (!facts->has_ledger[lane] || !aside || is_put_aside_somewhere(facts, lane, entry->version)) continue;
        because(judging,
                rc_arena_sprintf(judging->arena,
                                 "the %s event was put aside %s, and is in none of the configured retry topics nor "
                                 "among the dead letters: kept too short, or consumer.retry_delays changed",
                                 rc_say_type(lane), rc_words_distance(judging->arena, entry->at, facts->now)));
        type_next(judging, PRODUCER, "resync", this_one(judging),
                  "publishes them again; the consumers write all of it");
    }
}

/* --- known and not published --- */

static void judge_holds(const judging_t *judging)
{
    const rc_pending_t *pending = &judging->facts->pending;
    for (size_t i = 0; i < pending->hold_count; i++) {
        const char *hold = rc_arena_sprintf(judging->arena, " --hold %s", pending->holds[i].hold_id);
        if (pending->holds[i].approved) continue;
        type_next(judging, PRODUCER, "status", hold, "who is held, and what would change");
        type_next(judging, PRODUCER, "approve", hold, "publishes them");
        type_next(judging, PRODUCER, "reject", hold, "keeps these people as they are");
    }
}

static void judge_pending(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    const rc_pending_t *pending = &facts->pending;
    rc_arena_t *arena = judging->arena;
    if (!facts->has_pending) return;
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++) {
        const char *words = rc_words_pending((rc_pending_reason_t)reason);
        if (!(pending->reasons & 1U << reason)) continue;
        switch ((rc_pending_reason_t)reason) {
        case RC_PENDING_NOT_YET:
            later(judging, pending->until.ms ? rc_arena_sprintf(arena, "%s: it comes %s, at %s UTC", words,
                                                                rc_words_distance(arena, pending->until, facts->now),
                                                                rc_words_moment(arena, pending->until))
                                             : words);
            break;
        case RC_PENDING_HELD:
            because(judging, words);
            judge_holds(judging);
            break;
        case RC_PENDING_REJECTED:
            because(judging, "a person rejected what HR says now; it comes up again when HR changes it");
            break;
        case RC_PENDING_PAUSED:
            because(judging, words);
            type_next(judging, PRODUCER, "resume", "", "goes on");
            break;
        case RC_PENDING_ABSENT_ONCE:
            because(judging, "HR did not show them; a second look, at least absence_grace later, decides");
            type_next(judging, PRODUCER, "once", " --full", "looks once more");
            break;
        case RC_PENDING_EMAIL_COLLISION:
            because(judging, words);
            if (pending->employee.email)
                type_next(judging, NULL, "trace", somebody(judging, pending->employee.email), "names all who have it");
            break;
        case RC_PENDING_NO_EMAIL:
        case RC_PENDING_NO_NAME:
            because(judging, words);
            type_next(judging, PRODUCER, "once", "", "when it was added there: reads it at once");
            break;
        }
    }
}

/* --- what Learn Amp shows --- */

static const char *say_namesake(const judging_t *judging, const rc_learnamp_user_t *other)
{
    return rc_arena_sprintf(judging->arena, "Learn Amp has nobody with this id; %s", say_holder(judging, other));
}

static const char *say_differences(const judging_t *judging)
{
    const char *words = "";
    for (size_t i = 0; i < judging->facts->difference_count; i++) {
        const rc_difference_t *difference = &judging->facts->differences[i];
        words = rc_words_join(judging->arena, words, "; ",
                              rc_arena_sprintf(judging->arena, "%s: %s, and HR says %s",
                                               rc_words_field(judging->arena, difference->field),
                                               difference->learnamp ? difference->learnamp : "nothing",
                                               difference->hr ? difference->hr : "nothing"));
    }
    return rc_arena_sprintf(judging->arena, "Learn Amp has other values (changed by hand?): %s", words);
}

/* Whether the newest state is known by its snapshot alone. */
static bool is_event_unseen(const rc_trace_facts_t *facts)
{
    int64_t version = facts->snapshot.version;
    for (size_t i = 0; i < facts->events.count; i++)
        if (facts->events.items[i].fault || facts->events.items[i].event.version >= version) return false;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (facts->has_ledger[lane] && facts->ledger[lane].version >= version) return false;
    return true;
}

static void judge_user(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    rc_arena_t *arena = judging->arena;
    const rc_learnamp_user_t *user = &facts->user.user;
    if (facts->trouble) {
        note(judging, rc_arena_sprintf(arena, "what Learn Amp has now is not known: %s", facts->trouble));
        return;
    }
    if (!facts->has_snapshot) {
        if (facts->has_user)
            note(judging, "Learn Amp has a user with this id, of whom nothing is published (any more)");
        return;
    }
    bool employed = facts->snapshot.presence == RC_PRESENCE_EMPLOYED;
    const char *problem = NULL;
    if (employed && !facts->has_user)
        problem = facts->namesake ? say_namesake(judging, facts->namesake)
                                  : "Learn Amp has no user with this id, although it was applied: deleted there?";
    else if (employed && user->deactivated)
        problem = "the user is deactivated at Learn Amp, although they are employed: by hand?";
    else if (!employed && facts->has_user && !user->deactivated)
        problem = "the user is active at Learn Amp, although they have left: by hand?";
    else if (employed && facts->difference_count > 0)
        problem = say_differences(judging);
    if (!problem) return;
    if (is_event_unseen(facts))
        problem = rc_arena_sprintf(arena,
                                   "what is published of them since %s was never applied, and its event is not seen: a "
                                   "transaction hangs before it (docs/operations.md, \"A partition stands still\"), or "
                                   "Kafka keeps it no longer",
                                   rc_words_moment(arena, facts->snapshot.occurred_at));
    because(judging, problem);
    type_next(judging, PRODUCER, "resync", this_one(judging), "publishes them again; the consumers write all of it");
}

/* --- the integration --- */

static void judge_integration(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    const rc_sync_state_t *state = &facts->state;
    rc_arena_t *arena = judging->arena;
    if (!facts->has_state) {
        note(judging, "this integration was never polled");
        type_next(judging, PRODUCER, "status", "", "what it is doing");
        return;
    }
    if (state->paused)
        note(judging,
             rc_arena_sprintf(arena, "paused for this integration: %s", rc_words_events(arena, state->paused)));
    if (state->state == RC_STATE_OK) return;
    note(judging, rc_arena_sprintf(arena, "HR is not read at the moment, so newer changes are not known: %s",
                                   state->reason ? state->reason : rc_enum_str(&RC_ENUM_STATE, (int)state->state)));
    type_next(judging, PRODUCER, "status", "", "since when, and what to do about it");
}

static void judge_what_is_in_step(const judging_t *judging)
{
    const rc_trace_facts_t *facts = judging->facts;
    if (!facts->has_snapshot && !facts->has_pending && facts->events.count > 0)
        note(judging, "they were forgotten: only events that Kafka still keeps speak of them");
    if (facts->has_snapshot && facts->snapshot.presence == RC_PRESENCE_GONE && !facts->trouble)
        note(judging, facts->has_user ? "they have left, and their user is deactivated"
                                      : "they have left, and Learn Amp has no user of theirs");
    if (facts->has_ledger[RC_EVENT_CREATED] && facts->ledger[RC_EVENT_CREATED].outcome == RC_OUTCOME_WITHOUT_MANAGER)
        note(judging, "all but the manager, who is no active user of Learn Amp");
}

rc_trace_verdict_t rc_trace_judge(const rc_trace_facts_t *facts, rc_arena_t *arena)
{
    rc_trace_verdict_t verdict = {.kind = RC_TRACE_IN_STEP};
    const judging_t judging = {facts, arena, &verdict};
    judge_letters(&judging);
    judge_parked(&judging);
    for (size_t i = 0; i < facts->events.count; i++)
        if (rc_trace_event_waits(facts, &facts->events.items[i])) judge_event(&judging, &facts->events.items[i]);
    judge_what_is_lost(&judging);
    bool on_its_way = verdict.because_count > 0; /* then Learn Amp may differ, and that is why */
    judge_pending(&judging);
    if (facts->unreadable) because(&judging, facts->unreadable);
    if (!on_its_way || facts->trouble) judge_user(&judging);
    judge_integration(&judging);
    if (verdict.kind == RC_TRACE_IN_STEP) judge_what_is_in_step(&judging);
    return verdict;
}
