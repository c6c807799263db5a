#include "common/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli_option.h"
#include "common/mem.h"
#include "common/mutant.h"
#include "common/suggest.h"

enum { WORDS_MAX = 2, IDS_SHOWN = 10 };

rc_exit_t rc_cli_fail(const rc_args_t *args, rc_exit_t code, const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) RC_DIE("out of memory, or a wrong format: %s", format);
    va_end(list);
    char *complete = rc_cli_complete(args, text);
    (void)fprintf(stderr, "%s: %s\n", args->program->name, complete);
    free(complete);
    free(text);
    return code;
}

/* --- parsing ------------------------------------------------------------------------------------------------- */

/* What argv says, before the command is known. */
typedef struct {
    const char *words[WORDS_MAX + 1]; /* one more, to complain about */
    size_t word_count;
    struct {
        const char *text; /* "--json", without "=…" */
        const char *value;
        int option; /* -1: unknown */
    } options[64];
    size_t option_count;
    bool help;
    bool version;
} line_t;

static int find_option(const char *text, size_t length)
{
    for (int i = 0; i < RC_OPTION_COUNT; i++)
        if (strncmp(RC_CLI_TABLE[i].name, text, length) == 0 && !RC_CLI_TABLE[i].name[length]) return i;
    return -1;
}

static bool split_option(const rc_args_t *args, line_t *line, char **argv, int argc, int *at)
{
    const char *text = argv[*at];
    size_t length = strcspn(text, "=");
    const char *value = text[length] ? text + length + 1 : NULL;
    int option = find_option(text, length);
    bool takes = option >= 0 && RC_CLI_TABLE[option].value;
    if (option >= 0 && !takes && value) {
        (void)rc_cli_fail(args, RC_EXIT_USAGE, "%s takes no value; write it alone", RC_CLI_TABLE[option].name);
        return false;
    }
    if (takes && !value) {
        if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0) {
            (void)rc_cli_fail(args, RC_EXIT_USAGE, "%s needs a value; write %s %s", RC_CLI_TABLE[option].name,
                              RC_CLI_TABLE[option].name, RC_CLI_TABLE[option].value);
            return false;
        }
        value = argv[++*at];
    }
    if (line->option_count == sizeof line->options / sizeof *line->options) {
        (void)rc_cli_fail(args, RC_EXIT_USAGE, "too many options");
        return false;
    }
    line->options[line->option_count].text = text;
    line->options[line->option_count].value = value;
    line->options[line->option_count++].option = option;
    return true;
}

static bool split(const rc_args_t *args, int argc, char **argv, line_t *line)
{
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0 || (i == 1 && strcmp(text, "help") == 0))
            line->help = true;
        else if (strcmp(text, "--version") == 0)
            line->version = true;
        else if (text[0] == '-' && text[1]) {
            if (!split_option(args, line, argv, argc, &i)) return false;
        } else if (line->word_count <= WORDS_MAX)
            line->words[line->word_count++] = text;
    }
    return true;
}

/* The first option that no command has; NULL: none. */
static const char *unknown_option(const line_t *line)
{
    for (size_t i = 0; i < line->option_count; i++)
        if (line->options[i].option < 0) return line->options[i].text;
    return NULL;
}

/* The command whose words come first on the line; how many they are in *used. */
static const rc_cli_command_t *find_command(const rc_cli_program_t *program, const line_t *line, size_t *used)
{
    char both[128];
    for (size_t count = line->word_count < WORDS_MAX ? line->word_count : WORDS_MAX; count; count--) {
        (void)snprintf(both, sizeof both, "%s%s%s", line->words[0], count > 1 ? " " : "",
                       count > 1 ? line->words[1] : "");
        for (const rc_cli_command_t *command = program->commands; command->name; command++)
            if (strcmp(command->name, both) == 0) {
                *used = count;
                return command;
            }
    }
    return NULL;
}

static rc_exit_t complain_command(const rc_args_t *args, const line_t *line)
{
    const rc_cli_program_t *program = args->program;
    char both[128];
    (void)snprintf(both, sizeof both, "%s%s%s", line->words[0], line->word_count > 1 ? " " : "",
                   line->word_count > 1 ? line->words[1] : "");
    rc_suggest_t one = RC_SUGGEST_INIT(line->words[0]), two = RC_SUGGEST_INIT(both);
    const char *verb = NULL; /* "dlq lits": the first of dlq */
    for (const rc_cli_command_t *command = program->commands; command->name; command++) {
        rc_suggest_offer(&one, command->name);
        rc_suggest_offer(&two, command->name);
        if (!verb && rc_cli_is_verb_of(command, line->words[0])) verb = command->name;
    }
    if (!two.best) two.best = verb;
    const char *best = two.best ? two.best : one.best;
    return rc_cli_fail(args, RC_EXIT_USAGE, "unknown command \"%s\"; %s%s%s%s --help lists all", both,
                       best ? "did you mean " : "", best ? best : "", best ? "? " : "", program->name);
}

