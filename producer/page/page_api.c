/* The page's API: who may ask, what can be asked, what is answered. */
#include <stdlib.h>
#include <string.h>

#include "producer/page/answers.h"
#include "producer/page/fold.h"
#include "producer/page/page_state.h"

enum { ROWS = 50, MOST_ROWS = 500, MAX_BODY_BYTES = 16 * 1024 };

void rc_page_refuse(rc_httpd_reply_t *reply, int status, const char *why)
{
    json_t *json = json_object();
    rc_json_put_str(json, "error", why);
    rc_httpd_reply_json(reply, status, json);
}

/* --- reading --- */

/* What is known of an integration; finish with rc_roster_release. False: it could not be read, and that is answered. */
static bool know(rc_page_call_t *call, size_t index, rc_known_t *known)
{
    rc_page_t *page = call->page;
    rc_error_t error = RC_ERROR_INIT;
    bool found = false;
    rc_sync_state_t *state = rc_arena_alloc(call->request->arena, sizeof *state);
    *known = (rc_known_t){.integration = &page->config->integrations[index], .now = rc_wall_now()};
    if (rc_views_state(page->views, known->integration->id, call->request->arena, state, &found, &error) != RC_OK) {
        rc_page_refuse(call->reply, 503, error.message);
        return false;
    }
    known->state = found ? state : NULL;
    known->roster = rc_rosters_get(page->rosters, index, &known->fresh);
    return true;
}

/* The same of the one that is asked for, where a list is needed. */
static bool know_lists(rc_page_call_t *call, rc_known_t *known)
{
    if (!know(call, call->index, known)) return false;
    if (known->roster && known->roster->error.code == RC_OK) return true;
    if (known->roster) {
        rc_page_refuse(call->reply, 503, known->roster->error.message);
    } else {
        rc_httpd_reply_header(call->reply, "Retry-After", "1");
        rc_page_refuse(call->reply, 503, "the lists are being made; ask again");
    }
    rc_roster_release(known->roster);
    return false;
}

static size_t number_arg(const rc_httpd_request_t *request, const char *name, size_t otherwise, size_t most)
{
    const char *text = rc_httpd_arg(request, name);
    if (!text || !*text || strspn(text, "0123456789") != strlen(text)) return otherwise;
    unsigned long long number = strlen(text) > 15 ? most : strtoull(text, NULL, 10);
    return number < most ? (size_t)number : most;
}

static rc_slice_t slice_of(const rc_httpd_request_t *request)
{
    return (rc_slice_t){.search = rc_fold(request->arena, rc_httpd_arg(request, "search")),
                        .offset = number_arg(request, "offset", 0, SIZE_MAX / 2),
                        .limit = number_arg(request, "limit", ROWS, MOST_ROWS)};
}

static json_t *orders_json(const rc_page_call_t *call, const char *integration_id, rc_wall_t now)
{
    size_t count;
    rc_arena_t *arena = call->request->arena;
    json_t *list = json_array();
    const rc_order_t *orders = rc_orders_list(call->page->orders, integration_id, arena, &count);
    for (size_t i = 0; i < count; i++) {
        rc_command_note_t note;
        bool ended = rc_chronicle_command(call->page->chronicle, integration_id, orders[i].id, arena, &note);
        (void)json_array_append_new(list, rc_answer_order(&orders[i], ended ? &note : NULL, now));
    }
    return list;
}

static void get_integrations(rc_page_call_t *call)
{
    json_t *json = json_object(), *list = json_array();
    const rc_config_t *config = call->page->config;
    bool all = true, fresh;
    const rc_letterbox_t *box = rc_letters_get(call->page->letters, &fresh);
    for (size_t i = 0; i < config->integrations_count && all; i++) {
        rc_known_t known;
        all = know(call, i, &known);
        if (!all) break;
        json_t *one = rc_answer_integration(&known);
        (void)json_object_set_new(one, "orders", orders_json(call, known.integration->id, known.now));
        if (box && box->error.code == RC_OK)
            (void)json_object_set_new(one, "not_delivered",
                                      json_integer(rc_answer_count_letters(box, known.integration->id)));
        (void)json_array_append_new(list, one);
        rc_roster_release(known.roster);
    }
    (void)json_object_set_new(json, "delivery_is_fresh", json_boolean(fresh));
    (void)json_object_set_new(json, "unattended", rc_answer_events(box ? box->unattended : 0));
    rc_letterbox_release(box);
    rc_json_put_wall(json, "now", rc_wall_now());
    (void)json_object_set_new(json, "integrations", list);
    if (all)
        rc_httpd_reply_json(call->reply, 200, json);
    else
        json_decref(json); /* it is answered already */
}

