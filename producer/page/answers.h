/* The JSON of the page's API, made from what is known: no clock, no socket, no Kafka. Words for people are the page's
 * (page.js); here are names, numbers, days and moments. Any thread. */
#ifndef RC_PRODUCER_ANSWERS_H
#define RC_PRODUCER_ANSWERS_H

#include "common/json.h"
#include "producer/page/chronicle.h"
#include "producer/page/letters.h"
#include "producer/page/orders.h"
#include "producer/page/roster.h"

/* Everything that is known of one integration. */
typedef struct {
    const rc_integration_t *integration;
    const rc_sync_state_t *state; /* NULL: it was never polled */
    const rc_roster_t *roster;    /* NULL: not made yet */
    bool fresh;                   /* the roster is up to date */
    rc_wall_t now;
} rc_known_t;

/* Which part of a list: rows whose text has all words of `search`, `limit` of them from `offset` on. */
typedef struct {
    const char *search; /* folded; "": all */
    size_t offset;
    size_t limit;
} rc_slice_t;

/* Whom a list of waiting people shows: those with one of `reasons`, and in that hold. */
typedef struct {
    uint32_t reasons;
    const char *hold_id; /* NULL: any or none */
} rc_choice_t;

enum { RC_REASONS_OF_HR = 1U << RC_PENDING_NO_EMAIL | 1U << RC_PENDING_NO_NAME | 1U << RC_PENDING_EMAIL_COLLISION };

/* Each returns new (json_decref). */
json_t *rc_answer_integration(const rc_known_t *known);
json_t *rc_answer_days(const rc_known_t *known, const rc_slice_t *slice);
json_t *rc_answer_polls(const rc_poll_note_t *notes, size_t count);
/* `ended` is NULL while nobody has answered. */
json_t *rc_answer_order(const rc_order_t *order, const rc_command_note_t *ended, rc_wall_t now);

/* The open dead letters of an integration. */
json_t *rc_answer_letters(const rc_letterbox_t *box, const char *integration_id, const rc_retry_report_t *report,
                          const rc_slice_t *slice, rc_arena_t *arena);
/* How many they are. */
int64_t rc_answer_count_letters(const rc_letterbox_t *box, const char *integration_id);

/* The names of a set of 1 << rc_event_type_t. */
json_t *rc_answer_events(uint32_t events);

/* The people of a slice: indexes into roster->waiting, in the arena; *total is how many there are in all. */
const size_t *rc_answer_choose(const rc_roster_t *roster, const rc_choice_t *choice, const rc_slice_t *slice,
                               rc_arena_t *arena, size_t *count, size_t *total);
/* One of them, with what would change; `person` is what is stored of them now. */
json_t *rc_answer_waiting(const rc_known_t *known, const rc_waiting_t *waiting, const rc_person_t *person,
                          rc_arena_t *arena);

/* The hold of that id; NULL: there is none (any more). Borrows. */
const rc_hold_t *rc_answer_find_hold(const rc_sync_state_t *state, const char *hold_id);

#endif
