#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/report.h"
#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/undo/undo_state.h"

enum { ROWS_MAX = 50, NAMES_MAX = 10 };

/* ---- Words ---- */

/* A line to type, which it takes, and what it does (NULL: that is clear). */
static void print_step(const char *indent, char *line, const char *what)
{
    printf("%s%s%s%s\n", indent, line, what != NULL ? "    # " : "", what != NULL ? what : "");
    free(line);
}

static const char *quoted(rc_arena_t *arena, const char *value)
{
    return value != NULL ? rc_arena_sprintf(arena, "\"%s\"", value) : "nothing";
}

static const char *happened(rc_arena_t *arena, const rc_undo_person_t *person)
{
    const char *text = "";
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        if (person->types & 1u << type) text = rc_words_join(arena, text, ", ", rc_enum_str(&RC_ENUM_EVENT, type));
    return text;
}

/* "reactivate, with the team Sales and all fields", or each field. */
static const char *put_back(const rc_undo_run_t *run, const rc_undo_person_t *person)
{
    rc_arena_t *arena = run->arena;
    const char *text = "";
    if (person->deactivated) {
        const char *team = person->past.employee.primary_team.name;
        bool has_team = run->integration->policy.primary_team_count > 0 && !rc_text_empty(team);
        text = has_team ? rc_arena_sprintf(arena, "reactivate, with the team \"%s\" and all fields", team)
                        : "reactivate, with all fields";
    }
    for (size_t i = 0; i < person->difference_count && !person->deactivated; i++) {
        const rc_difference_t *difference = &person->differences[i];
        text = rc_words_join(arena, text, "; ",
                             rc_arena_sprintf(arena, "%s: %s → %s", rc_words_field(arena, difference->field),
                                              quoted(arena, difference->learnamp), quoted(arena, difference->hr)));
    }
    if (person->unseen != NULL)
        text = rc_words_join(arena, text, "; ",
                             rc_arena_sprintf(arena, "%s (Learn Amp does not show it)", person->unseen));
    return rc_words_join(arena, text, "; ", person->past.doubt);
}

static bool is_paused(const rc_undo_run_t *run)
{
    return (run->paused & RC_UNDO_ALL_EVENTS) == RC_UNDO_ALL_EVENTS;
}

/* ---- The plan ---- */

static void print_rows(const rc_undo_run_t *run)
{
    rc_report_t *report = rc_report_new("employee|name|since then|first at (UTC)|~what is put back");
    for (size_t i = 0; i < run->count && rc_report_rows(report) < ROWS_MAX; i++) {
        const rc_undo_person_t *person = run->people[i];
        if (person->judged != RC_UNDO_RESTORE) continue;
        const char *cells[] = {person->employee_id, rc_employee_name(run->arena, &person->past.employee),
                               happened(run->arena, person), rc_words_moment(run->arena, person->since),
                               put_back(run, person)};
        rc_report_add(report, cells);
    }
    rc_report_print(report, stdout, "Nobody is to be restored.");
    rc_report_free(report);
    if (run->counts[RC_UNDO_RESTORE] > ROWS_MAX)
        printf("… and %zu more; --json lists all of them\n", run->counts[RC_UNDO_RESTORE] - ROWS_MAX);
}

/* Some of those with that verdict, by id. */
static const char *examples(const rc_undo_run_t *run, rc_undo_t judged)
{
    const char *text = "";
    size_t named = 0;
    for (size_t i = 0; i < run->count && named < NAMES_MAX; i++) {
        const rc_undo_person_t *person = run->people[i];
        if (person->judged != judged) continue;
        const char *more = person->successor != NULL && judged == RC_UNDO_NO_USER
                               ? rc_arena_sprintf(run->arena, "%s (now %s)", person->employee_id, person->successor)
                               : person->employee_id;
        text = named++ > 0 ? rc_arena_sprintf(run->arena, "%s, %s", text, more) : more;
    }
    return run->counts[judged] > named ? rc_arena_sprintf(run->arena, "%s …", text) : text;
}

