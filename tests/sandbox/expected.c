#include "tests/sandbox/expected.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

static bool is_past(rc_date_t date, rc_date_t today)
{
    return rc_date_is_set(date) && date.days < today.days;
}

static sb_presence_t presence_of(const sb_person_t *person, rc_date_t today)
{
    const char *status = person->text[SB_TEXT_EMPLOYMENT_STATUS];
    rc_date_t leave = person->termination;
    /* Left over from an earlier employment (design section 4). */
    if (rc_date_is_set(leave) && rc_date_is_set(person->start) && leave.days < person->start.days) leave = RC_DATE_NONE;
    if (person->deleted_at.ms) return SB_UNCLEAR;
    if ((status && !strcmp(status, "INACTIVE")) || is_past(leave, today)) return SB_GONE;
    if (rc_text_empty(person->text[SB_TEXT_WORK_EMAIL]) || rc_text_empty(person->text[SB_TEXT_FIRST_NAME]) ||
        rc_text_empty(person->text[SB_TEXT_LAST_NAME]))
        return SB_UNCLEAR;
    return SB_EMPLOYED;
}

/* The groups that may be the primary team: those of the first type that the person has any of. */
static size_t primary_teams(const sb_hr_t *hr, const sb_person_t *person, const sb_unit_t *teams[SB_MAX_GROUPS])
{
    static const char *const types[] = {"TEAM", "DEPARTMENT"};
    size_t count = 0;
    for (size_t type = 0; type < 2 && !count; type++) {
        for (size_t i = 0; i < person->group_count; i++) {
            const sb_unit_t *group = sb_hr_unit(hr, SB_UNIT_GROUP, person->groups[i]);
            if (!group->deleted_at.ms && group->type && !strcmp(group->type, types[type])) teams[count++] = group;
        }
    }
    return count;
}

json_t *sb_expected_json(const sb_hr_t *hr, uint32_t index, rc_wall_t now, rc_date_t today, sb_presence_t *presence)
{
    static const char *const words[] = {"employed", "gone", "unclear"};
    sb_person_t person;
    char id[SB_ID_SIZE];
    const sb_unit_t *teams[SB_MAX_GROUPS];
    sb_presence_t found = SB_UNCLEAR;
    json_t *json = json_object();
    rc_json_put_str(json, "employee", sb_id_format(sb_hr_company(hr)->seed, SB_KIND_EMPLOYEE, index, id));
    if (sb_hr_person(hr, index, now, &person)) {
        const sb_unit_t *location = sb_hr_unit(hr, SB_UNIT_LOCATION, person.location);
        json_t *candidates = json_array();
        found = presence_of(&person, today);
        rc_json_put_str(json, "email", person.text[SB_TEXT_WORK_EMAIL]);
        rc_json_put_str(json, "firstName", person.text[SB_TEXT_FIRST_NAME]);
        rc_json_put_str(json, "lastName", person.text[SB_TEXT_LAST_NAME]);
        rc_json_put_str(json, "jobTitle", person.text[SB_TEXT_JOB_TITLE]);
        rc_json_put_date(json, "hireDate", person.start);
        rc_json_put_str(json, "location", location ? location->name : NULL);
        size_t count = primary_teams(hr, &person, teams);
        for (size_t i = 0; i < count; i++)
            (void)json_array_append_new(candidates,
                                        json_pack("{s:s, s:s}", "id", teams[i]->id, "name", teams[i]->name));
        (void)json_object_set_new(json, "primaryTeams", candidates);
    }
    rc_json_put_str(json, "presence", words[found]);
    if (presence) *presence = found;
    return json;
}

/* ---- comparing ---- */

typedef struct {
    const sb_integration_t *integration;
    rc_map_t *owners; /* of addresses in lower case, to the number of employed people who have it */
    json_t *differences;
    size_t limit;
    long count, equal, of[SB_UNCLEAR + 1];
} comparison_t;

static char *key_of(const char *email)
{
    char *key = rc_strdup(email);
    for (char *at = key; *at; at++)
        if ((unsigned char)*at < 0x80) *at = (char)tolower(*at);
    return key;
}

static void differ(comparison_t *comparison, const char *employee, const char *field, const char *hr,
                   const char *learnamp)
{
    comparison->count++;
    if (json_array_size(comparison->differences) < comparison->limit)
        (void)json_array_append_new(comparison->differences, json_pack("{s:s, s:s, s:s?, s:s?}", "employee", employee,
                                                                       "field", field, "hr", hr, "learnamp", learnamp));
}

static void compare_texts(comparison_t *comparison, const char *employee, const json_t *expected, const sb_user_t *user)
{
    static const sb_user_text_t fields[] = {SB_USER_EMAIL,     SB_USER_FIRST_NAME, SB_USER_LAST_NAME,
                                            SB_USER_JOB_TITLE, SB_USER_HIRE_DATE,  SB_USER_LOCATION};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *hr = rc_json_str(expected, SB_USER_TEXT_NAMES[fields[i]]), *learnamp = user->text[fields[i]];
        bool equal = fields[i] == SB_USER_EMAIL ? rc_email_equal(hr, learnamp) : rc_text_equal(hr, learnamp);
        if (!equal) differ(comparison, employee, SB_USER_TEXT_NAMES[fields[i]], hr, learnamp);
    }
}

