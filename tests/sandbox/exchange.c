#include "tests/sandbox/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/kombo_errors.h"
#include "tests/sandbox/mangle.h"

static void release(void *requests)
{
    sb_requests_end(requests);
}

/* Learn Amp's limit, when the integration has one: as a fault that nobody injected. */
static bool rate_is_exceeded(sb_exchange_t *exchange)
{
    sb_integration_t *integration = exchange->integration;
    if (!integration || exchange->side != SB_SIDE_LEARNAMP) return false;
    int64_t second = exchange->now.ms / 1000;
    (void)pthread_mutex_lock(&integration->learnamp_lock);
    if (integration->rate_second != second) integration->rate_used = 0;
    integration->rate_second = second;
    bool exceeded = integration->rate_limit_per_s && ++integration->rate_used > integration->rate_limit_per_s;
    (void)pthread_mutex_unlock(&integration->learnamp_lock);
    return exceeded;
}

bool sb_exchange_begin(sb_exchange_t *exchange)
{
    sb_integration_t *integration = exchange->integration;
    size_t length = strcspn(exchange->target, "?");
    if (integration) {
        sb_requests_begin(integration->requests[exchange->side]);
        exchange->reply->done = release;
        exchange->reply->done_arg = integration->requests[exchange->side];
    }
    sb_fault_probe_t probe = {
        .side = exchange->side,
        .integration = integration ? integration->id : NULL,
        .method = exchange->request->method,
        .path = rc_arena_strndup(exchange->request->arena, exchange->target, length),
        .target = exchange->target,
        .body = exchange->request->body,
        .has_cursor = rc_httpd_arg(exchange->request, "cursor") != NULL,
    };
    exchange->shot = sb_faults_take(exchange->sandbox->faults, &probe);
    if (!exchange->shot.fault && rate_is_exceeded(exchange))
        exchange->shot = (sb_shot_t){.fault = -1, .kind = SB_FAULT_THROTTLE, .retry_after_s = 1};
    exchange->served = !exchange->shot.fault || (exchange->shot.effect && exchange->shot.kind != SB_FAULT_LATE);
    return exchange->served;
}

bool sb_exchange_empties(const sb_exchange_t *exchange)
{
    return exchange->shot.fault && exchange->shot.kind == SB_FAULT_EMPTY_LIST;
}

bool sb_exchange_halves(const sb_exchange_t *exchange)
{
    return exchange->shot.fault && exchange->shot.kind == SB_FAULT_HALVED_LIST;
}

static void answer_with(rc_httpd_reply_t *reply, int status, const char *body)
{
    rc_httpd_reply_text(reply, status, body);
    reply->content_type = "application/json";
}

static void answer_status(sb_exchange_t *exchange)
{
    const char *key;
    json_t *value;
    const char *body = exchange->shot.body ? exchange->shot.body : "{\"error\":\"Something went wrong\"}";
    if (exchange->side == SB_SIDE_KOMBO && !exchange->shot.body)
        sb_kombo_reply_error(exchange->reply, "PLATFORM.UNKNOWN_ERROR", exchange->shot.status, "Something went wrong.");
    else
        answer_with(exchange->reply, exchange->shot.status, body);
    json_object_foreach((json_t *)(uintptr_t)exchange->shot.headers, key, value) if (json_is_string(value))
        rc_httpd_reply_header(exchange->reply, key, json_string_value(value));
}

static void answer_throttle(sb_exchange_t *exchange)
{
    char text[SB_HTTP_DATE_SIZE];
    const sb_shot_t *shot = &exchange->shot;
    if (exchange->side == SB_SIDE_KOMBO)
        sb_kombo_reply_error(exchange->reply, "PLATFORM.RATE_LIMIT_EXCEEDED", 0, "You have sent too many requests.");
    else
        answer_with(exchange->reply, 429, "{\"error\":\"You're requesting too many API calls\"}");
    if (shot->retry_after_s < 0) return;
    if (shot->retry_after_date)
        (void)sb_http_date((rc_wall_t){exchange->now.ms + shot->retry_after_s * 1000}, text);
    else
        (void)snprintf(text, sizeof text, "%lld", (long long)shot->retry_after_s);
    rc_httpd_reply_header(exchange->reply, "Retry-After", text);
}

