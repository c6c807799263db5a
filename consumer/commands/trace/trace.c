/* rollcall-consumer trace: the command, and how the story is printed. */
#include "consumer/commands/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/report.h"
#include "common/signals.h"
#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/words.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    const rc_integration_t *integration;
    rc_history_t *history;
    rc_arena_t *arena;
    atomic_bool cancelled;
    rc_trace_facts_t facts;
    const rc_trace_line_t *lines;
    size_t line_count;
    rc_trace_verdict_t verdict;
} trace_t;

/* --- for people --- */

static void say_row(rc_report_t *report, const char *name, const char *text)
{
    const char *cells[] = {name, text};
    if (!rc_text_empty(text)) rc_report_add(report, cells);
}

static const char *say_employee(rc_arena_t *arena, const rc_employee_t *employee)
{
    const char *text = rc_words_join(arena, rc_employee_name(arena, employee), ", ", employee->email);
    text = rc_words_join(arena, text, ", ", employee->job_title);
    return rc_words_join(arena, text, ", ", employee->primary_team.name);
}

static const char *say_published(const trace_t *trace)
{
    const rc_trace_facts_t *facts = &trace->facts;
    const rc_snapshot_t *snapshot = &facts->snapshot;
    char day[RC_TIME_STR_SIZE];
    if (!facts->has_snapshot) return facts->events.count > 0 ? "nothing any more" : "nothing yet";
    const char *state = "employed";
    if (snapshot->presence == RC_PRESENCE_GONE)
        state = rc_date_is_set(snapshot->effective_date)
                    ? rc_arena_sprintf(trace->arena, "gone since %s", rc_date_str(snapshot->effective_date, day))
                    : "gone";
    const char *person = say_employee(trace->arena, &snapshot->employee);
    return rc_arena_sprintf(trace->arena, "%s: %s (version %lld, %s UTC)", state, person ? person : "without a name",
                            (long long)snapshot->version, rc_words_moment(trace->arena, snapshot->occurred_at));
}

static const char *say_user(const trace_t *trace)
{
    const rc_trace_facts_t *facts = &trace->facts;
    rc_arena_t *arena = trace->arena;
    if (facts->trouble) return "could not be asked";
    if (!facts->has_user && facts->namesake)
        return rc_arena_sprintf(arena, "nobody with this id; user %lld has the address",
                                (long long)facts->namesake->id);
    if (!facts->has_user) return "no such user";
    const rc_learnamp_profile_t *profile = &facts->user;
    const rc_employee_t shown = {.email = profile->user.email,
                                 .first_name = profile->first_name,
                                 .last_name = profile->last_name,
                                 .job_title = profile->job_title,
                                 .primary_team = {NULL, profile->primary_team_name}};
    return rc_arena_sprintf(arena, "%s: %s (user %lld)", profile->user.deactivated ? "deactivated" : "active",
                            say_employee(arena, &shown), (long long)profile->user.id);
}

static void print_person(const trace_t *trace)
{
    const rc_trace_facts_t *facts = &trace->facts;
    rc_report_t *report = rc_report_new("employee|~");
    say_row(report, "id", facts->employee_id);
    say_row(report, "integration", rc_words_integration(trace->arena, trace->integration));
    if (facts->has_pending) say_row(report, "HR says", say_employee(trace->arena, &facts->pending.employee));
    say_row(report, "published", say_published(trace));
    say_row(report, "Learn Amp", say_user(trace));
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
}

static const char *say_why(const trace_t *trace, const rc_trace_line_t *line)
{
    if (line->times == 1) return line->why;
    return rc_arena_sprintf(trace->arena, "%s (%zu times, last %s)", line->why, line->times,
                            rc_words_moment(trace->arena, line->last_at));
}

static void print_story(const trace_t *trace)
{
    size_t count;
    const rc_trace_line_t *lines = rc_trace_shorten(trace->lines, trace->line_count, trace->arena, &count);
    rc_report_t *report = rc_report_new("when (UTC)|what|event|~why");
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {rc_words_moment(trace->arena, lines[i].at), lines[i].what,
                               lines[i].type >= 0 ? rc_say_type(lines[i].type) : "", say_why(trace, &lines[i])};
        rc_report_add(report, cells);
    }
    printf("\n");
    rc_report_print(report, stdout,
                    trace->facts.has_snapshot ? "No event about them is seen on Kafka."
                                              : "Nothing was ever published about them.");
    rc_report_free(report);
}

