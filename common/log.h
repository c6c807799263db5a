/* The log: one line an event on standard error, as JSON or as text. What can be said is bounded: the fields come from
 * the list below, and whatever looks like an e-mail address is struck out of every value, so that no personal data
 * reaches a log. rc_log_open belongs into start-up; rc_log is for any thread. */
#ifndef RC_COMMON_LOG_H
#define RC_COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/time.h"

typedef enum { RC_LEVEL_DEBUG, RC_LEVEL_INFO, RC_LEVEL_WARN, RC_LEVEL_ERROR } rc_log_level_t;
typedef enum { RC_FORMAT_AUTO, RC_FORMAT_TEXT, RC_FORMAT_JSON } rc_log_format_t;

/* Every field that a line can have. Names, addresses and other values of employees have no place here: an employee is
 * their id. A new field is a new line here. */
#define RC_LOG_KEYS(X)            \
    X(ADDRESS, "address")         \
    X(ATTEMPT, "attempt")         \
    X(CLASS, "class")             \
    X(CLUSTER, "cluster")         \
    X(COMMAND, "command")         \
    X(COUNT, "count")             \
    X(DELAY, "delay_ms")          \
    X(DURATION, "duration_ms")    \
    X(EMPLOYEE, "employee_id")    \
    X(EMPLOYEES, "employees")     \
    X(ERROR, "error")             \
    X(EVENTS, "events")           \
    X(FIELD, "field")             \
    X(FULL, "full")               \
    X(GROUP, "group")             \
    X(HELD, "held")               \
    X(HOLD, "hold")               \
    X(HTTP_STATUS, "http_status") \
    X(INSTANCE, "instance")       \
    X(INTEGRATION, "integration") \
    X(LIMIT, "limit")             \
    X(MESSAGE, "message")         \
    X(NEXT_AT, "next_at")         \
    X(OFFSET, "offset")           \
    X(OUTCOME, "outcome")         \
    X(PAGES, "pages")             \
    X(PARTITION, "partition")     \
    X(PARTITIONS, "partitions")   \
    X(PATH, "path")               \
    X(PENDING, "pending")         \
    X(READ, "read")               \
    X(REASON, "reason")           \
    X(RELEASE, "release")         \
    X(RESULT, "result")           \
    X(SCHEMA, "schema")           \
    X(SIGNAL, "signal")           \
    X(SINCE, "since")             \
    X(SIZE, "size_bytes")         \
    X(STATE, "state")             \
    X(TEAM, "team_id")            \
    X(TIER, "tier")               \
    X(TOPIC, "topic")             \
    X(TRIGGER, "trigger")         \
    X(TYPE, "type")               \
    X(USER, "user_id")            \
    X(VERSION, "version")

typedef enum {
#define X(name, text) RC_KEY_##name,
    RC_LOG_KEYS(X)
#undef X
        RC_LOG_KEYS_END
} rc_log_key_t;

typedef struct {
    enum { RC_LOG_NOTHING, RC_LOG_IS_STR, RC_LOG_IS_INT, RC_LOG_IS_BOOL, RC_LOG_IS_WALL } kind;
    rc_log_key_t key;
    const char *str; /* NULL leaves the field out */
    int64_t number;  /* milliseconds since 1970 for RC_LOG_IS_WALL, and 0 leaves the field out */
} rc_log_field_t;

#define RC_LOG_STR(name, value)                  \
    {                                            \
        RC_LOG_IS_STR, RC_KEY_##name, (value), 0 \
    }
#define RC_LOG_INT(name, value)                              \
    {                                                        \
        RC_LOG_IS_INT, RC_KEY_##name, NULL, (int64_t)(value) \
    }
#define RC_LOG_BOOL(name, value)                     \
    {                                                \
        RC_LOG_IS_BOOL, RC_KEY_##name, NULL, (value) \
    }
#define RC_LOG_WALL(name, value)                        \
    {                                                   \
        RC_LOG_IS_WALL, RC_KEY_##name, NULL, (value).ms \
    }
/* The two fields `error` and `message` of an rc_error_t *. */
#define RC_LOG_ERR(e) RC_LOG_STR(ERROR, rc_code_str((e)->code)), RC_LOG_STR(MESSAGE, (e)->message)

/* Says that something happened:
 *     rc_log(RC_LEVEL_INFO, "poll finished", RC_LOG_STR(INTEGRATION, id), RC_LOG_INT(READ, read));
 * The event is a constant text, the same for every occurrence. Values are copied, cut at 1 KiB, and escaped. */
#define RC_LOG_FIELDS(...) ((const rc_log_field_t[]){{RC_LOG_NOTHING, RC_KEY_EVENTS, NULL, 0}, __VA_ARGS__})
#define rc_log(level, event, ...) \
    rc_log_write(level, event, RC_LOG_FIELDS(__VA_ARGS__), sizeof RC_LOG_FIELDS(__VA_ARGS__) / sizeof(rc_log_field_t))

typedef struct {
    rc_log_level_t level;   /* what is below is dropped */
    rc_log_format_t format; /* AUTO: text on a terminal, else JSON */
    const char *program;    /* "rollcall-producer"; borrowed for ever, like the next */
    const char *instance;   /* NULL: none */
    int fd;                 /* 0: standard error */
    rc_wall_t (*now)(void); /* NULL: the clock; tests pass their own */
} rc_log_options_t;

/* Before it, everything from INFO on goes to standard error in the AUTO format. */
void rc_log_open(const rc_log_options_t *options);
/* What is below is dropped from now on: for commands that print their result and need no progress. */
void rc_log_set_level(rc_log_level_t level);
/* Lines of that event are left out from now on, for commands whose result says it; NULL: none is. Borrows for ever. */
void rc_log_mute(const char *event);
/* Whether a line of that level would be written; for lines whose fields are dear to make. */
bool rc_log_enabled(rc_log_level_t level);
void rc_log_write(rc_log_level_t level, const char *event, const rc_log_field_t *fields, size_t count);

#endif
