#include "producer/commands/overview.h"

#include <string.h>

#include "common/words.h"
#include "producer/commands/words.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS, OVERDUE_MS = 5 * MINUTE_MS };

/* --- words --- */

static const char *const STATES[RC_STATE_COUNT] = {[RC_STATE_OK] = "in step",
                                                   [RC_STATE_RETRYING] = "trying again",
                                                   [RC_STATE_NEEDS_CUSTOMER] = "needs the customer",
                                                   [RC_STATE_MISCONFIGURED] = "misconfigured"};

static const char *const REASONS[RC_PENDING_COUNT] = {[RC_PENDING_NO_EMAIL] = "no e-mail address",
                                                      [RC_PENDING_NO_NAME] = "no name",
                                                      [RC_PENDING_EMAIL_COLLISION] = "address taken",
                                                      [RC_PENDING_NOT_YET] = "not yet",
                                                      [RC_PENDING_ABSENT_ONCE] = "absent once",
                                                      [RC_PENDING_HELD] = "held",
                                                      [RC_PENDING_REJECTED] = "rejected",
                                                      [RC_PENDING_PAUSED] = "paused"};

/* "3 no e-mail address, 1 held": people by reason; "" for nobody. */
static const char *words_waiting(rc_arena_t *arena, const int64_t waiting[RC_PENDING_COUNT])
{
    const char *words = "";
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++)
        if (waiting[reason] > 0)
            words = rc_words_join(arena, words, ", ",
                                  rc_arena_sprintf(arena, "%lld %s", (long long)waiting[reason], REASONS[reason]));
    return words;
}

/* --- the table --- */

rc_report_t *rc_overview_report(const rc_overview_t *overviews, size_t count, rc_wall_t now)
{
    rc_arena_t *arena = rc_arena_new();
    rc_report_t *report =
        rc_report_new("integration|name|state|last poll|>employees|>announced|~waiting|>holds|paused");
    for (size_t i = 0; i < count; i++) {
        const rc_overview_t *overview = &overviews[i];
        const rc_sync_state_t *state = &overview->state;
        const char *polled =
            state->last_poll.finished_at.ms ? rc_words_distance(arena, state->last_poll.finished_at, now) : "never";
        const char *cells[] = {overview->integration->id,
                               overview->integration->name,
                               overview->seen ? STATES[state->state] : "not polled yet",
                               polled,
                               rc_arena_sprintf(arena, "%lld", (long long)state->employees),
                               rc_arena_sprintf(arena, "%lld", (long long)state->announced),
                               words_waiting(arena, overview->waiting),
                               state->hold_count ? rc_arena_sprintf(arena, "%zu", state->hold_count) : "",
                               state->paused ? rc_words_events(arena, state->paused) : ""};
        rc_report_add(report, cells);
    }
    rc_arena_free(arena);
    return report;
}

/* --- what is wrong --- */

typedef struct {
    rc_arena_t *arena;
    rc_buf_t *text;
    rc_wall_t now;
    const char *config; /* as rc_say_config gives it */
    const rc_overview_t *overview;
} telling_t;

static void begin(const telling_t *telling)
{
    const rc_integration_t *integration = telling->overview->integration;
    rc_buf_add_format(telling->text, "\n%s: ", rc_words_integration(telling->arena, integration));
}

/* A command line for this integration, and what it does. */
static void type_next(const telling_t *telling, const char *command, const char *option, const char *what)
{
    rc_buf_add_str(telling->text,
                   rc_arena_sprintf(telling->arena, "  rollcall-producer %s --integration %s%s%s    # %s\n", command,
                                    telling->overview->integration->id, option, telling->config, what));
}

static void tell_state(const telling_t *telling)
{
    const rc_sync_state_t *state = &telling->overview->state;
    if (state->state == RC_STATE_OK) return;
    begin(telling);
    const char *reason = state->reason ? state->reason : "no reason was given";
    rc_buf_add_str(telling->text, rc_arena_sprintf(telling->arena, "%s: %s", STATES[state->state], reason));
    const char *then = state->next_poll_at.ms - telling->now.ms < MINUTE_MS
                           ? "within a minute"
                           : rc_words_distance(telling->arena, state->next_poll_at, telling->now);
    rc_buf_add_str(telling->text, rc_arena_sprintf(telling->arena, " (%lld in a row; the next try %s)\n",
                                                   (long long)state->failures, then));
    if (state->state == RC_STATE_MISCONFIGURED)
        type_next(telling, "check", "", "reaches every service and says what to mend; then start the producer again");
    else
        type_next(telling, "once", "",
                  state->state == RC_STATE_NEEDS_CUSTOMER ? "when the customer has mended it: polls at once"
                                                          : "polls at once");
}

static void tell_poll(const telling_t *telling)
{
    const rc_overview_t *overview = telling->overview;
    const rc_wall_t due = overview->state.next_poll_at;
    if (!overview->seen) {
        begin(telling);
        rc_buf_add_str(telling->text, "not polled yet; a running producer begins with it at once\n");
        type_next(telling, "once", "", "polls it, with or without a running producer");
    } else if (due.ms && telling->now.ms - due.ms > OVERDUE_MS) {
        begin(telling);
        rc_buf_add_str(telling->text,
                       rc_arena_sprintf(telling->arena,
                                        "the poll that was due %s has not ended; is a producer running?\n",
                                        rc_words_distance(telling->arena, due, telling->now)));
        type_next(telling, "once", "", "polls now, with or without a running producer");
    }
}

