#include "consumer/learnamp/learnamp_request.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json_write.h"
#include "common/mem.h"
#include "common/text.h"
#include "consumer/rules/rules.h"
#include "consumer/rules/swap.h"

enum { PER_PAGE = 100, MAX_BODY_BYTES = 16 * 1024 * 1024 };

void rc_learnamp_request_fini(rc_learnamp_request_t *request)
{
    free(request->path);
    free(request->body);
    free(request->wanted);
    *request = (rc_learnamp_request_t){.kind = RC_CALL_READ};
}

static void fill(rc_learnamp_request_t *request, rc_call_kind_t kind, const char *method, char *path)
{
    *request = (rc_learnamp_request_t){.kind = kind, .method = method, .path = path, .expect = RC_EXPECT_NOTHING};
}

static void expect(rc_learnamp_request_t *request, rc_expect_t what, const char *wanted)
{
    request->expect = what;
    request->wanted = rc_strdup(wanted);
}

/* The body is one object; its members follow. */
static rc_json_writer_t begin_body(rc_buf_t *body)
{
    *body = RC_BUF_INIT(MAX_BODY_BYTES);
    rc_json_writer_t json = {.out = body};
    rc_json_write_open(&json, NULL, '{');
    return json;
}

/* Takes the buffer. A record is smaller than the cap by far (common/kafka). */
static void end_body(rc_learnamp_request_t *request, rc_json_writer_t *json)
{
    rc_json_write_close(json, '}');
    RC_INVARIANT(!json->out->overflowed);
    request->body = rc_buf_take(json->out);
}

/* The value as it may stand in a path or a query. Returns new. */
static char *path_with(const char *before, const char *value, const char *after)
{
    char *encoded = rc_url_encode(value);
    char *path = rc_sprintf("%s%s%s", before, encoded, after);
    free(encoded);
    return path;
}

/* ---- Users ---- */

void rc_request_user_by_external_id(rc_learnamp_request_t *request, const char *external_id)
{
    fill(request, RC_CALL_READ, "GET", path_with("/v1/users/by_integration_external_id/", external_id, ""));
    expect(request, RC_EXPECT_USER, external_id);
}

void rc_request_user_by_email(rc_learnamp_request_t *request, const char *email)
{
    fill(request, RC_CALL_READ, "GET", path_with("/v1/users?filters%5Bemail%5D=", email, "&perPage=100"));
    expect(request, RC_EXPECT_USERS, email);
}

void rc_request_user_expanded(rc_learnamp_request_t *request, const char *external_id)
{
    fill(request, RC_CALL_READ, "GET",
         path_with("/v1/users?filters%5Bintegration_external_id%5D=", external_id, "&expanded=true&perPage=100"));
    expect(request, RC_EXPECT_MEMBER, external_id);
}

void rc_request_any_user(rc_learnamp_request_t *request)
{
    fill(request, RC_CALL_READ, "GET", rc_strdup("/v1/users?perPage=1"));
    expect(request, RC_EXPECT_USERS, "");
}

void rc_request_any_team(rc_learnamp_request_t *request)
{
    fill(request, RC_CALL_READ, "GET", rc_strdup("/v1/teams?perPage=1"));
    expect(request, RC_EXPECT_TEAMS, "");
}

void rc_request_user_page(rc_learnamp_request_t *request, const char *status, int64_t page)
{
    char *path = rc_sprintf("/v1/users?expanded=true&page=%lld&perPage=%d%s%s", (long long)page, PER_PAGE,
                            status != NULL ? "&filters%5Bstatus%5D%5B%5D=" : "", status != NULL ? status : "");
    fill(request, RC_CALL_READ, "GET", path);
    request->expect = RC_EXPECT_USER_PAGE;
}

void rc_request_team_page(rc_learnamp_request_t *request, int64_t page)
{
    fill(request, RC_CALL_READ, "GET", rc_sprintf("/v1/teams?page=%lld&perPage=%d", (long long)page, PER_PAGE));
    request->expect = RC_EXPECT_TEAM_PAGE;
}

void rc_request_user_shown(rc_learnamp_request_t *request, const char *external_id)
{
    rc_request_user_expanded(request, external_id);
    request->expect = RC_EXPECT_USER_PAGE;
}

void rc_request_reactivate(rc_learnamp_request_t *request, int64_t user_id)
{
    fill(request, RC_CALL_WRITE, "PUT", rc_sprintf("/v1/users/%lld/reactivate", (long long)user_id));
}

