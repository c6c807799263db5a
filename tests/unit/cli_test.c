/* common/cli and common/suggest: what is understood, and what is said when it is not. */
#include "common/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/suggest.h"
#include "tests/support/unit.h"

static rc_args_t got;
static int runs;

static rc_exit_t keep(const rc_args_t *args)
{
    got = *args;
    runs++;
    return RC_EXIT_HELD;
}

static rc_exit_t load(const rc_args_t *args)
{
    rc_config_t *config = NULL;
    rc_exit_t code = rc_cli_config(args, &config);
    if (code == RC_EXIT_DONE) {
        printf("%s %u %u\n", config->instance, config->producer.listen.port, config->consumer.listen.port);
        rc_config_free(config);
    }
    return code;
}

#define LONG_DETAILS                                                                                       \
    "A first paragraph of more words than a line of a terminal has room for, so that it has to be broken " \
    "in the middle.\nA second."

static const rc_cli_command_t COMMANDS[] = {
    {"run", "the service", "More about it.", "run\nrun --instance blue", RC_OPT(INSTANCE) | RC_OPT(LISTEN), 0, keep,
     true, false},
    {"once", "one poll", NULL, NULL, RC_OPT(INTEGRATION) | RC_OPT(FULL) | RC_OPT(JSON) | RC_OPT(WAIT), 0, keep, false,
     false},
    {"dlq list", "lists", NULL, NULL, RC_OPT(EVENTS) | RC_OPT(SINCE) | RC_OPT(OFFSET), RC_OPT(INTEGRATION), keep, false,
     false},
    {"dlq replay", "replays", LONG_DETAILS, NULL, RC_OPT(APPLY), 0, keep, false, false},
    {"forget", "erases", NULL, NULL, RC_OPT(EMPLOYEE), 0, keep, false, false},
    {"trace", "tells", NULL, NULL, RC_OPT(EMPLOYEE), 0, keep, false, true},
    {"load", "loads", NULL, NULL, RC_OPT(INSTANCE) | RC_OPT(LISTEN) | RC_OPT(INTEGRATION), 0, load, false, false},
    {"config", "prints", NULL, NULL, RC_OPT(REFERENCE), 0, rc_cli_run_config, false, false},
    {NULL, NULL, NULL, NULL, 0, 0, NULL, false, false},
};
static const rc_cli_program_t PROGRAM = {"rollcall-producer", "publishes", COMMANDS, RC_METRICS_PRODUCER};

static char out[64 * 1024], err[4096];

static void read_back(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* Runs the program with the words of `line`, keeping what it prints. */
static int cli(const char *line)
{
    static char words[512]; /* what the command was handed points into it */
    char *argv[32] = {(char *)"rollcall-producer"};
    int argc = 1;
    runs = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) argv[argc++] = word;
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    fflush(stdout);
    fflush(stderr);
    int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);
    dup2(fileno(out_file), STDOUT_FILENO);
    dup2(fileno(err_file), STDERR_FILENO);
    int code = rc_cli_main(&PROGRAM, argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(old_out, STDOUT_FILENO);
    dup2(old_err, STDERR_FILENO);
    (void)close(old_out);
    (void)close(old_err);
    read_back(out_file, out, sizeof out);
    read_back(err_file, err, sizeof err);
    return code;
}

