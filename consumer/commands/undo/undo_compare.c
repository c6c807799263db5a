/* How the users are now, and how they differ from what they were. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/undo/undo_state.h"

enum { LIST_ABOVE = 500 }; /* people: from here on the whole list costs fewer requests than one for each */

rc_code_t rc_undo_read_users(rc_undo_run_t *run, bool (*wants)(const rc_undo_person_t *person), rc_error_t *error)
{
    const char **ids = rc_calloc(run->count, sizeof *ids);
    size_t count = 0, missing = 0;
    for (size_t i = 0; i < run->count; i++)
        if (wants(run->people[i])) ids[count++] = run->people[i]->employee_id;
    rc_code_t code = RC_OK;
    if (count > LIST_ABOVE) {
        code = rc_readback_users(run->readback, error);
        const rc_userset_t *set = rc_readback_set(run->readback);
        for (size_t i = 0; i < count; i++)
            if (rc_userset_by_external_id(set, ids[i]) == NULL) ids[missing++] = ids[i];
        count = missing;
    }
    if (code == RC_OK) code = rc_readback_again(run->readback, ids, count, error);
    if (code == RC_OK && run->count > 0) code = rc_readback_teams(run->readback, error);
    free(ids);
    return code;
}

static bool is_reported(const rc_undo_person_t *person, const char *field)
{
    for (size_t i = 0; i < person->difference_count; i++)
        if (strcmp(person->differences[i].field, field) == 0) return true;
    return false;
}

/* A comparison passes over a manager whom Learn Amp would refuse; here they may be restored in a moment as well. */
static void compare_manager(rc_undo_run_t *run, rc_undo_person_t *person, const rc_learnamp_profile_t *profile)
{
    const char *wanted = person->past.employee.manager_email;
    bool is_mapped = rc_integration_mapping(run->integration, RC_TARGET_MANAGER_EMAIL) != NULL;
    if (!is_mapped || rc_text_empty(wanted) || !profile->expanded || profile->user.deactivated) return;
    if (rc_email_equal(wanted, profile->manager_email) || is_reported(person, "manager_email")) return;
    size_t count = person->difference_count;
    rc_difference_t *all = rc_arena_alloc(run->arena, (count + 1) * sizeof *all);
    if (count > 0) memcpy(all, person->differences, count * sizeof *all);
    all[count] = (rc_difference_t){"manager_email", wanted, profile->manager_email};
    person->differences = all;
    person->difference_count = count + 1;
}

/* What the sync changed of a field that Learn Amp does not show: it is written, and nobody can tell whether it has to
 * be. */
static const char *unseen_field(const rc_undo_person_t *person, const rc_mapping_t *mapping, bool custom_known)
{
    const rc_employee_t *then = &person->past.employee, *now = &person->state->employee;
    switch (mapping->target) {
    case RC_TARGET_AVATAR:
        return rc_avatar_equal(then->avatar, now->avatar) ? NULL : "avatar";
    case RC_TARGET_LEAVE_DATE:
        return then->leave_date.days == now->leave_date.days ? NULL : "leave_date";
    case RC_TARGET_CUSTOM: {
        const char *name = mapping->custom_name;
        bool equal = custom_known || rc_text_equal(rc_employee_custom(then, name), rc_employee_custom(now, name));
        return equal ? NULL : name;
    }
    default:
        return NULL;
    }
}

static void find_unseen(rc_undo_run_t *run, rc_undo_person_t *person, bool custom_known)
{
    person->unseen = NULL;
    for (size_t i = 0; i < run->integration->mapping_count; i++) {
        const char *field = unseen_field(person, &run->integration->mapping[i], custom_known);
        person->unseen = rc_words_join(run->arena, person->unseen, ", ", field);
    }
}

void rc_undo_compare(rc_undo_run_t *run, rc_undo_person_t *person)
{
    const rc_userset_t *set = rc_readback_set(run->readback);
    const rc_userset_user_t *user = rc_userset_by_external_id(set, person->employee_id);
    person->difference_count = 0;
    person->user_id = 0;
    if (user == NULL) return;
    const rc_learnamp_profile_t *profile = &user->profile;
    person->user_id = profile->user.id;
    person->deactivated = profile->user.deactivated;
    person->differences =
        rc_compare_user(run->integration, set, &person->past.employee, profile, run->arena, &person->difference_count);
    compare_manager(run, person, profile);
    if (person->state != NULL) find_unseen(run, person, profile->custom_known);
}
