#include "tests/support/records.h"

static const rc_wall_t NOW = {1763827732123};
static const rc_date_t TODAY = {20454};
static const rc_date_t TOMORROW = {20455};

static const rc_ref_t guilds[] = {{"t2", "Guild"}, {"t3", NULL}};
static const rc_custom_t customs[] = {{"Cost centre", "4711"}};
static const rc_change_t changes[] = {{"job_title", "Engineer"}, {"custom:Cost centre", NULL}};
static const rc_hold_ref_t hold_refs[] = {{RC_BRAKE_TEAM_CHANGES, "h1", {1763827732122}, "0badcafe", true}};
static const rc_bucket_t leavers[] = {{489952, 3}, {489953, 1}}, profiles[] = {{489953, 40}};
static const rc_hold_t holds[] = {{"h1", RC_BRAKE_DEACTIVATIONS, {1763827732123}, 240, 115, {1763827732124}}};

static rc_employee_t sample_employee(void)
{
    return (rc_employee_t){.email = "ana@acme.example",
                           .first_name = "Ana",
                           .last_name = "M\xC3\xBCller",
                           .manager_email = "boss@acme.example",
                           .status = RC_STATUS_ACTIVE,
                           .hire_date = TODAY,
                           .leave_date = RC_DATE_NONE,
                           .primary_location = {NULL, "Berlin"},
                           .primary_team = {"t1", "Platform"},
                           .secondary_teams = guilds,
                           .secondary_team_count = 2,
                           .custom = customs,
                           .custom_count = 1};
}

rc_event_t rc_sample_event(rc_event_type_t type)
{
    rc_event_t event = {.type = type,
                        .event_id = "6e1d8e6e-0000-5000-8000-000000000001",
                        .integration_id = "personio:A",
                        .employee_id = "42",
                        .version = NOW.ms,
                        .previous_version = type == RC_EVENT_CREATED ? 0 : 1763827700000,
                        .occurred_at = NOW,
                        .trigger = RC_TRIGGER_WEBHOOK,
                        .employee = sample_employee(),
                        .deactivated = {.effective_date = RC_DATE_NONE}};
    switch (type) {
    case RC_EVENT_CREATED:
        event.created.reason = RC_CREATED_REHIRE;
        event.created.replaces = "41";
        break;
    case RC_EVENT_PROFILE_UPDATED:
        event.profile.changes = changes;
        event.profile.change_count = 2;
        break;
    case RC_EVENT_TEAM_CHANGED:
        event.team.current = (rc_ref_t){"t1", "Platform"};
        break;
    case RC_EVENT_DEACTIVATED:
        event.deactivated.reason = RC_GONE_TERMINATION_DATE;
        event.deactivated.effective_date = TOMORROW;
        break;
    }
    return event;
}

rc_snapshot_t rc_sample_snapshot(void)
{
    return (rc_snapshot_t){.integration_id = "personio:A",
                           .employee_id = "42",
                           .version = NOW.ms,
                           .previous_version = 1763827700000,
                           .presence = RC_PRESENCE_GONE,
                           .occurred_at = NOW,
                           .employee = sample_employee(),
                           .gone_reason = RC_GONE_MISSING,
                           .effective_date = TOMORROW,
                           .counted_hours = {[RC_BRAKE_DEACTIVATIONS] = 489952, [RC_BRAKE_EMAIL_CHANGES] = 7}};
}

rc_pending_t rc_sample_pending(void)
{
    rc_pending_t pending = {.integration_id = "personio:A",
                            .employee_id = "42",
                            .employee = sample_employee(),
                            .wanted = RC_PRESENCE_EMPLOYED,
                            .effective_date = RC_DATE_NONE,
                            .replaces = "41",
                            .reasons = 1u << RC_PENDING_NO_EMAIL | 1u << RC_PENDING_HELD,
                            .holds = hold_refs,
                            .hold_count = 1,
                            .since = NOW,
                            .rejected_digest = "abcd"};
    pending.employee.email = NULL;
    return pending;
}

rc_sync_state_t rc_sample_state(void)
{
    return (rc_sync_state_t){
        .integration_id = "personio:A",
        .watermark = NOW,
        .projection_digest = "d1",
        .state = RC_STATE_NEEDS_CUSTOMER,
        .reason = "the key expired",
        .next_poll_at = {1763827800000},
        .last_poll = {{1763827732000}, NOW, RC_TRIGGER_POLL, true, false, 1200, 3},
        .failures = 2,
        .employees = 1200,
        .announced = 1150,
        .windows = {[RC_BRAKE_DEACTIVATIONS] = {leavers, 2}, [RC_BRAKE_PROFILE_CHANGES] = {profiles, 1}},
        .holds = holds,
        .hold_count = 1,
        .paused = 1u << RC_EVENT_CREATED | 1u << RC_EVENT_DEACTIVATED,
        .last_command_id = "c1",
        .last_command_ok = true,
    };
}

rc_command_t rc_sample_command(void)
{
    return (rc_command_t){.id = "c1",
                          .integration_id = "personio:A",
                          .kind = RC_COMMAND_PAUSE,
                          .trigger = RC_TRIGGER_COMMAND,
                          .issued_at = NOW,
                          .expires_at = {1763827800000},
                          .listed_at = {1763827732125},
                          .events = 1u << RC_EVENT_PROFILE_UPDATED | 1u << RC_EVENT_TEAM_CHANGED};
}

rc_ledger_entry_t rc_sample_ledger(void)
{
    return (rc_ledger_entry_t){.type = RC_EVENT_TEAM_CHANGED,
                               .integration_id = "personio:A",
                               .employee_id = "42",
                               .version = NOW.ms,
                               .outcome = RC_OUTCOME_WITHOUT_MANAGER,
                               .reason = "managerEmail must match",
                               .user_id = 17,
                               .attempts = 2,
                               .at = NOW};
}
