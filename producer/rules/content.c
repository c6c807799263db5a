#include "producer/rules/content.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "producer/rules/collision.h"

enum { DIGEST_SIZE = 17, CONTENT_MAX_BYTES = 1024 * 1024 };

static void add_text(rc_buf_t *content, const char *text)
{
    /* With its length in front, so that no two lists of texts have the same bytes; NULL is not "". */
    uint32_t length = text ? (uint32_t)strlen(text) : UINT32_MAX;
    RC_INVARIANT(rc_buf_add(content, &length, sizeof length) &&
                 rc_buf_add(content, text ? text : "", text ? length : 0));
}

static void add_number(rc_buf_t *content, int64_t number)
{
    RC_INVARIANT(rc_buf_add(content, &number, sizeof number));
}

static const rc_event_t *find_event(const rc_diff_t *diff, rc_event_type_t type)
{
    for (size_t i = 0; i < diff->count; i++)
        if (diff->events[i].type == type) return &diff->events[i];
    return NULL;
}

/* The changed fields but for the address, with their new values; or the names of those that are empty now. */
static void add_changes(rc_buf_t *content, rc_arena_t *arena, const rc_diff_t *diff, bool only_cleared)
{
    const rc_event_t *event = find_event(diff, RC_EVENT_PROFILE_UPDATED);
    for (size_t i = 0; event && i < event->profile.change_count; i++) {
        const rc_change_t *change = &event->profile.changes[i];
        if (strcmp(change->field, "email") == 0) continue;
        const char *value = rc_employee_field(arena, &event->employee, change->field);
        if (only_cleared && (value || !change->previous)) continue;
        add_text(content, change->field);
        if (only_cleared) continue;
        bool is_avatar = value && strcmp(change->field, "avatar") == 0;
        add_text(content, is_avatar ? rc_arena_strndup(arena, value, rc_avatar_length(value)) : value);
    }
}

static void add_content(rc_buf_t *content, rc_arena_t *arena, rc_brake_t brake, const rc_decision_t *decision)
{
    const rc_employee_t *employee = &decision->employee;
    switch (brake) {
    case RC_BRAKE_DEACTIVATIONS:
        add_number(content, employee->status);
        add_number(content, employee->leave_date.days);
        add_number(content, decision->verdict.gone_reason);
        return;
    case RC_BRAKE_CREATIONS:
        add_number(content, employee->status);
        add_number(content, employee->hire_date.days);
        add_number(content, employee->leave_date.days);
        add_text(content, employee->email ? rc_address_key(arena, employee->email) : NULL);
        return;
    case RC_BRAKE_TEAM_CHANGES:
        add_text(content, employee->primary_team.id);
        for (size_t i = 0; i < employee->secondary_team_count; i++) add_text(content, employee->secondary_teams[i].id);
        return;
    case RC_BRAKE_EMAIL_CHANGES:
        add_text(content, employee->email ? rc_address_key(arena, employee->email) : NULL);
        return;
    case RC_BRAKE_PROFILE_CHANGES:
        add_changes(content, arena, &decision->diff, false);
        return;
    case RC_BRAKE_CLEARED_VALUES:
        add_changes(content, arena, &decision->diff, true);
        return;
    }
}

const char *rc_content_digest(rc_arena_t *arena, rc_brake_t brake, const rc_decision_t *decision)
{
    rc_buf_t content = RC_BUF_INIT(CONTENT_MAX_BYTES);
    char text[DIGEST_SIZE];
    add_content(&content, arena, brake, decision);
    (void)snprintf(text, sizeof text, "%016" PRIx64, rc_hash64(content.data ? content.data : "", content.size_bytes));
    rc_buf_fini(&content);
    return rc_arena_strdup(arena, text);
}
