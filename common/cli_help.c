/* --help, from the tables of options and commands. */
#include <stdio.h>
#include <string.h>

#include "common/cli_option.h"

enum { INDENT = 2, HELP_COLUMN = 26, LINE_MAX_COLUMNS = 96 };

static void print_row(const char *left, const char *value, const char *help)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%s%s%s", left, value ? " " : "", value ? value : "");
    if (strlen(text) + INDENT < HELP_COLUMN)
        printf("%*s%-*s%s\n", INDENT, "", HELP_COLUMN - INDENT, text, help);
    else
        printf("%*s%s\n%*s%s\n", INDENT, "", text, HELP_COLUMN, "", help);
}

void rc_cli_print_help(const rc_cli_program_t *program)
{
    printf("%s: %s\n\nUsage: %s COMMAND [OPTION...]\n\nCommands:\n", program->name, program->summary, program->name);
    for (const rc_cli_command_t *command = program->commands; command->name; command++)
        print_row(command->name, NULL, command->summary);
    printf("\nOptions of every command:\n");
    print_row(RC_CLI_TABLE[RC_OPTION_CONFIG].name, RC_CLI_TABLE[RC_OPTION_CONFIG].value,
              RC_CLI_TABLE[RC_OPTION_CONFIG].help);
    print_row("--help", NULL, "say more about the command");
    print_row("--version", NULL, "print the release");
    printf("\nExit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 something is held or differs.\n");
}

bool rc_cli_is_verb_of(const rc_cli_command_t *command, const char *group)
{
    size_t length = strlen(group);
    return strncmp(command->name, group, length) == 0 && command->name[length] == ' ';
}

void rc_cli_print_group_help(const rc_cli_program_t *program, const char *group)
{
    printf("Usage: %s %s VERB [OPTION...]\n\n", program->name, group);
    for (const rc_cli_command_t *command = program->commands; command->name; command++)
        if (rc_cli_is_verb_of(command, group)) print_row(command->name, NULL, command->summary);
    printf("\n%s %s VERB --help says more about one of them.\n", program->name, group);
}

static void print_examples(const rc_cli_program_t *program, const char *examples)
{
    while (examples) {
        size_t length = strcspn(examples, "\n");
        printf("%*s%s %.*s\n", INDENT, "", program->name, (int)length, examples);
        examples = examples[length] ? examples + length + 1 : NULL;
    }
}

/* In lines that fit on a terminal. */
static void print_wrapped(const char *text)
{
    size_t column = 0;
    printf("\n");
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (column && column + 1 + length > LINE_MAX_COLUMNS) {
            printf("\n");
            column = 0;
        }
        printf("%s%.*s", column ? " " : "", (int)length, text);
        column += (column ? 1 : 0) + length;
        text += length;
        if (*text == '\n') {
            printf("\n");
            column = 0;
        }
        if (*text) text++;
    }
    printf("\n");
}

void rc_cli_print_command_help(const rc_cli_program_t *program, const rc_cli_command_t *command)
{
    printf("%s %s: %s\n\nUsage: %s %s", program->name, command->name, command->summary, program->name, command->name);
    for (size_t i = 0; i < RC_OPTION_COUNT; i++)
        if (command->required & 1u << i)
            printf(" %s%s%s", RC_CLI_TABLE[i].name, RC_CLI_TABLE[i].value ? " " : "",
                   RC_CLI_TABLE[i].value ? RC_CLI_TABLE[i].value : "");
    printf(" [OPTION...]\n");
    if (command->details) print_wrapped(command->details);
    printf("\nOptions:\n");
    for (size_t i = 0; i < RC_OPTION_COUNT; i++)
        if (rc_cli_allowed(command) & 1u << i)
            print_row(RC_CLI_TABLE[i].name, RC_CLI_TABLE[i].value, RC_CLI_TABLE[i].help);
    print_row("--help", NULL, "this text");
    if (!command->example) return;
    printf("\nExamples:\n");
    print_examples(program, command->example);
}
