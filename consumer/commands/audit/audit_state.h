/* The inside of the command `audit`, private to its folder: audit.c finds what differs, audit_report.c
 * says it, audit_repair.c writes the records that mend it. The main thread. */
#ifndef RC_CONSUMER_AUDIT_STATE_H
#define RC_CONSUMER_AUDIT_STATE_H

#include "consumer/commands/backlog.h"
#include "consumer/commands/inquiry.h"
#include "consumer/learnamp/compare.h"

typedef enum { RC_FINDING_DIFFERS, RC_FINDING_MISSING, RC_FINDING_NOT_DEACTIVATED } rc_finding_kind_t;

/* Whether somebody is at it already. */
typedef enum {
    RC_COMING_NOTHING,
    RC_COMING_WAITING, /* an event that its lane has not finished, or a state that moved while it was looked at */
    RC_COMING_PARKED,  /* a record in a retry topic */
    RC_COMING_DEAD     /* a dead letter: nobody is at it any more */
} rc_coming_t;

/* A person who differs. All of it lives until the end. */
typedef struct {
    rc_finding_kind_t kind;
    const char *employee_id;
    const char *name;
    int64_t version; /* of the snapshot */
    bool moves;      /* it changed while it was looked at, or was not applied yet */
    const rc_difference_t *differences;
    size_t difference_count;
    rc_coming_t coming;
    bool is_whole;        /* what comes brings all of the newest state */
    int64_t user_id;      /* MISSING: a user who has the address and not our id; else the user; 0: none */
    const char *other_id; /* MISSING: the external id of that user; NULL: none */
    const void *record;   /* the event that brings the person to the newest state; NULL without --repair */
    size_t record_bytes;
    rc_headers_t headers;
} rc_finding_t;

/* A team that is called otherwise. */
typedef struct {
    const char *id; /* the group's at Kombo */
    const char *hr;
    const char *learnamp;
    int64_t version; /* of the snapshot that says so */
} rc_audit_team_t;

typedef struct {
    rc_inquiry_t inquiry;
    const rc_integration_t *integration;
    rc_readback_t *readback;
    rc_backlog_t *backlog;
    rc_map_t *findings; /* by employee id */
    rc_finding_t **found;
    size_t found_count;
    size_t found_room;
    int64_t compared;
    rc_map_t *teams; /* by group id: the newest name that a snapshot gives */
    const rc_audit_team_t **misnamed;
    size_t misnamed_count;
    bool custom_known;
    int64_t repaired;
} rc_audit_t;

/* Prints what was found. */
void rc_audit_report(const rc_audit_t *audit);
void rc_audit_json(const rc_audit_t *audit);

/* Makes the record of a finding: the snapshot as an event of the lane that brings all of it. */
rc_code_t rc_audit_make_record(rc_audit_t *audit, rc_finding_t *finding, const rc_snapshot_t *snapshot,
                               rc_error_t *error);
/* Writes the records into the first retry tier, but of those whom somebody else brings the whole of already. */
rc_code_t rc_audit_repair(rc_audit_t *audit, rc_error_t *error);

#endif
