#include "tests/sandbox/learnamp_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum { MAX_ERROR_BYTES = 4096 };

void sb_refusal_init(sb_refusal_t *refusal)
{
    *refusal = (sb_refusal_t){.error = RC_BUF_INIT(MAX_ERROR_BYTES)};
}

void sb_refusal_fini(sb_refusal_t *refusal)
{
    rc_buf_fini(&refusal->error);
    json_decref(refusal->full_errors);
}

/* Adds "field why" to what is wrong with the parameters (400). */
static void refuse(sb_refusal_t *refusal, const char *field, const char *why)
{
    refusal->status = 400;
    (void)rc_buf_add_format(&refusal->error, "%s%s %s", refusal->error.size_bytes ? ", " : "", field, why);
    if (!refusal->full_errors) refusal->full_errors = json_object();
    json_t *list = json_object_get(refusal->full_errors, field);
    if (!list) {
        list = json_array();
        (void)json_object_set_new(refusal->full_errors, field, list);
    }
    (void)json_array_append_new(list, json_string(why));
}

/* Adds to what the record itself cannot take (400, without fullErrors). */
static void invalidate(sb_refusal_t *refusal, const char *why)
{
    refusal->status = 400;
    (void)rc_buf_add_format(&refusal->error, "%s%s", refusal->error.size_bytes ? ", " : "Validation failed: ", why);
}

/* ---- parameters ---- */

/* A parameter as text, whatever scalar it came as; null and "" are "". False: it was left out, or is no scalar and
 * refused. */
