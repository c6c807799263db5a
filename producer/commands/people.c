/* resync and forget: what is done with people who are published already. */
#include <stdio.h>

#include "common/words.h"
#include "producer/commands/commands.h"
#include "producer/commands/confirm.h"
#include "producer/commands/overview.h"
#include "producer/commands/tell.h"

/* A whole company takes its time; and who takes over from a producer that died goes on with it. */
enum { RESYNC_WAIT_MS = 10 * 60000, RESYNC_STANDS_MS = 3600 * 1000 };

/* --- resync --- */

static rc_exit_t resync(rc_tell_t *tell)
{
    rc_overview_t overview;
    rc_exit_t code = RC_EXIT_DONE;
    const rc_args_t *args = tell->args;
    if (!args->employee) {
        if (!rc_tell_read(tell, &overview, &code)) return code;
        if (!rc_confirm(args, rc_arena_sprintf(tell->arena,
                                               "Publish all of %s again, %lld announced people? Consumers write "
                                               "each of them once more; nobody is invited.",
                                               rc_words_integration(tell->arena, tell->integration),
                                               (long long)overview.state.announced)))
            return rc_cli_fail(args, RC_EXIT_FAILED, "not confirmed; nothing was published");
    }
    rc_command_t command = {
        .kind = RC_COMMAND_RESYNC, .employee_id = args->employee, .expires_at = {rc_wall_now().ms + RESYNC_STANDS_MS}};
    code = rc_tell(tell, &command);
    if (code != RC_EXIT_DONE) return code;
    if (args->json) {
        rc_tell_print_json(tell, NULL);
        return RC_EXIT_DONE;
    }
    printf("%s: %s.\n", rc_words_integration(tell->arena, tell->integration), tell->answer.message);
    printf(
        "Consumers bring each of these people to this state once: who is missing at Learn Amp is created, without an "
        "invitation; what was changed there by hand is changed back; who has left is deactivated.\n"
        "Changes that wait (holds, pauses, missing addresses) wait on.\n");
    printf("\n  rollcall-consumer audit --integration %s%s    # afterwards: whether Learn Amp equals HR\n",
           tell->integration->id, tell->config_words);
    return RC_EXIT_DONE;
}

rc_exit_t rc_producer_resync(const rc_args_t *args)
{
    rc_args_t patient = *args;
    if (!(args->given & RC_OPT(WAIT))) patient.wait_ms = RESYNC_WAIT_MS;
    return rc_tell_run(&patient, resync);
}

/* --- forget --- */

static void print_what_stays(const rc_tell_t *tell)
{
    const rc_config_t *config = tell->config;
    char events[RC_TIME_STR_SIZE], retry[RC_TIME_STR_SIZE], dead[RC_TIME_STR_SIZE];
    printf("%s: employee %s is erased from snapshots, pending changes and the ledger of %s.\n",
           rc_words_integration(tell->arena, tell->integration), tell->args->employee, config->consumer.application);
    printf("What stays until Kafka drops it: events for %s, parked records for %s, dead letters for %s; the compacted "
           "topics lose the old records when they are compacted next.\n",
           rc_duration_str(config->kafka.retention.events_ms, events),
           rc_duration_str(config->kafka.retention.retry_ms, retry),
           rc_duration_str(config->kafka.retention.dead_letters_ms, dead));
    printf("At Learn Amp the user stays deactivated; its interface deletes nobody. Should HR employ this person again, "
           "they are created anew, and nothing older is ever applied.\n");
}

static rc_exit_t forget(rc_tell_t *tell)
{
    const rc_args_t *args = tell->args;
    rc_command_t command = {.kind = RC_COMMAND_FORGET, .employee_id = args->employee};
    if (!rc_confirm(args, rc_arena_sprintf(tell->arena, "Erase employee %s of %s? This cannot be taken back.",
                                           args->employee, rc_words_integration(tell->arena, tell->integration))))
        return rc_cli_fail(args, RC_EXIT_FAILED, "not confirmed; nothing was erased");
    rc_exit_t code = rc_tell(tell, &command);
    if (code != RC_EXIT_DONE) return code;
    if (args->json)
        rc_tell_print_json(tell, json_pack("{s:s}", "employee_id", args->employee));
    else
        print_what_stays(tell);
    return RC_EXIT_DONE;
}

rc_exit_t rc_producer_forget(const rc_args_t *args)
{
    return rc_tell_run(args, forget);
}
