#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

/* A line is written with one write(2); a pipe keeps up to PIPE_BUF bytes of it together even between processes. */
enum { LINE_BYTES = 16 * 1024, VALUE_BYTES = 1024 };

static const char *const KEYS[] = {
#define X(name, text) [RC_KEY_##name] = text,
    RC_LOG_KEYS(X)
#undef X
};
static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
static const char *const LEVELS_ALIGNED[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one line after the other */
static rc_log_options_t log_options = {.level = RC_LEVEL_INFO};
static const char *muted; /* an event; NULL: none */

typedef struct {
    size_t size_bytes;
    char data[LINE_BYTES];
} line_t;

/* Leaves room for what must end the line, so that a long one stays well-formed. */
static void add(line_t *line, const char *bytes, size_t size_bytes)
{
    if (size_bytes > sizeof line->data - 8 - line->size_bytes) return;
    memcpy(line->data + line->size_bytes, bytes, size_bytes);
    line->size_bytes += size_bytes;
}

static void add_str(line_t *line, const char *text)
{
    add(line, text, strlen(text));
}

/* As JSON writes strings; what a terminal would obey is escaped too, and bytes that are no UTF-8 become '?'. */
static void add_escaped(line_t *line, const char *text, size_t length)
{
    bool utf8 = rc_utf8_valid(text, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        unsigned char next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        char escape[8];
        if (c == '"' || c == '\\') {
            add(line, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n' || c == '\t') {
            add(line, c == '\n' ? "\\n" : "\\t", 2);
        } else if (c < 0x20 || c == 0x7F || (utf8 && c == 0xC2 && next < 0xA0)) {
            if (c == 0xC2) c = next, i++;
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            add(line, escape, 6);
        } else {
            add(line, c >= 0x80 && !utf8 ? "?" : text + i, 1);
        }
    }
}

static void add_quoted(line_t *line, const char *text, size_t length)
{
    add(line, "\"", 1);
    add_escaped(line, text, length);
    add(line, "\"", 1);
}

/* In the text form, words that need no quotes get none. */
static void add_word(line_t *line, const char *text, size_t length)
{
    bool plain = length > 0 && rc_utf8_valid(text, length);
    for (size_t i = 0; i < length && plain; i++) {
        unsigned char c = (unsigned char)text[i];
        plain = c > ' ' && c != '"' && c != '\\' && c != '=' && c != 0x7F && c != 0xC2;
    }
    if (plain)
        add(line, text, length);
    else
        add_quoted(line, text, length);
}

static void add_value(line_t *line, const rc_log_field_t *field, bool json)
{
    char text[VALUE_BYTES];
    size_t length;
    switch (field->kind) {
    case RC_LOG_IS_INT:
        (void)snprintf(text, sizeof text, "%lld", (long long)field->number);
        add_str(line, text);
        return;
    case RC_LOG_IS_BOOL:
        add_str(line, field->number ? "true" : "false");
        return;
    case RC_LOG_IS_WALL:
        length = strlen(rc_wall_str((rc_wall_t){field->number}, text));
        break;
    default:
        length = rc_text_strike_addresses(field->str, text, sizeof text);
    }
    if (json)
        add_quoted(line, text, length);
    else
        add_word(line, text, length);
}

static bool is_left_out(const rc_log_field_t *field)
{
    return field->kind == RC_LOG_NOTHING || (field->kind == RC_LOG_IS_STR && !field->str) ||
           (field->kind == RC_LOG_IS_WALL && !field->number);
}

static void add_json_member(line_t *line, const char *key, const char *value)
{
    if (!value) return;
    add_str(line, line->size_bytes > 1 ? ",\"" : "\"");
    add_str(line, key);
    add_str(line, "\":");
    add_quoted(line, value, strlen(value));
}

static void format_line(line_t *line, const rc_log_options_t *to, bool json, rc_log_level_t level, const char *event)
{
    char time[RC_TIME_STR_SIZE];
    (void)rc_wall_str(to->now ? to->now() : rc_wall_now(), time);
    if (json) {
        add_str(line, "{");
        add_json_member(line, "time", time);
        add_json_member(line, "level", LEVELS[level]);
        add_json_member(line, "event", event);
        add_json_member(line, "program", to->program);
        add_json_member(line, "process", to->instance);
        return;
    }
    add_str(line, time);
    add_str(line, " ");
    add_str(line, LEVELS_ALIGNED[level]);
    add_str(line, " ");
    add_escaped(line, event, strlen(event));
}

static void write_all(int fd, const char *bytes, size_t size_bytes)
{
    while (size_bytes) {
        ssize_t written = write(fd, bytes, size_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return; /* nowhere left to complain */
        bytes += written;
        size_bytes -= (size_t)written;
    }
}

void rc_log_open(const rc_log_options_t *options)
{
    (void)pthread_mutex_lock(&lock);
    log_options = *options;
    (void)pthread_mutex_unlock(&lock);
}

void rc_log_set_level(rc_log_level_t level)
{
    (void)pthread_mutex_lock(&lock);
    log_options.level = level;
    (void)pthread_mutex_unlock(&lock);
}

void rc_log_mute(const char *event)
{
    (void)pthread_mutex_lock(&lock);
    muted = event;
    (void)pthread_mutex_unlock(&lock);
}

bool rc_log_enabled(rc_log_level_t level)
{
    return level >= log_options.level;
}

void rc_log_write(rc_log_level_t level, const char *event, const rc_log_field_t *fields, size_t count)
{
    if (!rc_log_enabled(level) || (muted && strcmp(muted, event) == 0)) return;
    const rc_log_options_t *to = &log_options;
    int fd = to->fd ? to->fd : STDERR_FILENO;
    bool json = to->format == RC_FORMAT_JSON || (to->format == RC_FORMAT_AUTO && !isatty(fd));
    line_t line;
    line.size_bytes = 0;
    format_line(&line, to, json, level, event);
    for (size_t i = 0; i < count; i++) {
        if (is_left_out(&fields[i])) continue;
        /* A field is written whole or not at all. */
        if (sizeof line.data - line.size_bytes < 6 * VALUE_BYTES + 64) break;
        add_str(&line, json ? ",\"" : " ");
        add_str(&line, KEYS[fields[i].key]);
        add_str(&line, json ? "\":" : "=");
        add_value(&line, &fields[i], json);
    }
    line.data[line.size_bytes++] = json ? '}' : '\n';
    if (json) line.data[line.size_bytes++] = '\n';
    (void)pthread_mutex_lock(&lock);
    write_all(fd, line.data, line.size_bytes);
    (void)pthread_mutex_unlock(&lock);
}
