/* What `plan` prints for people. */
#include <stdlib.h>
#include <string.h>

#include "common/report.h"
#include "common/text.h"
#include "common/words.h"
#include "producer/commands/plan/plan.h"
#include "producer/commands/plan/plan_groups.h"
#include "producer/commands/words.h"

typedef struct {
    const rc_plan_groups_t *groups;
    const rc_planned_t *planned;
    const char *config; /* as rc_say_config gives it */
    FILE *stream;
    rc_arena_t *arena;
} page_t;

/* ---- The first paragraph ---- */

static const char *why_everybody(const page_t *page)
{
    const rc_planned_t *planned = page->planned;
    char digest[RC_DIGEST_SIZE];
    if (!planned->before.watermark.ms) return "because this is the first import";
    if (planned->full_asked) return "as --full asks for";
    if (!planned->before.projection_digest ||
        strcmp(planned->before.projection_digest, rc_integration_digest(planned->integration, digest)) != 0)
        return "because mapping, policy or time zone have changed";
    return rc_arena_sprintf(page->arena, "because the last full reading was %s",
                            rc_words_minute(page->arena, planned->before.last_full_at));
}

static void print_read(const page_t *page)
{
    const rc_planned_t *planned = page->planned;
    int64_t read = planned->result.state.last_poll.read;
    if (planned->result.updated_after.ms)
        (void)fprintf(page->stream, "Read from HR: what changed since %s, %s.\n",
                      rc_words_minute(page->arena, planned->result.updated_after), rc_report_people(page->arena, read));
    else
        (void)fprintf(page->stream, "Read from HR: everybody, %s, %s.\n", rc_report_people(page->arena, read),
                      why_everybody(page));
    if (!planned->topics) (void)fprintf(page->stream, "Kafka has no topics of ours yet; `once` and `run` make them.\n");
}

static void print_counts(const page_t *page)
{
    const rc_plan_groups_t *groups = page->groups;
    const struct {
        size_t people;
        const char *what;
    } parts[] = {{groups->created.people, "to create"},
                 {groups->gone.people, "to deactivate"},
                 {groups->moved, "to move to another team"},
                 {groups->changed, "to change"},
                 {groups->renamed, "whose team gets another name"}};
    const char *words = "";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].people)
            words =
                rc_words_join(page->arena, words, ", ",
                              rc_arena_sprintf(page->arena, "%s %s",
                                               rc_report_people(page->arena, (int64_t)parts[i].people), parts[i].what));
    if (!*words) {
        (void)fprintf(page->stream, "Nothing would change: everybody is as it was published");
        (void)fprintf(page->stream, groups->waiting_people ? "; %s for something.\n" : ".\n",
                      rc_say_waiting(page->arena, (int64_t)groups->waiting_people));
        return;
    }
    (void)fprintf(page->stream, "%s.\n", words);
    (void)fprintf(page->stream, "Published would be the changes of %s",
                  rc_report_people(page->arena, (int64_t)groups->published));
    if (groups->held)
        (void)fprintf(page->stream, "; those of %s would be held until you decide",
                      rc_report_people(page->arena, (int64_t)groups->held));
    if (groups->waiting_people)
        (void)fprintf(page->stream, "; %s for something else",
                      rc_say_waiting(page->arena, (int64_t)groups->waiting_people));
    (void)fprintf(page->stream, ".\n");
    /* Everybody was read and nobody was known: who is neither created nor waits is of no concern. */
    int64_t others =
        page->planned->result.state.last_poll.read - (int64_t)groups->created.people - (int64_t)groups->waiting_people;
    if (!page->planned->before.watermark.ms && others > 0)
        (void)fprintf(page->stream, "%s of HR's list %s employed no more, or %s left out by the policy.\n",
                      rc_report_people(page->arena, others), others == 1 ? "is" : "are", others == 1 ? "is" : "are");
    (void)fprintf(page->stream, "This was a preview: nothing was published or stored.\n");
}

/* ---- What looks wrong ---- */

static const rc_hold_t *known_hold(const rc_planned_t *planned, const rc_hold_t *hold)
{
    for (size_t i = 0; i < planned->before.hold_count; i++)
        if (rc_text_equal(planned->before.holds[i].id, hold->id)) return &planned->before.holds[i];
    return NULL;
}

static void print_alarm(const page_t *page, rc_plan_field_t *const *fields, size_t count)
{
    int64_t announced = page->planned->before.announced;
    for (size_t i = 0; i < count; i++)
        if (rc_plan_field_is_alarming(fields[i], announced))
            (void)fprintf(
                page->stream, "! %s would become empty for %s of %s. Was a permission taken away in the HR system?\n",
                rc_words_field(page->arena, fields[i]->name),
                rc_report_number(page->arena, (int64_t)fields[i]->emptied), rc_report_people(page->arena, announced));
}