void rc_request_deactivate(rc_learnamp_request_t *request, int64_t user_id)
{
    fill(request, RC_CALL_WRITE, "PUT", rc_sprintf("/v1/users/%lld/deactivate", (long long)user_id));
}

/* ---- Bodies ---- */

/* One parameter. A write that creates leaves out what is empty; one that updates clears it, except what a user must
 * have. */
static void put(rc_json_writer_t *json, const char *parameter, const char *value, bool creates, bool required)
{
    if (!rc_text_empty(value))
        rc_json_write_str(json, parameter, value);
    else if (!creates && !required)
        rc_json_write_str(json, parameter, "");
}

static void put_custom_fields(rc_json_writer_t *json, const rc_body_t *body, bool creates)
{
    bool is_open = false;
    for (size_t i = 0; i < body->integration->mapping_count; i++) {
        const rc_mapping_t *mapping = &body->integration->mapping[i];
        if (mapping->target != RC_TARGET_CUSTOM) continue;
        const rc_custom_t *custom =
            rc_custom_find(body->employee->custom, body->employee->custom_count, mapping->custom_name);
        /* None: it was mapped since this state was published, the next poll brings it. */
        if (!custom || (creates && rc_text_empty(custom->value))) continue;
        if (!is_open) rc_json_write_open(json, "customFields", '[');
        is_open = true;
        rc_json_write_open(json, NULL, '{');
        rc_json_write_str(json, "name", mapping->custom_name);
        put(json, "value", custom->value, false, false);
        rc_json_write_close(json, '}');
    }
    if (is_open) rc_json_write_close(json, ']');
}

static void put_parameter(rc_json_writer_t *json, const rc_mapping_t *mapping, const rc_body_t *body, bool creates)
{
    const rc_employee_t *employee = body->employee;
    char day[RC_TIME_STR_SIZE];
    const char *name = rc_enum_str(&RC_ENUM_TARGET, (int)mapping->target);
    switch (mapping->target) {
    case RC_TARGET_FIRST_NAME:
        put(json, name, employee->first_name, creates, true);
        return;
    case RC_TARGET_LAST_NAME:
        put(json, name, employee->last_name, creates, true);
        return;
    case RC_TARGET_EMAIL:
        put(json, name, employee->email, creates, true);
        return;
    case RC_TARGET_JOB_TITLE:
        put(json, name, employee->job_title, creates, false);
        return;
    case RC_TARGET_AVATAR:
        put(json, name, employee->avatar, creates, false);
        return;
    case RC_TARGET_LOCATION:
        put(json, name, employee->primary_location.name, creates, false);
        return;
    case RC_TARGET_HIRE_DATE:
        put(json, name, rc_date_str(employee->hire_date, day), creates, false);
        return;
    case RC_TARGET_LEAVE_DATE:
        put(json, name, rc_date_str(employee->leave_date, day), creates, false);
        return;
    case RC_TARGET_MANAGER_EMAIL:
        if (!body->without_manager) put(json, name, employee->manager_email, creates, false);
        return;
    case RC_TARGET_LANGUAGE:
        put(json, name, employee->language, creates, false);
        return;
    case RC_TARGET_CUSTOM:
        return; /* they stand together: put_custom_fields */
    }
    RC_DIE("a mapping has the target %d", (int)mapping->target);
}

static void put_profile(rc_json_writer_t *json, const rc_body_t *body, bool creates)
{
    for (size_t i = 0; i < body->integration->mapping_count; i++)
        put_parameter(json, &body->integration->mapping[i], body, creates);
    put_custom_fields(json, body, creates);
}

static bool is_there(const rc_body_t *body, const rc_ref_t *team)
{
    if (rc_text_empty(team->id)) return false;
    return body->team_is_there == NULL || body->team_is_there(body->opaque, team);
}

/* A primary team that HR does not name is taken away by another call (DELETE). */
static void put_teams(rc_json_writer_t *json, const rc_body_t *body, bool creates)
{
    const rc_policy_t *policy = &body->integration->policy;
    const rc_employee_t *employee = body->employee;
    if (policy->primary_team_count > 0 && is_there(body, &employee->primary_team))
        rc_json_write_str(json, "primaryTeamIntegrationExternalId", employee->primary_team.id);
    if (policy->secondary_teams_count == 0 || (creates && employee->secondary_team_count == 0)) return;
    rc_json_write_open(json, "secondaryTeamIntegrationExternalIds", '[');
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        if (is_there(body, &employee->secondary_teams[i]))
            rc_json_write_str(json, NULL, employee->secondary_teams[i].id);
    }
    rc_json_write_close(json, ']');
}

