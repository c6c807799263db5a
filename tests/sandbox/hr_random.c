/* Changes drawn from a seed: what goes on in a company in a few weeks. */
#include <stdio.h>
#include <string.h>

#include "tests/sandbox/hr_ops.h"
#include "tests/sandbox/names.h"
#include "tests/sandbox/random.h"

typedef struct {
    sb_hr_t *hr;
    sb_random_t random;
    rc_wall_t now;
    uint32_t index; /* whom it happens to */
    sb_person_t person;
} draw_t;

static uint32_t below(draw_t *draw, size_t count)
{
    return sb_random_below(&draw->random, (uint32_t)count);
}

static void patch(draw_t *draw, const sb_patch_t *change)
{
    sb_hr_patch(draw->hr, draw->index, change, draw->now);
}

static void patch_text(draw_t *draw, sb_text_t which, const char *text)
{
    sb_patch_t change = {.set = 1u << which};
    change.text[which] = text;
    patch(draw, &change);
}

static void new_title(draw_t *draw)
{
    static const char *const levels[] = {"Senior", "Lead", "Principal", "Junior", "Acting"};
    char title[96];
    (void)snprintf(title, sizeof title, "%s %s", levels[below(draw, 5)],
                   SB_JOB_TITLES[below(draw, SB_JOB_TITLE_COUNT)]);
    patch_text(draw, SB_TEXT_JOB_TITLE, title);
}

static void new_last_name(draw_t *draw)
{
    patch_text(draw, SB_TEXT_LAST_NAME, SB_LAST_NAMES[below(draw, SB_LAST_NAME_COUNT)].name);
}

static void new_email(draw_t *draw)
{
    char email[160];
    const sb_name_t *last = &SB_LAST_NAMES[below(draw, SB_LAST_NAME_COUNT)];
    (void)snprintf(email, sizeof email, "%s%u.%u@%s", last->ascii, draw->index, below(draw, 100000),
                   sb_hr_company(draw->hr)->domain);
    patch_text(draw, SB_TEXT_WORK_EMAIL, email);
}

static int32_t some_team(draw_t *draw)
{
    const sb_company_t *company = sb_hr_company(draw->hr);
    return (int32_t)(company->departments + below(draw, company->teams));
}

static void move(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_SET_GROUPS};
    memcpy(change.groups, draw->person.groups, sizeof change.groups);
    change.group_count =
        sb_hr_replace_group(draw->hr, "TEAM", some_team(draw), change.groups, draw->person.group_count);
    patch(draw, &change);
}

static void new_location(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_SET_LOCATION,
                         .location = (int32_t)below(draw, sb_hr_company(draw->hr)->locations)};
    patch(draw, &change);
}

static void new_manager(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_SET_MANAGER};
    change.manager = (int32_t)below(draw, (sb_hr_company(draw->hr)->people + 7) / 8);
    if ((uint32_t)change.manager == draw->index) change.manager = SB_NOBODY;
    patch(draw, &change);
}

static void new_cost_center(draw_t *draw)
{
    json_t *custom = json_pack("{s:o}", "cost_center", json_sprintf("CC-%u", 5000 + below(draw, 900)));
    sb_patch_t change = {.set = 1u << SB_SET_CUSTOM, .custom = custom};
    patch(draw, &change);
    json_decref(custom);
}

static void hire(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_SET_START};
    change.start.days = (int32_t)(draw->now.ms / 86400000);
    (void)sb_hr_hire(draw->hr, &change, draw->now);
}

static void leave(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_TEXT_EMPLOYMENT_STATUS | 1u << SB_SET_TERMINATION};
    change.text[SB_TEXT_EMPLOYMENT_STATUS] = "INACTIVE";
    change.termination.days = (int32_t)(draw->now.ms / 86400000);
    patch(draw, &change);
}

static void rehire(draw_t *draw)
{
    sb_patch_t change = {.set = 1u << SB_TEXT_EMPLOYMENT_STATUS | 1u << SB_SET_TERMINATION | 1u << SB_SET_START};
    change.text[SB_TEXT_EMPLOYMENT_STATUS] = "ACTIVE";
    change.start.days = (int32_t)(draw->now.ms / 86400000);
    change.termination = RC_DATE_NONE;
    patch(draw, &change);
}

