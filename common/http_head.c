/* The pure half of common/http.h: reading what the head of an answer says. */
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

/* 1 to 12, or 0. */
static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (memcmp(names + i * 3, name, 3) == 0) return i + 1;
    return 0;
}

static rc_wall_t moment_of(const char *year, const char *month_name, const char *day, const char *time_of_day)
{
    char iso[] = "YYYY-MM-DDThh:mm:ssZ";
    int month = month_of(month_name);
    rc_wall_t moment;
    memcpy(iso, year, 4);
    iso[5] = (char)('0' + month / 10);
    iso[6] = (char)('0' + month % 10);
    iso[8] = day[0] == ' ' ? '0' : day[0];
    iso[9] = day[1];
    memcpy(iso + 11, time_of_day, 8);
    return rc_wall_parse(iso, &moment, NULL) == RC_OK ? moment : (rc_wall_t){0};
}

rc_wall_t rc_http_date(const char *value)
{
    const rc_wall_t none = {0};
    size_t length = strlen(value);
    /* Sun, 06 Nov 1994 08:49:37 GMT: what everybody sends */
    if (length == 29 && memcmp(value + 3, ", ", 2) == 0 && value[7] == ' ' && value[11] == ' ' && value[16] == ' ' &&
        strcmp(value + 25, " GMT") == 0)
        return moment_of(value + 12, value + 8, value + 5, value + 17);
    /* Sun Nov  6 08:49:37 1994 (asctime) */
    if (length == 24 && value[3] == ' ' && value[7] == ' ' && value[10] == ' ' && value[19] == ' ')
        return moment_of(value + 20, value + 4, value + 8, value + 11);
    /* Sunday, 06-Nov-94 08:49:37 GMT (RFC 850): years are those nearest to ours */
    const char *rest = strchr(value, ',');
    if (!rest || strlen(rest) != 24 || rest[1] != ' ' || rest[4] != '-' || rest[8] != '-' || rest[11] != ' ' ||
        strcmp(rest + 20, " GMT") != 0)
        return none;
    char year[4] = {rest[9] < '7' ? '2' : '1', rest[9] < '7' ? '0' : '9', rest[9], rest[10]};
    return moment_of(year, rest + 5, rest + 2, rest + 12);
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
