/* What the page's API does: commands, and dead letters that are tried again. */
#include <string.h>

#include "producer/page/answers.h"
#include "producer/page/page_state.h"

void rc_page_retry_letters(rc_page_call_t *call)
{
    long long partition = rc_json_int(call->body, "partition", -1), offset = rc_json_int(call->body, "offset", -1);
    bool all = rc_json_bool(call->body, "all", false);
    const rc_retry_wish_t wish = {
        .integration_id = call->integration->id, .partition = all ? -1 : (int32_t)partition, .offset = offset};
    if (!all && (partition < 0 || partition >= call->page->config->kafka.partitions || offset < 0)) {
        rc_page_refuse(call->reply, 400, "`partition` and `offset` name one, or `all` is true");
    } else if (!rc_letters_retry(call->page->letters, &wish)) {
        rc_httpd_reply_header(call->reply, "Retry-After", "1");
        rc_page_refuse(call->reply, 429, "many are being tried at this moment; ask again");
    } else {
        rc_httpd_reply_json(call->reply, 202, json_object());
    }
}

/* The hold that is to be decided, as it stands now. False: answered. */
static bool find_hold(rc_page_call_t *call, rc_order_t *order, rc_wall_t *listed_at)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t state;
    bool found = false;
    const char *listed = rc_json_str(call->body, "listed_at");
    order->hold_id = rc_json_str(call->body, "hold");
    order->employees = rc_json_int(call->body, "employees", 0);
    if (!order->hold_id || !listed || rc_wall_parse(listed, listed_at, NULL) != RC_OK) {
        rc_page_refuse(call->reply, 400, "`hold` and `listed_at` say which list was looked at");
        return false;
    }
    if (rc_views_state(call->page->views, order->integration_id, call->request->arena, &state, &found, &error) !=
        RC_OK) {
        rc_page_refuse(call->reply, 503, error.message);
        return false;
    }
    const rc_hold_t *hold = rc_answer_find_hold(found ? &state : NULL, order->hold_id);
    if (!hold) {
        rc_page_refuse(call->reply, 409, "nobody waits in this list any more: it was decided, or HR has changed");
        return false;
    }
    order->brake = hold->brake;
    return true;
}

static bool find_events(rc_page_call_t *call, rc_order_t *order)
{
    size_t i;
    const json_t *events = json_object_get(call->body, "events"), *name;
    bool known = json_array_size(events) > 0;
    json_array_foreach(events, i, name)
    {
        int type = rc_enum_parse(&RC_ENUM_EVENT, json_string_value(name));
        known &= type >= 0;
        if (type >= 0) order->events |= 1U << type;
    }
    if (known) return true;
    rc_page_refuse(call->reply, 400, "`events` lists created, profile-updated, team-changed, deactivated, or some");
    return false;
}

void rc_page_order(rc_page_call_t *call)
{
    static const rc_command_kind_t kinds[] = {RC_COMMAND_APPROVE, RC_COMMAND_REJECT, RC_COMMAND_PAUSE,
                                              RC_COMMAND_RESUME, RC_COMMAND_POLL};
    const char *what = rc_json_str(call->body, "what");
    int kind = rc_enum_parse(&RC_ENUM_COMMAND, what);
    rc_order_t made = {.integration_id = call->integration->id, .kind = (rc_command_kind_t)kind};
    rc_wall_t listed_at = {0};
    rc_error_t error = RC_ERROR_INIT;
    size_t i = 0, count = sizeof kinds / sizeof *kinds;
    while (i < count && (int)kinds[i] != kind) i++;
    if (i == count) {
        rc_page_refuse(call->reply, 400, "`what` is APPROVE, REJECT, PAUSE, RESUME or POLL");
        return;
    }
    if ((made.kind == RC_COMMAND_APPROVE || made.kind == RC_COMMAND_REJECT) && !find_hold(call, &made, &listed_at))
        return;
    if ((made.kind == RC_COMMAND_PAUSE || made.kind == RC_COMMAND_RESUME) && !find_events(call, &made)) return;
    if (rc_orders_send(call->page->orders, &made, listed_at, &error) != RC_OK) {
        rc_page_refuse(call->reply, error.code == RC_CONFLICT ? 409 : 503, error.message);
        return;
    }
    rc_httpd_reply_json(call->reply, 202, rc_answer_order(&made, NULL, made.issued_at));
}
