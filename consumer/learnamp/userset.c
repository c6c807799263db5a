#include "consumer/learnamp/userset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/text.h"

enum { FIRST_SLOTS = 256, ADDRESS_MAX_BYTES = 512 };

struct rc_userset {
    rc_arena_t *arena;
    rc_map_t *texts; /* kept once; the value is the copy */
    rc_map_t *by_external_id;
    rc_map_t *by_email;
    rc_map_t *by_id;
    rc_map_t *teams;
    rc_map_t *teams_by_external_id;
    rc_userset_user_t **users; /* NULL: dropped */
    size_t slots;
    size_t count;
};

rc_userset_t *rc_userset_new(void)
{
    rc_userset_t *set = rc_zalloc(sizeof *set);
    set->arena = rc_arena_new();
    rc_map_t **maps[] = {&set->texts, &set->by_external_id, &set->by_email,
                         &set->by_id, &set->teams,          &set->teams_by_external_id};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) *maps[i] = rc_map_new(NULL);
    return set;
}

void rc_userset_free(rc_userset_t *set)
{
    if (set == NULL) return;
    rc_map_t *maps[] = {set->texts, set->by_external_id, set->by_email,
                        set->by_id, set->teams,          set->teams_by_external_id};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) rc_map_free(maps[i]);
    rc_arena_free(set->arena);
    free(set->users);
    free(set);
}

/* ---- Copies ---- */

/* Of a text that few have. */
static const char *own(rc_userset_t *set, const char *text)
{
    return rc_arena_strdup(set->arena, text);
}

/* Of a text that many have. */
static const char *shared(rc_userset_t *set, const char *text)
{
    if (text == NULL) return NULL;
    char *known = rc_map_get(set->texts, text, strlen(text));
    if (known != NULL) return known;
    known = rc_arena_strdup(set->arena, text);
    (void)rc_map_set(set->texts, text, strlen(text), known);
    return known;
}

static const rc_custom_t *custom_copy(rc_userset_t *set, const rc_learnamp_profile_t *profile)
{
    if (profile->custom_count == 0) return NULL;
    rc_custom_t *copy = rc_arena_alloc(set->arena, profile->custom_count * sizeof *copy);
    for (size_t i = 0; i < profile->custom_count; i++)
        copy[i] = (rc_custom_t){shared(set, profile->custom[i].name), shared(set, profile->custom[i].value)};
    return copy;
}

static rc_learnamp_profile_t profile_copy(rc_userset_t *set, const rc_learnamp_profile_t *profile)
{
    rc_learnamp_profile_t copy = *profile;
    copy.user.email = own(set, profile->user.email);
    copy.user.external_id = own(set, profile->user.external_id);
    copy.first_name = shared(set, profile->first_name);
    copy.last_name = shared(set, profile->last_name);
    copy.job_title = shared(set, profile->job_title);
    copy.language = shared(set, profile->language);
    copy.hire_date = shared(set, profile->hire_date);
    copy.location = shared(set, profile->location);
    copy.manager_email = shared(set, profile->manager_email);
    copy.primary_team_name = shared(set, profile->primary_team_name);
    copy.custom = custom_copy(set, profile);
    if (profile->secondary_team_count > 0)
        copy.secondary_team_ids = rc_arena_memdup(set->arena, profile->secondary_team_ids,
                                                  profile->secondary_team_count * sizeof *copy.secondary_team_ids);
    return copy;
}

/* ---- Keys ---- */

/* The address in lower case; its length, 0: none that could be one. */
static size_t address_key(const char *email, char key[ADDRESS_MAX_BYTES])
{
    size_t length = email != NULL ? strlen(email) : 0;
    if (length > ADDRESS_MAX_BYTES) return 0;
    for (size_t i = 0; i < length; i++) key[i] = (char)tolower((unsigned char)email[i]);
    return length;
}

/* Makes the user findable. */
static void enter(rc_userset_t *set, rc_userset_user_t *user)
{
    char key[ADDRESS_MAX_BYTES];
    const rc_learnamp_user_t *known = &user->profile.user;
    size_t length = address_key(known->email, key);
    if (length > 0) (void)rc_map_set(set->by_email, key, length, user);
    if (!rc_text_empty(known->external_id))
        (void)rc_map_set(set->by_external_id, known->external_id, strlen(known->external_id), user);
}