static void print_others(const rc_undo_run_t *run)
{
    static const char *const words[RC_UNDO_COUNT] = {
        [RC_UNDO_UNSEEN] =
            "differ at most in what Learn Amp does not show (avatar, leave date, custom fields), which is "
            "written once more",
        [RC_UNDO_NOTHING] = "are what they were, as far as Learn Amp shows it",
        [RC_UNDO_STAYS] = "came or came back since, and stay as they are (nobody is deactivated by an undo; what an "
                          "adopted user had before was never read)",
        [RC_UNDO_NO_USER] = "have no user with their id at Learn Amp, and nobody is created by an undo",
        [RC_UNDO_FORGOTTEN] = "were erased since, and are left alone",
    };
    for (int judged = 0; judged < RC_UNDO_COUNT; judged++) {
        if (words[judged] == NULL || run->counts[judged] == 0) continue;
        bool is_named = judged == RC_UNDO_NO_USER || judged == RC_UNDO_STAYS;
        printf("%zu %s%s%s\n", run->counts[judged], words[judged], is_named ? ": " : ".",
               is_named ? examples(run, (rc_undo_t)judged) : "");
    }
}

static size_t count_deactivated(const rc_undo_run_t *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->count; i++)
        count += run->people[i]->judged == RC_UNDO_RESTORE && run->people[i]->deactivated;
    return count;
}

static void print_limits(const rc_undo_run_t *run)
{
    char since[RC_TIME_STR_SIZE];
    size_t lost = count_deactivated(run);
    if (lost > 0)
        printf(
            "\nLearn Amp does not give back what a deactivation destroyed: tasks, event enrolments, objectives and key "
            "results of %zu people. Tell them.\n",
            lost);
    if (run->waiting > 0)
        printf("%s: not all changes from that time are applied yet; the rest will be%s.\n",
               rc_report_people(run->arena, (int64_t)run->waiting), is_paused(run) ? " when you resume" : "");
    if (run->late > 0)
        printf("%lld changes were applied since %s that were published before; an earlier --since takes those back, "
               "too.\n",
               (long long)run->late, rc_wall_str(run->args->since, since));
}

void rc_undo_print_plan(const rc_undo_run_t *run)
{
    char since[RC_TIME_STR_SIZE];
    const char *id = run->integration->id;
    if (run->count == 0) {
        printf("%s: nothing was published since %s UTC%s%s, so there is nothing to put back.\n", id,
               rc_words_moment(run->arena, run->args->since), run->args->employee != NULL ? " about " : "",
               run->args->employee != NULL ? run->args->employee : "");
        print_limits(run);
        return;
    }
    printf("%s since %s UTC: %s changed, %zu to be restored\n\n", id, rc_words_moment(run->arena, run->args->since),
           rc_report_people(run->arena, (int64_t)run->count), run->counts[RC_UNDO_RESTORE]);
    print_rows(run);
    printf("\n");
    print_others(run);
    print_limits(run);
    if (run->args->apply) {
        (void)fflush(stdout); /* before it is done */
        return;
    }
    size_t to_write = run->counts[RC_UNDO_RESTORE] + run->counts[RC_UNDO_UNSEEN];
    printf("\nNothing was changed.%s\n", to_write > 0 ? " To do it:" : "");
    if (to_write == 0) return;
    if (!is_paused(run))
        print_step("  ", rc_cli_line(run->args, "rollcall-producer", "pause --integration %s", id),
                   "first: the sync would do all of it again");
    print_step("  ",
               rc_cli_line(run->args, NULL, "undo --integration %s --since %s%s%s --apply", id,
                           rc_wall_str(run->args->since, since), run->args->employee != NULL ? " --employee " : "",
                           run->args->employee != NULL ? run->args->employee : ""),
               NULL);
}

/* ---- The result ---- */

static void print_failures(const rc_undo_run_t *run)
{
    rc_report_t *report = rc_report_new("employee|name|result|~why");
    for (size_t i = 0; i < run->count && rc_report_rows(report) < ROWS_MAX; i++) {
        const rc_undo_person_t *person = run->people[i];
        bool is_clean = person->result == RC_UNDO_DONE && person->message == NULL;
        if (!rc_undo_is_written(person) || is_clean) continue;
        const char *result = person->result == RC_UNDO_DONE    ? "restored"
                             : person->result == RC_UNDO_TO_DO ? "not tried"
                                                               : "failed";
        const char *cells[] = {person->employee_id, rc_employee_name(run->arena, &person->past.employee), result,
                               person->message};
        rc_report_add(report, cells);
    }
    if (rc_report_rows(report) > 0) {
        printf("\n");
        rc_report_print(report, stdout, "");
    }
    rc_report_free(report);
}

