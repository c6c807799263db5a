/* Any bytes as a page of Kombo's: the first byte says how it is cut into pieces, and which list it is. However it is
 * cut, the same records come, and the same end; every text is trimmed UTF-8; what the mapping does not name does not
 * come (a record whose secret says so gives it away). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"
#include "producer/kombo/kombo_parse.h"

static const char *const PATHS[] = {"first_name",      "work_email",   "manager.work_email",     "work_location.name",
                                    "custom_fields.k", "weekly_hours", "integration_fields.lang"};
enum { PATH_COUNT = sizeof PATHS / sizeof *PATHS };

typedef struct {
    uint64_t digest;
    size_t records;
} story_t;

static void tell(story_t *story, const char *text)
{
    const char *trimmed = text;
    size_t length = text ? strlen(text) : 0, trimmed_length = length;
    if (text) {
        rc_text_trim(&trimmed, &trimmed_length);
        RC_INVARIANT(length > 0 && trimmed_length == length && rc_utf8_valid(text, length));
    }
    uint64_t parts[2] = {story->digest, text ? rc_hash64(text, length) : 1};
    story->digest = rc_hash64(parts, sizeof parts);
}

static rc_code_t on_employee(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *error)
{
    (void)error;
    story_t *story = opaque;
    story->records++;
    RC_INVARIANT(employee->id && employee->group_count <= RC_KOMBO_MAX_GROUPS);
    tell(story, employee->id);
    tell(story, employee->employment_status);
    tell(story, employee->start_date);
    tell(story, employee->termination_date);
    tell(story, employee->legal_entity.id);
    tell(story, employee->work_location.name);
    for (size_t i = 0; i < employee->group_count; i++) {
        RC_INVARIANT(employee->groups[i].id);
        tell(story, employee->groups[i].id);
        tell(story, employee->groups[i].name);
    }
    for (size_t i = 0; i < PATH_COUNT; i++) tell(story, employee->values[i]);
    return RC_OK;
}

static rc_code_t on_group(void *opaque, const rc_kombo_group_t *group, rc_error_t *error)
{
    (void)error;
    story_t *story = opaque;
    story->records++;
    tell(story, group->id);
    tell(story, group->name);
    return RC_OK;
}

static rc_code_t parse(rc_kombo_parser_t *parser, bool employees, const char *bytes, size_t size, size_t piece,
                       story_t *story, rc_error_t *error)
{
    rc_kombo_sink_t sink = {.opaque = story};
    rc_kombo_page_t page;
    rc_code_t code = RC_OK;
    if (employees)
        sink.employee = on_employee;
    else
        sink.group = on_group;
    rc_kombo_parser_begin(parser, &sink);
    for (size_t at = 0; at < size && code == RC_OK; at += piece) {
        size_t length = piece < size - at ? piece : size - at;
        char *copy = rc_alloc(length);
        memcpy(copy, bytes + at, length);
        code = rc_kombo_parser_feed(parser, copy, length, error);
        free(copy);
    }
    if (code != RC_OK) return code;
    code = rc_kombo_parser_end(parser, &page, error);
    if (code == RC_OK) RC_INVARIANT(page.records == story->records);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rc_kombo_fields_t *fields;
    static rc_kombo_parser_t *parser; /* kept: one document must leave nothing for the next */
    rc_error_t first_error = RC_ERROR_INIT, second_error = RC_ERROR_INIT;
    if (!fields) {
        RC_INVARIANT(rc_kombo_fields_new(PATHS, PATH_COUNT, &fields, &first_error) == RC_OK);
        parser = rc_kombo_parser_new(fields);
    }
    if (size < 2) return 0;
    bool employees = data[0] < 200;
    const char *bytes = (const char *)data + 1;
    story_t first = {0}, second = {0};
    rc_code_t whole = parse(parser, employees, bytes, size - 1, size, &first, &first_error);
    rc_code_t cut = parse(parser, employees, bytes, size - 1, 1 + data[0] % 50, &second, &second_error);
    RC_INVARIANT(whole == cut && first.records == second.records && first.digest == second.digest);
    RC_INVARIANT(whole == RC_OK || strcmp(first_error.message, second_error.message) == 0 || whole == RC_MALFORMED);
    return 0;
}