/* Reasons by name, with `hr` for all that HR can mend; without any, everybody. */
static bool choice_of(const rc_httpd_request_t *request, rc_choice_t *choice)
{
    const char *reason = rc_httpd_arg(request, "reason");
    *choice = (rc_choice_t){.reasons = UINT32_MAX, .hold_id = rc_httpd_arg(request, "hold")};
    if (!reason || !*reason) return true;
    int found = rc_enum_parse(&RC_ENUM_PENDING, reason);
    bool of_hr = strcmp(reason, "hr") == 0;
    choice->reasons = of_hr ? RC_REASONS_OF_HR : found < 0 ? 0 : 1U << found;
    return choice->reasons != 0;
}

static void get_waiting(rc_page_call_t *call)
{
    rc_arena_t *arena = call->request->arena;
    const rc_slice_t slice = slice_of(call->request);
    rc_choice_t choice;
    rc_known_t known;
    if (!choice_of(call->request, &choice)) {
        rc_page_refuse(call->reply, 400, "there is no such reason");
        return;
    }
    if (!know_lists(call, &known)) return;
    size_t count, total;
    const size_t *chosen = rc_answer_choose(known.roster, &choice, &slice, arena, &count, &total);
    json_t *json = json_object(), *rows = json_array();
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = RC_OK;
    for (size_t i = 0; i < count && code == RC_OK; i++) {
        const rc_waiting_t *waiting = &known.roster->waiting[chosen[i]];
        rc_person_t person = {.snapshot = NULL};
        code = rc_views_person(call->page->views, known.integration->id, waiting->employee_id, arena, &person, &error);
        if (code == RC_OK) (void)json_array_append_new(rows, rc_answer_waiting(&known, waiting, &person, arena));
    }
    (void)json_object_set_new(json, "total", json_integer((json_int_t)total));
    (void)json_object_set_new(json, "fresh", json_boolean(known.fresh));
    (void)json_object_set_new(json, "rows", rows);
    rc_roster_release(known.roster);
    if (code == RC_OK) {
        rc_httpd_reply_json(call->reply, 200, json);
        return;
    }
    json_decref(json);
    rc_page_refuse(call->reply, 503, error.message);
}

static void get_calendar(rc_page_call_t *call)
{
    const rc_slice_t slice = slice_of(call->request);
    rc_known_t known;
    if (!know_lists(call, &known)) return;
    json_t *json = rc_answer_days(&known, &slice);
    (void)json_object_set_new(json, "fresh", json_boolean(known.fresh));
    rc_roster_release(known.roster);
    rc_httpd_reply_json(call->reply, 200, json);
}

static void get_activity(rc_page_call_t *call)
{
    size_t count;
    json_t *json = json_object();
    const rc_poll_note_t *notes =
        rc_chronicle_polls(call->page->chronicle, call->integration->id, call->request->arena, &count);
    (void)json_object_set_new(json, "polls", rc_answer_polls(notes, count));
    (void)json_object_set_new(json, "orders", orders_json(call, call->integration->id, rc_wall_now()));
    rc_httpd_reply_json(call->reply, 200, json);
}

static void get_letters(rc_page_call_t *call)
{
    const rc_slice_t slice = slice_of(call->request);
    const rc_letterbox_t *box = rc_letters_get(call->page->letters, NULL);
    const rc_retry_report_t report = rc_letters_report(call->page->letters, call->integration->id);
    if (!box) {
        rc_httpd_reply_header(call->reply, "Retry-After", "1");
        rc_page_refuse(call->reply, 503, "the list is being made; ask again");
    } else if (box->error.code != RC_OK) {
        rc_page_refuse(call->reply, 503, box->error.message);
    } else {
        json_t *json = rc_answer_letters(box, call->integration->id, &report, &slice, call->request->arena);
        rc_httpd_reply_json(call->reply, 200, json);
    }
    rc_letterbox_release(box);
}

/* --- the door --- */