static void compare_team(comparison_t *comparison, const char *employee, const json_t *expected, const sb_user_t *user)
{
    const json_t *candidates = json_object_get(expected, "primaryTeams"), *candidate;
    const sb_team_t *team = sb_store_team(comparison->integration->store, user->primary_team);
    size_t i;
    json_array_foreach(candidates, i, candidate)
    {
        if (!team || !rc_text_equal(team->external_id, rc_json_str(candidate, "id"))) continue;
        if (strcmp(team->name, rc_json_str(candidate, "name")) != 0)
            differ(comparison, employee, "primaryTeam.name", rc_json_str(candidate, "name"), team->name);
        return;
    }
    if (team || json_array_size(candidates))
        differ(comparison, employee, "primaryTeam", rc_json_str(json_array_get(candidates, 0), "id"),
               team ? team->external_id : NULL);
}

static bool shares_address(const comparison_t *comparison, const json_t *expected)
{
    char *key = key_of(rc_json_str(expected, "email"));
    long *owners = rc_map_get(comparison->owners, key, strlen(key));
    free(key);
    return owners && *owners > 1;
}

static void compare_one(comparison_t *comparison, const json_t *expected, sb_presence_t presence)
{
    const char *employee = rc_json_str(expected, "employee");
    const sb_user_t *user = sb_store_user_by_external_id(comparison->integration->store, employee);
    long before = comparison->count;
    if (presence == SB_EMPLOYED && shares_address(comparison, expected)) presence = SB_UNCLEAR;
    comparison->of[presence]++;
    if (presence == SB_UNCLEAR) return;
    if (presence == SB_GONE) {
        if (user && user->status != SB_STATUS_DEACTIVATED)
            differ(comparison, employee, "status", "gone", SB_STATUS_TEXTS[user->status]);
    } else if (!user) {
        differ(comparison, employee, "user", "employed", NULL);
    } else if (user->status == SB_STATUS_DEACTIVATED) {
        differ(comparison, employee, "status", "employed", SB_STATUS_TEXTS[user->status]);
    } else {
        compare_texts(comparison, employee, expected, user);
        compare_team(comparison, employee, expected, user);
    }
    comparison->equal += comparison->count == before;
}

static void count_addresses(comparison_t *comparison, rc_wall_t now, rc_date_t today)
{
    const sb_hr_t *hr = comparison->integration->hr;
    sb_person_t person;
    for (uint32_t i = 0; i < sb_hr_count(hr); i++) {
        if (!sb_hr_person(hr, i, now, &person) || presence_of(&person, today) != SB_EMPLOYED) continue;
        char *key = key_of(person.text[SB_TEXT_WORK_EMAIL]);
        long *owners = rc_map_get(comparison->owners, key, strlen(key));
        if (!owners) {
            owners = rc_zalloc(sizeof *owners);
            (void)rc_map_set(comparison->owners, key, strlen(key), owners);
        }
        ++*owners;
        free(key);
    }
}

/* Users who bear an id that is no employee's; and how many are not deactivated. */
static json_t *strangers(const sb_integration_t *integration, size_t limit, long *active)
{
    json_t *list = json_array();
    uint32_t index;
    *active = 0;
    for (size_t i = 0; i < sb_store_users(integration->store); i++) {
        const sb_user_t *user = sb_store_user_at(integration->store, i);
        const char *external_id = user->text[SB_USER_EXTERNAL_ID];
        *active += user->status != SB_STATUS_DEACTIVATED;
        if (external_id && !sb_hr_find(integration->hr, external_id, &index) && json_array_size(list) < limit)
            (void)json_array_append_new(list, json_integer(user->id));
    }
    return list;
}

json_t *sb_compare(const sb_integration_t *integration, rc_wall_t now, rc_date_t today, size_t limit)
{
    comparison_t comparison = {
        .integration = integration, .owners = rc_map_new(free), .differences = json_array(), .limit = limit};
    long active;
    count_addresses(&comparison, now, today);
    for (uint32_t i = 0; i < sb_hr_count(integration->hr); i++) {
        sb_presence_t presence;
        json_t *expected = sb_expected_json(integration->hr, i, now, today, &presence);
        compare_one(&comparison, expected, presence);
        json_decref(expected);
    }
    json_t *unknown = strangers(integration, limit, &active);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "employees", (json_int_t)sb_hr_count(integration->hr),
        "employed", (json_int_t)comparison.of[SB_EMPLOYED], "gone", (json_int_t)comparison.of[SB_GONE], "unclear",
        (json_int_t)comparison.of[SB_UNCLEAR], "users", (json_int_t)sb_store_users(integration->store), "active_users",
        (json_int_t)active, "equal", (json_int_t)comparison.equal, "difference_count", (json_int_t)comparison.count,
        "differences", comparison.differences, "strangers", unknown);
    rc_map_free(comparison.owners);
    return json;
}