/* Takes the user's keys away, unless they are another's by now. */
static void leave(rc_userset_t *set, const rc_userset_user_t *user)
{
    char key[ADDRESS_MAX_BYTES];
    const rc_learnamp_user_t *known = &user->profile.user;
    if (rc_userset_by_email(set, known->email) == user)
        (void)rc_map_take(set->by_email, key, address_key(known->email, key));
    if (rc_userset_by_external_id(set, known->external_id) == user)
        (void)rc_map_take(set->by_external_id, known->external_id, strlen(known->external_id));
}

/* ---- Writing ---- */

static void append(rc_userset_t *set, rc_userset_user_t *user)
{
    if (set->slots % FIRST_SLOTS == 0 && (set->slots & (set->slots - 1)) == 0) {
        size_t room = set->slots == 0 ? FIRST_SLOTS : set->slots * 2;
        set->users = rc_realloc(set->users, room * sizeof *set->users);
    }
    set->users[set->slots++] = user;
    set->count++;
}

void rc_userset_put(rc_userset_t *set, const rc_learnamp_profile_t *profile)
{
    rc_userset_user_t *user = rc_userset_by_id(set, profile->user.id);
    if (user == NULL) {
        user = rc_arena_alloc(set->arena, sizeof *user);
        append(set, user);
        (void)rc_map_set(set->by_id, &profile->user.id, sizeof profile->user.id, user);
    } else {
        leave(set, user);
    }
    user->profile = profile_copy(set, profile);
    enter(set, user);
}

void rc_userset_drop(rc_userset_t *set, const char *external_id)
{
    rc_userset_user_t *user = rc_userset_by_external_id(set, external_id);
    if (user == NULL) return;
    leave(set, user);
    (void)rc_map_take(set->by_id, &user->profile.user.id, sizeof user->profile.user.id);
    for (size_t i = 0; i < set->slots; i++)
        if (set->users[i] == user) set->users[i] = NULL;
    set->count--;
}

void rc_userset_put_team(rc_userset_t *set, const rc_learnamp_team_t *team)
{
    rc_learnamp_team_t *copy = rc_arena_alloc(set->arena, sizeof *copy);
    *copy = (rc_learnamp_team_t){team->id, own(set, team->name), own(set, team->external_id)};
    (void)rc_map_set(set->teams, &copy->id, sizeof copy->id, copy);
    if (!rc_text_empty(copy->external_id))
        (void)rc_map_set(set->teams_by_external_id, copy->external_id, strlen(copy->external_id), copy);
}

/* ---- Reading ---- */

rc_userset_user_t *rc_userset_by_external_id(const rc_userset_t *set, const char *external_id)
{
    return rc_text_empty(external_id) ? NULL : rc_map_get(set->by_external_id, external_id, strlen(external_id));
}

rc_userset_user_t *rc_userset_by_email(const rc_userset_t *set, const char *email)
{
    char key[ADDRESS_MAX_BYTES];
    size_t length = address_key(email, key);
    return length > 0 ? rc_map_get(set->by_email, key, length) : NULL;
}

rc_userset_user_t *rc_userset_by_id(const rc_userset_t *set, int64_t user_id)
{
    return rc_map_get(set->by_id, &user_id, sizeof user_id);
}

const rc_learnamp_team_t *rc_userset_team(const rc_userset_t *set, int64_t team_id)
{
    return rc_map_get(set->teams, &team_id, sizeof team_id);
}

const rc_learnamp_team_t *rc_userset_team_by_external_id(const rc_userset_t *set, const char *external_id)
{
    if (rc_text_empty(external_id)) return NULL;
    return rc_map_get(set->teams_by_external_id, external_id, strlen(external_id));
}

typedef struct {
    const char *name;
    int count;
    int64_t team_id;
} free_teams_t;

static bool count_free(void *opaque, const void *key, size_t key_bytes, void *value)
{
    free_teams_t *found = opaque;
    const rc_learnamp_team_t *team = value;
    (void)key;
    (void)key_bytes;
    if (!rc_text_empty(team->external_id) || !rc_text_equal(team->name, found->name)) return true;
    found->count++;
    found->team_id = team->id;
    return true;
}

int rc_userset_free_teams(const rc_userset_t *set, const char *name, int64_t *team_id)
{
    free_teams_t found = {.name = name};
    rc_map_each(set->teams, count_free, &found);
    if (found.count > 0) *team_id = found.team_id;
    return found.count;
}

size_t rc_userset_count(const rc_userset_t *set)
{
    return set->count;
}

rc_userset_user_t *rc_userset_next(const rc_userset_t *set, size_t *cursor)
{
    while (*cursor < set->slots) {
        rc_userset_user_t *user = set->users[(*cursor)++];
        if (user != NULL) return user;
    }
    return NULL;
}
