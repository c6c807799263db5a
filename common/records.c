#include "common/records.h"

#include <stddef.h>
#include <string.h>

/* One line a field: how it is called in the schema, and where it lies in the struct. The order is of no matter; it
 * follows the schemas. REQUIRED ones have been there since the first release; a field that is added later is OPTIONAL,
 * with the member's absent value (NULL, 0, false, nothing) as its default here and in the schema. */
#define REQUIRED true
#define OPTIONAL false

#define STRING(S, member, field, need)                                                         \
    {                                                                                          \
        .name = field, .kind = RC_AVRO_STRING, .required = need, .offset = offsetof(S, member) \
    }
#define LONG(S, member, field, need)                                                         \
    {                                                                                        \
        .name = field, .kind = RC_AVRO_LONG, .required = need, .offset = offsetof(S, member) \
    }
#define BOOL(S, member, field, need)                                                         \
    {                                                                                        \
        .name = field, .kind = RC_AVRO_BOOL, .required = need, .offset = offsetof(S, member) \
    }
#define WALL(S, member, field, need)                                                         \
    {                                                                                        \
        .name = field, .kind = RC_AVRO_WALL, .required = need, .offset = offsetof(S, member) \
    }
#define DATE(S, member, field, need)                                                         \
    {                                                                                        \
        .name = field, .kind = RC_AVRO_DATE, .required = need, .offset = offsetof(S, member) \
    }
#define ENUM(S, member, field, need, of, unknown)                                                               \
    {                                                                                                           \
        .name = field, .kind = RC_AVRO_ENUM, .required = need, .offset = offsetof(S, member), .symbols = &(of), \
        .otherwise = (unknown)                                                                                  \
    }
#define ENUM_SET(S, member, field, need, of, unknown)                                                               \
    {                                                                                                               \
        .name = field, .kind = RC_AVRO_ENUM_SET, .required = need, .offset = offsetof(S, member), .symbols = &(of), \
        .otherwise = (unknown)                                                                                      \
    }
#define RECORD(S, member, field, need, table, is_there)                                                             \
    {                                                                                                               \
        .name = field, .kind = RC_AVRO_RECORD, .required = need, .offset = offsetof(S, member), .record = &(table), \
        .present = (is_there)                                                                                       \
    }
/* A part of the schema that is flat in the struct. */
#define PART(field, need, table, is_there)                                                                 \
    {                                                                                                      \
        .name = field, .kind = RC_AVRO_RECORD, .required = need, .record = &(table), .present = (is_there) \
    }
#define ARRAY(S, member, count, field, need, table)                                            \
    {                                                                                          \
        .name = field, .kind = RC_AVRO_ARRAY, .required = need, .offset = offsetof(S, member), \
        .count_offset = offsetof(S, count), .record = &(table)                                 \
    }
