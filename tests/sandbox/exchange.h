/* What both sides do with every request: draw the faults, count, answer late or not at all, write the book. Any
 * thread. */
#ifndef RC_TESTS_SANDBOX_EXCHANGE_H
#define RC_TESTS_SANDBOX_EXCHANGE_H

#include "tests/sandbox/sandbox.h"

typedef struct {
    sb_sandbox_t *sandbox;
    sb_integration_t *integration; /* NULL: unknown, then nothing is booked */
    sb_side_t side;
    const rc_httpd_request_t *request;
    rc_httpd_reply_t *reply;
    const char *target; /* relative to the side's base, query included */
    rc_wall_t now;
    sb_shot_t shot;
    const char *employee; /* for the book: set by the side, in the request's arena or as long-lived */
    long user_id;
    bool served; /* the side was asked to do it */
} sb_exchange_t;

/* Draws the fault. True: do what is asked and fill in the reply; false: answer nothing of your own. */
bool sb_exchange_begin(sb_exchange_t *exchange);
/* Bends the reply as the fault wants it, delays it by the side's latency, and books the request. */
void sb_exchange_end(sb_exchange_t *exchange);

/* Whether a list of this answer must be empty, or must miss every other entry. */
bool sb_exchange_empties(const sb_exchange_t *exchange);
bool sb_exchange_halves(const sb_exchange_t *exchange);

#endif
