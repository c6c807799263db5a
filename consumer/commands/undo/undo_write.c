#include <stdlib.h>
#include <string.h>

#include "consumer/commands/undo/undo_state.h"
#include "consumer/engine/apply.h"

/* A person is brought to what they were exactly as a lane brings them to the newest state: with the rules of
 * *deactivated* for somebody who is employed. Those look the user up by our external id, reactivate, write everything,
 * and create nobody. */

enum { WIDTH = 8, ROUNDS = 5, LOOK_INTERVAL_MS = 100, THROTTLED_MAX = 20 };

typedef struct writing writing_t;

/* One person under way. */
typedef struct {
    writing_t *writing;
    rc_undo_person_t *person;
    rc_event_t event;
    rc_apply_t *apply; /* NULL: free */
} slot_t;

struct writing {
    rc_undo_run_t *run;
    rc_learnamp_t *client;
    rc_loop_t *loop;
    rc_teams_t *teams;
    int round;
    rc_undo_person_t **queue; /* whose turn it is in this round, one after the other */
    size_t queued, queue_capacity;
    size_t next;
    slot_t slots[WIDTH];
    int width;
    int under_way;
    int throttled; /* in a row */
    bool stops;    /* nothing more is begun */
    rc_error_t error;
};

static void pump(writing_t *writing);

static void enqueue(writing_t *writing, rc_undo_person_t *person)
{
    if (writing->queued == writing->queue_capacity) {
        writing->queue_capacity = writing->queue_capacity ? 2 * writing->queue_capacity : 64;
        writing->queue = rc_realloc(writing->queue, writing->queue_capacity * sizeof *writing->queue);
    }
    writing->queue[writing->queued++] = person;
}

/* ---- One person ---- */

static void newest(void *opaque, bool behind_barrier, rc_newest_t *out)
{
    const slot_t *slot = opaque;
    (void)behind_barrier;
    *out = (rc_newest_t){.version = slot->event.version,
                         .presence = RC_PRESENCE_EMPLOYED,
                         .employee = &slot->person->past.employee,
                         .from = RC_NEWEST_SNAPSHOT};
}

static void barrier(void *opaque)
{
    const slot_t *slot = opaque;
    RC_DIE("restoring %s asks for a barrier, which only a deactivation needs", slot->person->employee_id);
}

/* Nobody else will fare better. */
static void stop_for_all(writing_t *writing, rc_code_t code, const char *words)
{
    const char *id = writing->run->integration->id;
    writing->stops = true;
    if (writing->error.code != RC_OK) return;
    (void)rc_error_set(
        &writing->error, code, RC_REJECT,
        code == RC_MISCONFIGURED
            ? "Learn Amp refuses what is sent (%.200s); rollcall-consumer check --integration %s says "
              "more. Who was restored stays so; type the same again then"
            : "Learn Amp asks for more patience (%.200s) than there is; who was restored of %s stays so. "
              "Type the same again later",
        words, id);
}

static void note_failure(slot_t *slot, const rc_apply_result_t *result)
{
    writing_t *writing = slot->writing;
    rc_undo_person_t *person = slot->person;
    const char *words = result->reason != NULL ? result->reason : rc_class_str(result->class);
    person->result = RC_UNDO_FAILED;
    person->message = rc_arena_strdup(writing->run->arena, words);
    person->tries_again = result->class != RC_CLASS_REJECTED;
    if (result->class == RC_CLASS_CREDENTIALS || result->class == RC_CLASS_MISCONFIGURED)
        stop_for_all(writing, RC_MISCONFIGURED, words);
    if (result->class == RC_CLASS_THROTTLED && ++writing->throttled > THROTTLED_MAX)
        stop_for_all(writing, RC_HTTP, words);
}

static void note_result(slot_t *slot, const rc_apply_result_t *result)
{
    rc_undo_person_t *person = slot->person;
    person->message = NULL;
    person->without_manager = false;
    if (result->kind != RC_APPLY_DONE) {
        note_failure(slot, result);
        return;
    }
    slot->writing->throttled = 0;
    if (result->user_id == 0) {
        person->result = RC_UNDO_FAILED;
        person->tries_again = false;
        person->message = "nobody bears their id at Learn Amp any more";
        return;
    }
    person->result = RC_UNDO_DONE;
    person->without_manager = result->manager_missing;
    if (result->manager_missing) person->message = "without the manager, who is no active user";
}

static void done(void *opaque, const rc_apply_result_t *result)
{
    slot_t *slot = opaque;
    writing_t *writing = slot->writing;
    slot->apply = NULL;
    writing->under_way--;
    note_result(slot, result);
    /* 429 is nobody's failure: the client waits for its gate before the next request. */
    bool throttled = result->kind == RC_APPLY_FAILED && result->class == RC_CLASS_THROTTLED;
    if (throttled && !writing->stops) enqueue(writing, slot->person);
    pump(writing);
}

