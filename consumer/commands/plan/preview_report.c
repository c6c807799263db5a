#include <stdio.h>
#include <string.h>

#include "common/report.h"
#include "common/words.h"
#include "consumer/commands/plan/preview_state.h"

enum { SHOWN = 20, SHOWN_OF_A_KIND = 10 };

static const struct {
    const char *text;
    const char *words;
} KINDS[RC_PREVIEW_COUNT] = {
#define X(name, text, words) [RC_PREVIEW_##name] = {text, words},
    RC_PREVIEW(X)
#undef X
};

/* ---- For people ---- */

static const char *command(const rc_preview_t *plan, const char *program, const char *name, const char *rest)
{
    const char *words = rc_arena_sprintf(plan->arena, "%s --integration %s%s", name, plan->integration->id, rest);
    return rc_inquiry_command(plan->inquiry, program, words);
}

static void count_kinds(const rc_preview_t *plan, int64_t counts[RC_PREVIEW_COUNT])
{
    memset(counts, 0, RC_PREVIEW_COUNT * sizeof *counts);
    for (size_t i = 0; i < plan->planned_count; i++) counts[plan->planned[i]->kind]++;
}

static void print_kinds(const rc_preview_t *plan)
{
    int64_t counts[RC_PREVIEW_COUNT];
    rc_report_t *report = rc_report_new("what the next run does|>people");
    count_kinds(plan, counts);
    for (int kind = 0; kind < RC_PREVIEW_COUNT; kind++)
        if (counts[kind] > 0)
            rc_report_add_format(report, "%s\t%s", KINDS[kind].words, rc_report_number(plan->arena, counts[kind]));
    rc_report_print(report, stdout, "");
    rc_report_free(report);
}

/* Everybody when they are few, else the first of each kind: the unusual stand first. */
static void print_people(const rc_preview_t *plan)
{
    rc_report_t *report = rc_report_new("employee|name|what|user|~why");
    int64_t counts[RC_PREVIEW_COUNT] = {0};
    size_t shown = 0;
    for (size_t i = 0; i < plan->planned_count; i++) {
        const rc_preview_person_t *planned = plan->planned[i];
        char user[24] = "";
        if (plan->planned_count > SHOWN && ++counts[planned->kind] > SHOWN_OF_A_KIND) continue;
        if (planned->user_id != 0) (void)snprintf(user, sizeof user, "%lld", (long long)planned->user_id);
        const char *cells[] = {planned->employee_id, planned->name, KINDS[planned->kind].text, user, planned->why};
        rc_report_add(report, cells);
        shown++;
    }
    printf("\n");
    rc_report_print(report, stdout, "");
    rc_report_free(report);
    if (shown < plan->planned_count)
        printf("\nand %s more; all of them, with what would change: %s\n",
               rc_report_people(plan->arena, (int64_t)(plan->planned_count - shown)),
               command(plan, "rollcall-consumer", "plan", " --json"));
}

static void print_teams(const rc_preview_t *plan)
{
    static const char *const whats[] = {"create", "adopt", "rename"};
    static const char *const words[] = {"created", "adopted by their name", "renamed"};
    rc_report_t *report = rc_report_new("teams that would be|>teams|~which");
    for (size_t w = 0; w < sizeof whats / sizeof *whats; w++) {
        const char *names = "";
        int64_t count = 0;
        for (size_t i = 0; i < plan->team_count; i++) {
            const rc_preview_team_t *team = &plan->planned_teams[i];
            if (strcmp(team->what, whats[w]) != 0) continue;
            if (count++ < SHOWN_OF_A_KIND)
                names = rc_words_join(plan->arena, names, ", ", team->name != NULL ? team->name : team->team_id);
        }
        if (count > SHOWN_OF_A_KIND) names = rc_arena_sprintf(plan->arena, "%s …", names);
        if (count > 0) rc_report_add_format(report, "%s\t%lld\t%s", words[w], (long long)count, names);
    }
    if (rc_report_rows(report) > 0) {
        printf("\n");
        rc_report_print(report, stdout, "");
    }
    rc_report_free(report);
}

static void print_unknown(const rc_preview_t *plan)
{
    if (plan->unknown_count == 0) return;
    rc_report_t *report = rc_report_new(">user|address|external id");
    for (size_t i = 0; i < plan->unknown_count && i < SHOWN; i++) {
        const rc_learnamp_user_t *user = &plan->unknown[i]->profile.user;
        char number[24];
        (void)snprintf(number, sizeof number, "%lld", (long long)user->id);
        const char *cells[] = {number, user->email, user->external_id};
        rc_report_add(report, cells);
    }
    printf("\nActive at Learn Amp and unknown in HR: %s, who stay as they are.\n\n",
           rc_report_people(plan->arena, (int64_t)plan->unknown_count));
    rc_report_print(report, stdout, "");
    rc_report_free(report);
    if (plan->unknown_count > SHOWN)
        printf("\nand %s more; all of them: %s\n",
               rc_report_people(plan->arena, (int64_t)(plan->unknown_count - SHOWN)),
               command(plan, "rollcall-consumer", "plan", " --json"));
}