static bool take_text(const json_t *params, const char *name, rc_arena_t *scratch, sb_refusal_t *refusal,
                      const char **text)
{
    const json_t *value = json_object_get(params, name);
    if (!value) return false;
    if (json_is_string(value))
        *text = json_string_value(value);
    else if (json_is_null(value))
        *text = "";
    else if (json_is_integer(value))
        *text = rc_arena_sprintf(scratch, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        *text = json_is_true(value) ? "true" : "false";
    else {
        refuse(refusal, name, "is invalid");
        return false;
    }
    return true;
}

static bool take_flag(const json_t *params, const char *name, bool *flag)
{
    const json_t *value = json_object_get(params, name);
    const char *text = json_string_value(value);
    if (!value) return false;
    *flag = json_is_true(value) || (text && (!strcmp(text, "true") || !strcmp(text, "1")));
    return true;
}

static long to_id(const char *text)
{
    char *end;
    long id = strtol(text, &end, 10);
    return *text && !*end ? id : -1;
}

static void exclude(const json_t *params, const char *one, const char *other, sb_refusal_t *refusal)
{
    char both[96];
    if (!json_object_get(params, one) || !json_object_get(params, other)) return;
    (void)snprintf(both, sizeof both, "%s, %s", one, other);
    refuse(refusal, both, "are mutually exclusive");
}

/* ---- users ---- */

static const sb_user_text_t REQUIRED[] = {SB_USER_EMAIL, SB_USER_FIRST_NAME, SB_USER_LAST_NAME};

static void draft_texts(sb_user_draft_t *draft, const json_t *params, bool create, sb_refusal_t *refusal)
{
    for (int i = 0; i < SB_USER_TEXT_COUNT; i++)
        draft->has_text[i] = take_text(params, SB_USER_TEXT_NAMES[i], draft->scratch, refusal, &draft->text[i]);
    for (size_t i = 0; i < sizeof REQUIRED / sizeof *REQUIRED; i++) {
        sb_user_text_t which = REQUIRED[i];
        bool missing = create && !draft->has_text[which];
        if (missing) refuse(refusal, SB_USER_TEXT_NAMES[which], "is missing");
        if (missing || (draft->has_text[which] && rc_text_empty(draft->text[which])))
            refuse(refusal, SB_USER_TEXT_NAMES[which], "is empty");
    }
}

static void check_values(const sb_user_draft_t *draft, sb_refusal_t *refusal)
{
    static const char *const roles[] = {"viewer", "curator", "reporter", "learning_designer", "hr", "admin"};
    const char *role = draft->text[SB_USER_ROLE], *date = draft->text[SB_USER_HIRE_DATE];
    rc_date_t parsed;
    if (draft->has_text[SB_USER_ROLE]) {
        size_t i = 0;
        while (i < 6 && strcmp(roles[i], role) != 0) i++;
        if (i == 6) refuse(refusal, "role", "does not have a valid value");
    }
    if (draft->has_text[SB_USER_HIRE_DATE] && *date && rc_date_parse(date, strlen(date), &parsed, NULL))
        refuse(refusal, "hireDate", "is invalid");
}

static const sb_team_t *find_team(const sb_store_t *store, const char *id, bool external)
{
    return external ? sb_store_team_by_external_id(store, id) : sb_store_team(store, to_id(id));
}

static void draft_primary(sb_user_draft_t *draft, const sb_store_t *store, const json_t *params, sb_refusal_t *refusal)
{
    static const char *const names[] = {"primaryTeamId", "primaryTeamIntegrationExternalId"};
    static const char *const whys[] = {"must match existing teams IDs",
                                       "must match existing teams integration external IDs"};
    const char *text;
    for (int external = 0; external < 2; external++) {
        if (!take_text(params, names[external], draft->scratch, refusal, &text)) continue;
        const sb_team_t *team = find_team(store, text, external);
        if (!team) {
            refuse(refusal, names[external], whys[external]);
            continue;
        }
        draft->has_primary = true;
        draft->primary_team = team->id;
    }
    exclude(params, names[0], names[1], refusal);
}

static void draft_secondary(sb_user_draft_t *draft, const sb_store_t *store, const json_t *params,
                            sb_refusal_t *refusal)
{
    static const char *const names[] = {"secondaryTeamIds", "secondaryTeamIntegrationExternalIds"};
    static const char *const whys[] = {"must match existing teams IDs",
                                       "must match existing teams integration external IDs"};
    for (int external = 0; external < 2; external++) {
        const json_t *list = json_object_get(params, names[external]), *entry;
        size_t i;
        if (!list) continue;
        if (!json_is_array(list)) {
            refuse(refusal, names[external], "is invalid");
            continue;
        }
        draft->has_secondary = true;
        draft->secondary_teams = rc_arena_alloc(draft->scratch, (json_array_size(list) + 1) * sizeof(long));
        bool known = true;
        json_array_foreach(list, i, entry)
        {
            json_t *wrapped = json_pack("{s:O}", "x", entry);
            const char *text = "";
            const sb_team_t *team = NULL;
            if (take_text(wrapped, "x", draft->scratch, refusal, &text) && *text)
                team = find_team(store, text, external);
            if (team) draft->secondary_teams[draft->secondary_count++] = team->id;
            known = known && (team || !*text); /* `ids[]=` in a form is the empty list */
            json_decref(wrapped);
        }
        if (!known) refuse(refusal, names[external], whys[external]);
    }
    exclude(params, names[0], names[1], refusal);
}

/* managerId or managerEmail of a user or a team; "" takes the manager away. */
static bool draft_manager(const sb_store_t *store, const json_t *params, rc_arena_t *scratch, sb_refusal_t *refusal,
                          long *manager_id)
{
    const char *id = NULL, *email = NULL;
    bool has_id = take_text(params, "managerId", scratch, refusal, &id);
    bool has_email = take_text(params, "managerEmail", scratch, refusal, &email);
    exclude(params, "managerId", "managerEmail", refusal);
    if (!has_id && !has_email) return false;
    *manager_id = 0;
    if (has_id && *id) {
        const sb_user_t *manager = sb_store_user(store, to_id(id));
        if (!manager || manager->status == SB_STATUS_DEACTIVATED)
            refuse(refusal, "managerId", "must match an existing user id within your company");
        else
            *manager_id = manager->id;
    }
    if (has_email && *email) {
        const sb_user_t *manager = sb_store_user_by_email(store, email);
        if (!manager || manager->status == SB_STATUS_DEACTIVATED)
            refuse(refusal, "managerEmail", "must match an existing user email within your company");
        else
            *manager_id = manager->id;
    }
    return true;
}

static bool is_custom_field(const sb_store_t *store, const char *name)
{
    size_t i;
    const json_t *known;
    json_array_foreach(sb_store_custom_fields(store), i,
                       known) if (!strcmp(json_string_value(known), name)) return true;
    return false;
}

/* An unknown name is 404 with the same words as an unknown user (docs/learnamp.md). */
static void draft_custom(sb_user_draft_t *draft, const sb_store_t *store, const json_t *params, sb_refusal_t *refusal)
{
    const json_t *list = json_object_get(params, "customFields"), *entry;
    size_t i;
    if (!list) return;
    draft->custom = json_object();
    if (!json_is_array(list)) refuse(refusal, "customFields", "is invalid");
    json_array_foreach(list, i, entry)
    {
        const char *name = rc_json_str(entry, "name"), *value = "";
        if (!name) {
            refuse(refusal, "customFields[name]", "is missing");
            continue;
        }
        if (!is_custom_field(store, name) && !refusal->status) refusal->status = 404;
        if (take_text(entry, "value", draft->scratch, refusal, &value) && *value)
            (void)json_object_set_new(draft->custom, name, json_string(value));
        else
            (void)json_object_set_new(draft->custom, name, json_null());
    }
}

static bool looks_like_an_address(const char *email)
{
    const char *at = strchr(email, '@');
    return at && at != email && strchr(at, '.') && !strpbrk(email, " \t,;");
}

static void check_uniqueness(const sb_user_draft_t *draft, const sb_store_t *store, const sb_user_t *user,
                             sb_refusal_t *refusal)
{
    const char *email = draft->text[SB_USER_EMAIL], *external_id = draft->text[SB_USER_EXTERNAL_ID];
    if (draft->has_text[SB_USER_EMAIL]) {
        const sb_user_t *owner = sb_store_user_by_email(store, email);
        if (!looks_like_an_address(email)) invalidate(refusal, "Email is invalid");
        if (owner && owner != user) invalidate(refusal, "Email has already been taken");
    }
    if (draft->has_text[SB_USER_EXTERNAL_ID] && *external_id) {
        const sb_user_t *owner = sb_store_user_by_external_id(store, external_id);
        if (owner && owner != user) invalidate(refusal, "Integration external id has already been taken");
    }
}

bool sb_user_draft_init(sb_user_draft_t *draft, const sb_store_t *store, const sb_user_t *user, const json_t *params,
                        sb_refusal_t *refusal)
{
    *draft = (sb_user_draft_t){.scratch = rc_arena_new()};
    draft_texts(draft, params, user == NULL, refusal);
    check_values(draft, refusal);
    draft_primary(draft, store, params, refusal);
    draft_secondary(draft, store, params, refusal);
    draft->has_manager = draft_manager(store, params, draft->scratch, refusal, &draft->manager_id);
    if (!refusal->status) draft_custom(draft, store, params, refusal);
    if (!refusal->status) check_uniqueness(draft, store, user, refusal);
    (void)take_flag(params, "skipInvitation", &draft->skip_invitation);
    (void)take_flag(params, "reactivate", &draft->reactivate);
    return !refusal->status;
}

void sb_user_draft_fini(sb_user_draft_t *draft)
{
    rc_arena_free(draft->scratch);
    json_decref(draft->custom);
}

/* ---- teams ---- */

static const sb_team_t *team_named(const sb_store_t *store, const char *name)
{
    for (size_t i = 0; i < sb_store_teams(store); i++)
        if (!strcmp(sb_store_team_at(store, i)->name, name)) return sb_store_team_at(store, i);
    return NULL;
}

static void draft_parent(sb_team_draft_t *draft, const sb_store_t *store, const json_t *params, rc_arena_t *scratch,
                         sb_refusal_t *refusal)
{
    const char *text;
    const sb_team_t *parent = NULL;
    if (take_text(params, "parentTeamId", scratch, refusal, &text)) {
        draft->has_parent = true;
        if (*text && !(parent = sb_store_team(store, to_id(text))))
            refuse(refusal, "parentTeamId", "must match existing teams IDs");
    } else if (take_text(params, "parentTeamName", scratch, refusal, &text)) {
        draft->has_parent = true;
        if (*text && !(parent = team_named(store, text)))
            refuse(refusal, "parentTeamName", "must match existing teams names");
    }
    draft->parent_id = parent ? parent->id : 0;
}

bool sb_team_draft_init(sb_team_draft_t *draft, const sb_store_t *store, const sb_team_t *team, const json_t *params,
                        sb_refusal_t *refusal)
{
    rc_arena_t *scratch = rc_arena_new();
    const char *name = NULL;
    *draft = (sb_team_draft_t){0};
    bool has_name = take_text(params, "name", scratch, refusal, &name);
    if (!team && !has_name) refuse(refusal, "name", "is missing");
    if ((!team && !has_name) || (has_name && !*name)) refuse(refusal, "name", "is empty");
    draft_parent(draft, store, params, scratch, refusal);
    draft->has_manager = draft_manager(store, params, scratch, refusal, &draft->manager_id);
    /* Ids are kept as they come: a number from a JSON body would lie in the scratch memory. */
    const json_t *external_id = json_object_get(params, "integrationExternalId");
    if (external_id && !json_is_string(external_id) && !json_is_null(external_id))
        refuse(refusal, "integrationExternalId", "is invalid");
    draft->has_external_id = external_id != NULL;
    draft->external_id = json_string_value(external_id);
    if (!refusal->status && !rc_text_empty(draft->external_id)) {
        const sb_team_t *owner = sb_store_team_by_external_id(store, draft->external_id);
        if (owner && owner != team) invalidate(refusal, "Integration external id has already been taken");
    }
    draft->name = json_string_value(json_object_get(params, "name"));
    if (has_name && !draft->name && !refusal->status) refuse(refusal, "name", "is invalid");
    rc_arena_free(scratch);
    return !refusal->status;
}

bool sb_member_draft(const sb_store_t *store, const json_t *params, sb_user_t **user, bool *primary,
                     sb_refusal_t *refusal)
{
    rc_arena_t *scratch = rc_arena_new();
    const char *id = NULL;
    *primary = false;
    if (!take_text(params, "userId", scratch, refusal, &id)) {
        refuse(refusal, "userId", "is missing");
    } else if (!(*user = sb_store_user(store, to_id(id)))) {
        refuse(refusal, "userId", "must match an existing user id within your company");
    }
    (void)take_flag(params, "isPrimary", primary);
    rc_arena_free(scratch);
    return !refusal->status;
}
