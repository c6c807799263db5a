/* pause and resume: the stop button. Nothing is asked before: it is pressed in a hurry. */
#include <stdio.h>

#include "common/words.h"
#include "producer/commands/commands.h"
#include "producer/commands/overview.h"
#include "producer/commands/tell.h"
#include "producer/commands/words.h"

/* A pause that nobody answered is obeyed by whoever takes the integration over within this time. */
enum { PAUSE_STANDS_MS = 24 * 3600 * 1000 };

static void print_pause(const rc_tell_t *tell, uint32_t events, int64_t waiting)
{
    const uint32_t paused = tell->answer.state.paused, going_on = ((1U << RC_EVENT_COUNT) - 1) & ~paused;
    rc_arena_t *arena = tell->arena;
    printf("%s: %s is paused.\n", rc_words_integration(tell->arena, tell->integration), rc_words_events(arena, events));
    printf("Stops now: nothing of it is published, and consumers that run apply nothing of it any more; what Learn Amp "
           "has been sent already is done.\n");
    printf("Goes on: polling, and %s.\n", going_on ? rc_words_events(arena, going_on) : "nothing else");
    printf("%s because of a pause. A change with a paused part waits as a whole.\n",
           waiting == 0 ? "Nobody waits yet" : rc_say_waiting(arena, waiting));
    printf("\n  rollcall-producer resume --integration %s%s    # goes on\n", tell->integration->id, tell->config_words);
}

static void print_resumption(const rc_tell_t *tell, uint32_t events, int64_t waited)
{
    const rc_sync_state_t *state = &tell->answer.state;
    rc_arena_t *arena = tell->arena;
    printf("%s: %s goes on.\n", rc_words_integration(tell->arena, tell->integration), rc_words_events(arena, events));
    if (waited > 0)
        printf("%s waited because of a pause and %s decided at once; consumers apply what is there.\n",
               rc_report_people(arena, waited), waited == 1 ? "was" : "were");
    else
        printf("Nobody waited because of a pause; consumers apply what is there.\n");
    if (state->paused) {
        printf("Still paused: %s.\n", rc_words_events(arena, state->paused));
        printf("  rollcall-producer resume --integration %s%s    # everything\n", tell->integration->id,
               tell->config_words);
    }
    for (size_t i = 0; i < state->hold_count; i++)
        printf("Held by a brake: %s.\n  rollcall-producer status --integration %s --hold %s%s\n",
               rc_say_held(tell->arena, state->holds[i].employees, state->holds[i].brake), tell->integration->id,
               state->holds[i].id, tell->config_words);
}

static void print_json(const rc_tell_t *tell, int64_t waiting)
{
    json_t *more = json_object();
    (void)json_object_set_new(more, "paused",
                              rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, tell->answer.state.paused));
    (void)json_object_set_new(more, "waiting", json_integer(waiting));
    rc_tell_print_json(tell, more);
}

static rc_exit_t press(rc_tell_t *tell, bool pause)
{
    rc_overview_t overview = {.seen = false};
    rc_exit_t code = RC_EXIT_DONE;
    rc_command_t command = {.kind = pause ? RC_COMMAND_PAUSE : RC_COMMAND_RESUME, .events = tell->args->events};
    if (pause) command.expires_at.ms = rc_wall_now().ms + PAUSE_STANDS_MS;
    /* Those who wait for a pause to end are counted before it does. */
    if (!pause && !rc_tell_read(tell, &overview, &code)) return code;
    code = rc_tell(tell, &command);
    if (code != RC_EXIT_DONE && pause && !tell->answer.answered)
        (void)rc_cli_fail(
            tell->args, code,
            "if the command reached Kafka, it stands for 24 hours and is obeyed by the next producer that "
            "takes the integration over; until then stop the consumers to stop everything");
    if (code != RC_EXIT_DONE) return code;
    if (pause && !rc_tell_read(tell, &overview, &code)) return code;
    const int64_t waiting = overview.waiting[RC_PENDING_PAUSED];
    if (tell->args->json)
        print_json(tell, waiting);
    else
        (pause ? print_pause : print_resumption)(tell, command.events, waiting);
    return RC_EXIT_DONE;
}

static rc_exit_t stop(rc_tell_t *tell)
{
    return press(tell, true);
}

static rc_exit_t go_on(rc_tell_t *tell)
{
    return press(tell, false);
}

rc_exit_t rc_producer_pause(const rc_args_t *args)
{
    return rc_tell_run(args, stop);
}

rc_exit_t rc_producer_resume(const rc_args_t *args)
{
    return rc_tell_run(args, go_on);
}
