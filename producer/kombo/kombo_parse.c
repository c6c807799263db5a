#include "producer/kombo/kombo_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/text.h"
#include "producer/kombo/kombo_fields.h"
#include "producer/kombo/kombo_scan.h"

enum { MAX_FRAMES = 12, PATH_CAP_BYTES = 256 };
enum { ENTRY_UNKNOWN = -1, ENTRY_UNWANTED = -2 };

/* A wanted object or array that is open. */
typedef struct {
    const rc_kombo_member_t *member; /* that holds it; NULL: the outermost object, or an object in an array */
    const rc_kombo_shape_t *shape;   /* of this object, or of each object in this array */
    bool is_list;
    size_t index;    /* of the last object in this array, from 1 */
    uint64_t serial; /* no two objects of a parser have the same */
} frame_t;

typedef struct {
    rc_kombo_group_t *items;
    size_t count;
    size_t capacity;
    bool seen;
} list_t;

struct rc_kombo_parser {
    const rc_kombo_fields_t *fields;
    rc_kombo_sink_t sink;
    rc_kombo_scan_t *scan;
    frame_t frames[MAX_FRAMES];
    int depth;
    const rc_kombo_member_t *member; /* whose value comes next */
    uint64_t serial;
    uint64_t *seen; /* by member id: the serial of the object in which it was met last */
    bool in_record;
    const char **slots; /* of the record */
    const char *page_slots[RC_KOMBO_PAGE_SLOTS];
    rc_arena_t *record_arena;
    rc_arena_t *page_arena;
    list_t lists[2];     /* groups, teams */
    int entry_slot;      /* of the integration field at hand, or one of the below */
    const char **values; /* of the employee handed out */
    rc_kombo_page_t page;
    rc_error_t *error; /* of the feed that is going on */
    rc_code_t code;    /* why a handler said stop */
};

/* ---- Errors ---- */

/* "data.results[17].groups[2].name (id 26vafvWS)"; `member` is what is looked at in the innermost object, or NULL. */
static void write_path(const rc_kombo_parser_t *parser, const rc_kombo_member_t *member, rc_buf_t *path)
{
    for (int i = 0; i < parser->depth; i++) {
        const frame_t *frame = &parser->frames[i];
        if (frame->member) (void)rc_buf_add_format(path, "%s%s", path->size_bytes ? "." : "", frame->member->name);
        if (frame->is_list && frame->index) (void)rc_buf_add_format(path, "[%zu]", frame->index - 1);
    }
    if (member) (void)rc_buf_add_format(path, "%s%s", path->size_bytes ? "." : "", member->name);
    if (!path->size_bytes) (void)rc_buf_add_str(path, "the answer");
    if (parser->in_record && parser->slots[RC_KOMBO_SLOT_ID])
        (void)rc_buf_add_format(path, " (id %.64s)", parser->slots[RC_KOMBO_SLOT_ID]);
}

static rc_kombo_verdict_t fail(rc_kombo_parser_t *parser, rc_code_t code, const rc_kombo_member_t *member,
                               const char *fault)
{
    rc_buf_t path = RC_BUF_INIT(PATH_CAP_BYTES);
    write_path(parser, member, &path);
    parser->code = rc_error_set(parser->error, code, RC_REJECT, "%s: %s", path.data, fault);
    rc_buf_fini(&path);
    return RC_KOMBO_STOP;
}

static rc_kombo_verdict_t wrong_kind(rc_kombo_parser_t *parser, const rc_kombo_member_t *member, const char *expected,
                                     rc_kombo_kind_t found)
{
    static const char *const kinds[] = {
        [RC_KOMBO_OBJECT] = "an object", [RC_KOMBO_ARRAY] = "an array", [RC_KOMBO_STRING] = "a text",
        [RC_KOMBO_NUMBER] = "a number",  [RC_KOMBO_TRUE] = "true",      [RC_KOMBO_FALSE] = "false",
        [RC_KOMBO_NULL] = "null"};
    char fault[96];
    (void)snprintf(fault, sizeof fault, "%s expected, found %s", expected, kinds[found]);
    return fail(parser, RC_MALFORMED, member, fault);
}

