/* The question before something that cannot be taken back easily. One thread. */
#ifndef RC_PRODUCER_CONFIRM_H
#define RC_PRODUCER_CONFIRM_H

#include "common/cli.h"

/* Asks on the terminal whether to go on; without a terminal, or with --yes, nothing is asked: a script has said what it
 * means. */
bool rc_confirm(const rc_args_t *args, const char *question);

#endif
