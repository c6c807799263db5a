/* The inside of common/cli: the table of options, what their values mean (common/cli_values.c), and help
 * (common/cli_help.c); common/cli_lines.c says what to type next. Private to common/cli*.c. */
#ifndef RC_COMMON_CLI_OPTION_H
#define RC_COMMON_CLI_OPTION_H

#include "common/cli.h"

typedef struct {
    const char *name;  /* "--json" */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
} rc_cli_option_t;

extern const rc_cli_option_t RC_CLI_TABLE[RC_OPTION_COUNT];

/* The options that a command takes: a bit set of RC_OPT(…). */
uint32_t rc_cli_allowed(const rc_cli_command_t *command);

/* Takes a value (NULL: the option has none) into *args. False: it is wrong, and that was said. */
bool rc_cli_set(rc_args_t *args, rc_option_t option, const char *value);

/* Whether it is a verb of that group: "dlq list" of "dlq". */
bool rc_cli_is_verb_of(const rc_cli_command_t *command, const char *group);

/* To standard output. */
void rc_cli_print_help(const rc_cli_program_t *program);
void rc_cli_print_group_help(const rc_cli_program_t *program, const char *group);
void rc_cli_print_command_help(const rc_cli_program_t *program, const rc_cli_command_t *command);

#endif