START_TEST(cli_hands_typed_options_to_the_command)
{
    ck_assert_int_eq(cli("once --integration personio:acme --full --json --wait 5s --config /x.yaml"), RC_EXIT_HELD);
    ck_assert_int_eq(runs, 1);
    ck_assert_str_eq(got.integration, "personio:acme");
    ck_assert_str_eq(got.config, "/x.yaml");
    ck_assert(got.full && got.json && !got.apply);
    ck_assert_int_eq(got.wait_ms, 5000);
    ck_assert_uint_eq(got.given, RC_OPT(INTEGRATION) | RC_OPT(FULL) | RC_OPT(JSON) | RC_OPT(WAIT) | RC_OPT(CONFIG));
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(cli_defaults)
{
    ck_assert_int_eq(cli("run"), RC_EXIT_HELD);
    ck_assert_str_eq(got.config, "/etc/rollcall/rollcall.yaml");
    ck_assert_uint_eq(got.events, 15);
    ck_assert_uint_eq(got.given, 0);
    ck_assert_int_eq(got.offset, -1);
}
END_TEST

START_TEST(cli_takes_values_behind_an_equals_sign_and_options_before_the_command)
{
    ck_assert_int_eq(cli("--config=/x.yaml dlq --integration=a:b list --events=created,team-changed --offset 3:1207 "
                         "--since 2026-11-22T16:08:52.123Z"),
                     RC_EXIT_HELD);
    ck_assert_str_eq(got.command->name, "dlq list");
    ck_assert_str_eq(got.integration, "a:b");
    ck_assert_uint_eq(got.events, 1u << RC_EVENT_CREATED | 1u << RC_EVENT_TEAM_CHANGED);
    ck_assert_int_eq(got.partition, 3);
    ck_assert_int_eq(got.offset, 1207);
    ck_assert_int_eq(got.since.ms, 1795363732123);
}
END_TEST

START_TEST(cli_since_takes_a_day_or_how_long_ago)
{
    ck_assert_int_eq(cli("dlq list --integration a --since 2026-11-22"), RC_EXIT_HELD);
    ck_assert_int_eq(got.since.ms, 1795305600000);
    int64_t before = rc_wall_now().ms;
    ck_assert_int_eq(cli("dlq list --integration a --since 2h"), RC_EXIT_HELD);
    ck_assert_int_ge(got.since.ms, before - 7200000);
    ck_assert_int_le(got.since.ms, rc_wall_now().ms - 7200000);
}
END_TEST

static const struct {
    const char *line, *said;
} WRONG[] = {
    {"", "no command is given; rollcall-producer --help lists all"},
    {"rnu", "unknown command \"rnu\"; did you mean run? rollcall-producer --help lists all"},
    {"xyz", "unknown command \"xyz\"; rollcall-producer --help lists all"},
    {"dlq", "dlq is several commands: dlq list, dlq replay; rollcall-producer dlq --help says"},
    {"dlq lits", "unknown command \"dlq lits\"; did you mean dlq list? "},
    {"-v", "there is no option -v; rollcall-producer --help lists the commands"},
    {"-c x run", "there is no option -c; "},
    {"rnu -v", "there is no option -v; "},
    {"run now", "run takes no \"now\"; "},
    {"run --instnce x",
     "run has no option --instnce; did you mean --instance? rollcall-producer run --help lists them"},
    {"run --json", "run has no option --json; rollcall-producer run --help"},
    {"run -v", "run has no option -v; "},
    {"once --full=1", "--full takes no value; write it alone"},
    {"once --integration", "--integration needs a value; write --integration ID"},
    {"once --integration --full", "--integration needs a value; write --integration ID"},
    {"once --integration=", "--integration: the value is empty; "},
    {"once --full --full", "--full is given twice; give it once"},
    {"once --wait soon", "--wait: \"soon\" is no duration; "},
    {"run --listen 8080", "--listen: \"8080\" is no address to listen on; "},
    {"dlq list", "dlq list needs --integration ID; "},
    {"dlq list --integration a --events created,", "--events: \"\" is no event type; write created, "},
    {"dlq list --integration a --events team_changed",
     "--events: \"team_changed\" is no event type; did you mean team-ch"},
    {"dlq list --integration a --since yesterday", "--since: \"yesterday\" is no time; "},
    {"dlq list --integration a --since 2999-01-01", "--since: \"2999-01-01\" has not come yet; write 2026-"},
    {"forget --employee ada@acme.example --config /x.yaml",
     "--employee: \"ada@acme.example\" is an address; write Kombo's id, which `rollcall-consumer trace --employee "
     "ada@acme.example --config /x.yaml` shows"},
    {"dlq list --integration a --offset 7", "--offset: \"7\" is no place; "},
    {"load --config /nowhere.yaml",
     "/nowhere.yaml: the configuration cannot be read (No such file or directory); name another"},
};

START_TEST(cli_wrong_lines_exit_2_and_say_the_mend)
{
    ck_assert_int_eq(cli(WRONG[_i].line), RC_EXIT_USAGE);
    ck_assert_msg(strstr(err, WRONG[_i].said) != NULL, "expected: %s\nsaid: %s", WRONG[_i].said, err);
    ck_assert_str_eq(out, "");
    ck_assert_int_eq(runs, 0);
}
END_TEST

START_TEST(cli_version_is_one_line)
{
    ck_assert_int_eq(cli("--version"), RC_EXIT_DONE);
    ck_assert_str_eq(out, "rollcall-producer " RC_VERSION "\n");
}
END_TEST

START_TEST(cli_help_lists_commands_and_options)
{
    ck_assert_int_eq(cli("--help"), RC_EXIT_DONE);
    for (const rc_cli_command_t *command = COMMANDS; command->name; command++)
        ck_assert_ptr_nonnull(strstr(out, command->summary));
    ck_assert_int_eq(cli("help"), RC_EXIT_DONE);
    ck_assert_int_eq(cli("run --help"), RC_EXIT_DONE);
    ck_assert_str_eq(out,
                     "rollcall-producer run: the service\n\n"
                     "Usage: rollcall-producer run [OPTION...]\n\n"
                     "More about it.\n\n"
                     "Options:\n"
                     "  --config FILE           the configuration (default /etc/rollcall/rollcall.yaml)\n"
                     "  --instance NAME         this process among its kind, instead of the configured one\n"
                     "  --listen HOST:PORT      where to serve HTTP, instead of the configured address; port 0 picks "
                     "one\n"
                     "  --help                  this text\n\n"
                     "Examples:\n"
                     "  rollcall-producer run\n"
                     "  rollcall-producer run --instance blue\n");
    ck_assert_int_eq(cli("dlq list -h"), RC_EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "Usage: rollcall-producer dlq list --integration ID [OPTION...]\n"));
    ck_assert_int_eq(runs, 0);
}
END_TEST

