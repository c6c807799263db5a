/* The command line of both programs: one table of options, one table of commands a program, and from them parsing,
 * --help, COMMAND --help, --version and the complaints. The main thread, at start. */
#ifndef RC_COMMON_CLI_H
#define RC_COMMON_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/metrics.h"

/* docs/cli.md */
typedef enum {
    RC_EXIT_DONE = 0,
    RC_EXIT_FAILED = 1,
    RC_EXIT_USAGE = 2, /* the command line or the configuration */
    RC_EXIT_HELD = 3   /* something is held (once, plan, status) or differs (audit) */
} rc_exit_t;

/* Every option of either program: id, name, what its value is called (NULL: none), help. */
/* clang-format off */
#define RC_CLI_OPTIONS(X) \
    X(CONFIG, "--config", "FILE", "the configuration (default " RC_CONFIG_DEFAULT_PATH ")") \
    X(INSTANCE, "--instance", "NAME", "this process among its kind, instead of the configured one") \
    X(LISTEN, "--listen", "HOST:PORT", "where to serve HTTP, instead of the configured address; port 0 picks one") \
    X(JSON, "--json", NULL, "print one JSON document instead of a table") \
    X(INTEGRATION, "--integration", "ID", "this integration only") \
    X(EMPLOYEE, "--employee", "ID", "this employee: Kombo's id (trace: or an e-mail address)") \
    X(EVENTS, "--events", "LIST", "event types, separated by commas: created, profile-updated, team-changed, deactivated") \
    X(FULL, "--full", NULL, "read everybody, not only what changed") \
    X(HOLD, "--hold", "ID", "the hold, as `status` lists it") \
    X(REASON, "--reason", "REASON", "dead letters of this reason only: REJECTED, IDENTITY_CONFLICT or POISON") \
    X(SINCE, "--since", "TIME", "from this time on: 2026-11-22T16:00:00Z, a day, or how long ago (2h)") \
    X(OFFSET, "--offset", "P:N", "the record at this partition and offset") \
    X(YES, "--yes", NULL, "do not ask on the terminal") \
    X(APPLY, "--apply", NULL, "do it; without it nothing is changed") \
    X(REPAIR, "--repair", NULL, "have the running consumers mend what differs") \
    X(REFERENCE, "--reference", NULL, "print the reference page of all settings instead") \
    X(WAIT, "--wait", "DURATION", "how long to wait for Kafka, and for an answer (default 60s)")
/* clang-format on */

typedef enum {
#define X(id, name, value, help) RC_OPTION_##id,
    RC_CLI_OPTIONS(X)
#undef X
        RC_OPTION_COUNT
} rc_option_t;

#define RC_OPT(id) (1u << RC_OPTION_##id)

/* What was given. Texts are borrowed from argv. */
typedef struct {
    uint32_t given;     /* bit set of RC_OPT(…) */
    const char *config; /* RC_CONFIG_DEFAULT_PATH when not given */
    const char *instance;
    const char *listen;
    bool json;
    const char *integration;
    const char *employee;
    uint32_t events; /* bit set of 1 << rc_event_type_t; all when not given */
    bool full;
    const char *hold;
    const char *reason;
    rc_wall_t since;
    int32_t partition;
    int64_t offset;
    bool yes;
    bool apply;
    bool repair;
    bool reference;
    int64_t wait_ms;
    const struct rc_cli_program *program;
    const struct rc_cli_command *command;
} rc_args_t;

typedef struct rc_cli_command {
    const char *name;    /* "run", "dlq list" */
    const char *summary; /* one line */
    const char *details; /* paragraphs for COMMAND --help; NULL: none */
    const char *example; /* what stands behind the program's name; NULL: none. Several are separated by '\n' */
    uint32_t options;    /* bit set of RC_OPT(…); --config belongs to every command */
    uint32_t required;
    rc_exit_t (*run)(const rc_args_t *args);
    bool is_service; /* it runs until it is stopped, and has a log rather than a result */
    bool by_address; /* --employee may be an e-mail address as well */
} rc_cli_command_t;

typedef struct rc_cli_program {
    const char *name;                 /* "rollcall-producer" */
    const char *summary;              /* one line */
    const rc_cli_command_t *commands; /* ends with a NULL name */
    int metrics;                      /* RC_METRICS_PRODUCER or …_CONSUMER: which program this is */
} rc_cli_program_t;

/* Parses, answers --help and --version itself, runs the command. Returns the process's exit code. */
int rc_cli_main(const rc_cli_program_t *program, int argc, char **argv);

/* Loads args->config, prints its problems to standard error, applies --instance and --listen, refuses an
 * --integration that it does not have, and opens the log. RC_EXIT_DONE and new (rc_config_free) in *config, or
 * RC_EXIT_USAGE. */
rc_exit_t rc_cli_config(const rc_args_t *args, rc_config_t **config);

/* Prints "PROGRAM: <text>" to standard error, with rc_cli_complete, and returns `code`, so that `return rc_cli_fail(…)`
 * reads well. */
rc_exit_t rc_cli_fail(const rc_args_t *args, rc_exit_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The integration that is asked about: that of --integration, or the only one there is. Borrows from the
 * configuration; NULL: there are several, and that was said (RC_EXIT_USAGE). */
const rc_integration_t *rc_cli_integration(const rc_args_t *args, const rc_config_t *config);

/* --config as it was typed; NULL: it was not. Borrows. */
const char *rc_cli_given_config(const rc_args_t *args);
/* What to type next: "PROGRAM <text>", with --config as it was given. `program` NULL: this one. Returns new (free). */
char *rc_cli_line(const rc_args_t *args, const char *program, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The text, whose commands between backticks bear --config as it was given, so that they can be typed as they stand:
 * messages are also made where nobody knows the command line. Returns new (free). */
char *rc_cli_complete(const rc_args_t *args, const char *text);
/* Prints such a line of this program, indented, and behind it what it does. */
void rc_cli_next(const rc_args_t *args, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The command `config` of both programs. */
rc_exit_t rc_cli_run_config(const rc_args_t *args);

#endif
