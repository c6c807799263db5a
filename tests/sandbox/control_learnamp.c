/* Learn Amp's state in the control interface. */
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/control_call.h"
#include "tests/sandbox/learnamp_json.h"

void sb_control_list_users(const sb_control_t *control)
{
    const sb_store_t *store = control->integration->store;
    const char *external_id = rc_httpd_arg(control->request, "employee"),
               *email = rc_httpd_arg(control->request, "email");
    size_t at = (size_t)sb_control_number(control, "offset", 0),
           limit = (size_t)sb_control_number(control, "limit", 100);
    json_t *list = json_array();
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    size_t count = sb_store_users(store);
    if (external_id || email) {
        const sb_user_t *user =
            external_id ? sb_store_user_by_external_id(store, external_id) : sb_store_user_by_email(store, email);
        if (user) (void)json_array_append_new(list, sb_user_inside_json(store, user));
        at = count;
    }
    for (; at < count && json_array_size(list) < limit; at++)
        (void)json_array_append_new(list, sb_user_inside_json(store, sb_store_user_at(store, at)));
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_control_answer(control, 200, json_pack("{s:I, s:o}", "count", (json_int_t)count, "users", list));
}

void sb_control_list_teams(const sb_control_t *control)
{
    const sb_store_t *store = control->integration->store;
    json_t *list = json_array();
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    for (size_t i = 0; i < sb_store_teams(store); i++)
        (void)json_array_append_new(list, sb_team_inside_json(sb_store_team_at(store, i)));
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_control_answer(control, 200, json_pack("{s:o}", "teams", list));
}

static void set_status_value(sb_user_t *user, const char *value)
{
    for (int i = 0; value && i < SB_STATUS_COUNT; i++)
        if (!strcmp(SB_STATUS_VALUES[i], value)) user->status = (sb_user_status_t)i;
}

static void answer_user(const sb_control_t *control, int status, const sb_user_t *user, const sb_refusal_t *refusal)
{
    if (user)
        sb_control_answer(control, status, sb_user_inside_json(control->integration->store, user));
    else
        sb_control_refuse(control, 400, refusal->error.data ? refusal->error.data : "there is no such custom field");
}

/* A user or a team that was at Learn Amp before us: the parameters of the API, and "status". */
void sb_control_add_user(const sb_control_t *control)
{
    sb_refusal_t refusal;
    sb_refusal_init(&refusal);
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    sb_user_t *user = sb_store_user_create(control->integration->store, control->body, control->now, &refusal);
    if (user) set_status_value(user, rc_json_str(control->body, "status"));
    answer_user(control, 201, user, &refusal);
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_refusal_fini(&refusal);
}

void sb_control_change_user(const sb_control_t *control)
{
    sb_refusal_t refusal;
    sb_refusal_init(&refusal);
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    sb_user_t *user = sb_store_user(control->integration->store, strtol(control->id, NULL, 10));
    if (!user) {
        sb_control_refuse(control, 404, "there is no such user");
    } else {
        bool fine = sb_store_user_update(control->integration->store, user, control->body, control->now, &refusal);
        const char *status = rc_json_str(control->body, "status");
        if (fine && status && !strcmp(status, "deactivated"))
            sb_store_user_deactivate(control->integration->store, user, control->now);
        else if (fine)
            set_status_value(user, status);
        answer_user(control, 200, fine ? user : NULL, &refusal);
    }
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_refusal_fini(&refusal);
}

void sb_control_add_team(const sb_control_t *control)
{
    sb_refusal_t refusal;
    sb_refusal_init(&refusal);
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    sb_team_t *team = sb_store_team_create(control->integration->store, control->body, control->now, &refusal);
    if (team)
        sb_control_answer(control, 201, sb_team_inside_json(team));
    else
        sb_control_refuse(control, 400, refusal.error.data);
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_refusal_fini(&refusal);
}

void sb_control_wipe(const sb_control_t *control)
{
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    sb_store_wipe(control->integration->store);
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_control_answer(control, 200, json_object());
}

void sb_control_revoke_tokens(const sb_control_t *control)
{
    (void)pthread_mutex_lock(&control->integration->learnamp_lock);
    sb_tokens_revoke_all(control->integration->tokens);
    (void)pthread_mutex_unlock(&control->integration->learnamp_lock);
    sb_control_answer(control, 200, json_object());
}
