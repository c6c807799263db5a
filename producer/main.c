/* rollcall-producer: the command line. */
#include "common/cli.h"
#include "producer/commands/commands.h"

static const rc_cli_command_t COMMANDS[] = {
    {.name = "run",
     .summary = "poll Kombo and publish employee events until stopped",
     .details =
         "Any number of producers share the integrations among them; a rebalance hands them over. Two processes on one "
         "host need two --instance names.",
     .example = "run\nrun --instance second --listen 127.0.0.1:0",
     .options = RC_OPT(INSTANCE) | RC_OPT(LISTEN),
     .run = rc_producer_run,
     .is_service = true},
    {.name = "plan",
     .summary = "preview the next poll: who would be created, changed, deactivated",
     .details =
         "Polls as the next `once` would, and prints what that would publish, field by field, who waits and why, and "
         "what a brake would hold. Writes nothing: no topic, no offset, no file that stays. Works beside a running "
         "service, and on a cluster that has no topics yet. Exits with 1 when HR could not be read, 3 when something "
         "would be held.",
     .example = "plan\nplan --integration personio:CBNMt7dSNCzBdnRTx87dev4E --full --json",
     .options = RC_OPT(INSTANCE) | RC_OPT(INTEGRATION) | RC_OPT(FULL) | RC_OPT(JSON) | RC_OPT(WAIT),
     .run = rc_producer_plan},
    {.name = "once",
     .summary = "poll everything once, then exit",
     .details =
         "While services run, they are asked to poll, and the command waits for their answer; else it polls by itself. "
         "Exits with 1 when a poll failed, 3 when something is held.",
     .example = "once\nonce --integration personio:CBNMt7dSNCzBdnRTx87dev4E --full",
     .options = RC_OPT(INSTANCE) | RC_OPT(INTEGRATION) | RC_OPT(FULL) | RC_OPT(JSON) | RC_OPT(WAIT),
     .run = rc_producer_once},
    {.name = "status",
     .summary = "what is in step, what waits and why, and what to do about it",
     .details =
         "Reads the topics alone, so it works beside running producers and on any machine. With --hold: everybody "
         "in that hold and what would change; more than 40 people are grouped by what changes (--json has them "
         "one by one). Exits with 3 when something is held.",
     .example = "status\nstatus --integration personio:CBNMt7dSNCzBdnRTx87dev4E --json\nstatus --hold H",
     .options = RC_OPT(INTEGRATION) | RC_OPT(HOLD) | RC_OPT(JSON),
     .run = rc_producer_status},
    {.name = "approve",
     .summary = "publish the changes that a hold lists",
     .details =
         "Shows who they are and asks on a terminal (--yes: does not; without a terminal nothing is asked). Published "
         "is "
         "exactly what was listed, as far as it still stands, and it does not count for the brake; who joins the hold "
         "meanwhile goes to a new one.",
     .example = "approve --integration personio:CBNMt7dSNCzBdnRTx87dev4E --hold deactivations-1a2b3c",
     .options = RC_OPT(INSTANCE) | RC_OPT(YES) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION) | RC_OPT(HOLD),
     .run = rc_producer_approve},
    {.name = "reject",
     .summary = "keep the people whom a hold lists as they are",
     .details =
         "Shows who they are and asks, like approve. A rejected deactivation returns only when status, leave date "
         "or presence changes, another change only when a field of its class does.",
     .example = "reject --integration personio:CBNMt7dSNCzBdnRTx87dev4E --hold deactivations-1a2b3c",
     .options = RC_OPT(INSTANCE) | RC_OPT(YES) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION) | RC_OPT(HOLD),
     .run = rc_producer_reject},
    {.name = "pause",
     .summary = "the stop button: publish and apply nothing more, of some types or of all",
     .details =
         "Takes effect between two transactions, and at once in running consumers. It works when no producer runs "
         "as well, and lasts until resume. Polling goes on, and changes wait.",
     .example = "pause --integration personio:CBNMt7dSNCzBdnRTx87dev4E\n"
                "pause --integration personio:CBNMt7dSNCzBdnRTx87dev4E --events deactivated",
     .options = RC_OPT(INSTANCE) | RC_OPT(EVENTS) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION),
     .run = rc_producer_pause},
    {.name = "resume",
     .summary = "end a pause",
     .details = "What waited is decided at once; the brakes apply to it as to everything else.",
     .example = "resume --integration personio:CBNMt7dSNCzBdnRTx87dev4E",
     .options = RC_OPT(INSTANCE) | RC_OPT(EVENTS) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION),
     .run = rc_producer_resume},
    {.name = "resync",
     .summary = "publish the current state of everybody, or of one employee, again",
     .details =
         "For a Learn Amp that was wiped or changed by hand, and for new subscribers: Created or Deactivated with "
         "reason RESYNC and a new version. Nobody is invited, the brakes do not count it, and what waits waits on. "
         "Asks on a terminal when it is everybody.",
     .example = "resync --integration personio:CBNMt7dSNCzBdnRTx87dev4E\n"
                "resync --integration personio:CBNMt7dSNCzBdnRTx87dev4E --employee 26vafvWSRmbhNcxJYqjCzuJg",
     .options = RC_OPT(INSTANCE) | RC_OPT(EMPLOYEE) | RC_OPT(YES) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION),
     .run = rc_producer_resync},
    {.name = "forget",
     .summary = "erase somebody who has left from snapshots, pending changes and ledger",
     .details = "Refuses who is employed. Events, parked records and dead letters stay until their retention is over. "
                "producer.forget_after does it by itself.",
     .example = "forget --integration personio:CBNMt7dSNCzBdnRTx87dev4E --employee 26vafvWSRmbhNcxJYqjCzuJg",
     .options = RC_OPT(INSTANCE) | RC_OPT(YES) | RC_OPT(JSON) | RC_OPT(WAIT),
     .required = RC_OPT(INTEGRATION) | RC_OPT(EMPLOYEE),
     .run = rc_producer_forget},
    {.name = "topics",
     .summary = "create the topics that are missing, and check all",
     .details = "Also when kafka.create_topics is off. What is there is never altered: a mismatch is shown with what "
                "mends it. Exits with 1 when a topic does not fit.",
     .example = "topics",
     .options = RC_OPT(JSON),
     .run = rc_producer_topics},
    {.name = "check",
     .summary = "reach every service once, and say what is wrong",
     .details =
         "The configuration, Kafka and its topics, the schema registry, and Kombo for each integration, all side by "
         "side. Nothing is changed. Exits with 1 when something is wrong.",
     .example = "check\ncheck --integration personio:CBNMt7dSNCzBdnRTx87dev4E --json",
     .options = RC_OPT(INTEGRATION) | RC_OPT(JSON),
     .run = rc_producer_check},
    {.name = "config",
     .summary = "print the effective configuration, secrets masked",
     .details = "Values that the file leaves out are marked as defaults.",
     .example = "config\nconfig --reference",
     .options = RC_OPT(REFERENCE),
     .run = rc_cli_run_config},
    {.name = NULL},
};

static const rc_cli_program_t PROGRAM = {.name = "rollcall-producer",
                                         .summary = "polls Kombo and publishes employee events to Kafka",
                                         .commands = COMMANDS,
                                         .metrics = RC_METRICS_PRODUCER};

int main(int argc, char **argv)
{
    return rc_cli_main(&PROGRAM, argc, argv);
}
