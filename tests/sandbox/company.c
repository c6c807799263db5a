#include "tests/sandbox/company.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "tests/sandbox/names.h"
#include "tests/sandbox/random.h"

const char *const SB_TEXT_NAMES[SB_TEXT_COUNT] = {
#define X(name, text) text,
    SB_TEXTS(X)
#undef X
};

enum { SPAN = 8 /* reports of a manager */, DAY_MS = 86400000, FIRST_REMOTE_ID = 1000 };

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

void sb_company_init(sb_company_t *company, uint64_t seed, uint32_t people, rc_date_t epoch)
{
    sb_random_t random = sb_random_of(seed, UINT64_MAX - 1);
    const sb_name_t *name = &SB_COMPANIES[sb_random_below(&random, (uint32_t)SB_COMPANY_COUNT)];
    *company = (sb_company_t){
        .seed = seed,
        .people = people,
        .epoch = epoch,
        .departments = clamp(people / 40 + 1, 2, (uint32_t)SB_DEPARTMENT_COUNT),
        .teams = clamp(people / 12 + 1, 3, 4000),
        .cost_centers = clamp(people / 25 + 1, 2, 30),
        .locations = clamp(people / 20 + 2, 2, (uint32_t)SB_PLACE_COUNT),
        .legal_entities = clamp(people / 60 + 1, 1, (uint32_t)SB_LEGAL_FORM_COUNT),
    };
    (void)snprintf(company->name, sizeof company->name, "%s %s", name->name, SB_LEGAL_FORMS[0]);
    (void)snprintf(company->domain, sizeof company->domain, "%s-%llu.example", name->ascii,
                   (unsigned long long)(seed % 100000));
}

uint32_t sb_company_groups(const sb_company_t *company)
{
    return company->departments + company->teams + company->cost_centers;
}

char *sb_company_group_name(const sb_company_t *company, uint32_t group)
{
    if (group < company->departments) return rc_strdup(SB_DEPARTMENTS[group]);
    group -= company->departments;
    if (group >= company->teams) {
        uint32_t number = group - company->teams;
        return rc_sprintf("%u %s", 4100 + 10 * number, SB_DEPARTMENTS[number % SB_DEPARTMENT_COUNT]);
    }
    const char *department = SB_DEPARTMENTS[group % company->departments];
    uint32_t turn = group / company->departments;
    const char *animal = SB_TEAM_NAMES[turn % SB_TEAM_NAME_COUNT];
    uint32_t round = turn / (uint32_t)SB_TEAM_NAME_COUNT;
    return round ? rc_sprintf("%s %s %u", department, animal, round + 1) : rc_sprintf("%s %s", department, animal);
}

int32_t sb_company_manager(const sb_company_t *company, uint32_t index)
{
    if (index == 0 || company->people == 0) return SB_NOBODY;
    if (index < company->people) return (int32_t)((index - 1) / SPAN);
    return (int32_t)(sb_mix(company->seed ^ index) % ((company->people - 1) / SPAN + 1));
}

/* Who has reports must be there: a manager that is not active is Learn Amp's error, and a test asks for it by name. */
static bool manages(const sb_company_t *company, uint32_t index)
{
    return (uint64_t)index * SPAN + 1 < company->people || index == 0;
}

static void draw_names(const sb_company_t *company, sb_random_t *random, sb_person_t *person)
{
    const sb_name_t *first = &SB_FIRST_NAMES[sb_random_below(random, (uint32_t)SB_FIRST_NAME_COUNT)];
    const sb_name_t *last = &SB_LAST_NAMES[sb_random_below(random, (uint32_t)SB_LAST_NAME_COUNT)];
    person->text[SB_TEXT_FIRST_NAME] = first->name;
    person->text[SB_TEXT_LAST_NAME] = last->name;
    person->text[SB_TEXT_JOB_TITLE] = SB_JOB_TITLES[sb_random_below(random, (uint32_t)SB_JOB_TITLE_COUNT)];
    char *email = person->scratch;
    int length = snprintf(email, 160, "%s.%s%u@%s", first->ascii, last->ascii, person->index, company->domain);
    /* Some systems hold addresses as people type them; the case must not matter. */
    if (sb_random_below(random, 16) == 0) email[0] = (char)(email[0] - 'a' + 'A');
    person->text[SB_TEXT_WORK_EMAIL] = email;
    if (sb_random_below(random, 10) < 7) {
        char *avatar = email + length + 1;
        (void)snprintf(avatar, sizeof person->scratch - (size_t)length - 1, "https://images.kombo.example/%s.png",
                       person->id);
        person->text[SB_TEXT_AVATAR] = avatar;
    }
}

