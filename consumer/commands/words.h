/* How commands say what consumers know of a record, beside common/words.h. Pure; any thread. */
#ifndef RC_CONSUMER_WORDS_H
#define RC_CONSUMER_WORDS_H

#include "common/domain.h"
#include "common/headers.h"
#include "common/mem.h"

/* An event type by its name, or "record" for -1. Static. */
const char *rc_say_type(int type);
/* Why a record lies in a retry topic. Static, without an end mark. */
const char *rc_say_parked(rc_park_reason_t reason);
/* Why an employee is announced, or gone. Static. */
const char *rc_say_created(rc_created_reason_t reason);
const char *rc_say_gone(rc_gone_reason_t reason);

/* Calls `say` for every field of an employee that has a value: "job title", "Engineer". */
void rc_say_employee(rc_arena_t *arena, const rc_employee_t *employee,
                     void (*say)(void *opaque, const char *field, const char *value), void *opaque);

#endif
