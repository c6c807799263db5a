#include "producer/commands/holds/hold.h"

#include <string.h>

#include "common/suggest.h"
#include "common/text.h"
#include "common/words.h"
#include "producer/commands/holds/held.h"
#include "producer/commands/overview.h"
#include "producer/commands/words.h"

static bool find(const rc_overview_t *overviews, size_t count, const char *id, rc_open_hold_t *open)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < overviews[i].state.hold_count; k++)
            if (strcmp(overviews[i].state.holds[k].id, id) == 0) {
                *open = (rc_open_hold_t){.overview = &overviews[i], .hold = &overviews[i].state.holds[k]};
                return true;
            }
    return false;
}

/* A hold ends by itself when nothing in it stands any more: that is the likeliest reason for not finding it. */
static rc_exit_t complain(const rc_args_t *args, const rc_overview_t *overviews, size_t count)
{
    rc_suggest_t suggest = RC_SUGGEST_INIT(args->hold);
    bool any = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < overviews[i].state.hold_count; k++) {
            rc_suggest_offer(&suggest, overviews[i].state.holds[k].id);
            any = true;
        }
    const char *mend = suggest.best ? "did you mean " : "`rollcall-producer status` lists those that are open";
    if (!any) mend = "nothing is held now: it was decided, or ended by itself because nothing in it stood any more";
    return rc_cli_fail(args, any ? RC_EXIT_USAGE : RC_EXIT_FAILED, "--hold: there is no hold %s; %s%s%s", args->hold,
                       mend, any && suggest.best ? suggest.best : "", any && suggest.best ? "?" : "");
}

rc_exit_t rc_hold_find(rc_reading_t *reading, const rc_args_t *args, rc_arena_t *arena, rc_open_hold_t *open)
{
    rc_overview_t *overviews = NULL;
    rc_held_t *held = NULL;
    size_t count = 0;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_reading_overviews(reading, args->integration, arena, &overviews, &count, &error) != RC_OK)
        return rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    if (!find(overviews, count, args->hold, open)) return complain(args, overviews, count);
    if (rc_reading_held(reading, open->overview->integration->id, args->hold, arena, &held, &open->count, &error) !=
        RC_OK)
        return rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    open->held = held;
    return RC_EXIT_DONE;
}

/* Who is in two holds is published when both are approved. */
static void print_others(const rc_open_hold_t *open, FILE *stream)
{
    const rc_sync_state_t *state = &open->overview->state;
    for (size_t i = 0; i < state->hold_count; i++) {
        size_t both = 0;
        if (&state->holds[i] == open->hold) continue;
        for (size_t k = 0; k < open->count; k++)
            for (size_t n = 0; n < open->held[k].pending.hold_count; n++)
                both += rc_text_equal(open->held[k].pending.holds[n].hold_id, state->holds[i].id);
        if (both > 0)
            (void)fprintf(stream, "\n%zu of them wait in %s too, and are published when both are approved.\n", both,
                          state->holds[i].id);
    }
}

void rc_hold_print(const rc_open_hold_t *open, const rc_args_t *args, FILE *stream)
{
    rc_arena_t *arena = rc_arena_new();
    const rc_integration_t *integration = open->overview->integration;
    rc_wall_t now = rc_wall_now();
    const char *config = rc_say_config(arena, rc_cli_given_config(args));
    rc_report_t *report = rc_held_report(integration, open->held, open->count, now);
    (void)fprintf(stream, "%s: %s held for a person to decide, since %s (%s); %lld would have passed.\n\n",
                  rc_words_integration(arena, integration), rc_say_held(arena, (int64_t)open->count, open->hold->brake),
                  rc_words_minute(arena, open->hold->since), rc_words_distance(arena, open->hold->since, now),
                  (long long)open->hold->limit);
    rc_report_print(report, stream, "nobody is in it any more: it ends with the next poll or tick");
    print_others(open, stream);
    if (open->count > RC_HELD_LINES)
        (void)fprintf(stream, "\nEverybody, one by one:\n  rollcall-producer status --hold %s%s --json\n",
                      open->hold->id, config);
    rc_report_free(report);
    rc_arena_free(arena);
}

void rc_hold_print_next(const rc_open_hold_t *open, const rc_args_t *args, FILE *stream)
{
    static const char *const decisions[][2] = {
        {"approve", "publishes exactly these changes, as far as they still stand"},
        {"reject", "keeps these people as they are"}};
    rc_arena_t *arena = rc_arena_new();
    (void)fprintf(stream, "\n");
    for (size_t i = 0; i < 2; i++)
        (void)fprintf(stream, "  rollcall-producer %s --integration %s --hold %s%s    # %s\n", decisions[i][0],
                      open->overview->integration->id, open->hold->id, rc_say_config(arena, rc_cli_given_config(args)),
                      decisions[i][1]);
    rc_arena_free(arena);
}