/* ---- Records ---- */

static const rc_kombo_shape_t *page_shape(const rc_kombo_parser_t *parser)
{
    if (parser->sink.employee) return parser->fields->employees;
    return parser->sink.group ? parser->fields->groups : parser->fields->locations;
}

static rc_group_type_t group_type(const char *type)
{
    int known = type ? rc_enum_parse(&RC_ENUM_GROUP, type) : -1;
    return known < 0 ? RC_GROUP_OTHER : (rc_group_type_t)known;
}

static void begin_record(rc_kombo_parser_t *parser)
{
    parser->in_record = true;
    rc_arena_reset(parser->record_arena);
    memset(parser->slots, 0, (size_t)parser->fields->slot_count * sizeof *parser->slots);
    memset(parser->lists, 0, sizeof parser->lists);
}

static rc_code_t hand_out(rc_kombo_parser_t *parser)
{
    const char *const *slots = parser->slots;
    const rc_kombo_sink_t *sink = &parser->sink;
    bool deleted = slots[RC_KOMBO_SLOT_DELETED] != NULL;
    if (sink->group) {
        rc_kombo_group_t group = {slots[RC_KOMBO_SLOT_ID], slots[RC_KOMBO_SLOT_NAME],
                                  group_type(slots[RC_KOMBO_SLOT_TYPE]), deleted};
        return sink->group(sink->opaque, &group, parser->error);
    }
    if (sink->location) {
        rc_kombo_location_t location = {slots[RC_KOMBO_SLOT_ID], slots[RC_KOMBO_SLOT_NAME], deleted};
        return sink->location(sink->opaque, &location, parser->error);
    }
    if (!sink->employee) return RC_OK;
    for (size_t i = 0; i < parser->fields->path_count; i++) parser->values[i] = slots[parser->fields->path_slots[i]];
    const list_t *groups = &parser->lists[parser->lists[0].seen ? 0 : 1];
    rc_kombo_employee_t employee = {
        .id = slots[RC_KOMBO_SLOT_ID],
        .deleted = deleted,
        .employment_status = slots[RC_KOMBO_SLOT_STATUS],
        .employment_type = slots[RC_KOMBO_SLOT_EMPLOYMENT_TYPE],
        .start_date = slots[RC_KOMBO_SLOT_START],
        .termination_date = slots[RC_KOMBO_SLOT_END],
        .legal_entity = {slots[RC_KOMBO_SLOT_ENTITY_ID], slots[RC_KOMBO_SLOT_ENTITY_NAME]},
        .work_location = {slots[RC_KOMBO_SLOT_LOCATION_ID], slots[RC_KOMBO_SLOT_LOCATION_NAME]},
        .groups = groups->items,
        .group_count = groups->count,
        .values = parser->values,
    };
    return sink->employee(sink->opaque, &employee, parser->error);
}

static rc_kombo_verdict_t end_record(rc_kombo_parser_t *parser)
{
    if (!parser->slots[RC_KOMBO_SLOT_ID]) return fail(parser, RC_MALFORMED, NULL, "a record without id");
    parser->page.records++;
    parser->code = hand_out(parser);
    parser->in_record = false;
    return parser->code == RC_OK ? RC_KOMBO_GO : RC_KOMBO_STOP;
}

