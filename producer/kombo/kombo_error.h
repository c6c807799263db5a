/* What Kombo's error answers call for (docs/kombo.md, "Errors"). Decided by error.code, never by the message; by the
 * HTTP status where there is no code. Pure; any thread. */
#ifndef RC_PRODUCER_KOMBO_ERROR_H
#define RC_PRODUCER_KOMBO_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "producer/kombo/kombo_parse.h"

/* Whether the answer is an error: a status outside 2xx, or one that says so at 200. */
bool rc_kombo_is_error(int status, const rc_kombo_page_t *page);

/* Fills *error with code, disposition, status, retry_after_ms and a sentence that says what is wrong and who mends it
 * how; returns the code: RC_HTTP (again later), RC_NEEDS_CUSTOMER, RC_MISCONFIGURED, or RC_CURSOR_EXPIRED when a
 * request with a cursor was refused as wrong: it was right when it had none. `page` is empty where the body could not
 * be read. */
rc_code_t rc_kombo_error_set(rc_error_t *error, int status, const rc_kombo_page_t *page, int64_t retry_after_ms,
                             bool with_cursor);

/* How long to wait after a poll failed with this error, `failures` in a row (the first is 1): what passes by itself is
 * tried again with a growing pause (common/retry.h), at most 5 min, and no longer than a poll's interval where that is
 * between 30 s and 5 min; what a person has to mend is asked for every 15 min (the customer) or every hour, never
 * later than the interval. `random`: any 64 even bits. */
int64_t rc_kombo_error_delay_ms(const rc_error_t *error, int failures, int64_t poll_interval_ms, uint64_t random);

#endif
