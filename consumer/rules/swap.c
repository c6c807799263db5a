#include "consumer/rules/swap.h"

#include <string.h>

#include "common/buf.h"
#include "common/text.h"

enum { MAX_ADDRESS_BYTES = 4096 };

char *rc_swap_address(const rc_policy_t *policy, const char *employee_id)
{
    if (rc_text_empty(policy->swap_address)) return NULL;
    static const char mark[] = "{id}";
    rc_buf_t address = RC_BUF_INIT(MAX_ADDRESS_BYTES);
    const char *rest = policy->swap_address, *at;
    while ((at = strstr(rest, mark)) != NULL) {
        rc_buf_add(&address, rest, (size_t)(at - rest));
        rc_buf_add_str(&address, employee_id);
        rest = at + sizeof mark - 1;
    }
    rc_buf_add_str(&address, rest);
    return rc_buf_take(&address);
}