static rc_kombo_verdict_t end_group(rc_kombo_parser_t *parser, int number)
{
    list_t *list = &parser->lists[number];
    if (!parser->slots[RC_KOMBO_SLOT_GROUP_ID]) return fail(parser, RC_MALFORMED, NULL, "a group without id");
    if (list->count == RC_KOMBO_MAX_GROUPS) return fail(parser, RC_TOO_LARGE, NULL, "more than 1000 groups");
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4;
        rc_kombo_group_t *items = rc_arena_alloc(parser->record_arena, capacity * sizeof *items);
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] =
        (rc_kombo_group_t){parser->slots[RC_KOMBO_SLOT_GROUP_ID], parser->slots[RC_KOMBO_SLOT_GROUP_NAME],
                           group_type(parser->slots[RC_KOMBO_SLOT_GROUP_TYPE]), false};
    return RC_KOMBO_GO;
}

/* The key of an integration field is known: is it one that the mapping names? */
static void look_up_entry(rc_kombo_parser_t *parser, const char *key, size_t length)
{
    const rc_kombo_member_t *wanted = rc_kombo_shape_find(parser->fields->entry_keys, key, length);
    parser->entry_slot = wanted ? wanted->slot : ENTRY_UNWANTED;
}

static rc_kombo_verdict_t end_entry(rc_kombo_parser_t *parser)
{
    const char *value = parser->slots[RC_KOMBO_SLOT_ENTRY_VALUE];
    if (parser->entry_slot < 0 || !value) return RC_KOMBO_GO;
    const char **slot = &parser->slots[parser->entry_slot];
    if (*slot && strcmp(*slot, value) != 0)
        return fail(parser, RC_MALFORMED, NULL, "a key that stands twice with different values");
    *slot = value;
    return RC_KOMBO_GO;
}

/* ---- What the scanner calls ---- */

static frame_t *top(rc_kombo_parser_t *parser)
{
    return &parser->frames[parser->depth - 1];
}

static rc_kombo_verdict_t push(rc_kombo_parser_t *parser, const rc_kombo_member_t *member,
                               const rc_kombo_shape_t *shape, bool is_list)
{
    RC_INVARIANT(parser->depth < MAX_FRAMES);
    parser->frames[parser->depth++] = (frame_t){member, shape, is_list, 0, ++parser->serial};
    return RC_KOMBO_GO;
}

static rc_kombo_verdict_t on_key(void *opaque, const char *text, size_t length)
{
    rc_kombo_parser_t *parser = opaque;
    const frame_t *object = top(parser);
    const rc_kombo_member_t *member = rc_kombo_shape_find(object->shape, text, length);
    if (!member) return RC_KOMBO_SKIP;
    if (parser->seen[member->id] == object->serial) return fail(parser, RC_MALFORMED, member, "stands twice");
    parser->seen[member->id] = object->serial;
    if (member->want == RC_KOMBO_WANT_GROUPS && member->slot == 1 && parser->lists[0].seen) return RC_KOMBO_SKIP;
    if (member->want == RC_KOMBO_WANT_ANYTHING && member->slot == RC_KOMBO_SLOT_ENTRY_VALUE &&
        parser->entry_slot == ENTRY_UNWANTED)
        return RC_KOMBO_SKIP;
    parser->member = member;
    return RC_KOMBO_GO;
}

static rc_kombo_verdict_t begin_element(rc_kombo_parser_t *parser, frame_t *list, rc_kombo_kind_t kind)
{
    list->index++;
    if (kind != RC_KOMBO_OBJECT) return wrong_kind(parser, NULL, "an object", kind);
    switch (list->member->want) {
    case RC_KOMBO_WANT_RESULTS:
        if (list->index > RC_KOMBO_MAX_RECORDS) return fail(parser, RC_TOO_LARGE, NULL, "more than 10000 records");
        begin_record(parser);
        break;
    case RC_KOMBO_WANT_GROUPS:
        parser->slots[RC_KOMBO_SLOT_GROUP_ID] = NULL;
        parser->slots[RC_KOMBO_SLOT_GROUP_NAME] = NULL;
        parser->slots[RC_KOMBO_SLOT_GROUP_TYPE] = NULL;
        break;
    default:
        parser->entry_slot = ENTRY_UNKNOWN;
        parser->slots[RC_KOMBO_SLOT_ENTRY_VALUE] = NULL;
        break;
    }
    return push(parser, NULL, list->shape, false);
}

