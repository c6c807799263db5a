/* The field's words as types: what an employee is, the events about one, and the records that the topics of design
 * section 2 hold. Plain data: strings are UTF-8, NULL means absent, nothing here owns anything (records live in the
 * arena they were decoded or built in). Pure; any thread. */
#ifndef RC_COMMON_DOMAIN_H
#define RC_COMMON_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/time.h"

/* Every enumeration is one list: the C name, and the symbol in Avro, JSON and output. The order is the order of the
 * Avro symbols; new ones are appended (schemas/README.md). */
/* clang-format off */
#define RC_STATUSES(X, T) X(T, ACTIVE, "ACTIVE") X(T, LEAVE, "LEAVE") X(T, PENDING, "PENDING") X(T, INACTIVE, "INACTIVE") X(T, UNKNOWN, "UNKNOWN")
#define RC_GROUPS(X, T) X(T, TEAM, "TEAM") X(T, DEPARTMENT, "DEPARTMENT") X(T, COST_CENTER, "COST_CENTER") X(T, OTHER, "OTHER")
#define RC_TRIGGERS(X, T) X(T, POLL, "POLL") X(T, WEBHOOK, "WEBHOOK") X(T, SCHEDULE, "SCHEDULE") X(T, COMMAND, "COMMAND") X(T, RESYNC, "RESYNC")
/* Event types as configuration, output, metrics, groups and topics name them; also the lanes. */
#define RC_EVENTS(X, T) X(T, CREATED, "created") X(T, PROFILE_UPDATED, "profile-updated") X(T, TEAM_CHANGED, "team-changed") X(T, DEACTIVATED, "deactivated")
#define RC_CREATED_REASONS(X, T) X(T, NEW_HIRE, "NEW_HIRE") X(T, REHIRE, "REHIRE") X(T, BACK_IN_SCOPE, "BACK_IN_SCOPE") X(T, INITIAL_IMPORT, "INITIAL_IMPORT") X(T, RESYNC, "RESYNC")
#define RC_GONE_REASONS(X, T) X(T, INACTIVE, "INACTIVE") X(T, TERMINATION_DATE, "TERMINATION_DATE") X(T, DELETED, "DELETED") X(T, MISSING, "MISSING") X(T, OUT_OF_SCOPE, "OUT_OF_SCOPE") X(T, RESYNC, "RESYNC")
#define RC_PRESENCES(X, T) X(T, EMPLOYED, "EMPLOYED") X(T, GONE, "GONE")
#define RC_PENDINGS(X, T) X(T, NO_EMAIL, "NO_EMAIL") X(T, NO_NAME, "NO_NAME") X(T, EMAIL_COLLISION, "EMAIL_COLLISION") X(T, NOT_YET, "NOT_YET") X(T, ABSENT_ONCE, "ABSENT_ONCE") X(T, HELD, "HELD") X(T, REJECTED, "REJECTED") X(T, PAUSED, "PAUSED")
#define RC_BRAKES(X, T) X(T, DEACTIVATIONS, "deactivations") X(T, CREATIONS, "creations") X(T, TEAM_CHANGES, "team_changes") X(T, EMAIL_CHANGES, "email_changes") X(T, PROFILE_CHANGES, "profile_changes") X(T, CLEARED_VALUES, "cleared_values")
#define RC_COMMANDS(X, T) X(T, POLL, "POLL") X(T, FULL_POLL, "FULL_POLL") X(T, APPROVE, "APPROVE") X(T, REJECT, "REJECT") X(T, PAUSE, "PAUSE") X(T, RESUME, "RESUME") X(T, RESYNC, "RESYNC") X(T, FORGET, "FORGET")
#define RC_INTEGRATION_STATES(X, T) X(T, OK, "OK") X(T, RETRYING, "RETRYING") X(T, NEEDS_CUSTOMER, "NEEDS_CUSTOMER") X(T, MISCONFIGURED, "MISCONFIGURED")
/* What a lane did with a record. REPLAYED: reset by an operator (version 0), so that it is brought to N once more. */
#define RC_OUTCOMES(X, T) X(T, APPLIED, "APPLIED") X(T, COVERED, "COVERED") X(T, SKIPPED, "SKIPPED") X(T, PARKED, "PARKED") X(T, DEAD, "DEAD") X(T, HANDED_OVER, "HANDED_OVER") X(T, WITHOUT_MANAGER, "WITHOUT_MANAGER") X(T, REPLAYED, "REPLAYED")
/* clang-format on */

