/* rollcall-consumer: the command line. */
#include "common/cli.h"
#include "consumer/commands/commands.h"

static const rc_cli_command_t COMMANDS[] = {
    {.name = "run",
     .summary = "apply employee events to Learn Amp until stopped",
     .details =
         "Each event type is a lane with its own consumer group; lanes can run together in one process or apart in "
         "several, and every lane in any number of processes. Two processes on one host need two --instance names.",
     .example = "run\nrun --events deactivated --instance leavers",
     .options = RC_OPT(INSTANCE) | RC_OPT(LISTEN) | RC_OPT(EVENTS),
     .run = rc_consumer_run},
    {.name = "check",
     .summary = "reach every service once, and say what is wrong",
     .details = "The configuration, Kafka and its topics, the schema registry, and Learn Amp for each integration, all "
                "side by "
                "side. Nothing is changed. Exits with 1 when something is wrong.",
     .example = "check\ncheck --integration personio:CBNMt7dSNCzBdnRTx87dev4E --json",
     .options = RC_OPT(INTEGRATION) | RC_OPT(JSON),
     .run = rc_consumer_check},
    {.name = "replay",
     .summary = "bring everybody since a time over once more, with the consumers stopped",
     .details =
         "Moves the lanes of --events back to the first event since --since, and marks in the ledger whom that "
         "concerns: "
         "when the consumers start again, each of these people is brought to the newest published state once, and "
         "nobody is invited. With --integration the other integrations' people are passed over.\n"
         "It acts at once, after it has said what it does. It refuses while a consumer reads any of these lanes; one "
         "that was stopped counts until its session is over, which it waits for (--wait). If it fails, type the same "
         "again.",
     .example = "replay --events created,profile-updated,team-changed,deactivated --since 2026-11-22T16:00:00Z\n"
                "replay --events created --since 3d --integration personio:CBNMt7dSNCzBdnRTx87dev4E",
     .options = RC_OPT(INTEGRATION) | RC_OPT(WAIT) | RC_OPT(JSON),
     .required = RC_OPT(EVENTS) | RC_OPT(SINCE),
     .run = rc_consumer_replay},
    {.name = "config",
     .summary = "print the effective configuration, secrets masked",
     .details = "Values that the file leaves out are marked as defaults.",
     .example = "config",
     .options = RC_OPT(REFERENCE),
     .run = rc_cli_run_config},
    {.name = NULL},
};

static const rc_cli_program_t PROGRAM = {.name = "rollcall-consumer",
                                         .summary = "applies employee events from Kafka to Learn Amp",
                                         .commands = COMMANDS,
                                         .metrics = RC_METRICS_CONSUMER};

int main(int argc, char **argv)
{
    return rc_cli_main(&PROGRAM, argc, argv);
}
