/* Time, in types that cannot be mixed up: wall-clock moments, monotonic moments, calendar days, and the time zones that
 * turn a moment into a day. Pure but for rc_wall_now, rc_mono_now and rc_zone_new. Any thread, rc_zone_new excepted: it
 * sets TZ while it works and belongs into start-up, before other threads exist. */
#ifndef RC_COMMON_TIME_H
#define RC_COMMON_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

typedef struct {
    int64_t ms;
} rc_wall_t; /* since 1970-01-01T00:00Z; 0: none */
typedef struct {
    int64_t ms;
} rc_mono_t; /* CLOCK_MONOTONIC */
typedef struct {
    int32_t days;
} rc_date_t; /* since 1970-01-01, as Avro's `date`; RC_DATE_NONE: none */

#define RC_DATE_NONE ((rc_date_t){INT32_MIN})
static inline bool rc_date_is_set(rc_date_t date)
{
    return date.days != INT32_MIN;
}

/* Within the years 1 to 9999: what can be written as a text and counted with. */
bool rc_wall_is_plausible(rc_wall_t wall);
bool rc_date_is_plausible(rc_date_t date);

rc_wall_t rc_wall_now(void);
rc_mono_t rc_mono_now(void);

enum { RC_TIME_STR_SIZE = 32 };

/* "2026-11-22T16:08:52.123Z"; returns text. */
char *rc_wall_str(rc_wall_t wall, char text[RC_TIME_STR_SIZE]);
/* "2026-11-22"; "" for RC_DATE_NONE. Returns text. */
char *rc_date_str(rc_date_t date, char text[RC_TIME_STR_SIZE]);

/* RFC 3339 with any offset, fraction optional ("2026-11-22T16:08:52Z", "…+01:00"). RC_MALFORMED otherwise. */
rc_code_t rc_wall_parse(const char *text, rc_wall_t *wall, rc_error_t *error);
/* A calendar day: "2026-11-22", or a date-time whose day part counts (Kombo's dates are date-times at midnight UTC that
 * stand for a day: docs/kombo.md). Years 1 to 9999; RC_MALFORMED otherwise. */
rc_code_t rc_date_parse(const char *text, size_t length, rc_date_t *date, rc_error_t *error);
/* "30d", "3h", "10m", "20s", "500ms"; a whole number and a unit, not negative. */
rc_code_t rc_duration_parse(const char *text, int64_t *duration_ms, rc_error_t *error);
/* The shortest of those forms. Returns text. */
char *rc_duration_str(int64_t duration_ms, char text[RC_TIME_STR_SIZE]);

/* A time zone of the tz database, read once. */
typedef struct rc_zone rc_zone_t;
/* Returns new (free with rc_zone_free). RC_CONFIG when the name is unknown on this machine. */
rc_code_t rc_zone_new(const char *name, rc_zone_t **zone, rc_error_t *error);
void rc_zone_free(rc_zone_t *zone);
/* The calendar day at that moment in that zone. */
rc_date_t rc_zone_date(const rc_zone_t *zone, rc_wall_t wall);
/* The first moment after `wall` at which a new calendar day begins in that zone. */
rc_wall_t rc_zone_next_midnight(const rc_zone_t *zone, rc_wall_t wall);

#endif
