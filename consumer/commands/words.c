#include "consumer/commands/words.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/words.h"

const char *rc_say_type(int type)
{
    return type >= 0 ? rc_enum_str(&RC_ENUM_EVENT, type) : "record";
}

const char *rc_say_parked(rc_park_reason_t reason)
{
    static const char *const words[RC_PARK_COUNT] = {
        [RC_PARK_TRANSIENT] = "Learn Amp did not answer, or was not well",
        [RC_PARK_UNANSWERED] = "a write got no answer and may have taken effect",
        [RC_PARK_CONFLICT] = "the address or the external id belongs to another user of Learn Amp",
        [RC_PARK_REPLACED] = "the user of their former HR id is still active",
        [RC_PARK_TEAM] = "a team that was ensured is not there",
        [RC_PARK_MANAGER] = "all is done but the manager, who is no active user of Learn Amp yet",
        [RC_PARK_HANDED_OVER] = "handed to created: there is no such user",
        [RC_PARK_HELD] = "Learn Amp could not be asked then: a pause, an open breaker or its limit",
        [RC_PARK_UNKNOWN_SCHEMA] = "its schema is not known: a newer release wrote it",
        [RC_PARK_UNKNOWN_INTEGRATION] = "the consumers' configuration does not name this integration",
        [RC_PARK_REJECTED] = "sent once more after it was dead-lettered",
        [RC_PARK_IDENTITY_CONFLICT] = "sent once more after it was dead-lettered",
        [RC_PARK_POISON] = "sent once more after it was dead-lettered",
        [RC_PARK_REPAIR] = "Learn Amp differed from what was published, and an audit has it mended",
        [RC_PARK_NO_SNAPSHOT] = "they have a user, and no snapshot says whether they are employed",
        [RC_PARK_OTHER] = "another reason",
    };
    return words[reason];
}

const char *rc_say_created(rc_created_reason_t reason)
{
    static const char *const words[RC_CREATED_COUNT] = {[RC_CREATED_NEW_HIRE] = "joins the company",
                                                        [RC_CREATED_REHIRE] = "comes back to the company",
                                                        [RC_CREATED_BACK_IN_SCOPE] = "is in scope again",
                                                        [RC_CREATED_INITIAL_IMPORT] = "was there at the first import",
                                                        [RC_CREATED_RESYNC] = "was published again by resync"};
    return words[reason];
}

const char *rc_say_gone(rc_gone_reason_t reason)
{
    static const char *const words[RC_GONE_COUNT] = {
        [RC_GONE_INACTIVE] = "is inactive in HR",   [RC_GONE_TERMINATION_DATE] = "left: the leave date has passed",
        [RC_GONE_DELETED] = "was deleted in HR",    [RC_GONE_MISSING] = "is missing in HR",
        [RC_GONE_OUT_OF_SCOPE] = "is out of scope", [RC_GONE_RESYNC] = "was published again by resync"};
    return words[reason];
}

void rc_say_employee(rc_arena_t *arena, const rc_employee_t *employee,
                     void (*say)(void *opaque, const char *field, const char *value), void *opaque)
{
    static const char *const fields[] = {"email",     "status",           "hire_date",     "leave_date",
                                         "job_title", "primary_location", "manager_email", "language"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *value = rc_employee_field(arena, employee, fields[i]);
        if (value) say(opaque, rc_words_field(arena, fields[i]), value);
    }
    if (!rc_text_empty(employee->primary_team.name)) say(opaque, "primary team", employee->primary_team.name);
    for (size_t i = 0; i < employee->secondary_team_count; i++)
        if (!rc_text_empty(employee->secondary_teams[i].name))
            say(opaque, "secondary team", employee->secondary_teams[i].name);
    for (size_t i = 0; i < employee->custom_count; i++)
        if (!rc_text_empty(employee->custom[i].value)) say(opaque, employee->custom[i].name, employee->custom[i].value);
}