#define RC_ENUM_MEMBER(T, name, text) RC_##T##_##name,
#define RC_ENUM_COUNT(T, name, text)  +1
typedef enum { RC_STATUSES(RC_ENUM_MEMBER, STATUS) } rc_status_t;
typedef enum { RC_GROUPS(RC_ENUM_MEMBER, GROUP) } rc_group_type_t;
typedef enum { RC_TRIGGERS(RC_ENUM_MEMBER, TRIGGER) } rc_trigger_t;
typedef enum { RC_EVENTS(RC_ENUM_MEMBER, EVENT) } rc_event_type_t;
typedef enum { RC_CREATED_REASONS(RC_ENUM_MEMBER, CREATED) } rc_created_reason_t;
typedef enum { RC_GONE_REASONS(RC_ENUM_MEMBER, GONE) } rc_gone_reason_t;
typedef enum { RC_PRESENCES(RC_ENUM_MEMBER, PRESENCE) } rc_presence_t;
typedef enum { RC_PENDINGS(RC_ENUM_MEMBER, PENDING) } rc_pending_reason_t;
typedef enum { RC_BRAKES(RC_ENUM_MEMBER, BRAKE) } rc_brake_t;
typedef enum { RC_COMMANDS(RC_ENUM_MEMBER, COMMAND) } rc_command_kind_t;
typedef enum { RC_INTEGRATION_STATES(RC_ENUM_MEMBER, STATE) } rc_integration_state_t;
typedef enum { RC_OUTCOMES(RC_ENUM_MEMBER, OUTCOME) } rc_outcome_t;
enum {
    RC_STATUS_COUNT = 0 RC_STATUSES(RC_ENUM_COUNT, _),
    RC_GROUP_COUNT = 0 RC_GROUPS(RC_ENUM_COUNT, _),
    RC_TRIGGER_COUNT = 0 RC_TRIGGERS(RC_ENUM_COUNT, _),
    RC_EVENT_COUNT = 0 RC_EVENTS(RC_ENUM_COUNT, _),
    RC_CREATED_COUNT = 0 RC_CREATED_REASONS(RC_ENUM_COUNT, _),
    RC_GONE_COUNT = 0 RC_GONE_REASONS(RC_ENUM_COUNT, _),
    RC_PRESENCE_COUNT = 0 RC_PRESENCES(RC_ENUM_COUNT, _),
    RC_PENDING_COUNT = 0 RC_PENDINGS(RC_ENUM_COUNT, _),
    RC_BRAKE_COUNT = 0 RC_BRAKES(RC_ENUM_COUNT, _),
    RC_COMMAND_COUNT = 0 RC_COMMANDS(RC_ENUM_COUNT, _),
    RC_STATE_COUNT = 0 RC_INTEGRATION_STATES(RC_ENUM_COUNT, _),
    RC_OUTCOME_COUNT = 0 RC_OUTCOMES(RC_ENUM_COUNT, _),
};

/* The symbols of one enumeration, for codecs and parsers: `symbols[value]`. */
typedef struct {
    const char *name; /* "Status" … also the Avro enum's name */
    const char *const *symbols;
    int count;
} rc_enum_t;
extern const rc_enum_t RC_ENUM_STATUS, RC_ENUM_GROUP, RC_ENUM_TRIGGER, RC_ENUM_EVENT, RC_ENUM_CREATED, RC_ENUM_GONE,
    RC_ENUM_PRESENCE, RC_ENUM_PENDING, RC_ENUM_BRAKE, RC_ENUM_COMMAND, RC_ENUM_STATE, RC_ENUM_OUTCOME;

/* The symbol; aborts on a value outside the list (a broken invariant). */
const char *rc_enum_str(const rc_enum_t *of, int value);
/* The value of a symbol, or -1. */
int rc_enum_parse(const rc_enum_t *of, const char *symbol);

/* A team or a location: Kombo's id and the name. Absent as a whole when both are NULL. A location mapped from another
 * source than work_location has a name and no id. */
typedef struct {
    const char *id;
    const char *name;
} rc_ref_t;

