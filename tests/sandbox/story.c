#include "tests/sandbox/story.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/text.h"
#include "common/words.h"

enum { MAX_BYTES = 64 * 1024 };

const char *sb_story_who(const rc_event_t *event, rc_arena_t *arena)
{
    const rc_employee_t *employee = &event->employee;
    const char *first = employee->first_name, *last = employee->last_name;
    if (first && last) return rc_arena_sprintf(arena, "%s %s", first, last);
    if (first || last) return first ? first : last;
    return employee->email ? employee->email : event->employee_id;
}

/* "NEW_HIRE" as a person writes it. */
static const char *words(const char *symbol, rc_arena_t *arena)
{
    char *text = rc_arena_strdup(arena, symbol);
    for (char *at = text; *at; at++) *at = *at == '_' ? ' ' : (char)tolower((unsigned char)*at);
    return text;
}

static const char *or_nothing(const char *text)
{
    return rc_text_empty(text) ? "nothing" : text;
}

static void tell_created(const rc_event_t *event, rc_arena_t *arena, rc_buf_t *text)
{
    const rc_employee_t *employee = &event->employee;
    (void)rc_buf_add_str(text, words(rc_enum_str(&RC_ENUM_CREATED, (int)event->created.reason), arena));
    if (employee->job_title) (void)rc_buf_add_format(text, ", %s", employee->job_title);
    if (employee->primary_team.name) (void)rc_buf_add_format(text, ", team %s", employee->primary_team.name);
    if (event->created.replaces) (void)rc_buf_add_format(text, ", in place of %s", event->created.replaces);
}

static void tell_profile(const rc_event_t *event, rc_arena_t *arena, rc_buf_t *text)
{
    for (size_t i = 0; i < event->profile.change_count; i++) {
        const rc_change_t *change = &event->profile.changes[i];
        const char *before = change->previous, *now = rc_employee_field(arena, &event->employee, change->field);
        (void)rc_buf_add_str(text, i ? ", " : "");
        if (!strcmp(change->field, "avatar")) {
            (void)rc_buf_add_str(text, event->employee.avatar ? "another picture" : "no picture");
            continue;
        }
        if (!strcmp(change->field, "status")) {
            before = before ? words(before, arena) : NULL;
            now = now ? words(now, arena) : NULL;
        }
        (void)rc_buf_add_format(text, "%s: %s → %s", rc_words_field(arena, change->field), or_nothing(before),
                                or_nothing(now));
    }
}

static void tell_team(const rc_event_t *event, rc_buf_t *text)
{
    const rc_ref_t *before = &event->team.previous, *now = &event->team.current;
    bool same = rc_text_equal(before->id, now->id);
    if (!same)
        (void)rc_buf_add_format(text, "team %s → %s", or_nothing(before->name), or_nothing(now->name));
    else if (!rc_text_equal(before->name, now->name))
        (void)rc_buf_add_format(text, "team %s is now called %s", or_nothing(before->name), or_nothing(now->name));
    else
        (void)rc_buf_add_str(text, "other secondary teams");
}

static void tell_deactivated(const rc_event_t *event, rc_arena_t *arena, rc_buf_t *text)
{
    char day[RC_TIME_STR_SIZE];
    const char *effective = rc_date_str(event->deactivated.effective_date, day);
    (void)rc_buf_add_str(text, words(rc_enum_str(&RC_ENUM_GONE, (int)event->deactivated.reason), arena));
    if (!rc_text_empty(effective)) (void)rc_buf_add_format(text, ", as of %s", effective);
}

const char *sb_story_what(const rc_event_t *event, rc_arena_t *arena)
{
    rc_buf_t text = RC_BUF_INIT(MAX_BYTES);
    switch (event->type) {
    case RC_EVENT_CREATED:
        tell_created(event, arena, &text);
        break;
    case RC_EVENT_PROFILE_UPDATED:
        tell_profile(event, arena, &text);
        break;
    case RC_EVENT_TEAM_CHANGED:
        tell_team(event, &text);
        break;
    case RC_EVENT_DEACTIVATED:
        tell_deactivated(event, arena, &text);
        break;
    }
    const char *told = rc_arena_strdup(arena, text.data ? text.data : "");
    rc_buf_fini(&text);
    return told;
}