#define TABLE(NAME, S, text) \
    static const rc_avro_record_t NAME = {text, sizeof(S), NAME##_fields, sizeof NAME##_fields / sizeof *NAME##_fields}

/* Avro's symbols have no '-', so the event types are called by their C names there. */
#define EVENT_SYMBOL(T, name, text) #name,
static const char *const event_symbols[] = {RC_EVENTS(EVENT_SYMBOL, _)};
static const rc_enum_t event_enum = {"EventType", event_symbols, RC_EVENT_COUNT};

enum { NO_DEFAULT = -1 };

static bool ref_present(const void *record)
{
    const rc_ref_t *ref = record;
    return ref->id || ref->name;
}

/* ---- An employee ---- */

static const rc_avro_field_t team_fields[] = {
    STRING(rc_ref_t, id, "id", REQUIRED),
    STRING(rc_ref_t, name, "name", OPTIONAL),
};
TABLE(team, rc_ref_t, "Team");

static const rc_avro_field_t location_fields[] = {
    STRING(rc_ref_t, id, "id", OPTIONAL),
    STRING(rc_ref_t, name, "name", OPTIONAL),
};
TABLE(location, rc_ref_t, "Location");

static const rc_avro_field_t custom_fields[] = {
    STRING(rc_custom_t, name, "name", REQUIRED),
    STRING(rc_custom_t, value, "value", OPTIONAL),
};
TABLE(custom, rc_custom_t, "CustomField");

#define EMPLOYEE_FIELDS                                                                                             \
    STRING(rc_employee_t, first_name, "first_name", OPTIONAL),                                                      \
        STRING(rc_employee_t, last_name, "last_name", OPTIONAL),                                                    \
        STRING(rc_employee_t, job_title, "job_title", OPTIONAL), STRING(rc_employee_t, avatar, "avatar", OPTIONAL), \
        STRING(rc_employee_t, manager_email, "manager_email", OPTIONAL),                                            \
        STRING(rc_employee_t, language, "language", OPTIONAL),                                                      \
        ENUM(rc_employee_t, status, "status", REQUIRED, RC_ENUM_STATUS, RC_STATUS_UNKNOWN),                         \
        DATE(rc_employee_t, hire_date, "hire_date", OPTIONAL),                                                      \
        DATE(rc_employee_t, leave_date, "leave_date", OPTIONAL),                                                    \
        RECORD(rc_employee_t, primary_location, "primary_location", OPTIONAL, location, ref_present),               \
        RECORD(rc_employee_t, primary_team, "primary_team", OPTIONAL, team, ref_present),                           \
        ARRAY(rc_employee_t, secondary_teams, secondary_team_count, "secondary_teams", OPTIONAL, team),             \
        ARRAY(rc_employee_t, custom, custom_count, "custom", OPTIONAL, custom)

static const rc_avro_field_t employee_fields[] = {STRING(rc_employee_t, email, "email", REQUIRED), EMPLOYEE_FIELDS};
TABLE(employee, rc_employee_t, "EmployeeState");

/* Of somebody who is not announced: without an address, perhaps. */
static const rc_avro_field_t projection_fields[] = {STRING(rc_employee_t, email, "email", OPTIONAL), EMPLOYEE_FIELDS};
TABLE(projection, rc_employee_t, "EmployeeProjection");

/* ---- The change events ---- */

static const rc_avro_field_t metadata_fields[] = {
    STRING(rc_event_t, event_id, "event_id", REQUIRED),
    STRING(rc_event_t, integration_id, "integration_id", REQUIRED),
    STRING(rc_event_t, employee_id, "employee_id", REQUIRED),
    LONG(rc_event_t, version, "version", REQUIRED),
    LONG(rc_event_t, previous_version, "previous_version", OPTIONAL),
    WALL(rc_event_t, occurred_at, "occurred_at", REQUIRED),
    ENUM(rc_event_t, trigger, "trigger", REQUIRED, RC_ENUM_TRIGGER, RC_TRIGGER_POLL),
};
TABLE(metadata, rc_event_t, "EventMetadata");

#define EVENT_FIELDS \
    PART("metadata", REQUIRED, metadata, NULL), RECORD(rc_event_t, employee, "employee", REQUIRED, employee, NULL)

static const rc_avro_field_t created_fields[] = {
    EVENT_FIELDS,
    /* The unknown reason is the one that invites nobody. */
    ENUM(rc_event_t, created.reason, "reason", REQUIRED, RC_ENUM_CREATED, RC_CREATED_RESYNC),
    STRING(rc_event_t, created.replaces, "replaces", OPTIONAL),
};
TABLE(created, rc_event_t, "EmployeeCreated");

static const rc_avro_field_t change_fields[] = {
    STRING(rc_change_t, field, "name", REQUIRED),
    STRING(rc_change_t, previous, "previous", OPTIONAL),
};
TABLE(change, rc_change_t, "ChangedField");

static const rc_avro_field_t profile_fields[] = {
    EVENT_FIELDS,
    ARRAY(rc_event_t, profile.changes, profile.change_count, "changed_fields", REQUIRED, change),
};
TABLE(profile, rc_event_t, "EmployeeProfileUpdated");

static const rc_avro_field_t moved_fields[] = {
    EVENT_FIELDS,
    RECORD(rc_event_t, team.previous, "previous_team", OPTIONAL, team, ref_present),
    RECORD(rc_event_t, team.current, "new_team", OPTIONAL, team, ref_present),
};
TABLE(moved, rc_event_t, "EmployeeTeamChanged");

static const rc_avro_field_t deactivated_fields[] = {
    EVENT_FIELDS,
    ENUM(rc_event_t, deactivated.reason, "reason", REQUIRED, RC_ENUM_GONE, RC_GONE_INACTIVE),
    DATE(rc_event_t, deactivated.effective_date, "effective_date", OPTIONAL),
};
TABLE(deactivated, rc_event_t, "EmployeeDeactivated");

/* ---- employee.snapshot ---- */

static const rc_avro_field_t snapshot_gone_fields[] = {
    ENUM(rc_snapshot_t, gone_reason, "reason", REQUIRED, RC_ENUM_GONE, RC_GONE_INACTIVE),
    DATE(rc_snapshot_t, effective_date, "effective_date", OPTIONAL),
};
TABLE(snapshot_gone, rc_snapshot_t, "Gone");

static bool snapshot_is_gone(const void *record)
{
    return ((const rc_snapshot_t *)record)->presence == RC_PRESENCE_GONE;
}

/* A class that a later release adds is a field more, not an element that others cannot place. */
#define COUNTED_HOUR(T, name, text) LONG(rc_snapshot_t, counted_hours[RC_BRAKE_##name], text, OPTIONAL),
static const rc_avro_field_t counted_hours_fields[] = {RC_BRAKES(COUNTED_HOUR, _)};
TABLE(counted_hours, rc_snapshot_t, "CountedHours");

static const rc_avro_field_t snapshot_fields[] = {
    STRING(rc_snapshot_t, integration_id, "integration_id", REQUIRED),
    STRING(rc_snapshot_t, employee_id, "employee_id", REQUIRED),
    LONG(rc_snapshot_t, version, "version", REQUIRED),
    LONG(rc_snapshot_t, previous_version, "previous_version", OPTIONAL),
    WALL(rc_snapshot_t, occurred_at, "occurred_at", REQUIRED),
    ENUM(rc_snapshot_t, presence, "presence", REQUIRED, RC_ENUM_PRESENCE, NO_DEFAULT),
    PART("gone", OPTIONAL, snapshot_gone, snapshot_is_gone),
    STRING(rc_snapshot_t, replaces, "replaces", OPTIONAL),
    RECORD(rc_snapshot_t, employee, "employee", REQUIRED, employee, NULL),
    PART("counted_hours", REQUIRED, counted_hours, NULL),
};
TABLE(snapshot, rc_snapshot_t, "EmployeeSnapshot");

/* ---- sync.pending ---- */

static const rc_avro_field_t pending_gone_fields[] = {
    ENUM(rc_pending_t, gone_reason, "reason", REQUIRED, RC_ENUM_GONE, RC_GONE_INACTIVE),
    DATE(rc_pending_t, effective_date, "effective_date", OPTIONAL),
};
TABLE(pending_gone, rc_pending_t, "Gone");

static bool gone_is_wanted(const void *record)
{
    return ((const rc_pending_t *)record)->wanted == RC_PRESENCE_GONE;
}

static const rc_avro_field_t hold_ref_fields[] = {
    ENUM(rc_hold_ref_t, brake, "brake", REQUIRED, RC_ENUM_BRAKE, NO_DEFAULT),
    STRING(rc_hold_ref_t, hold_id, "hold_id", REQUIRED),
    WALL(rc_hold_ref_t, since, "since", OPTIONAL),
    STRING(rc_hold_ref_t, digest, "digest", OPTIONAL),
    BOOL(rc_hold_ref_t, approved, "approved", OPTIONAL),
};
TABLE(hold_ref, rc_hold_ref_t, "HoldRef");

static const rc_avro_field_t pending_fields[] = {
    STRING(rc_pending_t, integration_id, "integration_id", REQUIRED),
    STRING(rc_pending_t, employee_id, "employee_id", REQUIRED),
    RECORD(rc_pending_t, employee, "employee", REQUIRED, projection, NULL),
    ENUM(rc_pending_t, wanted, "wanted", REQUIRED, RC_ENUM_PRESENCE, NO_DEFAULT),
    PART("gone", OPTIONAL, pending_gone, gone_is_wanted),
    STRING(rc_pending_t, replaces, "replaces", OPTIONAL),
    ENUM_SET(rc_pending_t, reasons, "reasons", REQUIRED, RC_ENUM_PENDING, RC_PENDING_HELD),
    ARRAY(rc_pending_t, holds, hold_count, "holds", OPTIONAL, hold_ref),
    WALL(rc_pending_t, since, "since", REQUIRED),
    WALL(rc_pending_t, until, "until", OPTIONAL),
    STRING(rc_pending_t, rejected_digest, "rejected_digest", OPTIONAL),
};
TABLE(pending, rc_pending_t, "PendingChange");

/* ---- sync.state ---- */

static const rc_avro_field_t poll_fields[] = {
    WALL(rc_poll_report_t, started_at, "started_at", REQUIRED),
    WALL(rc_poll_report_t, finished_at, "finished_at", OPTIONAL),
    ENUM(rc_poll_report_t, trigger, "trigger", REQUIRED, RC_ENUM_TRIGGER, RC_TRIGGER_POLL),
    BOOL(rc_poll_report_t, full, "full", REQUIRED),
    BOOL(rc_poll_report_t, complete, "complete", REQUIRED),
    LONG(rc_poll_report_t, read, "read", REQUIRED),
    LONG(rc_poll_report_t, events, "events", REQUIRED),
};
TABLE(poll, rc_poll_report_t, "PollReport");

static bool poll_present(const void *record)
{
    return ((const rc_poll_report_t *)record)->started_at.ms != 0;
}

static const rc_avro_field_t bucket_fields[] = {
    LONG(rc_bucket_t, hour, "hour", REQUIRED),
    LONG(rc_bucket_t, count, "count", REQUIRED),
};
TABLE(bucket, rc_bucket_t, "HourlyCount");

#define WINDOW(T, name, text) \
    ARRAY(rc_sync_state_t, windows[RC_BRAKE_##name].buckets, windows[RC_BRAKE_##name].count, text, OPTIONAL, bucket),
static const rc_avro_field_t windows_fields[] = {RC_BRAKES(WINDOW, _)};
TABLE(windows, rc_sync_state_t, "BrakeWindows");

static const rc_avro_field_t hold_fields[] = {
    STRING(rc_hold_t, id, "id", REQUIRED),     ENUM(rc_hold_t, brake, "brake", REQUIRED, RC_ENUM_BRAKE, NO_DEFAULT),
    WALL(rc_hold_t, since, "since", REQUIRED), LONG(rc_hold_t, employees, "employees", REQUIRED),
    LONG(rc_hold_t, limit, "limit", REQUIRED), WALL(rc_hold_t, changed_at, "changed_at", OPTIONAL),
};
TABLE(hold, rc_hold_t, "Hold");

static const rc_avro_field_t result_fields[] = {
    STRING(rc_sync_state_t, last_command_id, "id", REQUIRED),
    BOOL(rc_sync_state_t, last_command_ok, "ok", REQUIRED),
    STRING(rc_sync_state_t, last_command_message, "message", OPTIONAL),
};
TABLE(result, rc_sync_state_t, "CommandResult");

static bool result_present(const void *record)
{
    return ((const rc_sync_state_t *)record)->last_command_id != NULL;
}

static const rc_avro_field_t state_fields[] = {
    STRING(rc_sync_state_t, integration_id, "integration_id", REQUIRED),
    WALL(rc_sync_state_t, watermark, "watermark", OPTIONAL),
    WALL(rc_sync_state_t, last_full_at, "last_full_at", OPTIONAL),
    STRING(rc_sync_state_t, projection_digest, "projection_digest", OPTIONAL),
    ENUM(rc_sync_state_t, state, "state", REQUIRED, RC_ENUM_STATE, RC_STATE_RETRYING),
    STRING(rc_sync_state_t, reason, "reason", OPTIONAL),
    WALL(rc_sync_state_t, next_poll_at, "next_poll_at", OPTIONAL),
    RECORD(rc_sync_state_t, last_poll, "last_poll", OPTIONAL, poll, poll_present),
    LONG(rc_sync_state_t, failures, "failures", OPTIONAL),
    LONG(rc_sync_state_t, employees, "employees", OPTIONAL),
    LONG(rc_sync_state_t, announced, "announced", OPTIONAL),
    PART("windows", REQUIRED, windows, NULL),
    ARRAY(rc_sync_state_t, holds, hold_count, "holds", OPTIONAL, hold),
    ENUM_SET(rc_sync_state_t, paused, "paused", OPTIONAL, event_enum, NO_DEFAULT),
    PART("last_command", OPTIONAL, result, result_present),
};
TABLE(state, rc_sync_state_t, "SyncState");

/* ---- sync.commands, the ledger ---- */

static const rc_avro_field_t command_fields[] = {
    STRING(rc_command_t, id, "id", REQUIRED),
    STRING(rc_command_t, integration_id, "integration_id", REQUIRED),
    ENUM(rc_command_t, kind, "kind", REQUIRED, RC_ENUM_COMMAND, NO_DEFAULT),
    ENUM(rc_command_t, trigger, "trigger", REQUIRED, RC_ENUM_TRIGGER, RC_TRIGGER_POLL),
    WALL(rc_command_t, issued_at, "issued_at", REQUIRED),
    WALL(rc_command_t, expires_at, "expires_at", REQUIRED),
    STRING(rc_command_t, employee_id, "employee_id", OPTIONAL),
    STRING(rc_command_t, hold_id, "hold_id", OPTIONAL),
    WALL(rc_command_t, listed_at, "listed_at", OPTIONAL),
    ENUM_SET(rc_command_t, events, "events", OPTIONAL, event_enum, NO_DEFAULT),
};
TABLE(command, rc_command_t, "SyncCommand");

static const rc_avro_field_t ledger_fields[] = {
    ENUM(rc_ledger_entry_t, type, "type", REQUIRED, event_enum, NO_DEFAULT),
    STRING(rc_ledger_entry_t, integration_id, "integration_id", REQUIRED),
    STRING(rc_ledger_entry_t, employee_id, "employee_id", REQUIRED),
    LONG(rc_ledger_entry_t, version, "version", REQUIRED),
    ENUM(rc_ledger_entry_t, outcome, "outcome", REQUIRED, RC_ENUM_OUTCOME, NO_DEFAULT),
    STRING(rc_ledger_entry_t, reason, "reason", OPTIONAL),
    LONG(rc_ledger_entry_t, user_id, "user_id", OPTIONAL),
    LONG(rc_ledger_entry_t, attempts, "attempts", OPTIONAL),
    WALL(rc_ledger_entry_t, at, "at", REQUIRED),
};
TABLE(ledger, rc_ledger_entry_t, "LedgerEntry");

/* ---- All of them ---- */

static const rc_avro_record_t *const tables[RC_RECORD_COUNT] = {
    [RC_RECORD_CREATED] = &created,   [RC_RECORD_PROFILE_UPDATED] = &profile, [RC_RECORD_TEAM_CHANGED] = &moved,
    [RC_RECORD_SNAPSHOT] = &snapshot, [RC_RECORD_DEACTIVATED] = &deactivated, [RC_RECORD_PENDING] = &pending,
    [RC_RECORD_STATE] = &state,       [RC_RECORD_COMMAND] = &command,         [RC_RECORD_LEDGER] = &ledger,
};

_Static_assert((int)RC_RECORD_CREATED == (int)RC_EVENT_CREATED &&
                   (int)RC_RECORD_PROFILE_UPDATED == (int)RC_EVENT_PROFILE_UPDATED &&
                   (int)RC_RECORD_TEAM_CHANGED == (int)RC_EVENT_TEAM_CHANGED &&
                   (int)RC_RECORD_DEACTIVATED == (int)RC_EVENT_DEACTIVATED,
               "an event's type is its record's kind");

static const char NAMESPACE[] = "rollcall.";

const char *rc_record_name(rc_record_kind_t kind)
{
    return rc_record_table(kind)->name;
}

int rc_record_find(const char *full_name)
{
    if (strncmp(full_name, NAMESPACE, sizeof NAMESPACE - 1) != 0) return -1;
    for (int kind = 0; kind < RC_RECORD_COUNT; kind++)
        if (strcmp(full_name + sizeof NAMESPACE - 1, tables[kind]->name) == 0) return kind;
    return -1;
}

const rc_avro_record_t *rc_record_table(rc_record_kind_t kind)
{
    RC_INVARIANT((int)kind >= 0 && kind < RC_RECORD_COUNT);
    return tables[kind];
}
