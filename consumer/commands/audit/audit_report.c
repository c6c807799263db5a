#include <stdio.h>
#include <string.h>

#include "common/report.h"
#include "common/words.h"
#include "consumer/commands/audit/audit_state.h"

enum { SHOWN = 20, SHOWN_OF_A_KIND = 8, KINDS_MAX = 64 };

static const char *const COMING[] = {[RC_COMING_NOTHING] = "",
                                     [RC_COMING_WAITING] = "waiting",
                                     [RC_COMING_PARKED] = "parked",
                                     [RC_COMING_DEAD] = "dead-lettered"};

static rc_arena_t *arena_of(const rc_audit_t *audit)
{
    return audit->inquiry.arena;
}

static const char *command(const rc_audit_t *audit, const char *program, const char *name, const char *rest)
{
    rc_arena_t *arena = arena_of(audit);
    return rc_inquiry_command(&audit->inquiry, program,
                              rc_arena_sprintf(arena, "%s --integration %s%s", name, audit->integration->id, rest));
}

/* ---- How many of what ---- */

typedef struct {
    const char *words;
    int64_t people;
} kind_t;

typedef struct {
    kind_t kinds[KINDS_MAX];
    size_t count;
} kinds_t;

/* How many have it by now, this one too. */
static int64_t count_kind(kinds_t *kinds, const char *words)
{
    size_t i = 0;
    while (i < kinds->count && strcmp(kinds->kinds[i].words, words) != 0) i++;
    if (i == KINDS_MAX) return INT64_MAX; /* more custom fields than a table shows */
    if (i == kinds->count) kinds->kinds[kinds->count++] = (kind_t){.words = words};
    return ++kinds->kinds[i].people;
}

static const char *words_of(rc_arena_t *arena, const rc_finding_t *finding, size_t difference)
{
    if (finding->kind == RC_FINDING_MISSING) return "missing at Learn Amp";
    if (finding->kind == RC_FINDING_NOT_DEACTIVATED) return "gone, and still active at Learn Amp";
    const char *field = finding->differences[difference].field;
    return strcmp(field, "status") == 0 ? "employed, and deactivated at Learn Amp" : rc_words_field(arena, field);
}

/* Whether one of its kinds was not shown often enough yet. */
static bool note_kinds(kinds_t *kinds, rc_arena_t *arena, const rc_finding_t *finding)
{
    bool is_rare = false;
    size_t times = finding->kind == RC_FINDING_DIFFERS ? finding->difference_count : 1;
    for (size_t d = 0; d < times; d++)
        is_rare = count_kind(kinds, words_of(arena, finding, d)) <= SHOWN_OF_A_KIND || is_rare;
    return is_rare;
}

static void print_kinds(const rc_audit_t *audit)
{
    kinds_t kinds = {.count = 0};
    rc_report_t *report = rc_report_new("what differs|>people");
    for (size_t i = 0; i < audit->found_count; i++) (void)note_kinds(&kinds, arena_of(audit), audit->found[i]);
    for (size_t i = 0; i < kinds.count; i++)
        rc_report_add_format(report, "%s\t%s", kinds.kinds[i].words,
                             rc_report_number(arena_of(audit), kinds.kinds[i].people));
    rc_report_print(report, stdout, "");
    rc_report_free(report);
}

/* ---- Who ---- */

static const char *shown(const char *value)
{
    return value != NULL ? value : "(empty)";
}

static void add_finding(rc_report_t *report, rc_arena_t *arena, const rc_finding_t *finding)
{
    const char *user =
        finding->user_id != 0 ? rc_arena_sprintf(arena, "user %lld", (long long)finding->user_id) : "no user";
    if (finding->kind != RC_FINDING_DIFFERS) {
        bool is_missing = finding->kind == RC_FINDING_MISSING;
        bool is_stray = is_missing && finding->user_id != 0;
        const char *learnamp = is_stray     ? rc_arena_sprintf(arena, "%s has the address, without our id", user)
                               : is_missing ? user
                                            : rc_arena_sprintf(arena, "%s, active", user);
        const char *cells[] = {finding->employee_id,
                               finding->name,
                               is_missing ? "missing" : "not deactivated",
                               is_missing ? "employed" : "gone",
                               learnamp,
                               COMING[finding->coming]};
        rc_report_add(report, cells);
        return;
    }
    for (size_t i = 0; i < finding->difference_count; i++) {
        const rc_difference_t *difference = &finding->differences[i];
        const char *cells[] = {finding->employee_id,
                               finding->name,
                               rc_words_field(arena, difference->field),
                               shown(difference->hr),
                               shown(difference->learnamp),
                               COMING[finding->coming]};
        rc_report_add(report, cells);
    }
}