static void print_warnings(const page_t *page)
{
    const rc_planned_t *planned = page->planned;
    const rc_sync_state_t *after = &planned->result.state;
    print_alarm(page, page->groups->fields, page->groups->field_count);
    print_alarm(page, page->groups->moves, page->groups->move_count);
    for (size_t i = 0; i < after->hold_count; i++) {
        const rc_hold_t *hold = &after->holds[i];
        (void)fprintf(page->stream, "! %s %s %s until you approve or reject them; up to %s pass within 24 hours.\n",
                      rc_report_number(page->arena, hold->employees), rc_say_brake(page->arena, hold->brake),
                      known_hold(planned, hold) ? "are held" : "would be held",
                      rc_report_number(page->arena, hold->limit));
    }
    if (planned->before.paused)
        (void)fprintf(page->stream, "! Paused: %s. Nothing of it is published before `rollcall-producer resume`.\n",
                      rc_words_events(page->arena, planned->before.paused));
}

/* ---- The groups ---- */

/* " (held: team changes)" */
static const char *held_words(const page_t *page, size_t held, uint32_t held_by, size_t of)
{
    const char *brakes = "";
    if (!held) return "";
    for (int brake = 0; brake < RC_BRAKE_COUNT; brake++)
        if (held_by >> brake & 1U)
            brakes = rc_words_join(page->arena, brakes, ", ", rc_say_brake(page->arena, (rc_brake_t)brake));
    return held == of ? rc_arena_sprintf(page->arena, ", held (%s)", brakes)
                      : rc_arena_sprintf(page->arena, ", %s of them held (%s)",
                                         rc_report_number(page->arena, (int64_t)held), brakes);
}

static void print_more(const page_t *page, size_t shown, size_t of, const char *what)
{
    if (of > shown)
        (void)fprintf(page->stream, "… and %s more%s; --json shows all\n",
                      rc_report_number(page->arena, (int64_t)(of - shown)), what);
}

static void print_list(const page_t *page, const rc_plan_list_t *people_of, const char *columns)
{
    rc_report_t *report = rc_report_new(columns);
    for (size_t i = 0; i < people_of->row_count; i++)
        rc_report_add(report, (const char *const *)people_of->rows[i].cells);
    rc_report_print(report, page->stream, "");
    print_more(page, people_of->row_count, people_of->people, "");
    rc_report_free(report);
}

/* "180 MISSING, 20 INACTIVE" is worth a line only where there are several. */
static const char *by_reason(const page_t *page, const size_t *counts, const rc_enum_t *of)
{
    const char *words = "";
    int kinds = 0;
    for (int reason = 0; reason < of->count; reason++) {
        if (!counts[reason]) continue;
        kinds++;
        words =
            rc_words_join(page->arena, words, ", ",
                          rc_arena_sprintf(page->arena, "%s %s", rc_report_number(page->arena, (int64_t)counts[reason]),
                                           rc_enum_str(of, reason)));
    }
    return kinds > 1 ? rc_arena_sprintf(page->arena, ": %s", words) : "";
}

static void print_people(const page_t *page)
{
    const rc_plan_list_t *created = &page->groups->created, *gone = &page->groups->gone;
    if (gone->people) {
        (void)fprintf(page->stream, "\nTo deactivate: %s%s%s\n", rc_report_people(page->arena, (int64_t)gone->people),
                      held_words(page, gone->held, gone->held_by, gone->people),
                      by_reason(page, page->groups->gone_by, &RC_ENUM_GONE));
        print_list(page, gone, "employee|name|e-mail|team|last day|why");
    }
    if (created->people) {
        (void)fprintf(page->stream, "\nTo create: %s%s%s\n", rc_report_people(page->arena, (int64_t)created->people),
                      held_words(page, created->held, created->held_by, created->people),
                      by_reason(page, page->groups->created_by, &RC_ENUM_CREATED));
        print_list(page, created, "employee|name|e-mail|team|starts|why");
    }
}

static const char *examples(const page_t *page, const rc_plan_kind_t *kind)
{
    const char *words = "";
    if (kind->people == 1) return rc_arena_sprintf(page->arena, "%s (%s)", kind->examples[0], kind->employee_id);
    for (size_t i = 0; i < RC_PLAN_EXAMPLES && kind->examples[i]; i++)
        words = rc_words_join(page->arena, words, ", ", kind->examples[i]);
    return kind->people > RC_PLAN_EXAMPLES ? rc_arena_sprintf(page->arena, "%s …", words) : words;
}