static void begin(slot_t *slot, rc_undo_person_t *person)
{
    static const rc_apply_callbacks_t callbacks = {newest, barrier, done};
    writing_t *writing = slot->writing;
    slot->person = person;
    slot->event = (rc_event_t){.type = RC_EVENT_DEACTIVATED,
                               .integration_id = writing->run->integration->id,
                               .employee_id = person->employee_id,
                               .version = person->first[0].version,
                               .employee = person->past.employee};
    const rc_apply_input_t input = {.lane = RC_EVENT_DEACTIVATED,
                                    .event = &slot->event,
                                    .replayed = true,
                                    .conflict_attempts = writing->round > 0 ? ROUNDS : 0,
                                    .behind_barrier = true};
    writing->under_way++;
    slot->apply = rc_apply_start(writing->client, writing->teams, &input, &callbacks, slot);
}

/* ---- Everybody ---- */

/* In later rounds others have moved: who held an address has another, managers are active again. */
static bool is_due(const rc_undo_person_t *person)
{
    if (!rc_undo_is_written(person)) return false;
    if (person->result == RC_UNDO_DONE) return person->without_manager;
    return person->result == RC_UNDO_TO_DO || person->tries_again;
}

static slot_t *free_slot(writing_t *writing)
{
    for (int i = 0; i < writing->width; i++)
        if (writing->slots[i].apply == NULL) return &writing->slots[i];
    return NULL;
}

static void pump(writing_t *writing)
{
    slot_t *slot;
    while (!writing->stops && writing->next < writing->queued && (slot = free_slot(writing)) != NULL)
        begin(slot, writing->queue[writing->next++]);
    if (writing->under_way == 0) rc_loop_stop(writing->loop);
}

static void look_for_the_end(void *opaque)
{
    writing_t *writing = opaque;
    if (!atomic_load(&writing->run->cancelled) || writing->stops) return;
    writing->stops = true;
    (void)rc_error_set(&writing->error, RC_CANCELLED, RC_STOPPED,
                       "stopped; who was restored stays so, and typing the same again goes on with the others");
    pump(writing);
}

/* Goes once through everybody who is due; how many failed or lack their manager. */
static size_t run_round(writing_t *writing)
{
    const rc_undo_run_t *run = writing->run;
    size_t left = 0;
    writing->queued = writing->next = 0;
    for (size_t i = 0; i < run->count; i++)
        if (is_due(run->people[i])) enqueue(writing, run->people[i]);
    pump(writing);
    rc_loop_run(writing->loop);
    for (size_t i = 0; i < run->count; i++) left += is_due(run->people[i]);
    return left;
}

/* ---- What came of it ---- */

static bool was_written(const rc_undo_person_t *person)
{
    return person->result == RC_UNDO_DONE;
}

/* Looks at those who were written once more: what Learn Amp shows counts, and not what it answered. */
static rc_code_t look_again(rc_undo_run_t *run, rc_error_t *error)
{
    rc_code_t code = rc_undo_read_users(run, was_written, error);
    for (size_t i = 0; code == RC_OK && i < run->count; i++) {
        rc_undo_person_t *person = run->people[i];
        if (!was_written(person)) continue;
        rc_undo_compare(run, person);
        if (person->difference_count == 0 || person->without_manager) continue;
        person->result = RC_UNDO_FAILED;
        person->message =
            rc_arena_sprintf(run->arena, "written, and Learn Amp still shows another %s", person->differences[0].field);
    }
    return code;
}

rc_code_t rc_undo_write(rc_undo_run_t *run, rc_error_t *error)
{
    writing_t writing = {.run = run, .client = rc_readback_client(run->readback), .error = RC_ERROR_INIT};
    writing.loop = rc_learnamp_loop(writing.client);
    writing.teams = rc_teams_new(writing.client);
    writing.width = run->integration->learnamp.max_in_flight < WIDTH ? run->integration->learnamp.max_in_flight : WIDTH;
    for (int i = 0; i < WIDTH; i++) writing.slots[i].writing = &writing;
    rc_loop_timer_t *look = rc_loop_timer_new(writing.loop, look_for_the_end, &writing);
    rc_loop_timer_start(look, LOOK_INTERVAL_MS, LOOK_INTERVAL_MS);
    size_t left = 1;
    for (writing.round = 0; left > 0 && writing.round < ROUNDS && !writing.stops; writing.round++)
        left = run_round(&writing);
    rc_loop_timer_free(look);
    rc_teams_free(writing.teams);
    free(writing.queue);
    if (writing.error.code != RC_OK) {
        if (error != NULL) *error = writing.error;
        return writing.error.code;
    }
    return look_again(run, error);
}
