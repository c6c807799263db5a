/* rollcall-consumer: the command line. */
#include "common/cli.h"
#include "consumer/commands.h"

static const rc_cli_command_t COMMANDS[] = {
    {.name = "run",
     .summary = "apply employee events to Learn Amp until stopped",
     .details =
         "Each event type is a lane with its own consumer group; lanes can run together in one process or apart in "
         "several, and every lane in any number of processes. Two processes on one host need two --instance names.",
     .example = "run\nrun --events deactivated --instance leavers",
     .options = RC_OPT(INSTANCE) | RC_OPT(LISTEN) | RC_OPT(EVENTS),
     .run = rc_consumer_run},
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
