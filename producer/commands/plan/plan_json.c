/* What `plan --json` prints. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "producer/commands/plan/plan.h"

/* Two lists grow side by side, and are printed one behind the other. */
struct rc_plan_json {
    FILE *events;
    FILE *waiting;
    rc_arena_t *arena; /* of the person at hand */
};

static rc_code_t open_file(const char *directory, FILE **file, rc_error_t *error)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) *file = fdopen(fd, "w+");
    return *file ? RC_OK
                 : rc_error_set(error, RC_IO, RC_REJECT, "no file can be made in %s: %s", directory, strerror(errno));
}

rc_code_t rc_plan_json_new(const char *directory, rc_plan_json_t **result, rc_error_t *error)
{
    rc_plan_json_t *json = rc_zalloc(sizeof *json);
    json->arena = rc_arena_new();
    rc_code_t code = open_file(directory, &json->events, error);
    if (code == RC_OK) code = open_file(directory, &json->waiting, error);
    if (code == RC_OK)
        *result = json;
    else
        rc_plan_json_free(json);
    return code;
}

void rc_plan_json_free(rc_plan_json_t *json)
{
    if (!json) return;
    if (json->events) (void)fclose(json->events);
    if (json->waiting) (void)fclose(json->waiting);
    rc_arena_free(json->arena);
    free(json);
}

/* A line of its own: what is wrong with the file is seen at the end. */
static void add(FILE *file, json_t *element)
{
    char *text = rc_json_text(element, false);
    (void)fprintf(file, "%s\n    %s", ftell(file) > 0 ? "," : "", text);
    free(text);
    json_decref(element);
}

static void add_change(void *opaque, const char *field, const char *before, const char *after)
{
    rc_json_add_change(opaque, field, before, after);
}

static json_t *event_json(rc_arena_t *arena, const rc_settled_t *settled, const rc_event_t *event)
{
    json_t *json = json_object(), *changes = json_array();
    int held_by = rc_plan_held_by(settled, event);
    rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, (int)event->type));
    rc_json_put_str(json, "employee_id", settled->employee_id);
    (void)json_object_set_new(json, "version", json_integer(event->version));
    if (event->type == RC_EVENT_CREATED) {
        rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_CREATED, (int)event->created.reason));
        rc_json_put_str(json, "replaces", event->created.replaces);
    }
    if (event->type == RC_EVENT_DEACTIVATED) {
        rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_GONE, (int)event->deactivated.reason));
        rc_json_put_date(json, "effective_date", event->deactivated.effective_date);
    }
    rc_plan_each_change(arena, settled, event, add_change, changes);
    if (json_array_size(changes) > 0) (void)json_object_set(json, "changes", changes);
    json_decref(changes);
    if (held_by >= 0) rc_json_put_str(json, "held_by", rc_enum_str(&RC_ENUM_BRAKE, held_by));
    return json;
}

static void wait_for(rc_plan_json_t *json, const char *employee_id, const rc_pending_t *pending)
{
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++) {
        if (reason == RC_PENDING_HELD || !(pending->reasons >> reason & 1U)) continue;
        bool has_day = reason == RC_PENDING_NOT_YET || reason == RC_PENDING_ABSENT_ONCE;
        json_t *element = json_object();
        rc_json_put_str(element, "employee_id", employee_id);
        rc_json_put_str(element, "reason", rc_enum_str(&RC_ENUM_PENDING, reason));
        if (has_day) rc_json_put_wall(element, "until", pending->until);
        add(json->waiting, element);
    }
}

void rc_plan_json_add(rc_plan_json_t *json, const rc_settled_t *settled)
{
    const rc_pending_t *pending;
    rc_arena_reset(json->arena);
    for (size_t i = 0; i < settled->diff.count; i++)
        if (rc_plan_shows(settled, &settled->diff.events[i]))
            add(json->events, event_json(json->arena, settled, &settled->diff.events[i]));
    if (rc_plan_waits(settled, &pending)) wait_for(json, settled->employee_id, pending);
}

void rc_plan_json_wait(rc_plan_json_t *json, const rc_pending_t *pending)
{
    wait_for(json, pending->employee_id, pending);
}

static rc_code_t copy(FILE *from, FILE *to, rc_error_t *error)
{
    char bytes[16384];
    size_t count;
    bool failed = fflush(from) != 0 || fseek(from, 0, SEEK_SET) != 0;
    while (!failed && (count = fread(bytes, 1, sizeof bytes, from)) > 0) failed = fwrite(bytes, 1, count, to) != count;
    return failed || ferror(from) ? rc_error_set(error, RC_IO, RC_REJECT,
                                                 "the plan cannot be written: %s; free some space", strerror(errno))
                                  : RC_OK;
}

rc_code_t rc_plan_json_print(rc_plan_json_t *json, const rc_planned_t *planned, FILE *stream, rc_error_t *error)
{
    json_t *head = json_object();
    rc_json_put_str(head, "id", planned->integration->id);
    rc_json_put_str(head, "name", planned->integration->name);
    (void)json_object_set_new(head, "complete", json_boolean(planned->ok));
    if (!planned->ok) rc_json_put_str(head, "error", planned->message);
    if (planned->ok) {
        (void)json_object_set_new(head, "full", json_boolean(planned->result.kind == RC_POLL_FULL));
        rc_json_put_wall(head, "updated_after", planned->result.updated_after);
        (void)json_object_set_new(head, "read", json_integer(planned->result.state.last_poll.read));
    }
    char *text = rc_json_text(head, false);
    text[strlen(text) - 1] = '\0'; /* the lists come before its last bracket */
    (void)fprintf(stream, "  %s, \"events\": [", text);
    free(text);
    json_decref(head);
    rc_code_t code = planned->ok ? copy(json->events, stream, error) : RC_OK;
    (void)fputs("],\n   \"waiting\": [", stream);
    if (code == RC_OK && planned->ok) code = copy(json->waiting, stream, error);
    (void)fputs("]}", stream);
    return code;
}
