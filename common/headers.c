#include "common/headers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define TEXT(T, name, text) text,
static const char *const park_symbols[] = {RC_PARK_REASONS(TEXT, _)};
const rc_enum_t RC_ENUM_PARK = {"ParkReason", park_symbols, RC_PARK_COUNT};

static const char SOURCE_PREFIX[] = "/integrations/";
static const char TYPE_PREFIX[] = "rollcall.employee.";
static const char PARKING_PREFIX[] = "rollcall_";

enum { PARKING_HEADERS_MAX = 12, ATTEMPT_MAX = 1000000000 };

const rc_header_t *rc_headers_find(rc_headers_t headers, const char *name)
{
    for (size_t i = headers.count; i-- > 0;)
        if (headers.items[i].name && strcmp(headers.items[i].name, name) == 0) return &headers.items[i];
    return NULL;
}

const char *rc_headers_str(rc_headers_t headers, const char *name, rc_arena_t *arena)
{
    const rc_header_t *header = rc_headers_find(headers, name);
    if (!header || !header->value || !rc_utf8_valid(header->value, header->value_bytes)) return NULL;
    return rc_arena_strndup(arena, header->value, header->value_bytes);
}

rc_headers_t rc_headers_copy(rc_arena_t *arena, rc_headers_t headers)
{
    rc_header_t *copy = rc_arena_alloc(arena, headers.count * sizeof *copy);
    for (size_t i = 0; i < headers.count; i++) {
        const rc_header_t *item = &headers.items[i];
        copy[i] = (rc_header_t){rc_arena_strdup(arena, item->name),
                                rc_arena_memdup(arena, item->value, item->value_bytes), item->value_bytes};
    }
    return (rc_headers_t){copy, headers.count};
}

