#include "common/time.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/mem.h"

enum { DAY_SECONDS = 86400 };

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    RC_INVARIANT(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 }; /* 0001-01-01, 9999-12-31 */

bool rc_date_is_plausible(rc_date_t date)
{
    return date.days >= FIRST_DAY && date.days <= LAST_DAY;
}

bool rc_wall_is_plausible(rc_wall_t wall)
{
    const int64_t day_ms = (int64_t)DAY_SECONDS * 1000;
    return wall.ms >= FIRST_DAY * day_ms && wall.ms < (LAST_DAY + 1) * day_ms;
}

rc_wall_t rc_wall_now(void)
{
    return (rc_wall_t){clock_ms(CLOCK_REALTIME)};
}

rc_mono_t rc_mono_now(void)
{
    return (rc_mono_t){clock_ms(CLOCK_MONOTONIC)};
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

/* Days since 1970-01-01 of a day of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int32_t days_of(int year, int month, int day)
{
    int y = year - (month <= 2);
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_of(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = floor_div(shifted, 146097);
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

char *rc_wall_str(rc_wall_t wall, char text[RC_TIME_STR_SIZE])
{
    int year, month, day;
    const int64_t day_ms = (int64_t)DAY_SECONDS * 1000;
    int64_t days = floor_div(wall.ms, day_ms);
    int64_t ms = (wall.ms % day_ms + day_ms) % day_ms; /* any number may stand in a record */
    civil_of(days, &year, &month, &day);
    (void)snprintf(text, RC_TIME_STR_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day, (int)(ms / 3600000),
                   (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    return text;
}

char *rc_date_str(rc_date_t date, char text[RC_TIME_STR_SIZE])
{
    text[0] = '\0';
    if (!rc_date_is_set(date)) return text;
    int year, month, day;
    civil_of(date.days, &year, &month, &day);
    (void)snprintf(text, RC_TIME_STR_SIZE, "%04d-%02d-%02d", year, month, day);
    return text;
}

/* Reads `count` digits at *at, moving it on; -1 when there are not as many. */
static int digits(const char **at, const char *end, int count)
{
    int value = 0;
    if (end - *at < count) return -1;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    *at += count;
    return value;
}

static bool skip(const char **at, const char *end, char wanted)
{
    if (*at == end || **at != wanted) return false;
    (*at)++;
    return true;
}

static bool read_day(const char **at, const char *end, int32_t *days)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(at, end, 4);
    if (year < 1 || !skip(at, end, '-')) return false;
    int month = digits(at, end, 2);
    if (month < 1 || month > 12 || !skip(at, end, '-')) return false;
    int day = digits(at, end, 2);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > lengths[month - 1] || (month == 2 && day == 29 && !leap)) return false;
    *days = days_of(year, month, day);
    return true;
}

static bool read_time(const char **at, const char *end, int64_t *ms)
{
    int hour = digits(at, end, 2);
    if (hour < 0 || hour > 23 || !skip(at, end, ':')) return false;
    int minute = digits(at, end, 2);
    if (minute < 0 || minute > 59 || !skip(at, end, ':')) return false;
    int second = digits(at, end, 2);
    if (second < 0 || second > 60) return false;
    *ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
    if (!skip(at, end, '.')) return true;
    int scale = 100, count = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, count++, scale /= 10) *ms += (int64_t)(**at - '0') * scale;
    return count > 0;
}

static bool read_offset(const char **at, const char *end, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (skip(at, end, 'Z') || skip(at, end, 'z')) return true;
    int sign = skip(at, end, '+') ? 1 : skip(at, end, '-') ? -1 : 0;
    if (!sign) return false;
    int hour = digits(at, end, 2);
    if (hour < 0 || hour > 23 || !skip(at, end, ':')) return false;
    int minute = digits(at, end, 2);
    if (minute < 0 || minute > 59) return false;
    *offset_ms = sign * ((int64_t)hour * 60 + minute) * 60000;
    return true;
}

rc_code_t rc_wall_parse(const char *text, rc_wall_t *wall, rc_error_t *error)
{
    const char *at = text, *end = text + strlen(text);
    int32_t days;
    int64_t ms, offset_ms;
    if (!read_day(&at, end, &days) || !(skip(&at, end, 'T') || skip(&at, end, 't') || skip(&at, end, ' ')) ||
        !read_time(&at, end, &ms) || !read_offset(&at, end, &offset_ms) || at != end)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "\"%.64s\" is no RFC 3339 time (like 2026-11-22T16:08:52Z)",
                            text);
    wall->ms = (int64_t)days * DAY_SECONDS * 1000 + ms - offset_ms;
    return RC_OK;
}

rc_code_t rc_date_parse(const char *text, size_t length, rc_date_t *date, rc_error_t *error)
{
    const char *at = text, *end = text + length;
    int32_t days;
    if (!read_day(&at, end, &days) || (at != end && *at != 'T' && *at != ' '))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "\"%.*s\" is no date (like 2026-11-22)",
                            (int)(length < 64 ? length : 64), text);
    date->days = days;
    return RC_OK;
}