/* Keeps a value of the record (trimmed; empty is absent) or of the page (as it is: a cursor is not ours to change). */
static rc_kombo_verdict_t keep(rc_kombo_parser_t *parser, const rc_kombo_member_t *member, const char *text,
                               size_t length)
{
    if (!parser->in_record) {
        parser->page_slots[member->slot] = rc_arena_strndup(parser->page_arena, text, length);
        return RC_KOMBO_GO;
    }
    rc_text_trim(&text, &length);
    if (member->want == RC_KOMBO_WANT_TEXT && member->slot == RC_KOMBO_SLOT_ENTRY_KEY) {
        look_up_entry(parser, text, length);
        return RC_KOMBO_GO;
    }
    if (!length) return RC_KOMBO_GO;
    if (rc_arena_used(parser->record_arena) + length > RC_KOMBO_MAX_RECORD_BYTES)
        return fail(parser, RC_TOO_LARGE, member, "more than 4 MiB wanted of one record");
    parser->slots[member->slot] = rc_arena_strndup(parser->record_arena, text, length);
    return RC_KOMBO_GO;
}

static rc_kombo_verdict_t on_null(rc_kombo_parser_t *parser, const rc_kombo_member_t *member)
{
    if (member->want == RC_KOMBO_WANT_GROUPS) parser->lists[member->slot].seen = true;
    return RC_KOMBO_GO;
}

static rc_kombo_verdict_t on_value(void *opaque, rc_kombo_kind_t kind, const char *text, size_t length)
{
    rc_kombo_parser_t *parser = opaque;
    if (parser->depth == 0)
        return kind == RC_KOMBO_OBJECT ? push(parser, NULL, page_shape(parser), false)
                                       : wrong_kind(parser, NULL, "an object", kind);
    frame_t *frame = top(parser);
    if (frame->is_list) return begin_element(parser, frame, kind);
    const rc_kombo_member_t *member = parser->member;
    if (kind == RC_KOMBO_NULL) return on_null(parser, member);
    switch (member->want) {
    case RC_KOMBO_WANT_OBJECT:
        if (kind != RC_KOMBO_OBJECT) return wrong_kind(parser, member, "an object or null", kind);
        return push(parser, member, member->shape, false);
    case RC_KOMBO_WANT_GROUPS:
        parser->lists[member->slot].seen = true; /* fall through */
    case RC_KOMBO_WANT_ENTRIES:
    case RC_KOMBO_WANT_RESULTS:
        if (kind != RC_KOMBO_ARRAY) return wrong_kind(parser, member, "an array or null", kind);
        return push(parser, member, member->shape, true);
    case RC_KOMBO_WANT_TEXT:
        if (kind != RC_KOMBO_STRING) return wrong_kind(parser, member, "a text or null", kind);
        return keep(parser, member, text, length);
    case RC_KOMBO_WANT_FIGURE:
        if (kind != RC_KOMBO_NUMBER) return wrong_kind(parser, member, "a number or null", kind);
        return keep(parser, member, text, length);
    case RC_KOMBO_WANT_PRESENCE:
        if (kind != RC_KOMBO_STRING) return wrong_kind(parser, member, "a text or null", kind);
        return keep(parser, member, text, length);
    case RC_KOMBO_WANT_ANYTHING:
        break;
    }
    if (kind == RC_KOMBO_OBJECT || kind == RC_KOMBO_ARRAY) {
        parser->page.ignored_values++;
        return RC_KOMBO_SKIP;
    }
    return keep(parser, member, text, length);
}