static void answer_garbage(sb_exchange_t *exchange)
{
    sb_random_t random = sb_random_of((uint64_t)exchange->shot.fault, exchange->shot.bytes);
    answer_with(exchange->reply, 200, "");
    for (size_t i = 0; i < exchange->shot.bytes; i++) {
        char byte = (char)sb_random_below(&random, 256);
        (void)rc_buf_add(&exchange->reply->body, &byte, 1);
    }
}

static void replace_field(sb_exchange_t *exchange, char *raw, size_t raw_bytes)
{
    (void)sb_mangle_member(&exchange->reply->body, exchange->shot.field, raw, raw_bytes);
    free(raw);
}

static void bend(sb_exchange_t *exchange)
{
    const sb_shot_t *shot = &exchange->shot;
    rc_httpd_reply_t *reply = exchange->reply;
    char *raw;
    switch (shot->kind) {
    case SB_FAULT_STATUS:
        answer_status(exchange);
        break;
    case SB_FAULT_THROTTLE:
        answer_throttle(exchange);
        break;
    case SB_FAULT_KOMBO_ERROR:
        sb_kombo_reply_error(reply, shot->code, 0, "This error was injected.");
        break;
    case SB_FAULT_ERROR_200:
        sb_kombo_reply_error(reply, shot->code, 200, "This error was injected.");
        break;
    case SB_FAULT_DELAY:
        reply->delay_ms = shot->delay_ms;
        break;
    case SB_FAULT_HANG:
        reply->delay_ms = shot->delay_ms;
        reply->ending = RC_HTTPD_DROP;
        break;
    case SB_FAULT_DROP:
    case SB_FAULT_LATE:
        reply->ending = RC_HTTPD_DROP;
        break;
    case SB_FAULT_CUT:
        reply->ending = RC_HTTPD_CUT;
        break;
    case SB_FAULT_GARBAGE:
        answer_garbage(exchange);
        break;
    case SB_FAULT_WRONG_TYPE:
        raw = shot->value ? rc_json_text(shot->value, false) : rc_strdup("{\"unexpected\":[1,2]}");
        replace_field(exchange, raw, strlen(raw));
        break;
    case SB_FAULT_HUGE_FIELD:
        replace_field(exchange, sb_mangle_huge_string(shot->bytes), shot->bytes + 2);
        break;
    case SB_FAULT_NESTED:
        replace_field(exchange, sb_mangle_nested_arrays(shot->depth), 2 * shot->depth);
        break;
    case SB_FAULT_CURSOR_EXPIRED:
        sb_kombo_reply_error(reply, "PLATFORM.INPUT_INVALID", 0, SB_KOMBO_CURSOR_MESSAGE);
        break;
    case SB_FAULT_EMPTY_LIST:
    case SB_FAULT_HALVED_LIST:
    case SB_FAULT_KIND_COUNT:
        break;
    }
}

/* Before the fault bends the reply: the status is still the side's own. */
static const char *effect_word(const sb_exchange_t *exchange)
{
    if (exchange->shot.fault && exchange->shot.kind == SB_FAULT_LATE) return "late";
    return exchange->served && exchange->reply->status < 400 ? "done" : "none";
}

static const char *answer_word(const sb_exchange_t *exchange)
{
    switch (exchange->reply->ending) {
    case RC_HTTPD_CUT:
        return "cut";
    case RC_HTTPD_DROP:
        return exchange->shot.kind == SB_FAULT_HANG ? "hanging" : "dropped";
    default:
        return "whole";
    }
}

void sb_exchange_end(sb_exchange_t *exchange)
{
    char date[SB_HTTP_DATE_SIZE];
    const char *effect = effect_word(exchange);
    if (exchange->shot.fault) bend(exchange);
    rc_httpd_reply_header(exchange->reply, "Date", sb_http_date(exchange->now, date));
    if (!exchange->integration) return;
    exchange->reply->delay_ms += atomic_load(&exchange->integration->latency_ms[exchange->side]);
    sb_request_t entry = {
        .at = exchange->now,
        .machine_at = {exchange->now.ms - atomic_load(&exchange->sandbox->clock_offset_ms)},
        .method = exchange->request->method,
        .target = exchange->target,
        .employee = exchange->employee,
        .user_id = exchange->user_id,
        .status = exchange->reply->ending == RC_HTTPD_DROP ? 0 : exchange->reply->status,
        .effect = effect,
        .answer = answer_word(exchange),
        .fault = exchange->shot.fault,
        .body = exchange->request->body,
        .body_size_bytes = exchange->request->body_size_bytes,
    };
    sb_requests_add(exchange->integration->requests[exchange->side], &entry);
}
