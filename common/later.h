/* Functions called at a later moment, on one thread of their own. Any thread may add; the functions must be quick, for
 * the next one waits. rc_later_new, rc_later_stop and rc_later_free belong to the owner. */
#ifndef RC_COMMON_LATER_H
#define RC_COMMON_LATER_H

#include <stdint.h>

typedef struct rc_later rc_later_t;
typedef void (*rc_later_fn_t)(void *arg);

/* Returns new (free with rc_later_free); its thread runs with all signals blocked. */
rc_later_t *rc_later_new(void);

/* Calls function(arg) `delay_ms` from now, in the order of the moments. When the thread is stopped before, give_up(arg)
 * is called instead (NULL: nothing), at once if it is stopped already. */
void rc_later_add(rc_later_t *later, int64_t delay_ms, rc_later_fn_t function, rc_later_fn_t give_up, void *arg);

/* Ends the thread and gives up what is waiting; adding stays allowed. */
void rc_later_stop(rc_later_t *later);
void rc_later_free(rc_later_t *later); /* stops first; NULL is fine */

#endif
