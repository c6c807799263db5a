/* Who has an e-mail address. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/map.h"
#include "common/text.h"
#include "consumer/commands/trace/trace.h"
#include "consumer/commands/trace/trace_ask.h"

typedef struct {
    const char *email;
    size_t email_bytes;
    rc_arena_t *arena;
    rc_map_t *people; /* by employee id */
} finding_t;

/* A person who was seen with the address, and whether their newest records still have it. */
typedef struct {
    rc_trace_match_t match;
    bool published, waiting, ever;
} candidate_t;

/* Whether the address stands somewhere in the bytes, whatever its case: looked for at each '@'. */
static bool has_address(const finding_t *finding, const char *bytes, size_t size_bytes)
{
    size_t before = (size_t)(strchr(finding->email, '@') - finding->email);
    const char *end = bytes + size_bytes;
    for (const char *at = bytes; at < end && (at = memchr(at, '@', (size_t)(end - at))) != NULL; at++) {
        if ((size_t)(at - bytes) < before || (size_t)(end - at) < finding->email_bytes - before) continue;
        if (strncasecmp(at - before, finding->email, finding->email_bytes) == 0) return true;
    }
    return false;
}

static const char *employee_of(const rc_kafka_message_t *message, size_t *length)
{
    const char *slash = message->key_bytes ? memrchr(message->key, '/', message->key_bytes) : NULL;
    if (!slash) return NULL;
    *length = message->key_bytes - (size_t)(slash + 1 - (const char *)message->key);
    return slash + 1;
}

/* Also the later records of somebody who was seen: they may have another address by now. */
static bool wants(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    (void)kind;
    const finding_t *finding = opaque;
    size_t length;
    const char *id = employee_of(message, &length);
    if (!id) return false;
    if (rc_map_get(finding->people, id, length)) return true;
    return message->value && has_address(finding, message->value, message->value_bytes);
}

static bool note_person(void *opaque, const rc_history_record_t *record)
{
    finding_t *finding = opaque;
    bool is_pending = record->kind == RC_TOPIC_PENDING;
    const rc_employee_t *employee = is_pending ? &record->pending.employee : &record->snapshot.employee;
    bool is_there = !record->tombstone && record->fault.code == RC_OK;
    bool has_it = is_there && rc_email_equal(employee->email, finding->email);
    if (!record->employee_id) return true;
    size_t length = strlen(record->employee_id);
    candidate_t *person = rc_map_get(finding->people, record->employee_id, length);
    if (!person && !has_it) return true; /* it is a manager's there */
    if (!person) {
        person = rc_arena_alloc(finding->arena, sizeof *person);
        person->match.employee_id = record->employee_id;
        (void)rc_map_set(finding->people, record->employee_id, length, person);
    }
    person->ever = person->ever || has_it;
    if (is_pending)
        person->waiting = has_it;
    else
        person->published = has_it;
    if (is_there) person->match.name = rc_employee_name(finding->arena, employee);
    return true;
}

typedef struct {
    rc_trace_match_t *matches;
    size_t count;
    bool current; /* those who have it now; else those who had it */
} choice_t;

static bool choose(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)key;
    (void)key_bytes;
    choice_t *choice = opaque;
    candidate_t *person = value;
    bool has_it = person->published || person->waiting;
    if (choice->current != has_it) return true;
    person->match.where = person->published ? "has it, as published"
                          : has_it          ? "has it in HR, not published"
                                            : "had it before";
    choice->matches[choice->count++] = person->match;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const rc_trace_match_t *)a)->employee_id, ((const rc_trace_match_t *)b)->employee_id);
}

static const char *find_at_learnamp(rc_history_t *history, const rc_integration_t *integration, const char *email,
                                    const atomic_bool *cancelled, rc_arena_t *arena, choice_t *choice)
{
    rc_trace_asked_t asked =
        rc_trace_ask_email(rc_kafka_config(rc_history_kafka(history)), integration, email, cancelled, arena);
    if (asked.trouble) return rc_arena_sprintf(arena, "Learn Amp could not be asked: %s", asked.trouble);
    if (!asked.found) return "nor is there such a user at Learn Amp";
    if (!asked.user.external_id)
        return rc_arena_sprintf(arena, "Learn Amp has user %lld with that address, who bears no id of the HR system",
                                (long long)asked.user.id);
    choice->matches[choice->count++] = (rc_trace_match_t){asked.user.external_id, NULL, "has it at Learn Amp"};
    return "";
}

rc_code_t rc_trace_find(rc_history_t *history, const rc_integration_t *integration, const char *email,
                        const atomic_bool *cancelled, rc_arena_t *arena, const rc_trace_match_t **matches,
                        size_t *count, const char **said, rc_error_t *error)
{
    finding_t finding = {.email = email, .email_bytes = strlen(email), .arena = arena, .people = rc_map_new(NULL)};
    const rc_history_filter_t filter = {.integration_id = integration->id, .wants = wants, .opaque = &finding};
    const rc_history_part_t parts[] = {{RC_TOPIC_SNAPSHOT, .partition = -1}, {RC_TOPIC_PENDING, .partition = -1}};
    rc_code_t code = rc_history_read(history, parts, 2, &filter, arena, note_person, &finding, cancelled, error);
    if (code == RC_OK) {
        choice_t choice = {.current = true};
        choice.matches = rc_arena_alloc(arena, (rc_map_count(finding.people) + 1) * sizeof *choice.matches);
        rc_map_each(finding.people, choose, &choice);
        if (choice.count == 0) *said = find_at_learnamp(history, integration, email, cancelled, arena, &choice);
        choice.current = false;
        if (choice.count == 0) rc_map_each(finding.people, choose, &choice);
        qsort(choice.matches, choice.count, sizeof *choice.matches, by_id);
        *matches = choice.matches;
        *count = choice.count;
    }
    rc_map_free(finding.people);
    return code;
}