static void tell_hold(const telling_t *telling, const rc_hold_t *hold)
{
    rc_arena_t *arena = telling->arena;
    const char *option = rc_arena_sprintf(arena, " --hold %s", hold->id);
    begin(telling);
    rc_buf_add_str(telling->text,
                   rc_arena_sprintf(arena, "%s held for a person to decide, since %s (%s); %lld would have passed\n",
                                    rc_say_held(arena, hold->employees, hold->brake),
                                    rc_words_minute(arena, hold->since),
                                    rc_words_distance(arena, hold->since, telling->now), (long long)hold->limit));
    type_next(telling, "status", option, "who they are, and what would change");
    type_next(telling, "approve", option, "publishes them");
    type_next(telling, "reject", option, "keeps these people as they are");
}

static void tell_pause(const telling_t *telling)
{
    const rc_overview_t *overview = telling->overview;
    if (!overview->state.paused) return;
    int64_t waiting = overview->waiting[RC_PENDING_PAUSED];
    begin(telling);
    rc_buf_add_str(telling->text,
                   rc_arena_sprintf(telling->arena, "paused: %s; nothing of it is published or applied, %s for it\n",
                                    rc_words_events(telling->arena, overview->state.paused),
                                    waiting == 0 ? "nobody waits" : rc_say_waiting(telling->arena, waiting)));
    type_next(telling, "resume", "", "goes on");
}

/* Those for whom somebody in HR has to do something. */
static void tell_work(const telling_t *telling)
{
    const int64_t *waiting = telling->overview->waiting;
    int64_t work[RC_PENDING_COUNT] = {[RC_PENDING_NO_EMAIL] = waiting[RC_PENDING_NO_EMAIL],
                                      [RC_PENDING_NO_NAME] = waiting[RC_PENDING_NO_NAME],
                                      [RC_PENDING_EMAIL_COLLISION] = waiting[RC_PENDING_EMAIL_COLLISION]};
    const char *words = words_waiting(telling->arena, work);
    if (!*words) return;
    begin(telling);
    rc_buf_add_str(telling->text, rc_arena_sprintf(telling->arena, "to be mended in HR: %s\n", words));
    type_next(telling, "plan", "", "lists them, and what the next poll would publish");
}

void rc_overview_troubles(const rc_overview_t *overviews, size_t count, rc_wall_t now, const char *config,
                          rc_buf_t *text)
{
    rc_arena_t *arena = rc_arena_new();
    for (size_t i = 0; i < count; i++) {
        const telling_t telling = {arena, text, now, rc_say_config(arena, config), &overviews[i]};
        const rc_sync_state_t *state = &overviews[i].state;
        tell_state(&telling);
        tell_poll(&telling);
        for (size_t k = 0; k < state->hold_count; k++) tell_hold(&telling, &state->holds[k]);
        tell_pause(&telling);
        tell_work(&telling);
    }
    rc_arena_free(arena);
}

bool rc_overview_is_held(const rc_overview_t *overviews, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (overviews[i].state.hold_count > 0) return true;
    return false;
}

/* --- for programs --- */

json_t *rc_overview_poll_json(const rc_poll_report_t *poll)
{
    json_t *json = json_object();
    rc_json_put_wall(json, "started_at", poll->started_at);
    rc_json_put_wall(json, "finished_at", poll->finished_at);
    rc_json_put_str(json, "trigger", rc_enum_str(&RC_ENUM_TRIGGER, (int)poll->trigger));
    (void)json_object_set_new(json, "full", json_boolean(poll->full));
    (void)json_object_set_new(json, "read", json_integer(poll->read));
    (void)json_object_set_new(json, "events", json_integer(poll->events));
    return json;
}

json_t *rc_overview_hold_json(const rc_hold_t *hold)
{
    json_t *json = json_object();
    rc_json_put_str(json, "id", hold->id);
    rc_json_put_str(json, "class", rc_enum_str(&RC_ENUM_BRAKE, (int)hold->brake));
    rc_json_put_wall(json, "since", hold->since);
    rc_json_put_wall(json, "changed_at", hold->changed_at);
    (void)json_object_set_new(json, "employees", json_integer(hold->employees));
    (void)json_object_set_new(json, "limit", json_integer(hold->limit));
    return json;
}

static json_t *waiting_json(const int64_t waiting[RC_PENDING_COUNT])
{
    json_t *json = json_object();
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++)
        if (waiting[reason] > 0)
            (void)json_object_set_new(json, rc_enum_str(&RC_ENUM_PENDING, reason), json_integer(waiting[reason]));
    return json;
}

json_t *rc_overview_json(const rc_overview_t *overview)
{
    const rc_sync_state_t *state = &overview->state;
    json_t *json = json_object(), *holds = json_array();
    rc_json_put_str(json, "id", overview->integration->id);
    rc_json_put_str(json, "name", overview->integration->name);
    if (overview->seen) rc_json_put_str(json, "state", rc_enum_str(&RC_ENUM_STATE, (int)state->state));
    rc_json_put_str(json, "reason", overview->seen ? state->reason : "not polled yet");
    (void)json_object_set_new(json, "employees", json_integer(state->employees));
    (void)json_object_set_new(json, "announced", json_integer(state->announced));
    (void)json_object_set_new(json, "waiting", waiting_json(overview->waiting));
    rc_json_put_wall(json, "next_poll_at", state->next_poll_at);
    (void)json_object_set_new(json, "paused",
                              rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, state->paused));
    if (state->last_poll.started_at.ms)
        (void)json_object_set_new(json, "last_poll", rc_overview_poll_json(&state->last_poll));
    for (size_t i = 0; i < state->hold_count; i++)
        (void)json_array_append_new(holds, rc_overview_hold_json(&state->holds[i]));
    (void)json_object_set_new(json, "holds", holds);
    return json;
}
