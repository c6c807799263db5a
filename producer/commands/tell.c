#include "producer/commands/tell.h"

#include <stdio.h>
#include <stdlib.h>

#include "producer/commands/overview.h"
#include "producer/commands/words.h"

rc_exit_t rc_tell_run(const rc_args_t *args, rc_exit_t (*work)(rc_tell_t *tell))
{
    rc_tell_t tell = {.args = args, .arena = rc_arena_new()};
    rc_exit_t code = rc_cli_config(args, &tell.config);
    if (code == RC_EXIT_DONE) {
        tell.integration = rc_config_find(tell.config, args->integration);
        tell.config_words = rc_say_config(tell.arena, rc_cli_given_config(args));
        code = work(&tell);
    }
    rc_config_free(tell.config);
    rc_arena_free(tell.arena);
    return code;
}

bool rc_tell_read(rc_tell_t *tell, rc_overview_t *overview, rc_exit_t *exit)
{
    rc_reading_t *reading = NULL;
    rc_overview_t *overviews = NULL;
    size_t count = 0;
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_reading_new(tell->config, NULL, &reading, &error);
    if (code == RC_OK)
        code = rc_reading_overviews(reading, tell->integration->id, tell->arena, &overviews, &count, &error);
    rc_reading_free(reading);
    if (code == RC_OK)
        *overview = overviews[0];
    else
        *exit = rc_cli_fail(tell->args, RC_EXIT_FAILED, "%s", error.message);
    return code == RC_OK;
}

rc_exit_t rc_tell(rc_tell_t *tell, rc_command_t *command)
{
    rc_error_t error = RC_ERROR_INIT;
    command->integration_id = tell->integration->id;
    command->trigger = RC_TRIGGER_COMMAND;
    if (rc_act(tell->args, tell->config, command, 1, tell->arena, &tell->answer, &error) != RC_OK)
        return rc_cli_fail(tell->args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    if (!tell->answer.ok) return rc_cli_fail(tell->args, RC_EXIT_FAILED, "%s", tell->answer.message);
    return RC_EXIT_DONE;
}

void rc_tell_print_json(const rc_tell_t *tell, json_t *more)
{
    json_t *document = json_object();
    rc_json_put_str(document, "integration_id", tell->integration->id);
    if (*tell->answer.message) rc_json_put_str(document, "message", tell->answer.message);
    if (more) (void)json_object_update(document, more);
    rc_json_print(document);
    json_decref(more);
}
