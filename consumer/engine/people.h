/* The employees who have records in this process. Records of one employee go one after the other, whatever their lane,
 * and the newest state that any of them brought is remembered, so that N never goes back within the process. The loop's
 * thread only. */
#ifndef RC_CONSUMER_PEOPLE_H
#define RC_CONSUMER_PEOPLE_H

#include "common/loop.h"
#include "common/map.h"
#include "consumer/engine/record.h"

struct rc_person {
    rc_site_t *site;
    rc_record_queue_t records; /* the head may be under way */
    rc_arena_t *arena;         /* of newest */
    rc_event_t newest;         /* the greatest version that an event brought */
    rc_loop_timer_t *timer;    /* while it runs nothing is sent: an unanswered write may still take effect */
    rc_loop_timer_t *keeping;  /* while it runs `newest` is remembered, whether records wait or not */
    struct rc_people *people;
    char *key;
    size_t key_bytes;
};

typedef struct rc_people rc_people_t;

/* `ready` is called when a person's quiet time is over. Returns new (free with rc_people_free). */
rc_people_t *rc_people_new(rc_loop_t *loop, void (*ready)(void *opaque, rc_person_t *person), void *opaque);
/* The queues must be empty. NULL is fine. */
void rc_people_free(rc_people_t *people);

/* The person of the record's event, made when there is none; remembers the event's state if it is the newest, and puts
 * the record at the end of the queue. */
rc_person_t *rc_people_add(rc_people_t *people, rc_record_t *record);
/* Only remembers the event's state of somebody who is here. */
void rc_people_note(rc_people_t *people, const rc_event_t *event);
/* Takes the record out of its queue. The person is freed when nothing is left to remember: true. */
bool rc_people_remove(rc_people_t *people, rc_record_t *record);
/* Nothing of this person is sent for delay_ms from now. */
void rc_people_quieten(rc_people_t *people, rc_person_t *person, int64_t delay_ms);
/* Whether that time is still running. */
bool rc_person_is_quiet(const rc_person_t *person);
/* The newest state is remembered for delay_ms from now: it was sent, and the local table may not show it yet. */
void rc_people_keep(rc_people_t *people, rc_person_t *person, int64_t delay_ms);

#endif