static const struct {
    const char *unit;
    int64_t ms;
} UNITS[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

rc_code_t rc_duration_parse(const char *text, int64_t *duration_ms, rc_error_t *error)
{
    int64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && value < INT64_MAX / 1000; at++) value = value * 10 + (*at - '0');
    for (size_t i = 0; at != text && i < sizeof UNITS / sizeof *UNITS; i++)
        if (strcmp(at, UNITS[i].unit) == 0 && value <= INT64_MAX / 4 / UNITS[i].ms) {
            *duration_ms = value * UNITS[i].ms;
            return RC_OK;
        }
    return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                        "\"%.64s\" is no duration; write a whole number and one of d, h, m, s, ms, like 30s", text);
}

char *rc_duration_str(int64_t duration_ms, char text[RC_TIME_STR_SIZE])
{
    size_t i = 0;
    while (i + 1 < sizeof UNITS / sizeof *UNITS && (duration_ms == 0 ? i < 3 : duration_ms % UNITS[i].ms != 0)) i++;
    (void)snprintf(text, RC_TIME_STR_SIZE, "%lld%s", (long long)(duration_ms / UNITS[i].ms), UNITS[i].unit);
    return text;
}

/* A zone is the list of moments at which its offset changes, asked once from the C library. */
typedef struct {
    int64_t from_seconds;
    int32_t offset_seconds;
} shift_t;

struct rc_zone {
    size_t count;
    shift_t shifts[]; /* rising; the first holds from the beginning */
};

/* Asked for these years; outside, the nearest offset holds. */
enum { FIRST_YEAR = 1990, LAST_YEAR = 2100, PROBE_SECONDS = 7 * DAY_SECONDS, MAX_SHIFTS = 1024 };

static int32_t offset_at(int64_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm local;
    RC_INVARIANT(localtime_r(&moment, &local) != NULL);
    return (int32_t)local.tm_gmtoff;
}

/* The first second in (low, high] with the offset of `high`. */
static int64_t bisect(int64_t low, int64_t high)
{
    int32_t wanted = offset_at(high);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_at(middle) == wanted)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static rc_zone_t *probe_zone(void)
{
    rc_zone_t *zone = rc_zalloc(sizeof *zone + MAX_SHIFTS * sizeof(shift_t));
    int64_t at = (int64_t)days_of(FIRST_YEAR, 1, 1) * DAY_SECONDS;
    const int64_t end = (int64_t)days_of(LAST_YEAR, 1, 1) * DAY_SECONDS;
    zone->shifts[zone->count++] = (shift_t){INT64_MIN, offset_at(at)};
    for (; at < end && zone->count < MAX_SHIFTS; at += PROBE_SECONDS) {
        int32_t offset = offset_at(at + PROBE_SECONDS);
        if (offset == zone->shifts[zone->count - 1].offset_seconds) continue;
        zone->shifts[zone->count++] = (shift_t){bisect(at, at + PROBE_SECONDS), offset};
    }
    return zone;
}

/* The folder also holds lists that are no zones; for one of them the C library would silently take UTC. */
static bool is_zone_file(const char *path)
{
    char magic[4] = "";
    struct stat entry;
    FILE *file = stat(path, &entry) == 0 && S_ISREG(entry.st_mode) ? fopen(path, "re") : NULL;
    bool is_zone = file && fread(magic, sizeof magic, 1, file) == 1 && memcmp(magic, "TZif", sizeof magic) == 0;
    if (file) (void)fclose(file);
    return is_zone;
}

static bool zone_exists(const char *name)
{
    if (strcmp(name, "UTC") == 0) return true;
    if (!*name || name[0] == '/' || strstr(name, "..")) return false;
    const char *folder = getenv("TZDIR");
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", name);
    return length > 0 && (size_t)length < sizeof path && is_zone_file(path);
}

rc_code_t rc_zone_new(const char *name, rc_zone_t **zone, rc_error_t *error)
{
    if (!zone_exists(name))
        return rc_error_set(error, RC_CONFIG, RC_REJECT,
                            "\"%.64s\" is no time zone of this machine's tz database; write one like Europe/Berlin",
                            name);
    char *before = rc_strdup(getenv("TZ"));
    (void)setenv("TZ", name, 1);
    tzset();
    *zone = probe_zone();
    if (before)
        (void)setenv("TZ", before, 1);
    else
        (void)unsetenv("TZ");
    tzset();
    free(before);
    return RC_OK;
}

void rc_zone_free(rc_zone_t *zone)
{
    free(zone);
}

static int32_t zone_offset(const rc_zone_t *zone, int64_t seconds)
{
    size_t low = 0, high = zone->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->shifts[middle].from_seconds <= seconds)
            low = middle;
        else
            high = middle;
    }
    return zone->shifts[low].offset_seconds;
}

rc_date_t rc_zone_date(const rc_zone_t *zone, rc_wall_t wall)
{
    int64_t seconds = floor_div(wall.ms, 1000);
    return (rc_date_t){(int32_t)floor_div(seconds + zone_offset(zone, seconds), DAY_SECONDS)};
}

rc_wall_t rc_zone_next_midnight(const rc_zone_t *zone, rc_wall_t wall)
{
    /* Bisect on the day: it is right also where a clock change skips or repeats midnight. */
    rc_date_t today = rc_zone_date(zone, wall);
    int64_t low = floor_div(wall.ms, 1000), high = low + 2 * DAY_SECONDS;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (rc_zone_date(zone, (rc_wall_t){middle * 1000}).days > today.days)
            high = middle;
        else
            low = middle;
    }
    return (rc_wall_t){high * 1000};
}
