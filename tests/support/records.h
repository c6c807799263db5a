/* One filled-in record of every kind, for tests of whatever carries records. */
#ifndef RC_TESTS_SUPPORT_RECORDS_H
#define RC_TESTS_SUPPORT_RECORDS_H

#include "common/domain.h"

/* Room for one of any kind. */
typedef union {
    rc_event_t event;
    rc_snapshot_t snapshot;
    rc_pending_t pending;
    rc_sync_state_t state;
    rc_command_t command;
    rc_ledger_entry_t ledger;
} rc_any_record_t;

/* An employee with a value of every sort; static. */
/* Version 1763827732123 of employee personio:A/42, with that employee. */
rc_event_t rc_sample_event(rc_event_type_t type);
rc_snapshot_t rc_sample_snapshot(void);
rc_pending_t rc_sample_pending(void);
rc_sync_state_t rc_sample_state(void);
rc_command_t rc_sample_command(void);
rc_ledger_entry_t rc_sample_ledger(void);

#endif
