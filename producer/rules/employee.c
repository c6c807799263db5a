#include "producer/rules/employee.h"

#include <string.h>

#include "common/hash.h"
#include "common/text.h"

const rc_employee_t RC_EMPLOYEE_NONE = {
    .status = RC_STATUS_UNKNOWN, .hire_date = {INT32_MIN}, .leave_date = {INT32_MIN}};

const char *rc_trimmed(rc_arena_t *arena, const char *text)
{
    if (!text) return NULL;
    size_t whole = strlen(text), length = whole;
    const char *start = text;
    rc_text_trim(&start, &length);
    if (length == 0) return NULL;
    /* What is cut off the front needs no copy. */
    return start + length == text + whole ? start : rc_arena_strndup(arena, start, length);
}

/* ---- The hash: over one canonical form of what rc_employee_equal compares ---- */

enum { HASH_BLOCK = 1024 };

typedef struct {
    unsigned char bytes[HASH_BLOCK];
    size_t used;
} feed_t;

static void feed_number(feed_t *feed, uint64_t number, size_t width);

/* Longer input is folded: the hash of a full block begins the next. */
static void feed_fold(feed_t *feed)
{
    uint64_t hash = rc_hash64(feed->bytes, HASH_BLOCK);
    feed->used = 0;
    feed_number(feed, hash, sizeof hash);
}

static void feed_bytes(feed_t *feed, const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    while (count > 0) {
        if (feed->used == HASH_BLOCK) feed_fold(feed);
        size_t room = HASH_BLOCK - feed->used, take = count < room ? count : room;
        memcpy(feed->bytes + feed->used, from, take);
        feed->used += take;
        from += take;
        count -= take;
    }
}

/* Little-endian on every machine. */
static void feed_number(feed_t *feed, uint64_t number, size_t width)
{
    unsigned char bytes[sizeof number];
    for (size_t i = 0; i < width; i++) bytes[i] = (unsigned char)(number >> (8 * i));
    feed_bytes(feed, bytes, width);
}

/* The length in front keeps "ab","c" and "a","bc" apart; length + 1 keeps absent and empty apart. */
static void feed_span(feed_t *feed, const char *text, size_t length)
{
    feed_number(feed, text ? (uint64_t)length + 1 : 0, 4);
    if (text) feed_bytes(feed, text, length);
}

static void feed_text(feed_t *feed, const char *text)
{
    feed_span(feed, text, text ? strlen(text) : 0);
}

static void feed_email(feed_t *feed, const char *email)
{
    char lower[64];
    size_t length = email ? strlen(email) : 0;
    feed_number(feed, email ? (uint64_t)length + 1 : 0, 4);
    for (size_t from = 0; from < length; from += sizeof lower) {
        size_t count = length - from < sizeof lower ? length - from : sizeof lower;
        for (size_t i = 0; i < count; i++) {
            char c = email[from + i];
            lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        feed_bytes(feed, lower, count);
    }
}

static void feed_ref(feed_t *feed, rc_ref_t ref)
{
    feed_text(feed, ref.id);
    feed_text(feed, ref.name);
}

uint64_t rc_employee_hash64(const rc_employee_t *employee)
{
    feed_t feed = {.used = 0};
    feed_number(&feed, (uint64_t)employee->status, 1);
    feed_number(&feed, (uint32_t)employee->hire_date.days, 4);
    feed_number(&feed, (uint32_t)employee->leave_date.days, 4);
    feed_email(&feed, employee->email);
    feed_text(&feed, employee->first_name);
    feed_text(&feed, employee->last_name);
    feed_text(&feed, employee->job_title);
    feed_span(&feed, employee->avatar, employee->avatar ? rc_avatar_length(employee->avatar) : 0);
    feed_email(&feed, employee->manager_email);
    feed_text(&feed, employee->language);
    feed_ref(&feed, employee->primary_location);
    feed_ref(&feed, employee->primary_team);
    feed_number(&feed, employee->secondary_team_count, 4);
    for (size_t i = 0; i < employee->secondary_team_count; i++) feed_ref(&feed, employee->secondary_teams[i]);
    feed_number(&feed, employee->custom_count, 4);
    for (size_t i = 0; i < employee->custom_count; i++) {
        feed_text(&feed, employee->custom[i].name);
        feed_text(&feed, employee->custom[i].value);
    }
    return rc_hash64(feed.bytes, feed.used);
}

/* ---- New names ---- */

static bool rename_ref(rc_ref_t *ref, const char *id, const char *name)
{
    if (!ref->id || strcmp(ref->id, id) != 0 || rc_text_equal(ref->name, name)) return false;
    ref->name = name;
    return true;
}

bool rc_employee_rename_group(rc_arena_t *arena, rc_employee_t *employee, const char *group_id, const char *name)
{
    name = rc_trimmed(arena, name);
    if (!name) return false;
    bool changed = rename_ref(&employee->primary_team, group_id, name);
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        rc_ref_t renamed = employee->secondary_teams[i];
        if (!rename_ref(&renamed, group_id, name)) continue;
        rc_ref_t *teams = rc_arena_alloc(arena, employee->secondary_team_count * sizeof *teams);
        memcpy(teams, employee->secondary_teams, employee->secondary_team_count * sizeof *teams);
        teams[i] = renamed;
        employee->secondary_teams = teams;
        changed = true;
    }
    return changed;
}

bool rc_employee_rename_location(rc_arena_t *arena, rc_employee_t *employee, const char *location_id, const char *name)
{
    name = rc_trimmed(arena, name);
    return name && rename_ref(&employee->primary_location, location_id, name);
}