static void print_field(const page_t *page, const rc_plan_field_t *field, const char *title)
{
    size_t count, shown;
    if (!field->people) return;
    const char *emptied = field->emptied ? rc_arena_sprintf(page->arena, ", empty afterwards for %s",
                                                            rc_report_number(page->arena, (int64_t)field->emptied))
                                         : "";
    (void)fprintf(page->stream, "\n%s: %s%s%s\n", title, rc_report_people(page->arena, (int64_t)field->people), emptied,
                  held_words(page, field->held, field->held_by, field->people));
    const rc_plan_kind_t **kinds = rc_plan_field_kinds(field, &count);
    rc_report_t *report = rc_report_new(">people|before|after|who");
    for (shown = 0; shown < count && shown < RC_PLAN_ROWS; shown++) {
        const rc_plan_kind_t *kind = kinds[shown];
        const char *cells[] = {rc_report_number(page->arena, (int64_t)kind->people),
                               kind->various  ? "(various)"
                               : kind->before ? kind->before
                                              : "(empty)",
                               kind->after ? kind->after : "(empty)", examples(page, kind)};
        rc_report_add(report, cells);
    }
    rc_report_print(report, page->stream, "");
    print_more(page, shown, count, " changes of it");
    rc_report_free(report);
    free(kinds);
}

static void print_changes(const page_t *page)
{
    const rc_plan_groups_t *groups = page->groups;
    for (size_t i = 0; i < groups->move_count; i++)
        print_field(page, groups->moves[i],
                    rc_arena_sprintf(page->arena, "To move, %s", rc_words_field(page->arena, groups->moves[i]->name)));
    print_field(page, &groups->renames, "Teams with another name (nobody moves)");
    for (size_t i = 0; i < groups->field_count; i++)
        print_field(
            page, groups->fields[i],
            rc_arena_sprintf(page->arena, "To change, %s", rc_words_field(page->arena, groups->fields[i]->name)));
}

static void print_waiting(const page_t *page)
{
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++) {
        const rc_plan_list_t *waiting = &page->groups->waiting[reason];
        if (!waiting->people) continue;
        (void)fprintf(page->stream, "\nWaiting, %s: %s\n", rc_words_pending((rc_pending_reason_t)reason),
                      rc_report_people(page->arena, (int64_t)waiting->people));
        bool has_day = reason == RC_PENDING_NOT_YET || reason == RC_PENDING_ABSENT_ONCE;
        print_list(page, waiting, has_day ? "employee|name|e-mail|until" : "employee|name|e-mail");
    }
}

/* ---- What to type next ---- */

static void type_next(const page_t *page, const char *program, const char *command, const char *options,
                      const char *what)
{
    (void)fprintf(page->stream, "  rollcall-%s %s --integration %s%s%s    # %s\n", program, command,
                  page->planned->integration->id, options, page->config, what);
}

static void print_next(const page_t *page)
{
    const rc_planned_t *planned = page->planned;
    const rc_sync_state_t *after = &planned->result.state;
    bool begins = false;
    (void)fprintf(page->stream, "\nNext:\n");
    for (size_t i = 0; i < after->hold_count; i++) {
        const rc_hold_t *known = known_hold(planned, &after->holds[i]);
        begins |= !known;
        if (known)
            type_next(page, "producer", "status", rc_arena_sprintf(page->arena, " --hold %s", known->id),
                      "who is held, and how to approve or reject it");
    }
    if (page->groups->published || begins || !planned->before.watermark.ms)
        type_next(page, "producer", "once", planned->full_asked ? " --full" : "",
                  begins ? "publishes what is not held" : "publishes this");
    if (begins) type_next(page, "producer", "status", "", "then: what is held, and how to approve or reject it");
    if (page->groups->published)
        type_next(page, "consumer", "plan", "", "then: what that does at Learn Amp, before it is done");
    else if (!begins && planned->before.watermark.ms)
        type_next(page, "producer", "status", "", "what is in step, and what waits");
}

void rc_plan_print(const rc_plan_groups_t *groups, const rc_planned_t *planned, const char *config, FILE *stream)
{
    rc_arena_t *arena = rc_arena_new();
    const page_t page = {groups, planned, rc_say_config(arena, config), stream, arena};
    (void)fprintf(stream, "%s\n", rc_words_integration(arena, planned->integration));
    if (planned->ok) {
        print_read(&page);
        print_counts(&page);
        print_warnings(&page);
        print_people(&page);
        print_changes(&page);
        print_waiting(&page);
        print_next(&page);
    } else {
        (void)fprintf(stream, "The poll failed, so nothing can be said: %s\n\nNext:\n", planned->message);
        type_next(&page, "producer", "check", "", "reaches every service, and says what to mend");
    }
    rc_arena_free(arena);
}