typedef struct {
    const char *name;  /* of the Learn Amp custom field */
    const char *value; /* NULL: empty */
} rc_custom_t;

/* An employee as Learn Amp should see them: the projection. */
typedef struct {
    const char *email; /* NULL only in a pending change */
    const char *first_name;
    const char *last_name;
    const char *job_title;
    const char *avatar;
    const char *manager_email;
    const char *language;
    rc_status_t status;
    rc_date_t hire_date;
    rc_date_t leave_date;
    rc_ref_t primary_location;
    rc_ref_t primary_team;
    const rc_ref_t *secondary_teams; /* rising by id */
    size_t secondary_team_count;
    const rc_custom_t *custom; /* rising by name */
    size_t custom_count;
} rc_employee_t;

/* A changed field and what it was ("job_title", "custom:Cost centre"); NULL: it was empty. */
typedef struct {
    const char *field;
    const char *previous;
} rc_change_t;

/* One of the four change events; the members behind the state belong to one type each. */
typedef struct {
    rc_event_type_t type;
    const char *event_id; /* UUIDv5 of employee key, version and type: common/uuid.h */
    const char *integration_id;
    const char *employee_id;
    int64_t version;
    int64_t previous_version; /* 0: the first that was ever published */
    rc_wall_t occurred_at;
    rc_trigger_t trigger;
    rc_employee_t employee;
    struct {
        rc_created_reason_t reason;
        const char *replaces; /* the former employee id of the same person, or NULL */
    } created;
    struct {
        const rc_change_t *changes;
        size_t change_count;
    } profile;
    struct {
        rc_ref_t previous;
        rc_ref_t current;
    } team;
    struct {
        rc_gone_reason_t reason;
        rc_date_t effective_date;
    } deactivated;
} rc_event_t;

/* employee.snapshot: the last published projection. */
typedef struct {
    const char *integration_id;
    const char *employee_id;
    int64_t version;
    int64_t previous_version;
    rc_presence_t presence;
    rc_wall_t occurred_at;  /* of that version */
    rc_employee_t employee; /* of the gone too: as they were */
    const char *replaces;
    rc_gone_reason_t gone_reason; /* when gone */
    rc_date_t effective_date;     /* when gone */
    int64_t
        counted_hours[RC_BRAKE_COUNT]; /* hour since 1970 at which this employee last counted for a brake; 0: never */
} rc_snapshot_t;

/* sync.pending: a change that is known and not published. */
typedef struct {
    rc_brake_t brake;
    const char *hold_id;
    rc_wall_t since;    /* when this content of the class joined the hold */
    const char *digest; /* of that content */
    bool approved;      /* by a person; the change waits for something else */
} rc_hold_ref_t;

typedef struct {
    const char *integration_id;
    const char *employee_id;
    rc_employee_t employee;       /* the newest projection */
    rc_presence_t wanted;         /* what would be published: employed or gone */
    rc_gone_reason_t gone_reason; /* when gone is wanted */
    rc_date_t effective_date;
    const char *replaces;
    uint32_t reasons;           /* bit set of 1 << rc_pending_reason_t; never 0 */
    const rc_hold_ref_t *holds; /* one a class at most */
    size_t hold_count;
    rc_wall_t since;
    rc_wall_t until;             /* 0: no day is known */
    const char *rejected_digest; /* what a person rejected (producer/rules/brakes.h); NULL: nothing */
} rc_pending_t;

/* sync.state: what a producer must know of an integration to go on where another ended. */
typedef struct {
    int64_t hour; /* since 1970 */
    int64_t count;
} rc_bucket_t;

typedef struct {
    const char *id;
    rc_brake_t brake;
    rc_wall_t since;
    int64_t employees;
    int64_t limit;
    rc_wall_t changed_at; /* when somebody joined it last */
} rc_hold_t;

typedef struct {
    rc_wall_t started_at;
    rc_wall_t finished_at;
    rc_trigger_t trigger;
    bool full;
    bool complete;
    int64_t read;
    int64_t events;
} rc_poll_report_t;