/* What stands in front of the verbs of several commands, "dlq", was typed alone; false: it was not. */
static bool is_group(const rc_cli_program_t *program, const line_t *line)
{
    for (const rc_cli_command_t *command = program->commands; command->name && line->word_count == 1; command++)
        if (rc_cli_is_verb_of(command, line->words[0])) return true;
    return false;
}

static rc_exit_t complain_group(const rc_args_t *args, const char *group)
{
    char verbs[256] = "";
    for (const rc_cli_command_t *command = args->program->commands; command->name; command++) {
        size_t length = strlen(verbs);
        if (rc_cli_is_verb_of(command, group))
            (void)snprintf(verbs + length, sizeof verbs - length, "%s%s", length ? ", " : "", command->name);
    }
    return rc_cli_fail(args, RC_EXIT_USAGE, "%s is several commands: %s; %s %s --help says what each does", group,
                       verbs, args->program->name, group);
}

static rc_exit_t complain_option(const rc_args_t *args, const char *text)
{
    size_t length = strcspn(text, "=");
    char *name = rc_strndup(text, length);
    rc_suggest_t suggest = RC_SUGGEST_INIT(name);
    uint32_t allowed = rc_cli_allowed(args->command);
    for (size_t i = 0; i < RC_OPTION_COUNT; i++)
        if (allowed & 1u << i) rc_suggest_offer(&suggest, RC_CLI_TABLE[i].name);
    rc_exit_t code =
        rc_cli_fail(args, RC_EXIT_USAGE, "%s has no option %s; %s%s%s%s %s --help lists them", args->command->name,
                    name, suggest.best ? "did you mean " : "", suggest.best ? suggest.best : "",
                    suggest.best ? "? " : "", args->program->name, args->command->name);
    free(name);
    return code;
}

/* Where an address is no id nobody would be found by it, and "nobody" reads like an answer. */
static rc_exit_t refuse_address(const rc_args_t *args)
{
    if (!args->employee || !strchr(args->employee, '@') || args->command->by_address) return RC_EXIT_DONE;
    return rc_cli_fail(args, RC_EXIT_USAGE,
                       "--employee: \"%s\" is an address; write Kombo's id, which `rollcall-consumer trace%s%s "
                       "--employee %s` shows",
                       args->employee, args->integration ? " --integration " : "",
                       args->integration ? args->integration : "", args->employee);
}

static rc_exit_t take_options(rc_args_t *args, const line_t *line)
{
    uint32_t allowed = rc_cli_allowed(args->command);
    for (size_t i = 0; i < line->option_count; i++) {
        int option = line->options[i].option;
        if (option < 0 || !(allowed & 1u << option)) return complain_option(args, line->options[i].text);
        if (args->given & 1u << option)
            return rc_cli_fail(args, RC_EXIT_USAGE, "%s is given twice; give it once", RC_CLI_TABLE[option].name);
        if (line->options[i].value && !*line->options[i].value)
            return rc_cli_fail(args, RC_EXIT_USAGE, "%s: the value is empty; write %s %s", RC_CLI_TABLE[option].name,
                               RC_CLI_TABLE[option].name, RC_CLI_TABLE[option].value);
        args->given |= 1u << option;
        if (!rc_cli_set(args, (rc_option_t)option, line->options[i].value)) return RC_EXIT_USAGE;
    }
    for (size_t i = 0; i < RC_OPTION_COUNT; i++)
        if ((args->command->required & 1u << i) && !(args->given & 1u << i))
            return rc_cli_fail(args, RC_EXIT_USAGE, "%s needs %s%s%s; %s %s --help says more", args->command->name,
                               RC_CLI_TABLE[i].name, RC_CLI_TABLE[i].value ? " " : "",
                               RC_CLI_TABLE[i].value ? RC_CLI_TABLE[i].value : "", args->program->name,
                               args->command->name);
    return refuse_address(args);
}

/* What was printed must have reached its reader: a full disk is a failure. */
static int end(rc_exit_t code)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return (int)code;
    (void)fprintf(stderr, "standard output could not be written: %s\n", strerror(errno));
    return code == RC_EXIT_DONE ? RC_EXIT_FAILED : (int)code;
}

int rc_cli_main(const rc_cli_program_t *program, int argc, char **argv)
{
    rc_args_t args = {.program = program,
                      .config = RC_CONFIG_DEFAULT_PATH,
                      .events = (1u << RC_EVENT_COUNT) - 1,
                      .partition = -1,
                      .offset = -1,
                      .wait_ms = 60000};
    line_t line = {.word_count = 0};
    size_t used = 0;
    if (!split(&args, argc, argv, &line)) return RC_EXIT_USAGE;
    if (line.version) {
        printf("%s %s%s\n", program->name, RC_VERSION, RC_MUTANT_NOTE);
        return end(RC_EXIT_DONE);
    }
    if (!line.word_count && line.help) {
        rc_cli_print_help(program);
        return end(RC_EXIT_DONE);
    }
    if (!line.word_count && !unknown_option(&line))
        return rc_cli_fail(&args, RC_EXIT_USAGE, "no command is given; %s --help lists all", program->name);
    args.command = find_command(program, &line, &used);
    if (!args.command && is_group(program, &line)) {
        if (!line.help) return complain_group(&args, line.words[0]);
        rc_cli_print_group_help(program, line.words[0]);
        return end(RC_EXIT_DONE);
    }
    if (!args.command) {
        const char *astray = unknown_option(&line);
        if (!astray) return complain_command(&args, &line);
        return rc_cli_fail(&args, RC_EXIT_USAGE, "there is no option %s; %s --help lists the commands", astray,
                           program->name);
    }
    if (line.help) {
        rc_cli_print_command_help(program, args.command);
        return end(RC_EXIT_DONE);
    }
    if (unknown_option(&line)) return complain_option(&args, unknown_option(&line)); /* its value looks like a word */
    if (line.word_count > used)
        return rc_cli_fail(&args, RC_EXIT_USAGE, "%s takes no \"%s\"; %s %s --help lists its options",
                           args.command->name, line.words[used], program->name, args.command->name);
    rc_exit_t code = take_options(&args, &line);
    return code ? (int)code : end(args.command->run(&args));
}