static void draw_employment(const sb_company_t *company, sb_random_t *random, sb_person_t *person)
{
    static const char *const types[] = {"FULL_TIME", "FULL_TIME",  "FULL_TIME",       "FULL_TIME",
                                        "PART_TIME", "INTERNSHIP", "WORKING_STUDENT", "CONTRACT"};
    uint32_t lot = sb_random_below(random, 1000);
    int32_t today = company->epoch.days;
    person->text[SB_TEXT_EMPLOYMENT_TYPE] = types[sb_random_below(random, 8)];
    person->text[SB_TEXT_EMPLOYMENT_STATUS] = "ACTIVE";
    person->start.days = today - 30 - (int32_t)sb_random_below(random, 3600);
    person->termination = RC_DATE_NONE;
    int32_t span = (int32_t)sb_random_below(random, 60);
    if (manages(company, person->index) || person->index >= company->people) return;
    if (lot < 30) {
        person->text[SB_TEXT_EMPLOYMENT_STATUS] = "PENDING";
        person->start.days = today + 1 + span;
    } else if (lot < 70) {
        person->text[SB_TEXT_EMPLOYMENT_STATUS] = "INACTIVE";
        person->termination.days = today - 1 - span * 10;
        if (person->start.days > person->termination.days) person->start.days = person->termination.days - 365;
    } else if (lot < 90) {
        person->text[SB_TEXT_EMPLOYMENT_STATUS] = "LEAVE";
    } else if (lot < 100) {
        person->termination.days = today + 5 + span * 3;
    }
}

static void draw_places(const sb_company_t *company, sb_random_t *random, sb_person_t *person)
{
    uint32_t team = sb_random_below(random, company->teams);
    uint32_t department = team % company->departments;
    person->location = (int32_t)sb_random_below(random, company->locations);
    person->legal_entity = (int32_t)sb_random_below(random, company->legal_entities);
    person->groups[person->group_count++] = (int32_t)department;
    person->groups[person->group_count++] = (int32_t)(company->departments + team);
    uint32_t cost_center = sb_random_below(random, company->cost_centers);
    person->groups[person->group_count++] = (int32_t)(company->departments + company->teams + cost_center);
    uint32_t second = sb_random_below(random, company->teams);
    if (sb_random_below(random, 10) == 0 && second != team)
        person->groups[person->group_count++] = (int32_t)(company->departments + second);
}

/* One gap each, for one person in twelve: all kinds occur in a company of a hundred. */
static void draw_quirks(sb_random_t *random, sb_person_t *person)
{
    switch (sb_random_below(random, 72)) {
    case 0:
        person->text[SB_TEXT_WORK_EMAIL] = NULL;
        break;
    case 1:
        person->text[SB_TEXT_LAST_NAME] = NULL;
        break;
    case 2:
        person->text[SB_TEXT_EMPLOYMENT_STATUS] = "SABBATICAL";
        break;
    case 3:
        person->text[SB_TEXT_EMPLOYMENT_STATUS] = NULL;
        break;
    case 4:
        person->text[SB_TEXT_JOB_TITLE] = NULL;
        break;
    case 5:
        person->group_count = 0;
        break;
    default:
        break;
    }
}

void sb_company_person(const sb_company_t *company, uint32_t index, sb_person_t *person)
{
    sb_random_t random = sb_random_of(company->seed, index);
    size_t before_scratch = offsetof(sb_person_t, scratch);
    memset(person, 0, before_scratch);
    person->index = index;
    sb_id_format(company->seed, SB_KIND_EMPLOYEE, index, person->id);
    (void)snprintf(person->remote_id, sizeof person->remote_id, "%u", FIRST_REMOTE_ID + index);
    draw_names(company, &random, person);
    draw_employment(company, &random, person);
    draw_places(company, &random, person);
    person->manager = sb_company_manager(company, index);
    person->changed_at.ms = (int64_t)company->epoch.days * DAY_MS - 1 - sb_random_below(&random, 400) * (int64_t)DAY_MS;
    person->updated_at = person->changed_at;
    if (company->quirks && !manages(company, index)) draw_quirks(&random, person);
}