typedef struct {
    const char *integration_id;
    rc_wall_t watermark;           /* the next `updated_after`, before the overlap; 0: the first import is not done */
    rc_wall_t last_full_at;        /* start of the last complete full fetch */
    const char *projection_digest; /* of that full fetch */
    rc_integration_state_t state;
    const char *reason; /* in words, when not OK */
    rc_wall_t next_poll_at;
    rc_poll_report_t last_poll;
    int64_t failures; /* in a row */
    int64_t employees;
    int64_t announced;
    struct {
        const rc_bucket_t *buckets;
        size_t count;
    } windows[RC_BRAKE_COUNT];
    const rc_hold_t *holds;
    size_t hold_count;
    uint32_t paused; /* bit set of 1 << rc_event_type_t */
    const char *last_command_id;
    bool last_command_ok;
    const char *last_command_message;
} rc_sync_state_t;

/* sync.commands */
typedef struct {
    const char *id;
    const char *integration_id;
    rc_command_kind_t kind;
    rc_trigger_t trigger;
    rc_wall_t issued_at;
    rc_wall_t expires_at;
    const char *employee_id; /* RESYNC, FORGET: of one employee, or NULL for all */
    const char *hold_id;     /* APPROVE, REJECT */
    rc_wall_t listed_at;     /* likewise: changed_at of the hold as the person saw it */
    uint32_t events;         /* PAUSE, RESUME: bit set of 1 << rc_event_type_t */
} rc_command_t;

/* learnamp.ledger: what a lane has finished for an employee. */
typedef struct {
    rc_event_type_t type;
    const char *integration_id;
    const char *employee_id;
    int64_t version; /* of N that was written, or of the event when parked or dead */
    rc_outcome_t outcome;
    const char *reason; /* in words; NULL: none */
    int64_t user_id;    /* at Learn Amp; 0: unknown */
    int64_t attempts;
    rc_wall_t at;
} rc_ledger_entry_t;

/* The Kafka key of everything about one employee: "<integration id>/<employee id>". In the arena. */
char *rc_employee_key(rc_arena_t *arena, const char *integration_id, const char *employee_id);
/* Splits a key at its last '/' (neither id may contain one); false when it is none. In the arena. */
bool rc_employee_key_split(rc_arena_t *arena, const char *key, size_t length, const char **integration_id,
                           const char **employee_id);

/* Why no producer of ours wrote a record with these, whatever its schema says; NULL: one may have. A version is about
 * the time of a poll (design section 3); one that is the last of all would count as the newest for ever. */
enum { RC_EMPLOYEE_KEY_MAX_BYTES = 500 };
#define RC_VERSION_MAX INT64_C(253402300799999) /* the end of the year 9999 */
const char *rc_identity_fault(const char *integration_id, const char *employee_id, int64_t version);

/* The key of a lane's ledger entry about an employee key: "<event type>:<employee key>". In the arena. */
char *rc_ledger_key(rc_arena_t *arena, rc_event_type_t lane, const char *key, size_t key_bytes);
/* The lane of such a key, and where the employee key begins in it; -1: it is none. */
int rc_ledger_key_split(const char *key, size_t length, size_t *employee_key);

/* A deep copy in the arena. */
rc_employee_t rc_employee_copy(rc_arena_t *arena, const rc_employee_t *employee);

/* First and last name, or the one that is there; NULL when both are missing. In the arena, or borrowed. */
const char *rc_employee_name(rc_arena_t *arena, const rc_employee_t *employee);

/* The custom field of that name; NULL: there is none. Borrows. */
const rc_custom_t *rc_custom_find(const rc_custom_t *custom, size_t count, const char *name);
/* Its value; NULL: empty, or there is none. Borrows. */
const char *rc_employee_custom(const rc_employee_t *employee, const char *name);

/* The value of a field by the name that changed_fields uses ("job_title", "custom:Cost centre"), as text in the arena;
 * NULL: empty, or no such field. For what people read. */
const char *rc_employee_field(rc_arena_t *arena, const rc_employee_t *employee, const char *field);

/* The bytes of a picture's address without its query string. */
size_t rc_avatar_length(const char *avatar);
/* Whether two addresses are of the same picture: equal without query string. NULL equals NULL only. */
bool rc_avatar_equal(const char *a, const char *b);

/* Whether two projections are the same in every field (addresses compared without case, pictures without query string).
 */
bool rc_employee_equal(const rc_employee_t *a, const rc_employee_t *b);

#endif