START_TEST(cli_help_of_a_group_lists_its_verbs)
{
    static const char *const lines[] = {"dlq --help", "help dlq", "dlq -h --json"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_int_eq(cli(lines[i]), RC_EXIT_DONE);
        ck_assert_str_eq(out, "Usage: rollcall-producer dlq VERB [OPTION...]\n\n"
                              "  dlq list                lists\n"
                              "  dlq replay              replays\n\n"
                              "rollcall-producer dlq VERB --help says more about one of them.\n");
    }
    ck_assert_int_eq(cli("dlq"), RC_EXIT_USAGE);
    ck_assert_int_eq(runs, 0);
}
END_TEST

START_TEST(cli_says_what_to_type_next)
{
    ck_assert_int_eq(cli("run"), RC_EXIT_HELD);
    char *line = rc_cli_line(&got, NULL, "once --integration %s", "a:b");
    ck_assert_str_eq(line, "rollcall-producer once --integration a:b");
    free(line);
    ck_assert_int_eq(cli("run --config /x.yaml"), RC_EXIT_HELD);
    line = rc_cli_line(&got, "rollcall-consumer", "check");
    ck_assert_str_eq(line, "rollcall-consumer check --config /x.yaml");
    free(line);
}
END_TEST

START_TEST(cli_commands_in_messages_can_be_typed_as_they_stand)
{
    static const struct {
        const char *line, *text, *said;
    } cases[] = {
        {"run --config /x.yaml", "create it: `rollcall-producer topics`, or wait",
         "create it: `rollcall-producer topics --config /x.yaml`, or wait"},
        {"run --config /x.yaml", "`rollcall-consumer dlq list --config /x.yaml` lists them",
         "`rollcall-consumer dlq list --config /x.yaml` lists them"},
        {"run --config /x.yaml", "`run`; then `rollcall-producer once`",
         "`run`; then `rollcall-producer once --config /x.yaml`"},
        {"run --config /x.yaml", "an open `rollcall-producer", "an open `rollcall-producer"},
        {"run", "create it: `rollcall-producer topics`", "create it: `rollcall-producer topics`"},
        {"run", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(cli(cases[i].line), RC_EXIT_HELD);
        char *said = rc_cli_complete(&got, cases[i].text);
        ck_assert_str_eq(said, cases[i].said);
        free(said);
    }
}
END_TEST

START_TEST(cli_trace_alone_takes_an_address_for_an_employee)
{
    ck_assert_int_eq(cli("trace --employee ada@acme.example"), RC_EXIT_HELD);
    ck_assert_str_eq(got.employee, "ada@acme.example");
    ck_assert_int_eq(cli("forget --employee 26vafvWSRmbhNcxJYqjCzuJg"), RC_EXIT_HELD);
}
END_TEST

START_TEST(cli_help_breaks_lines_between_words)
{
    ck_assert_int_eq(cli("dlq replay --help"), RC_EXIT_DONE);
    ck_assert_ptr_nonnull(
        strstr(out, "\n\nA first paragraph of more words than a line of a terminal has room for, so that it has to be\n"
                    "broken in the middle.\nA second.\n\nOptions:\n"));
}
END_TEST

static char folder[] = "/tmp/rollcall-cli-XXXXXX", path[64];

static void make_file(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rollcall.yaml", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("kafka: { bootstrap.servers: b }\ninstance: green\nintegrations:\n- id: personio:acme\n"
          "  kombo: { api_key: topsecret }\n  learnamp: { client_id: c, client_secret: topsecret }\n",
          file);
    fclose(file);
}