/* New (free). */
static char *next_line(const trace_t *trace, const rc_trace_next_t *next)
{
    return next->is_foreign ? rc_strdup(next->command) : rc_cli_line(trace->args, next->program, "%s", next->command);
}

static void print_verdict(const trace_t *trace)
{
    const rc_trace_verdict_t *verdict = &trace->verdict;
    printf("\n");
    if (verdict->because_count == 0) printf(trace->facts.trouble ? "In step, as far as Kafka tells.\n" : "In step.\n");
    for (size_t i = 0; i < verdict->because_count; i++)
        printf("%s%s.\n",
               i > 0                                   ? "Also: "
               : verdict->kind == RC_TRACE_NOT_IN_STEP ? "Not in step because "
                                                       : "In step; ",
               verdict->because[i]);
    for (size_t i = 0; i < verdict->note_count; i++) printf("Note: %s.\n", verdict->notes[i]);
    if (verdict->next_count > 0) printf("\n");
    for (size_t i = 0; i < verdict->next_count; i++) {
        const rc_trace_next_t *next = &verdict->next[i];
        char *line = next_line(trace, next);
        printf("  %s    # %s\n", line, next->what);
        free(line);
    }
}

/* --- for programs --- */

static json_t *line_json(const rc_trace_line_t *line)
{
    json_t *json = json_object();
    rc_json_put_wall(json, "at", line->at);
    rc_json_put_str(json, "what", line->what);
    if (line->type >= 0) rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, line->type));
    if (line->version > 0) (void)json_object_set_new(json, "version", json_integer(line->version));
    rc_json_put_str(json, "why", line->why);
    if (!line->place.topic) return json;
    rc_json_put_str(json, "topic", line->place.topic);
    (void)json_object_set_new(json, "partition", json_integer(line->place.partition));
    (void)json_object_set_new(json, "offset", json_integer(line->place.offset));
    return json;
}

static json_t *user_json(const rc_trace_facts_t *facts)
{
    json_t *json = json_object();
    rc_json_put_str(json, "trouble", facts->trouble);
    if (!facts->has_user) return json;
    (void)json_object_set_new(json, "user_id", json_integer(facts->user.user.id));
    (void)json_object_set_new(json, "deactivated", json_boolean(facts->user.user.deactivated));
    rc_json_put_str(json, "email", facts->user.user.email);
    rc_json_put_str(json, "first_name", facts->user.first_name);
    rc_json_put_str(json, "last_name", facts->user.last_name);
    rc_json_put_str(json, "job_title", facts->user.job_title);
    rc_json_put_str(json, "primary_team", facts->user.primary_team_name);
    return json;
}

static void print_json(const trace_t *trace)
{
    static const char *const verdicts[] = {
        [RC_TRACE_IN_STEP] = "in step", [RC_TRACE_LATER] = "later", [RC_TRACE_NOT_IN_STEP] = "not in step"};
    const rc_trace_facts_t *facts = &trace->facts;
    const rc_trace_verdict_t *verdict = &trace->verdict;
    json_t *document = json_object(), *story = json_array(), *because = json_array(), *notes = json_array(),
           *next = json_array();
    for (size_t i = 0; i < trace->line_count; i++) (void)json_array_append_new(story, line_json(&trace->lines[i]));
    for (size_t i = 0; i < verdict->because_count; i++)
        (void)json_array_append_new(because, json_string(verdict->because[i]));
    for (size_t i = 0; i < verdict->note_count; i++) (void)json_array_append_new(notes, json_string(verdict->notes[i]));
    for (size_t i = 0; i < verdict->next_count; i++) {
        char *line = next_line(trace, &verdict->next[i]);
        (void)json_array_append_new(next, json_string(line));
        free(line);
    }
    rc_json_put_str(document, "integration_id", trace->integration->id);
    rc_json_put_str(document, "employee_id", facts->employee_id);
    if (facts->has_snapshot) {
        (void)json_object_set_new(document, "version", json_integer(facts->snapshot.version));
        rc_json_put_str(document, "state", facts->snapshot.presence == RC_PRESENCE_EMPLOYED ? "employed" : "gone");
    }
    rc_json_put_str(document, "verdict", verdicts[verdict->kind]);
    (void)json_object_set_new(document, "because", because);
    (void)json_object_set_new(document, "notes", notes);
    (void)json_object_set_new(document, "next", next);
    (void)json_object_set_new(document, "learnamp", user_json(facts));
    (void)json_object_set_new(document, "story", story);
    rc_json_print(document);
}

