/* Where one of two people who swap their addresses waits until the other has moved (policy.swap_address). Pure; any
 * thread. */
#ifndef RC_CONSUMER_SWAP_H
#define RC_CONSUMER_SWAP_H

#include "common/config.h"

/* The policy's address with the employee id in it. Returns new (free); NULL: the policy has none. */
char *rc_swap_address(const rc_policy_t *policy, const char *employee_id);

#endif