static void remove_file(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

START_TEST(cli_options_override_the_file)
{
    char line[256];
    snprintf(line, sizeof line, "load --config %s", path);
    ck_assert_int_eq(cli(line), RC_EXIT_DONE);
    ck_assert_str_eq(out, "green 8080 8081\n");
    snprintf(line, sizeof line, "load --config %s --instance blue --listen 127.0.0.1:0", path);
    ck_assert_int_eq(cli(line), RC_EXIT_DONE);
    ck_assert_str_eq(out, "blue 0 8081\n");
    snprintf(line, sizeof line, "load --config %s --instance a/b", path);
    ck_assert_int_eq(cli(line), RC_EXIT_USAGE);
    snprintf(line, sizeof line, "load --config %s --integration personio:acne", path);
    ck_assert_int_eq(cli(line), RC_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err, "has no integration personio:acne; did you mean personio:acme?"));
    snprintf(line, sizeof line, "load --config %s --integration nothing", path);
    ck_assert_int_eq(cli(line), RC_EXIT_USAGE);
    ck_assert_ptr_nonnull(strstr(err, "has no integration nothing; write personio:acme\n"));
}
END_TEST

START_TEST(cli_config_prints_what_is_in_effect_without_secrets)
{
    char line[256];
    snprintf(line, sizeof line, "config --config %s", path);
    ck_assert_int_eq(cli(line), RC_EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "\ninstance: green\n"));
    ck_assert_ptr_null(strstr(out, "topsecret"));
    ck_assert_int_eq(cli("config --reference"), RC_EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "# Configuration\n"));
}
END_TEST

START_TEST(suggest_finds_what_was_meant)
{
    static const char *const known[] = {"partitions", "topic_prefix", "replication_factor", "log", "id"};
    static const struct {
        const char *word, *best;
    } cases[] = {{"partition", "partitions"},
                 {"partitoins", "partitions"},
                 {"topic-prefix", "topic_prefix"},
                 {"TOPIC_PREFIX", "topic_prefix"},
                 {"lgo", "log"},
                 {"ID", "id"},
                 {"xy", NULL},
                 {"", NULL},
                 {"something", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_suggest_t suggest = RC_SUGGEST_INIT(cases[i].word);
        for (size_t k = 0; k < sizeof known / sizeof *known; k++) rc_suggest_offer(&suggest, known[k]);
        ck_assert_pstr_eq(suggest.best, cases[i].best);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli");
    TCase *lines = tcase_create("lines"), *files = tcase_create("files");
    tcase_add_test(lines, cli_hands_typed_options_to_the_command);
    tcase_add_test(lines, cli_defaults);
    tcase_add_test(lines, cli_takes_values_behind_an_equals_sign_and_options_before_the_command);
    tcase_add_test(lines, cli_since_takes_a_day_or_how_long_ago);
    tcase_add_loop_test(lines, cli_wrong_lines_exit_2_and_say_the_mend, 0, (int)(sizeof WRONG / sizeof *WRONG));
    tcase_add_test(lines, cli_version_is_one_line);
    tcase_add_test(lines, cli_help_lists_commands_and_options);
    tcase_add_test(lines, cli_help_breaks_lines_between_words);
    tcase_add_test(lines, cli_help_of_a_group_lists_its_verbs);
    tcase_add_test(lines, cli_says_what_to_type_next);
    tcase_add_test(lines, cli_commands_in_messages_can_be_typed_as_they_stand);
    tcase_add_test(lines, cli_trace_alone_takes_an_address_for_an_employee);
    tcase_add_test(lines, suggest_finds_what_was_meant);
    tcase_add_unchecked_fixture(files, make_file, remove_file);
    tcase_add_test(files, cli_options_override_the_file);
    tcase_add_test(files, cli_config_prints_what_is_in_effect_without_secrets);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, files);
    return rc_unit_run(suite);
}