static void rename_team(draw_t *draw)
{
    char name[96];
    int32_t team = some_team(draw);
    (void)snprintf(name, sizeof name, "%s %s %u", SB_DEPARTMENTS[below(draw, SB_DEPARTMENT_COUNT)],
                   SB_TEAM_NAMES[below(draw, SB_TEAM_NAME_COUNT)], 1000 + (uint32_t)team);
    sb_hr_unit_rename(draw->hr, SB_UNIT_GROUP, team, name, draw->now);
}

typedef enum { WHO_STAFF, WHO_REPORTLESS, WHO_GONE, WHO_NOBODY } who_t;

/* Kinds by weight; whom each can happen to. */
static const struct {
    const char *name;
    uint32_t weight;
    who_t who;
    void (*make)(draw_t *draw);
} KINDS[] = {
    {"title", 28, WHO_STAFF, new_title},          {"last_name", 6, WHO_STAFF, new_last_name},
    {"email", 4, WHO_STAFF, new_email},           {"move", 20, WHO_STAFF, move},
    {"location", 8, WHO_STAFF, new_location},     {"manager", 4, WHO_STAFF, new_manager},
    {"custom", 5, WHO_STAFF, new_cost_center},    {"hire", 11, WHO_NOBODY, hire},
    {"leave", 8, WHO_REPORTLESS, leave},          {"rehire", 4, WHO_GONE, rehire},
    {"rename_group", 2, WHO_NOBODY, rename_team},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS, TRIES = 200 };

static bool suits(const draw_t *draw, who_t who)
{
    const char *status = draw->person.text[SB_TEXT_EMPLOYMENT_STATUS];
    bool gone = status && !strcmp(status, "INACTIVE");
    if (draw->person.deleted_at.ms) return false;
    if (who == WHO_GONE) return gone;
    /* Managers stay, so that no test has to know what becomes of their reports. */
    return !gone && (who == WHO_STAFF || (uint64_t)draw->index * 8 + 1 >= sb_hr_company(draw->hr)->people);
}

/* Finds somebody whom this can happen to; false when a fair number of tries found nobody. */
static bool draw_person(draw_t *draw, who_t who)
{
    for (int i = 0; i < TRIES; i++) {
        draw->index = below(draw, sb_hr_count(draw->hr));
        if (sb_hr_person(draw->hr, draw->index, draw->now, &draw->person) && suits(draw, who)) return true;
    }
    return false;
}

static bool is_listed(const json_t *only, const char *name)
{
    size_t i;
    const json_t *entry;
    if (!only) return true;
    json_array_foreach(only, i,
                       entry) if (json_is_string(entry) && !strcmp(json_string_value(entry), name)) return true;
    return false;
}

static rc_code_t check_only(const json_t *only, rc_error_t *error)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(only, i, entry)
    {
        int kind = 0;
        while (kind < KIND_COUNT &&
               strcmp(KINDS[kind].name, json_is_string(entry) ? json_string_value(entry) : "") != 0)
            kind++;
        if (kind == KIND_COUNT)
            return rc_error_set(error, RC_USAGE, RC_REJECT,
                                "\"only\" holds an unknown kind; see tests/sandbox/README.md");
    }
    return RC_OK;
}

rc_code_t sb_hr_randomise(sb_hr_t *hr, uint64_t seed, uint32_t count, const json_t *only, rc_wall_t now, json_t *counts,
                          rc_error_t *error)
{
    draw_t draw = {.hr = hr, .random = sb_random_of(seed, 77), .now = now};
    uint32_t weights = 0;
    if (check_only(only, error)) return error->code;
    for (int i = 0; i < KIND_COUNT; i++) weights += is_listed(only, KINDS[i].name) ? KINDS[i].weight : 0;
    for (uint32_t made = 0; made < count; made++) {
        uint32_t lot = below(&draw, weights);
        int kind = 0;
        for (;; kind++) {
            if (!is_listed(only, KINDS[kind].name)) continue;
            if (lot < KINDS[kind].weight) break;
            lot -= KINDS[kind].weight;
        }
        if (KINDS[kind].who != WHO_NOBODY && (!sb_hr_count(hr) || !draw_person(&draw, KINDS[kind].who))) continue;
        KINDS[kind].make(&draw);
        (void)json_object_set_new(counts, KINDS[kind].name, json_integer(rc_json_int(counts, KINDS[kind].name, 0) + 1));
    }
    return RC_OK;
}