/* Everybody when they are few, else some of each kind. */
static void print_people(const rc_audit_t *audit)
{
    rc_report_t *report = rc_report_new("employee|name|what|published|at Learn Amp|on its way");
    kinds_t kinds = {.count = 0};
    size_t count = 0;
    for (size_t i = 0; i < audit->found_count; i++) {
        if (!note_kinds(&kinds, arena_of(audit), audit->found[i]) && audit->found_count > SHOWN) continue;
        add_finding(report, arena_of(audit), audit->found[i]);
        count++;
    }
    rc_report_print(report, stdout, "");
    rc_report_free(report);
    if (count < audit->found_count)
        printf("\nand %s more; all of them: %s\n",
               rc_report_people(arena_of(audit), (int64_t)(audit->found_count - count)),
               command(audit, "rollcall-consumer", "audit", " --json"));
}

/* ---- What else there is to say ---- */

static void print_misnamed(const rc_audit_t *audit)
{
    if (audit->misnamed_count == 0) return;
    rc_report_t *report = rc_report_new("team|called by HR|called at Learn Amp");
    for (size_t i = 0; i < audit->misnamed_count && i < SHOWN; i++) {
        const rc_audit_team_t *team = audit->misnamed[i];
        const char *cells[] = {team->id, team->hr, team->learnamp};
        rc_report_add(report, cells);
    }
    printf(
        "\nTeams that are called otherwise, which is no difference of their members (a rename in HR changes it):\n\n");
    rc_report_print(report, stdout, "");
    rc_report_free(report);
}

static void print_left_out(const rc_audit_t *audit)
{
    const char *left_out = rc_compare_left_out(audit->integration, audit->custom_known, arena_of(audit));
    if (*left_out != '\0') printf("\nNot compared, because Learn Amp does not show it: %s.\n", left_out);
}

static const char *first_coming(const rc_audit_t *audit, rc_coming_t coming)
{
    for (size_t i = 0; i < audit->found_count; i++)
        if (audit->found[i]->coming == coming) return audit->found[i]->employee_id;
    return "";
}

static int64_t count_coming(const rc_audit_t *audit, rc_coming_t coming)
{
    int64_t count = 0;
    for (size_t i = 0; i < audit->found_count; i++) count += audit->found[i]->coming == coming;
    return count;
}

static void print_coming(const rc_audit_t *audit)
{
    rc_arena_t *arena = arena_of(audit);
    int64_t waiting = count_coming(audit, RC_COMING_WAITING), parked = count_coming(audit, RC_COMING_PARKED);
    int64_t dead = count_coming(audit, RC_COMING_DEAD);
    if (waiting > 0)
        printf("\n%s: a change is on its way already; a running consumer brings it.\n",
               rc_report_people(arena, waiting));
    if (parked > 0)
        printf("\n%s: a record waits in a retry topic. Why: %s\n", rc_report_people(arena, parked),
               command(audit, "rollcall-consumer", "trace",
                       rc_arena_sprintf(arena, " --employee %s", first_coming(audit, RC_COMING_PARKED))));
    if (dead > 0)
        printf("\n%s: a record was dead-lettered and waits for a person. Why: %s\n", rc_report_people(arena, dead),
               command(audit, "rollcall-consumer", "dlq list", ""));
}

