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
     .run = rc_consumer_run,
     .is_service = true},
    {.name = "plan",
     .summary = "say what the next run would do at Learn Amp, and do nothing",
     .details =
         "Takes every event that no consumer has finished yet, those in the retry topics too, looks everything up at "
         "Learn Amp, and goes through the rules up to the first write: who would be created, adopted, updated, "
         "reactivated or deactivated, who collides with whom, and which teams would be made; and who is active at "
         "Learn "
         "Amp and unknown in HR. It joins no group, commits nothing and writes nothing.\n"
         "Before a customer's first import: rollcall-producer once publishes it, plan shows what would become of it, "
         "and nothing happens until rollcall-consumer run.",
     .example = "plan\nplan --integration personio:CBNMt7dSNCzBdnRTx87dev4E --json",
     .options = RC_OPT(INTEGRATION) | RC_OPT(JSON) | RC_OPT(WAIT),
     .run = rc_consumer_plan},
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
    {.name = "trace",
     .summary = "tell one employee's story: published, applied, parked, why not",
     .details = "By the HR system's id or by e-mail address. What was published of them, what each lane did with it, "
                "what waits "
                "and why, what was dead-lettered, and what Learn Amp shows now, in the order of time; then whether "
                "they are in "
                "step, and what to type if not. Exits with 1 when nobody is known by that name.",
     .example = "trace --employee asa.makinen@acme.example\n"
                "trace --integration personio:CBNMt7dSNCzBdnRTx87dev4E --employee 2dzRiz6mB3wKgtBAtEC9ve5m",
     .options = RC_OPT(INTEGRATION) | RC_OPT(JSON),
     .required = RC_OPT(EMPLOYEE),
     .run = rc_consumer_trace,
     .by_address = true},
    {.name = "dlq list",
     .summary = "list the dead letters that wait for a person",
     .details =
         "Events that Learn Amp refused, or that nobody could read, lie in the dead-letter topic until a person has "
         "mended what is wrong. Those that were tried once more, or that a newer event made superfluous, are not "
         "listed.",
     .example = "dlq list\ndlq list --integration personio:CBNMt7dSNCzBdnRTx87dev4E --reason REJECTED --since 2d",
     .options = RC_OPT(INTEGRATION) | RC_OPT(EMPLOYEE) | RC_OPT(REASON) | RC_OPT(SINCE) | RC_OPT(JSON),
     .run = rc_consumer_dlq_list},
    {.name = "dlq show",
     .summary = "show all about one dead letter",
     .details =
         "Why it was dead-lettered, what became of it, what was to be written, and its headers; of what cannot be "
         "read, the first bytes. The place is that of `dlq list`.",
     .example = "dlq show --offset 3:17",
     .options = RC_OPT(JSON),
     .required = RC_OPT(OFFSET),
     .run = rc_consumer_dlq_show},
    {.name = "dlq replay",
     .summary = "send dead letters once more, when what was wrong is mended",
     .details =
         "Each record goes unchanged into the first retry topic, each person's oldest first; the running consumers do "
         "with it as they would have, invitation included, and bring the person to their newest state. Those that were "
         "sent before are left out, so it does no harm to type it twice. Without --apply nothing is changed.",
     .example = "dlq replay\ndlq replay --integration personio:CBNMt7dSNCzBdnRTx87dev4E --reason REJECTED --apply\n"
                "dlq replay --offset 3:17 --apply",
     .options = RC_OPT(INTEGRATION) | RC_OPT(EMPLOYEE) | RC_OPT(REASON) | RC_OPT(SINCE) | RC_OPT(OFFSET) |
                RC_OPT(APPLY) | RC_OPT(JSON),
     .run = rc_consumer_dlq_replay},
    {.name = "audit",
     .summary = "compare Learn Amp with what was published, person by person and field by field",
     .details =
         "Every published person is compared with their user at Learn Amp: mapped fields, manager and teams, and "
         "whether who is gone is deactivated. Who waits for a day or is held is compared with what was published, not "
         "with HR. Avatar and leave date are left out, and custom fields where the service does not show them. What "
         "differs is looked at again, because things move meanwhile; a change that is on its way is said so.\n"
         "--repair changes nothing at Learn Amp itself: it writes a record for each of them into the first retry "
         "topic, and the running consumers bring them to the newest published state. Nobody is invited by it.\n"
         "Exits with 3 when something differs.",
     .example = "audit --integration personio:CBNMt7dSNCzBdnRTx87dev4E\naudit --integration "
                "personio:CBNMt7dSNCzBdnRTx87dev4E --repair",
     .options = RC_OPT(INTEGRATION) | RC_OPT(REPAIR) | RC_OPT(JSON) | RC_OPT(WAIT),
     .run = rc_consumer_audit},
    {.name = "undo",
     .summary = "put back what the sync did to users since a time",
     .details =
         "For everybody of whom something was published since --since, the state before it is worked out from the "
         "events "
         "on Kafka, and compared with Learn Amp: who was deactivated is reactivated, with teams and fields; changed "
         "fields and teams are put back. Nobody is deactivated or created, so whoever came since stays.\n"
         "Without --apply it only says what it would do. With it the integration must be paused, because the sync "
         "would "
         "do everything again. Typing it again goes on with who is left.\n"
         "Learn Amp does not give back what a deactivation destroys: tasks, event enrolments, objectives and key "
         "results; "
         "and an invitation cannot be taken back. Avatar, leave date and custom fields are written and cannot be "
         "compared.",
     .example = "undo --integration personio:CBNMt7dSNCzBdnRTx87dev4E --since 2026-11-22T16:00:00Z\n"
                "undo --integration personio:CBNMt7dSNCzBdnRTx87dev4E --since 2h --apply",
     .options = RC_OPT(EMPLOYEE) | RC_OPT(APPLY) | RC_OPT(WAIT) | RC_OPT(JSON),
     .required = RC_OPT(INTEGRATION) | RC_OPT(SINCE),
     .run = rc_consumer_undo},
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