static const struct endpoint {
    const char *method, *path;
    bool needs_login, needs_integration, works_closed;
    void (*handle)(rc_page_call_t *call);
} ENDPOINTS[] = {
    {"GET", "/api/session", false, false, true, rc_page_get_session},
    {"POST", "/api/session", false, false, true, rc_page_sign_in},
    {"DELETE", "/api/session", true, false, true, rc_page_sign_out},
    {"GET", "/api/integrations", true, false, false, get_integrations},
    {"GET", "/api/waiting", true, true, false, get_waiting},
    {"GET", "/api/calendar", true, true, false, get_calendar},
    {"GET", "/api/activity", true, true, false, get_activity},
    {"GET", "/api/dead-letters", true, true, false, get_letters},
    {"POST", "/api/dead-letters", true, true, false, rc_page_retry_letters},
    {"POST", "/api/orders", true, true, false, rc_page_order},
};
enum { ENDPOINT_COUNT = sizeof ENDPOINTS / sizeof *ENDPOINTS };

/* NULL: answered. */
static const struct endpoint *find_endpoint(const rc_page_call_t *call)
{
    bool there = false;
    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        if (strcmp(ENDPOINTS[i].path, call->request->path) != 0) continue;
        there = true;
        if (strcmp(ENDPOINTS[i].method, call->request->method) == 0) return &ENDPOINTS[i];
    }
    rc_page_refuse(call->reply, there ? 405 : 404,
                   there ? "this method is not served here" : "there is no such address");
    return NULL;
}

/* Whether the caller may; else it is answered. */
static bool pass_guard(const rc_page_call_t *call, bool needs_login)
{
    const rc_guard_request_t asked = rc_page_asked(call->request, needs_login);
    const char *why;
    if (needs_login && asked.authorization && *call->page->guard.token && !rc_page_may_try(call)) return false;
    rc_guard_verdict_t verdict = rc_guard_look(&call->page->guard, &asked, rc_wall_now(), &why);
    if (verdict == RC_GUARD_PASSED) return true;
    if (verdict == RC_GUARD_WRONG_TOKEN) rc_page_note_wrong_token(call);
    rc_page_refuse(call->reply, verdict == RC_GUARD_FORBIDDEN ? 403 : 401, why);
    return false;
}

/* The body of a POST is an object in JSON, said to be that: a form of another site cannot say so. */
static bool read_body(rc_page_call_t *call)
{
    const char *type = rc_httpd_header(call->request, "Content-Type");
    rc_error_t error = RC_ERROR_INIT;
    if (strcmp(call->request->method, "POST") != 0) return true;
    if (call->request->body_size_bytes > MAX_BODY_BYTES) {
        rc_page_refuse(call->reply, 413, "the body is too long");
        return false;
    }
    if (!type || strncmp(type, "application/json", 16) != 0 ||
        rc_json_parse(call->request->body, call->request->body_size_bytes, &call->body, &error) != RC_OK ||
        !json_is_object(call->body)) {
        rc_page_refuse(call->reply, 400, "the body is to be an object in JSON, with the content type application/json");
        return false;
    }
    return true;
}

static bool find_integration(rc_page_call_t *call)
{
    const rc_config_t *config = call->page->config;
    const char *id = call->body ? rc_json_str(call->body, "integration") : rc_httpd_arg(call->request, "integration");
    for (size_t i = 0; id && i < config->integrations_count; i++)
        if (strcmp(config->integrations[i].id, id) == 0) {
            call->index = i;
            call->integration = &config->integrations[i];
            return true;
        }
    rc_page_refuse(call->reply, 404, "the configuration knows no such integration");
    return false;
}

void rc_page_api(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *page)
{
    rc_page_call_t call = {.page = page, .request = request, .reply = reply};
    rc_page_safe_headers(reply);
    rc_httpd_reply_header(reply, "Cache-Control", "no-store");
    const struct endpoint *endpoint = find_endpoint(&call);
    if (!endpoint || !pass_guard(&call, endpoint->needs_login)) return;
    if (!endpoint->works_closed && !atomic_load(&call.page->is_open)) {
        rc_httpd_reply_header(reply, "Retry-After", "1");
        rc_page_refuse(reply, 503, "the service is starting; ask again in a moment");
        return;
    }
    if (read_body(&call) && (!endpoint->needs_integration || find_integration(&call))) endpoint->handle(&call);
    json_decref(call.body);
}
