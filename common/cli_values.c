/* The options of both programs, and what their values mean. */
#include <stdio.h>
#include <string.h>

#include "common/cli_option.h"
#include "common/suggest.h"

const rc_cli_option_t RC_CLI_TABLE[RC_OPTION_COUNT] = {
#define X(id, name, value, help) [RC_OPTION_##id] = {name, value, help},
    RC_CLI_OPTIONS(X)
#undef X
};

uint32_t rc_cli_allowed(const rc_cli_command_t *command)
{
    return command->options | command->required | RC_OPT(CONFIG);
}

static bool parse_events(const rc_args_t *args, const char *text, uint32_t *events)
{
    *events = 0;
    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char name[32];
        (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
        int type = length < sizeof name ? rc_enum_parse(&RC_ENUM_EVENT, name) : -1;
        if (type < 0) {
            rc_suggest_t suggest = RC_SUGGEST_INIT(name);
            for (int i = 0; i < RC_EVENT_COUNT; i++) rc_suggest_offer(&suggest, rc_enum_str(&RC_ENUM_EVENT, i));
            (void)rc_cli_fail(args, RC_EXIT_USAGE, "--events: \"%s\" is no event type; %s%s%s", name,
                              suggest.best ? "did you mean " : "write ", suggest.best ? suggest.best : "created, ",
                              suggest.best ? "?" : "profile-updated, team-changed or deactivated, separated by commas");
            return false;
        }
        *events |= 1u << type;
        if (!at[length]) return true;
        at += length + 1;
    }
}

/* A moment, a day (UTC), or how long ago. */
static bool parse_time(const char *text, rc_wall_t *since)
{
    rc_date_t date;
    int64_t ago_ms;
    if (rc_wall_parse(text, since, NULL) == RC_OK) return true;
    if (rc_duration_parse(text, &ago_ms, NULL) == RC_OK) {
        since->ms = rc_wall_now().ms - ago_ms;
        return true;
    }
    if (strlen(text) != 10 || rc_date_parse(text, strlen(text), &date, NULL) != RC_OK) return false;
    since->ms = (int64_t)date.days * 24 * 3600 * 1000;
    return true;
}

static bool parse_since(const rc_args_t *args, const char *text, rc_wall_t *since)
{
    const char *wrong = "is no time";
    if (parse_time(text, since)) {
        if (since->ms <= rc_wall_now().ms) return true;
        wrong = "has not come yet";
    }
    (void)rc_cli_fail(args, RC_EXIT_USAGE,
                      "--since: \"%s\" %s; write 2026-11-22T16:00:00Z, 2026-11-22, or how long ago, like 2h", text,
                      wrong);
    return false;
}

static bool parse_offset(const rc_args_t *args, const char *text, int32_t *partition, int64_t *offset)
{
    long long number;
    int end = 0;
    if (strspn(text, "0123456789:") == strlen(text) && strlen(text) < 30 &&
        sscanf(text, "%9d:%18lld%n", partition, &number, &end) == 2 && !text[end]) {
        *offset = number;
        return true;
    }
    (void)rc_cli_fail(args, RC_EXIT_USAGE, "--offset: \"%s\" is no place; write PARTITION:OFFSET, like 3:1207", text);
    return false;
}

bool rc_cli_set(rc_args_t *args, rc_option_t option, const char *value)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_listen_t listen;
    switch (option) {
    case RC_OPTION_CONFIG:
        args->config = value;
        break;
    case RC_OPTION_INSTANCE:
        args->instance = value;
        break;
    case RC_OPTION_JSON:
        args->json = true;
        break;
    case RC_OPTION_INTEGRATION:
        args->integration = value;
        break;
    case RC_OPTION_EMPLOYEE:
        args->employee = value;
        break;
    case RC_OPTION_EVENTS:
        return parse_events(args, value, &args->events);
    case RC_OPTION_FULL:
        args->full = true;
        break;
    case RC_OPTION_HOLD:
        args->hold = value;
        break;
    case RC_OPTION_REASON:
        args->reason = value;
        break;
    case RC_OPTION_SINCE:
        return parse_since(args, value, &args->since);
    case RC_OPTION_OFFSET:
        return parse_offset(args, value, &args->partition, &args->offset);
    case RC_OPTION_YES:
        args->yes = true;
        break;
    case RC_OPTION_APPLY:
        args->apply = true;
        break;
    case RC_OPTION_REPAIR:
        args->repair = true;
        break;
    case RC_OPTION_REFERENCE:
        args->reference = true;
        break;
    case RC_OPTION_LISTEN:
        args->listen = value;
        if (rc_listen_parse(value, &listen, &error) == RC_OK) return true;
        (void)rc_cli_fail(args, RC_EXIT_USAGE, "--listen: %s", error.message);
        return false;
    case RC_OPTION_WAIT:
        if (rc_duration_parse(value, &args->wait_ms, &error) == RC_OK) return true;
        (void)rc_cli_fail(args, RC_EXIT_USAGE, "--wait: %s", error.message);
        return false;
    case RC_OPTION_COUNT:
        break;
    }
    return true;
}