/* --- configuration ------------------------------------------------------------------------------------------- */

/* The ids of the integrations, the first ten of them: "a, b or c". Returns new (free). */
static char *list_integrations(const rc_config_t *config)
{
    rc_buf_t ids = RC_BUF_INIT(SIZE_MAX / 4);
    size_t shown = config->integrations_count < IDS_SHOWN ? config->integrations_count : IDS_SHOWN;
    for (size_t i = 0; i < shown; i++)
        (void)rc_buf_add_format(&ids, "%s%s",
                                !i                                   ? ""
                                : i + 1 < config->integrations_count ? ", "
                                                                     : " or ",
                                config->integrations[i].id);
    if (shown < config->integrations_count) (void)rc_buf_add_str(&ids, " …");
    char *text = rc_strdup(ids.data);
    rc_buf_fini(&ids);
    return text;
}

static rc_exit_t apply_options(const rc_args_t *args, rc_config_t *config)
{
    rc_error_t error = RC_ERROR_INIT;
    if (args->instance && rc_config_set_instance(config, args->instance, &error) != RC_OK)
        return rc_cli_fail(args, RC_EXIT_USAGE, "%s", error.message);
    rc_listen_t *listen =
        args->program->metrics == RC_METRICS_PRODUCER ? &config->producer.listen : &config->consumer.listen;
    if (args->listen) (void)rc_listen_parse(args->listen, listen, NULL); /* it was parsed before */
    if (!args->integration || rc_config_find(config, args->integration)) return RC_EXIT_DONE;
    rc_suggest_t suggest = RC_SUGGEST_INIT(args->integration);
    for (size_t i = 0; i < config->integrations_count; i++) rc_suggest_offer(&suggest, config->integrations[i].id);
    char *ids = list_integrations(config);
    rc_exit_t code = rc_cli_fail(args, RC_EXIT_USAGE, "--integration: %s has no integration %s; %s%s%s", config->path,
                                 args->integration, suggest.best ? "did you mean " : "write ",
                                 suggest.best ? suggest.best : ids, suggest.best ? "?" : "");
    free(ids);
    return code;
}

const rc_integration_t *rc_cli_integration(const rc_args_t *args, const rc_config_t *config)
{
    if (args->integration) return rc_config_find(config, args->integration);
    if (config->integrations_count == 1) return &config->integrations[0];
    char *ids = list_integrations(config);
    (void)rc_cli_fail(args, RC_EXIT_USAGE, "%s is about one integration; write --integration and %s",
                      args->command->name, ids);
    free(ids);
    return NULL;
}

rc_exit_t rc_cli_config(const rc_args_t *args, rc_config_t **config)
{
    rc_buf_t problems = RC_BUF_INIT(1024 * 1024);
    rc_config_t *loaded = NULL;
    rc_code_t code = rc_config_load(args->config, &loaded, &problems);
    if (code) (void)fwrite(problems.data, 1, problems.size_bytes, stderr);
    rc_buf_fini(&problems);
    if (code) return RC_EXIT_USAGE;
    rc_exit_t exit = apply_options(args, loaded);
    if (exit) {
        rc_config_free(loaded);
        return exit;
    }
    rc_log_open(&(rc_log_options_t){.level = loaded->log.level,
                                    .format = loaded->log.format,
                                    .program = args->program->name,
                                    .instance = loaded->instance});
    /* What Kafka's client complains about is in a command's result. */
    bool is_service = args->command && args->command->is_service;
    rc_log_mute(is_service || loaded->log.level == RC_LEVEL_DEBUG ? NULL : "kafka client");
    *config = loaded;
    return RC_EXIT_DONE;
}

rc_exit_t rc_cli_run_config(const rc_args_t *args)
{
    rc_buf_t text = RC_BUF_INIT(SIZE_MAX / 4);
    rc_config_t *config = NULL;
    if (args->reference) {
        rc_config_print_docs(&text);
    } else {
        rc_exit_t exit = rc_cli_config(args, &config);
        if (exit) return exit;
        rc_config_print(config, &text);
    }
    (void)fwrite(text.data, 1, text.size_bytes, stdout);
    rc_buf_fini(&text);
    rc_config_free(config);
    return RC_EXIT_DONE;
}