static rc_kombo_verdict_t on_end(void *opaque)
{
    rc_kombo_parser_t *parser = opaque;
    const frame_t ended = *top(parser);
    const frame_t *list = parser->depth > 1 ? &parser->frames[parser->depth - 2] : NULL;
    rc_kombo_verdict_t verdict = RC_KOMBO_GO;
    if (ended.is_list) {
        if (ended.member->want == RC_KOMBO_WANT_RESULTS) parser->page.has_results = true;
    } else if (list && list->is_list) {
        switch (list->member->want) {
        case RC_KOMBO_WANT_RESULTS:
            verdict = end_record(parser);
            break;
        case RC_KOMBO_WANT_GROUPS:
            verdict = end_group(parser, list->member->slot);
            break;
        default:
            verdict = end_entry(parser);
            break;
        }
    }
    parser->depth--;
    return verdict;
}

/* ---- The parser ---- */

static const rc_kombo_handler_t HANDLER = {on_key, on_value, on_end};

rc_kombo_parser_t *rc_kombo_parser_new(const rc_kombo_fields_t *fields)
{
    rc_kombo_parser_t *parser = rc_zalloc(sizeof *parser);
    parser->fields = fields;
    parser->scan = rc_kombo_scan_new(&HANDLER, parser);
    parser->seen = rc_calloc((size_t)fields->member_count, sizeof *parser->seen);
    parser->slots = rc_calloc((size_t)fields->slot_count, sizeof *parser->slots);
    parser->values = rc_calloc(fields->path_count, sizeof *parser->values);
    parser->record_arena = rc_arena_new();
    parser->page_arena = rc_arena_new();
    return parser;
}

void rc_kombo_parser_free(rc_kombo_parser_t *parser)
{
    if (!parser) return;
    rc_kombo_scan_free(parser->scan);
    rc_arena_free(parser->record_arena);
    rc_arena_free(parser->page_arena);
    free(parser->seen);
    free(parser->slots);
    free(parser->values);
    free(parser);
}

void rc_kombo_parser_begin(rc_kombo_parser_t *parser, const rc_kombo_sink_t *sink)
{
    parser->sink = *sink;
    parser->depth = 0;
    parser->in_record = false;
    parser->code = RC_OK;
    parser->page = (rc_kombo_page_t){0};
    memset(parser->page_slots, 0, sizeof parser->page_slots);
    rc_arena_reset(parser->page_arena);
    rc_kombo_scan_reset(parser->scan);
}

rc_code_t rc_kombo_parser_feed(rc_kombo_parser_t *parser, const char *bytes, size_t size_bytes, rc_error_t *error)
{
    parser->error = error;
    rc_code_t code = rc_kombo_scan_feed(parser->scan, bytes, size_bytes, error);
    if (code == RC_OK) return RC_OK;
    if (code == RC_CANCELLED) return parser->code;
    rc_buf_t path = RC_BUF_INIT(PATH_CAP_BYTES);
    write_path(parser, NULL, &path);
    (void)rc_error_prefix(error, "%s", path.data);
    rc_buf_fini(&path);
    return code;
}

rc_code_t rc_kombo_parser_end(rc_kombo_parser_t *parser, rc_kombo_page_t *page, rc_error_t *error)
{
    if (!rc_kombo_scan_is_complete(parser->scan)) {
        rc_buf_t path = RC_BUF_INIT(PATH_CAP_BYTES);
        write_path(parser, NULL, &path);
        (void)rc_error_set(error, RC_INTERRUPTED, RC_RETRY, "the answer is cut off at %s", path.data);
        rc_buf_fini(&path);
        return RC_INTERRUPTED;
    }
    parser->page.status = parser->page_slots[RC_KOMBO_PAGE_STATUS];
    parser->page.next = parser->page_slots[RC_KOMBO_PAGE_NEXT];
    parser->page.error_code = parser->page_slots[RC_KOMBO_PAGE_CODE];
    parser->page.error_title = parser->page_slots[RC_KOMBO_PAGE_TITLE];
    parser->page.error_message = parser->page_slots[RC_KOMBO_PAGE_MESSAGE];
    *page = parser->page;
    return RC_OK;
}
