/* The pure half of common/http.h: reading what the head of an answer says. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/http.h"
#include "common/text.h"

/* Finds the value of the header at `*line` when it has that name, and moves *line behind it. */
static bool read_header(const char **line, const char *end, const char *name, const char **value, size_t *length)
{
    const char *start = *line, *stop = memchr(start, '\n', (size_t)(end - start));
    if (!stop) stop = end;
    *line = stop == end ? end : stop + 1;
    size_t name_length = strlen(name);
    if ((size_t)(stop - start) <= name_length || start[name_length] != ':' ||
        strncasecmp(start, name, name_length) != 0)
        return false;
    *value = start + name_length + 1;
    *length = (size_t)(stop - *value);
    rc_text_trim(value, length);
    return true;
}

bool rc_http_answer_header(const rc_http_answer_t *answer, const char *name, char *text, size_t text_bytes)
{
    const char *line = answer->head, *end = line + answer->head_bytes, *value;
    size_t length;
    while (line < end)
        if (read_header(&line, end, name, &value, &length)) {
            if (length >= text_bytes) return false;
            memcpy(text, value, length);
            text[length] = '\0';
            return true;
        }
    return false;
}

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

rc_wall_t rc_http_date(const char *value)
{
    const rc_wall_t none = {0};
    char month_name[4];
    int day, year, hour, minute, second, used = 0;
    if (sscanf(value, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month_name, &year, &hour, &minute,
               &second, &used) == 6 &&
        used > 0) {
        /* IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT */
    } else if (sscanf(value, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, month_name, &year, &hour,
                      &minute, &second, &used) == 6 &&
               used > 0) {
        /* RFC 850: Sunday, 06-Nov-94 08:49:37 GMT */
        year += year < 70 ? 2000 : 1900;
    } else if (sscanf(value, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month_name, &day, &hour, &minute, &second,
                      &year, &used) == 6 &&
               used > 0) {
        /* asctime: Sun Nov  6 08:49:37 1994 */
    } else {
        return none;
    }
    int month = 0;
    while (month < 12 && strcmp(MONTHS[month], month_name) != 0) month++;
    if (value[used] != '\0' || month == 12) return none;
    char iso[RC_TIME_STR_SIZE + 32];
    (void)snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month + 1, day, hour, minute, second);
    rc_wall_t moment;
    return rc_wall_parse(iso, &moment, NULL) == RC_OK ? moment : none;
}

int64_t rc_http_retry_after(const char *value, rc_wall_t date, rc_wall_t now)
{
    size_t digits = strspn(value, "0123456789");
    if (digits > 0 && value[digits] == '\0') {
        int64_t seconds = 0;
        for (size_t i = 0; i < digits && seconds < RC_HTTP_RETRY_AFTER_MAX_MS; i++)
            seconds = seconds * 10 + (value[i] - '0');
        return seconds < RC_HTTP_RETRY_AFTER_MAX_MS / 1000 ? seconds * 1000 : RC_HTTP_RETRY_AFTER_MAX_MS;
    }
    rc_wall_t at = rc_http_date(value);
    if (!at.ms) return -1;
    int64_t wait_ms = at.ms - (date.ms ? date.ms : now.ms);
    return wait_ms < 0 ? 0 : wait_ms < RC_HTTP_RETRY_AFTER_MAX_MS ? wait_ms : RC_HTTP_RETRY_AFTER_MAX_MS;
}
