/* What a lane does with one record: rules S1, S2, S3 and S6 of design section 5 as functions of what is known. Nothing
 * here asks, waits or writes; consumer/engine/apply carries the actions out. Pure; any thread. */
#ifndef RC_CONSUMER_RULES_H
#define RC_CONSUMER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "consumer/rules/newest.h"

/* ---- S1: is there anything to do at all? ---- */

typedef struct {
    const rc_ledger_entry_t *entry; /* the lane's for this employee; NULL: none */
    int64_t version;                /* the event's */
    bool from_event_topic;          /* else from a retry topic */
    bool unanswered;                /* header: an earlier attempt ended without an answer */
    bool waits_for_manager;         /* header */
    bool replayed;                  /* header: an operator wants it worked once more */
} rc_skip_input_t;

/* Why the record is skipped, in words (static); NULL: it is not. */
const char *rc_rules_skip(const rc_skip_input_t *input);

/* ---- S2: the next step ---- */

/* A user of Learn Amp as a lookup or an answer showed them. */
typedef enum { RC_LOOK_UNKNOWN, RC_LOOK_NONE, RC_LOOK_FOUND } rc_look_t;
typedef struct {
    rc_look_t look;
    const char *looked_for; /* the address of an e-mail lookup: another N.email makes it unknown again */
    int64_t user_id;
    bool deactivated;
    const char *external_id; /* NULL: none */
    const char *email;
    bool team_known;         /* the answer said which primary team they have */
    int64_t primary_team_id; /* Learn Amp's; 0: none */
} rc_found_t;

typedef enum {
    RC_TEAM_UNKNOWN,
    RC_TEAM_THERE, /* bears our group id */
    RC_TEAM_ABSENT /* is not there, and policy.create_teams is off */
} rc_team_state_t;

/* What stays the same while a record is worked on. */
typedef struct {
    rc_event_type_t lane;
    const rc_event_t *event; /* of any type: a record handed over to *created* keeps its own */
    const rc_policy_t *policy;
    bool replayed;         /* by the `replay` command: nobody is invited */
    int conflict_attempts; /* counted attempts that ended in CONFLICT; policy.swap_address is used from 2 on */
} rc_case_t;

/* What was learned and done so far in this run; starts zeroed. */
typedef struct {
    rc_found_t by_external_id;
    rc_found_t by_replaces;
    rc_found_t by_email;               /* N's */
    rc_found_t by_own_email;           /* the event's own, when it differs */
    rc_team_state_t primary;           /* of N's primary team */
    const rc_ref_t *secondary_unknown; /* the first of N's secondary teams that nobody ensured yet; NULL: none */
    const rc_ref_t *rename_due;        /* the first of N's teams that is called otherwise, if N is newer than its last
                                        * rename; NULL: none */
    bool fresh_barrier;                /* passed, and nothing was sent since */
    int64_t profile_version;           /* of N when its profile part was written; 0: not in this run */
    int64_t team_version;              /* likewise */
    bool wrote;                        /* a write was answered with success */
    bool moved_aside;                  /* the user waits at policy.swap_address */
    int conflicts;                     /* writes answered "taken"; each made all lookups unknown */
    int ambiguous;                     /* writes answered 404; each made all lookups and N's teams unknown */
} rc_seen_t;

/* clang-format off */
#define RC_ACTIONS(X) \
    X(LOOKUP_EXTERNAL)  /* a user by `key`, our employee id */ \
    X(LOOKUP_REPLACES)  /* a user by `key`, the former employee id */ \
    X(LOOKUP_EMAIL)     /* a user by `key`, N's address */ \
    X(LOOKUP_OWN_EMAIL) /* a user by `key`, the event's address */ \
    X(LOOKUP_TEAMS)     /* the same user with primary team, by `key`, our employee id */ \
    X(ENSURE_TEAM)      /* `team` */ \
    X(RENAME_TEAM)      /* `team` to its name */ \
    X(CREATE)           /* all of N; `invite` */ \
    X(UPDATE)           /* `parts` of N; of the user `user_id`, or by our external id when that is 0 */ \
    X(REACTIVATE)       /* `user_id` */ \
    X(DEACTIVATE)       /* `user_id` */ \
    X(REMOVE_FROM_TEAM) /* `user_id` from `team_id` */ \
    X(NEED_BARRIER)     /* S3, S6 */ \
    X(HAND_OVER)        /* to *created*, in the first retry tier */ \
    X(CONFLICT)         /* somebody else has the address or the external id: park */ \
    X(REPLACED)         /* the former employee id is still active: park */ \
    X(NO_SNAPSHOT)      /* S6 in doubt: park */ \
    X(MISCONFIGURED)    /* what the mapping names is not there */ \
    X(DONE)             /* `outcome` */
/* clang-format on */

typedef enum {
#define X(name) RC_ACTION_##name,
    RC_ACTIONS(X)
#undef X
        RC_ACTION_COUNT
} rc_action_kind_t;

/* What an UPDATE writes. */
enum {
    RC_PART_PROFILE = 1,
    RC_PART_TEAM = 2,
    RC_PART_ALL = 3,
    RC_PART_IDENTITY = 4, /* our external id */
    RC_PART_ASIDE = 8     /* the address policy.swap_address, alone */
};

typedef struct {
    rc_action_kind_t kind;
    const char *key;
    int64_t user_id;
    unsigned parts;
    rc_ref_t team;
    int64_t team_id;
    bool invite;
    rc_outcome_t outcome;
    bool look_again; /* DONE: a second look is due http_timeout after the write (S4, `replaces`) */
    const char *why; /* in words, static; NULL: nothing to say */
} rc_action_t;

/* The next action. Borrows from all that is passed. */
rc_action_t rc_rules_step(const rc_case_t *about, const rc_newest_t *newest, const rc_seen_t *seen);

/* Whether a user created now is invited. */
bool rc_rules_invite(const rc_case_t *about);

const char *rc_action_str(rc_action_kind_t kind); /* "LOOKUP_EXTERNAL" … */

#endif
