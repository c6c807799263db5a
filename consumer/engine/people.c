#include "consumer/engine/people.h"

#include <stdlib.h>
#include <string.h>

#include "common/mutant.h"

struct rc_people {
    rc_loop_t *loop;
    rc_map_t *persons; /* by employee key */
    void (*ready)(void *opaque, rc_person_t *person);
    void *opaque;
};

enum { ARENA_BLOCK_BYTES = 1024 };

rc_people_t *rc_people_new(rc_loop_t *loop, void (*ready)(void *opaque, rc_person_t *person), void *opaque)
{
    rc_people_t *people = rc_zalloc(sizeof *people);
    *people = (rc_people_t){.loop = loop, .persons = rc_map_new(NULL), .ready = ready, .opaque = opaque};
    return people;
}

static void free_person(rc_person_t *person)
{
    rc_loop_timer_free(person->timer);
    rc_loop_timer_free(person->keeping);
    rc_arena_free(person->arena);
    free(person->key);
    free(person);
}

static bool free_left(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)opaque, (void)key, (void)key_bytes;
    rc_person_t *person = value;
    RC_INVARIANT(TAILQ_EMPTY(&person->records));
    free_person(person);
    return true;
}

void rc_people_free(rc_people_t *people)
{
    if (!people) return;
    rc_map_each(people->persons, free_left, NULL);
    rc_map_free(people->persons);
    free(people);
}

/* A copy of what N needs of an event. */
static void remember(rc_person_t *person, const rc_event_t *event)
{
    if (person->newest.version >= event->version) return;
    rc_arena_reset(person->arena);
    person->newest = *event;
    person->newest.event_id = NULL;
    person->newest.integration_id = rc_arena_strdup(person->arena, event->integration_id);
    person->newest.employee_id = rc_arena_strdup(person->arena, event->employee_id);
    person->newest.employee = rc_employee_copy(person->arena, &event->employee);
    person->newest.created.replaces = rc_arena_strdup(person->arena, event->created.replaces);
    person->newest.profile.changes = NULL;
    person->newest.profile.change_count = 0;
    person->newest.team.previous = person->newest.team.current = (rc_ref_t){NULL, NULL};
}

rc_person_t *rc_people_add(rc_people_t *people, rc_record_t *record)
{
    const char *key = rc_employee_key(record->arena, record->event.integration_id, record->event.employee_id);
    size_t key_bytes = strlen(key);
    rc_person_t *person = RC_MUTANT(TWO_IN_FLIGHT) ? NULL : rc_map_get(people->persons, key, key_bytes);
    if (!person) {
        person = rc_zalloc(sizeof *person);
        TAILQ_INIT(&person->records);
        person->people = people;
        person->site = record->site;
        person->arena = rc_arena_new_sized(ARENA_BLOCK_BYTES);
        person->key = rc_strndup(key, key_bytes);
        person->key_bytes = key_bytes;
        (void)rc_map_set(people->persons, key, key_bytes, person);
    }
    remember(person, &record->event);
    record->person = person;
    record->state = RC_RECORD_WAITING;
    TAILQ_INSERT_TAIL(&person->records, record, of_person);
    return person;
}

void rc_people_note(rc_people_t *people, const rc_event_t *event)
{
    char *key = rc_sprintf("%s/%s", event->integration_id, event->employee_id);
    rc_person_t *person = rc_map_get(people->persons, key, strlen(key));
    if (person) remember(person, event);
    free(key);
}

static void forget(rc_people_t *people, rc_person_t *person)
{
    (void)rc_map_take(people->persons, person->key, person->key_bytes);
    free_person(person);
}

/* True: nothing is left to remember. */
static bool forget_unless_needed(rc_people_t *people, rc_person_t *person)
{
    if (!TAILQ_EMPTY(&person->records) || person->timer || person->keeping) return false;
    forget(people, person);
    return true;
}

bool rc_people_remove(rc_people_t *people, rc_record_t *record)
{
    rc_person_t *person = record->person;
    TAILQ_REMOVE(&person->records, record, of_person);
    record->person = NULL;
    return forget_unless_needed(people, person);
}

static void quiet_over(void *opaque)
{
    rc_person_t *person = opaque;
    rc_people_t *people = person->people;
    rc_loop_timer_free(person->timer);
    person->timer = NULL;
    if (!forget_unless_needed(people, person)) people->ready(people->opaque, person);
}

void rc_people_quieten(rc_people_t *people, rc_person_t *person, int64_t delay_ms)
{
    if (!person->timer) person->timer = rc_loop_timer_new(people->loop, quiet_over, person);
    rc_loop_timer_start(person->timer, delay_ms, 0);
}

static void kept_long_enough(void *opaque)
{
    rc_person_t *person = opaque;
    rc_loop_timer_free(person->keeping);
    person->keeping = NULL;
    (void)forget_unless_needed(person->people, person);
}

void rc_people_keep(rc_people_t *people, rc_person_t *person, int64_t delay_ms)
{
    if (!person->keeping) person->keeping = rc_loop_timer_new(people->loop, kept_long_enough, person);
    rc_loop_timer_start(person->keeping, delay_ms, 0);
}

bool rc_person_is_quiet(const rc_person_t *person)
{
    return person->timer != NULL;
}