void rc_request_create(rc_learnamp_request_t *request, const rc_body_t *body, bool invite)
{
    rc_buf_t text;
    rc_json_writer_t json = begin_body(&text);
    put_profile(&json, body, true);
    put_teams(&json, body, true);
    rc_json_write_str(&json, "integrationExternalId", body->employee_id);
    rc_json_write_bool(&json, "skipInvitation", !invite);
    fill(request, RC_CALL_WRITE, "POST", rc_strdup("/v1/users"));
    expect(request, RC_EXPECT_USER, body->employee_id);
    end_body(request, &json);
}

void rc_request_update(rc_learnamp_request_t *request, const rc_body_t *body, unsigned parts, int64_t user_id)
{
    char *path = user_id != 0 ? rc_sprintf("/v1/users/%lld", (long long)user_id)
                              : path_with("/v1/users/by_integration_external_id/", body->employee_id, "");
    RC_INVARIANT(!(parts & RC_PART_ASIDE) || !(parts & RC_PART_PROFILE)); /* both have an address */
    rc_buf_t text;
    rc_json_writer_t json = begin_body(&text);
    if (parts & RC_PART_PROFILE) put_profile(&json, body, false);
    if (parts & RC_PART_TEAM) put_teams(&json, body, false);
    if (parts & RC_PART_IDENTITY) rc_json_write_str(&json, "integrationExternalId", body->employee_id);
    if (parts & RC_PART_ASIDE) {
        char *aside = rc_swap_address(&body->integration->policy, body->employee_id);
        rc_json_write_str(&json, "email", aside);
        free(aside);
    }
    fill(request, RC_CALL_WRITE, "PUT", path);
    expect(request, RC_EXPECT_USER, body->employee_id);
    end_body(request, &json);
}

/* ---- Teams ---- */

void rc_request_team_by_external_id(rc_learnamp_request_t *request, const char *external_id)
{
    fill(request, RC_CALL_READ, "GET", path_with("/v1/teams/by_external_id/", external_id, ""));
    expect(request, RC_EXPECT_TEAM, external_id);
}

void rc_request_teams_by_name(rc_learnamp_request_t *request, const char *name, int page)
{
    char *before = rc_sprintf("/v1/teams?page=%d&perPage=%d&filters%%5Bname%%5D=", page, PER_PAGE);
    fill(request, RC_CALL_READ, "GET", path_with(before, name, ""));
    expect(request, RC_EXPECT_TEAMS, name);
    free(before);
}

void rc_request_create_team(rc_learnamp_request_t *request, const rc_ref_t *team)
{
    rc_buf_t text;
    rc_json_writer_t json = begin_body(&text);
    rc_json_write_str(&json, "name", team->name);
    rc_json_write_str(&json, "integrationExternalId", team->id);
    fill(request, RC_CALL_WRITE, "POST", rc_strdup("/v1/teams"));
    expect(request, RC_EXPECT_TEAM, team->id);
    end_body(request, &json);
}

void rc_request_adopt_team(rc_learnamp_request_t *request, int64_t team_id, const char *external_id)
{
    rc_buf_t text;
    rc_json_writer_t json = begin_body(&text);
    rc_json_write_str(&json, "integrationExternalId", external_id);
    fill(request, RC_CALL_WRITE, "PUT", rc_sprintf("/v1/teams/%lld", (long long)team_id));
    expect(request, RC_EXPECT_TEAM, external_id);
    end_body(request, &json);
}

void rc_request_rename_team(rc_learnamp_request_t *request, const rc_ref_t *team)
{
    rc_buf_t text;
    rc_json_writer_t json = begin_body(&text);
    rc_json_write_str(&json, "name", team->name);
    fill(request, RC_CALL_WRITE, "PUT", path_with("/v1/teams/by_external_id/", team->id, ""));
    expect(request, RC_EXPECT_TEAM, team->id);
    end_body(request, &json);
}

void rc_request_remove_from_team(rc_learnamp_request_t *request, int64_t team_id, int64_t user_id)
{
    fill(request, RC_CALL_WRITE, "DELETE",
         rc_sprintf("/v1/teams/%lld/users/%lld", (long long)team_id, (long long)user_id));
}