/* Behind the prefix that the text must have; NULL when it has not. */
static const char *without_prefix(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text && strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static rc_wall_t parse_wall(const char *text)
{
    rc_wall_t wall;
    return text && rc_wall_parse(text, &wall, NULL) == RC_OK ? wall : (rc_wall_t){0};
}

/* ---- Of an event ---- */

static rc_header_t text_header(const char *name, const char *value)
{
    return (rc_header_t){.name = name, .value = value, .value_bytes = strlen(value)};
}

rc_headers_t rc_headers_event(rc_arena_t *arena, const rc_event_t *event)
{
    char time[RC_TIME_STR_SIZE];
    const char *type = rc_enum_str(&RC_ENUM_EVENT, (int)event->type);
    const rc_header_t items[] = {
        text_header("ce_specversion", "1.0"),
        text_header("ce_id", event->event_id),
        text_header("ce_source", rc_arena_sprintf(arena, "%s%s", SOURCE_PREFIX, event->integration_id)),
        text_header("ce_type", rc_arena_sprintf(arena, "%s%s", TYPE_PREFIX, type)),
        text_header("ce_subject", event->employee_id),
        text_header("ce_time", rc_arena_strdup(arena, rc_wall_str(event->occurred_at, time))),
        text_header("content-type", "application/avro"),
    };
    return (rc_headers_t){rc_arena_memdup(arena, items, sizeof items), sizeof items / sizeof *items};
}

/* ---- Of a parked record: formatting ---- */

typedef struct {
    rc_arena_t *arena;
    rc_header_t *items;
    size_t count;
} builder_t;

/* NULL is left out. */
static void add(builder_t *builder, const char *name, const char *value)
{
    if (value) builder->items[builder->count++] = text_header(name, value);
}

static void add_number(builder_t *builder, const char *name, int64_t value)
{
    add(builder, name, rc_arena_sprintf(builder->arena, "%" PRId64, value));
}

static void add_wall(builder_t *builder, const char *name, rc_wall_t value)
{
    char text[RC_TIME_STR_SIZE];
    if (value.ms) add(builder, name, rc_arena_strdup(builder->arena, rc_wall_str(value, text)));
}

static void add_type(builder_t *builder, const char *name, int type)
{
    if (type >= 0) add(builder, name, rc_enum_str(&RC_ENUM_EVENT, type));
}

/* Bytes of a UTF-8 character at `text`, 0 when there is none. */
static size_t character(const char *text, size_t length)
{
    for (size_t step = 1; step <= 4 && step <= length; step++)
        if (rc_utf8_valid(text, step)) return step;
    return 0;
}

/* A text that a terminal may show: bounded, in UTF-8, without control characters. */
static const char *printable(rc_arena_t *arena, const char *text)
{
    if (!text) return NULL;
    size_t length = strnlen(text, RC_PARKING_TEXT_MAX_BYTES + 4);
    length = rc_utf8_cut(text, length, RC_PARKING_TEXT_MAX_BYTES);
    char *clean = rc_arena_strndup(arena, text, length);
    for (size_t i = 0; i < length;) {
        size_t step = character(clean + i, length - i);
        if (step <= 1 && (step == 0 || (unsigned char)clean[i] < 0x20 || clean[i] == 0x7f)) clean[i] = '?';
        i += step ? step : 1;
    }
    return clean;
}

static const char *format_origin(rc_arena_t *arena, const rc_parking_t *parking)
{
    if (!parking->origin_topic || parking->origin_partition < 0 || parking->origin_offset < 0) return NULL;
    return rc_arena_sprintf(arena, "%s/%" PRId32 "/%" PRId64, parking->origin_topic, parking->origin_partition,
                            parking->origin_offset);
}

rc_headers_t rc_headers_park(rc_arena_t *arena, rc_headers_t original, const rc_parking_t *parking)
{
    builder_t builder = {.arena = arena};
    builder.items = rc_arena_alloc(arena, (original.count + PARKING_HEADERS_MAX) * sizeof *builder.items);
    for (size_t i = 0; i < original.count; i++)
        if (!without_prefix(original.items[i].name, PARKING_PREFIX)) builder.items[builder.count++] = original.items[i];
    add_type(&builder, "rollcall_type", parking->type);
    add_type(&builder, "rollcall_lane", parking->lane);
    add_number(&builder, "rollcall_attempt", parking->attempt);
    add(&builder, "rollcall_reason", rc_enum_str(&RC_ENUM_PARK, (int)parking->reason));
    add(&builder, "rollcall_message", printable(arena, parking->message));
    add(&builder, "rollcall_unanswered", parking->unanswered ? "true" : NULL);
    add(&builder, "rollcall_replayed", parking->replayed ? "true" : NULL);
    add_wall(&builder, "rollcall_not_before", parking->not_before);
    add(&builder, "rollcall_origin", format_origin(arena, parking));
    add_wall(&builder, "rollcall_first_failed_at", parking->first_failed_at);
    add_wall(&builder, "rollcall_failed_at", parking->failed_at);
    return (rc_headers_t){builder.items, builder.count};
}

/* ---- Parsing ---- */

/* A whole decimal number from 0 to `max`, or `otherwise`. */
static int64_t parse_number(const char *text, int64_t max, int64_t otherwise)
{
    if (!text || *text < '0' || *text > '9') return otherwise;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0' && value <= max ? value : otherwise;
}

static bool parse_flag(const char *text)
{
    return text && strcmp(text, "true") == 0;
}

/* "<topic>/<partition>/<offset>"; a topic's name has no '/'. Cuts `text` up. */
static void parse_origin(char *text, rc_parking_t *parking)
{
    char *partition = text ? strchr(text, '/') : NULL;
    char *offset = partition ? strchr(partition + 1, '/') : NULL;
    if (!offset || partition == text) return;
    *partition++ = *offset++ = '\0';
    int64_t partition_number = parse_number(partition, INT32_MAX, -1),
            offset_number = parse_number(offset, INT64_MAX, -1);
    if (partition_number < 0 || offset_number < 0) return;
    parking->origin_topic = text;
    parking->origin_partition = (int32_t)partition_number;
    parking->origin_offset = offset_number;
}

rc_parking_t rc_headers_parking_parse(rc_headers_t headers, rc_arena_t *arena)
{
    rc_parking_t parking = RC_PARKING_INIT;
    parking.type = rc_enum_parse(&RC_ENUM_EVENT, rc_headers_str(headers, "rollcall_type", arena));
    parking.lane = rc_enum_parse(&RC_ENUM_EVENT, rc_headers_str(headers, "rollcall_lane", arena));
    parking.attempt = parse_number(rc_headers_str(headers, "rollcall_attempt", arena), ATTEMPT_MAX, 0);
    int reason = rc_enum_parse(&RC_ENUM_PARK, rc_headers_str(headers, "rollcall_reason", arena));
    parking.reason = reason >= 0 ? (rc_park_reason_t)reason : RC_PARK_OTHER;
    parking.message = rc_headers_str(headers, "rollcall_message", arena);
    parking.unanswered = parse_flag(rc_headers_str(headers, "rollcall_unanswered", arena));
    parking.replayed = parse_flag(rc_headers_str(headers, "rollcall_replayed", arena));
    parking.not_before = parse_wall(rc_headers_str(headers, "rollcall_not_before", arena));
    const char *origin = rc_headers_str(headers, "rollcall_origin", arena);
    parse_origin(rc_arena_strdup(arena, origin), &parking);
    parking.first_failed_at = parse_wall(rc_headers_str(headers, "rollcall_first_failed_at", arena));
    parking.failed_at = parse_wall(rc_headers_str(headers, "rollcall_failed_at", arena));
    return parking;
}
