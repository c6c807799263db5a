#include "consumer/rules/undo.h"

const char *rc_undo_str(rc_undo_t undo)
{
    static const char *const names[] = {
#define X(name, text) text,
        RC_UNDOS(X)
#undef X
    };
    RC_INVARIANT((unsigned)undo < RC_UNDO_COUNT);
    return names[undo];
}

rc_undo_t rc_undo_judge(const rc_undo_case_t *about)
{
    if (about->is_forgotten) return RC_UNDO_FORGOTTEN;
    if (about->past != RC_PAST_EMPLOYED) return about->is_gone || !about->has_user ? RC_UNDO_NOTHING : RC_UNDO_STAYS;
    if (!about->has_user) return RC_UNDO_NO_USER;
    if (about->differs) return RC_UNDO_RESTORE;
    return about->may_differ ? RC_UNDO_UNSEEN : RC_UNDO_NOTHING;
}