/* --- who is meant --- */

static rc_exit_t say_nobody(const trace_t *trace, const char *said)
{
    char *line = rc_cli_line(trace->args, "rollcall-producer", "once --integration %s --full", trace->integration->id);
    bool is_name = strchr(trace->args->employee, ' ') != NULL;
    rc_exit_t exit = rc_cli_fail(
        trace->args, RC_EXIT_FAILED,
        "nobody known as %s of %s%s: looked in the published state%s%s. Are they employed in HR, and in the policy's "
        "scope? This reads all of HR once more: %s",
        trace->args->employee, trace->integration->id, is_name ? " (write Kombo's id or an e-mail address)" : "",
        rc_text_empty(said) ? ", the waiting changes, events, retries, dead letters, the ledger and at Learn Amp"
                            : " and the waiting changes; ",
        rc_text_empty(said) ? "" : said, line);
    free(line);
    return exit;
}

static void say_several(const trace_t *trace, const rc_trace_match_t *matches, size_t count)
{
    if (trace->args->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(list, json_pack("{s:s, s:s?, s:s}", "employee_id", matches[i].employee_id,
                                                        "name", matches[i].name, "where", matches[i].where));
        rc_json_print(json_pack("{s:s, s:o}", "integration_id", trace->integration->id, "matches", list));
        return;
    }
    rc_report_t *report = rc_report_new("employee|~name|~this address");
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {matches[i].employee_id, matches[i].name, matches[i].where};
        rc_report_add(report, cells);
    }
    printf("%zu people of %s have or had that address:\n\n", count, trace->integration->id);
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
    printf("\n");
    for (size_t i = 0; i < count; i++)
        rc_cli_next(trace->args, "their story", "trace --integration %s --employee %s", trace->integration->id,
                    matches[i].employee_id);
}

/* The id of who is meant in *id; NULL when that ends the command, with *exit. */
static rc_code_t find(trace_t *trace, const char **id, rc_exit_t *exit, rc_error_t *error)
{
    const rc_trace_match_t *matches;
    size_t count;
    const char *said = NULL;
    *id = trace->args->employee;
    if (!strchr(*id, '@')) return RC_OK;
    rc_code_t code = rc_trace_find(trace->history, trace->integration, *id, &trace->cancelled, trace->arena, &matches,
                                   &count, &said, error);
    if (code != RC_OK) return code;
    *id = count == 1 ? matches[0].employee_id : NULL;
    if (count == 0) *exit = say_nobody(trace, said);
    if (count > 1) say_several(trace, matches, count);
    return RC_OK;
}

/* --- the command --- */

static rc_code_t run(trace_t *trace, rc_exit_t *exit, rc_error_t *error)
{
    const char *id = NULL;
    rc_code_t code = rc_history_open(trace->config, "rollcall-consumer-trace", false, NULL, &trace->history, error);
    if (code == RC_OK) code = find(trace, &id, exit, error);
    if (code != RC_OK || !id) return code;
    code = rc_trace_read(trace->history, trace->integration, id, &trace->cancelled, trace->arena, &trace->facts, error);
    if (code != RC_OK) return code;
    if (!rc_trace_is_known(&trace->facts)) {
        *exit = say_nobody(trace, trace->facts.trouble);
        return RC_OK;
    }
    trace->lines = rc_trace_story(&trace->facts, trace->arena, &trace->line_count);
    trace->verdict = rc_trace_judge(&trace->facts, trace->arena);
    if (trace->args->json) {
        print_json(trace);
        return RC_OK;
    }
    print_person(trace);
    print_story(trace);
    print_verdict(trace);
    return RC_OK;
}

rc_exit_t rc_consumer_trace(const rc_args_t *args)
{
    trace_t trace = {.args = args, .arena = rc_arena_new()};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t exit = rc_cli_config(args, &trace.config);
    if (exit == RC_EXIT_DONE && (trace.integration = rc_cli_integration(args, trace.config)) == NULL)
        exit = RC_EXIT_USAGE;
    if (exit == RC_EXIT_DONE) {
        rc_log_set_level(RC_LEVEL_ERROR); /* what the clients complain about is in the result */
        rc_signals_open(&trace.cancelled);
        if (run(&trace, &exit, &error) != RC_OK) exit = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
        rc_signals_end_within(RC_SIGNALS_END_MS);
    }
    rc_history_close(trace.history);
    rc_signals_close();
    rc_config_free(trace.config);
    rc_arena_free(trace.arena);
    return exit;
}