static void print_notes(const rc_preview_t *plan)
{
    if (plan->unreadable > 0)
        printf("\n%s cannot be read by this release: the next run parks or dead-letters them.\n",
               plan->unreadable == 1
                   ? "One record"
                   : rc_arena_sprintf(plan->arena, "%s records", rc_report_number(plan->arena, plan->unreadable)));
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        if (plan->paused & 1u << type)
            printf("\n%s is paused: nothing of it is sent before it is resumed: %s\n",
                   rc_enum_str(&RC_ENUM_EVENT, type),
                   command(plan, "rollcall-producer", "resume",
                           rc_arena_sprintf(plan->arena, " --events %s", rc_enum_str(&RC_ENUM_EVENT, type))));
}

void rc_preview_report(const rc_preview_t *plan)
{
    printf("%s: ", rc_words_integration(plan->arena, plan->integration));
    if (plan->waiting == 0) {
        printf("no event waits; Learn Amp stays as it is.\n");
    } else {
        printf("%s wait%s, about %s. Nothing is written by this.\n\n",
               plan->waiting == 1
                   ? "1 event"
                   : rc_arena_sprintf(plan->arena, "%s events", rc_report_number(plan->arena, plan->waiting)),
               plan->waiting == 1 ? "s" : "", rc_report_people(plan->arena, (int64_t)plan->planned_count));
        print_kinds(plan);
        print_people(plan);
    }
    print_teams(plan);
    print_unknown(plan);
    print_notes(plan);
    if (plan->waiting > 0)
        printf("\nHave it done:  %s\nThen compare:  %s\n",
               rc_inquiry_command(plan->inquiry, "rollcall-consumer", "run"),
               command(plan, "rollcall-consumer", "audit", ""));
    printf("\n");
}

/* ---- For programs ---- */

static json_t *action_json(const rc_preview_person_t *planned)
{
    json_t *action = json_object(), *changes = json_array();
    rc_json_put_str(action, "employee_id", planned->employee_id);
    rc_json_put_str(action, "action", KINDS[planned->kind].text);
    if (planned->user_id != 0) (void)json_object_set_new(action, "user_id", json_integer(planned->user_id));
    rc_json_put_str(action, "why", planned->why);
    for (size_t i = 0; i < planned->change_count; i++) {
        json_t *change = json_object();
        rc_json_put_str(change, "field", planned->changes[i].field);
        rc_json_put_str_or_null(change, "before", planned->changes[i].learnamp);
        rc_json_put_str_or_null(change, "after", planned->changes[i].hr);
        (void)json_array_append_new(changes, change);
    }
    if (planned->change_count > 0)
        (void)json_object_set_new(action, "changes", changes);
    else
        json_decref(changes);
    return action;
}

static json_t *teams_json(const rc_preview_t *plan)
{
    json_t *teams = json_array();
    for (size_t i = 0; i < plan->team_count; i++) {
        json_t *team = json_object();
        rc_json_put_str(team, "action", plan->planned_teams[i].what);
        rc_json_put_str(team, "team_id", plan->planned_teams[i].team_id);
        rc_json_put_str(team, "name", plan->planned_teams[i].name);
        (void)json_array_append_new(teams, team);
    }
    return teams;
}

json_t *rc_preview_json(const rc_preview_t *plan)
{
    json_t *document = json_object(), *actions = json_array(), *unknown = json_array();
    for (size_t i = 0; i < plan->planned_count; i++)
        (void)json_array_append_new(actions, action_json(plan->planned[i]));
    for (size_t i = 0; i < plan->unknown_count; i++) {
        const rc_learnamp_user_t *user = &plan->unknown[i]->profile.user;
        json_t *entry = json_object();
        (void)json_object_set_new(entry, "user_id", json_integer(user->id));
        rc_json_put_str(entry, "email", user->email);
        (void)json_array_append_new(unknown, entry);
    }
    rc_json_put_str(document, "id", plan->integration->id);
    (void)json_object_set_new(document, "waiting_events", json_integer(plan->waiting));
    (void)json_object_set_new(document, "actions", actions);
    (void)json_object_set_new(document, "unknown_in_hr", unknown);
    (void)json_object_set_new(document, "teams", teams_json(plan));
    if (plan->paused != 0)
        (void)json_object_set_new(document, "paused",
                                  rc_json_symbols(RC_ENUM_EVENT.symbols, RC_ENUM_EVENT.count, plan->paused));
    if (plan->unreadable > 0) (void)json_object_set_new(document, "unreadable", json_integer(plan->unreadable));
    return document;
}