static void print_next_steps(const rc_undo_run_t *run)
{
    const char *indent = "     ", *producer = "rollcall-producer", *id = run->integration->id;
    const rc_args_t *args = run->args;
    printf(
        "\nWhat was published still says otherwise: until HR is right again, audit lists these people, and a resync, a "
        "replay or\n`audit --repair` brings them there again, as does the next change of one of them.\n\n"
        "1. Mend HR, or the mapping or policy that misread it.\n"
        "2. Let the sync see it, with deactivations still stopped:\n");
    print_step(indent,
               rc_cli_line(args, producer, "resume --integration %s --events created,profile-updated,team-changed", id),
               NULL);
    print_step(indent, rc_cli_line(args, producer, "once --integration %s --full", id), NULL);
    print_step(indent, rc_cli_line(args, producer, "status --integration %s", id), "a brake may hold what comes back");
    printf("3. See that nobody is deactivated whom you brought back:\n");
    print_step(indent, rc_cli_line(args, NULL, "plan --integration %s", id), NULL);
    printf("4. Go on:\n");
    print_step(indent, rc_cli_line(args, producer, "resume --integration %s", id), NULL);
}

void rc_undo_print_result(const rc_undo_run_t *run)
{
    size_t done = 0;
    if (run->count == 0) return;
    for (size_t i = 0; i < run->count; i++) done += run->people[i]->result == RC_UNDO_DONE;
    printf("\n%zu of %zu written.\n", done, run->counts[RC_UNDO_RESTORE] + run->counts[RC_UNDO_UNSEEN]);
    print_failures(run);
    if (done == 0) return;
    print_next_steps(run);
}

/* ---- For programs ---- */

static json_t *person_json(const rc_undo_run_t *run, const rc_undo_person_t *person)
{
    json_t *json = json_object(), *changes = json_array();
    rc_json_put_str(json, "employee_id", person->employee_id);
    rc_json_put_str(json, "action", rc_undo_str(person->judged));
    if (person->user_id != 0) (void)json_object_set_new(json, "user_id", json_integer(person->user_id));
    rc_json_put_wall(json, "since", person->since);
    (void)json_object_set_new(json, "events",
                              rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, person->types));
    for (size_t i = 0; i < person->difference_count && person->judged == RC_UNDO_RESTORE; i++) {
        json_t *change = json_object();
        rc_json_put_str(change, "field", person->differences[i].field);
        rc_json_put_str(change, "now", person->differences[i].learnamp);
        rc_json_put_str(change, "before", person->differences[i].hr);
        (void)json_array_append_new(changes, change);
    }
    (void)json_object_set_new(json, "changes", changes);
    rc_json_put_str(json, "not_shown", person->unseen);
    rc_json_put_str(json, "doubt", person->past.doubt);
    rc_json_put_str(json, "now_known_as", person->successor);
    if (run->args->apply && rc_undo_is_written(person)) {
        const char *result = person->result == RC_UNDO_DONE    ? "restored"
                             : person->result == RC_UNDO_TO_DO ? "not_tried"
                                                               : "failed";
        rc_json_put_str(json, "result", result);
        rc_json_put_str(json, "message", person->message);
    }
    return json;
}

void rc_undo_print_json(const rc_undo_run_t *run)
{
    json_t *people = json_array(), *document = json_object();
    for (size_t i = 0; i < run->count; i++) (void)json_array_append_new(people, person_json(run, run->people[i]));
    rc_json_put_str(document, "integration_id", run->integration->id);
    rc_json_put_wall(document, "since", run->args->since);
    (void)json_object_set_new(document, "applied", json_boolean(run->args->apply));
    (void)json_object_set_new(document, "paused", json_boolean(is_paused(run)));
    (void)json_object_set_new(document, "not_applied_yet", json_integer((json_int_t)run->waiting));
    (void)json_object_set_new(document, "applied_late", json_integer(run->late));
    (void)json_object_set_new(document, "people", people);
    rc_json_print(document);
}
