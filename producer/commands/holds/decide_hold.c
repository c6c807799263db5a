/* approve and reject. */
#include <stdio.h>

#include "producer/commands/commands.h"
#include "producer/commands/confirm.h"
#include "producer/commands/holds/hold.h"
#include "producer/commands/overview.h"
#include "producer/commands/tell.h"
#include "producer/commands/words.h"

/* Shows who it is about, and asks. */
static bool is_meant(const rc_tell_t *tell, const rc_open_hold_t *open, bool approve)
{
    if (!tell->args->json) rc_hold_print(open, tell->args, stdout);
    (void)fflush(stdout);
    return rc_confirm(tell->args, rc_arena_sprintf(tell->arena,
                                                   approve ? "Publish these %zu changes, as far as they still stand?"
                                                           : "Keep these %zu people as they are?",
                                                   open->count));
}

static void print_result(const rc_tell_t *tell, const rc_hold_t *hold, bool approve)
{
    const rc_sync_state_t *state = &tell->answer.state;
    printf("\n%s: %s.\n", hold->id, *tell->answer.message ? tell->answer.message : "decided");
    if (approve)
        printf(
            "Approved changes are published now, and do not count for the brake; who is in another hold as well waits "
            "for that.\n");
    else
        printf("They stay as they are until something else about them changes in the HR system.\n");
    if (!state->hold_count) {
        printf("Nothing else is held.\n");
        return;
    }
    printf("What is held now:\n");
    for (size_t i = 0; i < state->hold_count; i++)
        printf("  rollcall-producer status --integration %s --hold %s%s    # %lld %s\n", tell->integration->id,
               state->holds[i].id, tell->config_words, (long long)state->holds[i].employees,
               rc_say_brake(tell->arena, state->holds[i].brake));
}

static void print_result_json(const rc_tell_t *tell, const rc_hold_t *hold)
{
    json_t *more = json_object(), *holds = json_array();
    rc_json_put_str(more, "hold_id", hold->id);
    for (size_t i = 0; i < tell->answer.state.hold_count; i++)
        (void)json_array_append_new(holds, rc_overview_hold_json(&tell->answer.state.holds[i]));
    (void)json_object_set_new(more, "holds", holds);
    rc_tell_print_json(tell, more);
}

static rc_exit_t decide(rc_tell_t *tell, bool approve)
{
    rc_open_hold_t open;
    rc_reading_t *reading = NULL;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_reading_new(tell->config, NULL, &reading, &error) != RC_OK)
        return rc_cli_fail(tell->args, RC_EXIT_FAILED, "%s", error.message);
    rc_exit_t code = rc_hold_find(reading, tell->args, tell->arena, &open);
    rc_reading_free(reading);
    if (code != RC_EXIT_DONE) return code;
    if (!is_meant(tell, &open, approve))
        return rc_cli_fail(tell->args, RC_EXIT_FAILED, "not confirmed; nothing was changed");
    /* Who joins from now on was not listed, and goes to a hold of their own. */
    rc_command_t command = {.kind = approve ? RC_COMMAND_APPROVE : RC_COMMAND_REJECT,
                            .hold_id = open.hold->id,
                            .listed_at = open.hold->changed_at.ms ? open.hold->changed_at : open.hold->since};
    code = rc_tell(tell, &command);
    if (code != RC_EXIT_DONE) return code;
    if (tell->args->json)
        print_result_json(tell, open.hold);
    else
        print_result(tell, open.hold, approve);
    return RC_EXIT_DONE;
}

static rc_exit_t approve(rc_tell_t *tell)
{
    return decide(tell, true);
}

static rc_exit_t reject(rc_tell_t *tell)
{
    return decide(tell, false);
}

rc_exit_t rc_producer_approve(const rc_args_t *args)
{
    return rc_tell_run(args, approve);
}

rc_exit_t rc_producer_reject(const rc_args_t *args)
{
    return rc_tell_run(args, reject);
}