static void print_repair(const rc_audit_t *audit)
{
    rc_arena_t *arena = arena_of(audit);
    if (!audit->inquiry.args->repair && count_coming(audit, RC_COMING_WAITING) == (int64_t)audit->found_count) return;
    if (!audit->inquiry.args->repair) {
        printf("\nBring them to what was published, nobody is invited:  %s\n",
               command(audit, "rollcall-consumer", "audit", " --repair"));
        return;
    }
    int64_t left = (int64_t)audit->found_count - audit->repaired;
    printf("\nRepair records written: %s. The running consumers bring each of them to the newest published state, in "
           "order and at the\nconfigured rate; nobody is invited, who is missing is created anew, and who is gone is "
           "deactivated.\n",
           rc_report_number(arena, audit->repaired));
    if (left > 0) printf("%s left out: a record that brings all of it is on its way.\n", rc_report_people(arena, left));
    printf("\nSee it happen:  the metric rollcall_consumer_lag falls to 0\nThen compare:   %s\n",
           command(audit, "rollcall-consumer", "audit", ""));
}

void rc_audit_report(const rc_audit_t *audit)
{
    rc_arena_t *arena = arena_of(audit);
    printf("%s  %s: %s compared with Learn Amp", audit->integration->id, audit->integration->name,
           rc_report_people(arena, audit->compared));
    if (audit->found_count == 0) {
        printf(", and nothing differs.\n");
        print_misnamed(audit);
        print_left_out(audit);
        return;
    }
    printf("; %s differ%s.\n\n", rc_report_people(arena, (int64_t)audit->found_count),
           audit->found_count == 1 ? "s" : "");
    print_kinds(audit);
    printf("\n");
    print_people(audit);
    print_misnamed(audit);
    print_left_out(audit);
    print_coming(audit);
    print_repair(audit);
}

/* ---- For programs ---- */

static void add_differences(json_t *list, const rc_finding_t *finding)
{
    for (size_t i = 0; i < finding->difference_count; i++) {
        const rc_difference_t *difference = &finding->differences[i];
        json_t *entry = json_object();
        rc_json_put_str(entry, "employee_id", finding->employee_id);
        rc_json_put_str(entry, "field", difference->field);
        rc_json_put_str_or_null(entry, "hr", difference->hr);
        rc_json_put_str_or_null(entry, "learnamp", difference->learnamp);
        (void)json_array_append_new(list, entry);
    }
}

static json_t *misnamed_json(const rc_audit_t *audit)
{
    json_t *list = json_array();
    for (size_t i = 0; i < audit->misnamed_count; i++) {
        json_t *entry = json_object();
        rc_json_put_str(entry, "team_id", audit->misnamed[i]->id);
        rc_json_put_str(entry, "hr", audit->misnamed[i]->hr);
        rc_json_put_str(entry, "learnamp", audit->misnamed[i]->learnamp);
        (void)json_array_append_new(list, entry);
    }
    return list;
}

void rc_audit_json(const rc_audit_t *audit)
{
    json_t *document = json_object(), *differences = json_array(), *missing = json_array(), *stray = json_array();
    json_t *coming = json_array();
    for (size_t i = 0; i < audit->found_count; i++) {
        const rc_finding_t *finding = audit->found[i];
        if (finding->kind == RC_FINDING_MISSING)
            (void)json_array_append_new(missing, json_string(finding->employee_id));
        else if (finding->kind == RC_FINDING_NOT_DEACTIVATED)
            (void)json_array_append_new(stray, json_string(finding->employee_id));
        else
            add_differences(differences, finding);
        if (finding->coming == RC_COMING_NOTHING) continue;
        json_t *entry = json_object();
        rc_json_put_str(entry, "employee_id", finding->employee_id);
        rc_json_put_str(entry, "state", COMING[finding->coming]);
        (void)json_array_append_new(coming, entry);
    }
    rc_json_put_str(document, "integration_id", audit->integration->id);
    (void)json_object_set_new(document, "compared", json_integer(audit->compared));
    (void)json_object_set_new(document, "differences", differences);
    (void)json_object_set_new(document, "missing", missing);
    (void)json_object_set_new(document, "should_be_deactivated", stray);
    (void)json_object_set_new(document, "on_their_way", coming);
    (void)json_object_set_new(document, "teams_called_otherwise", misnamed_json(audit));
    rc_json_put_str(document, "not_compared",
                    rc_compare_left_out(audit->integration, audit->custom_known, arena_of(audit)));
    if (audit->inquiry.args->repair)
        (void)json_object_set_new(document, "repair_records", json_integer(audit->repaired));
    rc_json_print(document);
}
