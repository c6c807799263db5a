/* Design section 5 for ONE employee: from the producer's transactions to Learn Amp. README.md says what stands for what,
 * and why what was left out does not matter. Each option of a do is one atomic step of the real programs.
 *
 * Options: -DVERSIONS=n, -DTOGETHER (all lanes in one process) or -DAPART (each in its own) or -DMOVING (two processes,
 * lanes move between them), -DCRASHES=n, -DUNANSWERED=n (also: transient failures), -DMOVES=n (rebalances), -DREPLAYS=n,
 * -DBAD=1 (one published state that Learn Amp rejects), -DMOVES_OF=lane, -DNOTICES (records that wait in memory are looked
 * at for N); and -DNO_…, each of which takes one rule out: check.sh lists
 * them. */

#ifndef VERSIONS
#define VERSIONS 4
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef UNANSWERED
#define UNANSWERED 0
#endif
#ifndef TRANSIENT
#define TRANSIENT 0
#endif
#ifndef MOVES
#define MOVES 0
#endif
#ifndef REPLAYS
#define REPLAYS 0
#endif
#ifndef BAD
#define BAD 0
#endif
#if defined(APART)
#define PROCESSES 3
#elif defined(MOVING)
#define PROCESSES 2
#else
#define PROCESSES 1
#endif

/* ---- What is published ---- */

/* What a publication is; the first three are also the lanes that its event goes to. One lane stands for profile-updated
 * and team-changed: both follow the same rules, and write parts that no other lane writes alone. */
#define HIRED 0
#define LEFT 1
#define CHANGED 2
#define FORGOTTEN 3
#define CREATED HIRED
#define DEACTIVATED LEFT
#define OTHER CHANGED
#define LANES 3

byte kind[VERSIONS + 1];      /* of version 1 .. published */
byte published;               /* the newest version whose transaction is committed: the coordinator decided */
#ifdef NO_UNCOMMITTED_END
byte shown;                   /* the newest version whose marker has reached the partition of the snapshots */
#else
#define shown published       /* a marker that is late and a table that lags are the same to whoever reads the table */
#endif
byte bad;                     /* the version whose values Learn Amp rejects; 0: none */

#define EMPLOYED(v) (v > 0 && (kind[v] == HIRED || kind[v] == CHANGED))

/* ---- Learn Amp ---- */

mtype = { ABSENT, ACTIVE, AWAY };
mtype user = ABSENT;
byte values;        /* the version whose values the user has */
bool teams;         /* a deactivation took them away, and only a write of everything gives them back */
#ifdef TOGETHER
byte newest_effect; /* the greatest version that any write carried */
#endif

/* ---- The lanes: what Kafka has of them, and what their owner has in memory ---- */

#define NOBODY 9
byte owner[LANES];
mtype = { STARTING, RUNNING, DRAINING };
mtype state[LANES] = STARTING;
byte target[LANES];   /* STARTING: the end of the snapshots when the partitions were assigned */
byte wait_for[LANES]; /* STARTING: a process whose last requests may still take effect; NOBODY: none */

/* Committed. Sets of versions are bits. */
byte offset[LANES];       /* all events up to that version are behind the committed offset */
byte ledger[LANES];       /* its version; 0: none */
bool aside[LANES];        /* it says parked or dead */
byte parked[LANES];       /* records in the retry topics */
byte marked[LANES];       /* of those: an earlier attempt ended without an answer */
byte handed;              /* records in the retry topics that were handed over to created */
byte dead[LANES];         /* dead letters */
byte finished[LANES];     /* ghost: events with an outcome in a committed transaction */

/* The owner's memory: the batch, and entries that the local ledger does not show yet. */
byte read[LANES];
byte ledger_m[LANES];
bool aside_m[LANES];
byte park_m[LANES];
byte mark_m[LANES];
byte taken_m[LANES];
byte hand_m;       /* OTHER's batch */
byte hand_taken_m; /* CREATED's batch */
byte dead_m[LANES];
byte finish_m[LANES];

/* ---- A process ---- */

byte tail[PROCESSES]; /* the snapshot row that its table shows */

/* The record under way. */
mtype = { IDLE, DECIDE, LOOKING, SENT, BARRIER, ENDING };
mtype phase[PROCESSES] = IDLE;
byte lane[PROCESSES];
byte version[PROCESSES];
bool is_event[PROCESSES];      /* from an event topic */
bool is_marked[PROCESSES];     /* an attempt of this record ended without an answer */
bool was_handed[PROCESSES];
byte noticed[PROCESSES];       /* the greatest version of the other records that wait in this process's memory */
#if MOVES > 0 || UNANSWERED > 0
byte kept[PROCESSES];          /* N of a record that ended without a barrier; remembered for longer than a table lags */
#endif
bool behind[PROCESSES];        /* a barrier was passed since it was read */
bool fresh[PROCESSES];         /* a barrier was passed, and nothing was sent since */
byte barrier[PROCESSES];           /* the barrier that is waited for */
byte asked_at[PROCESSES];      /* what was published when the last barrier was asked for */
mtype = { UNKNOWN };
mtype look[PROCESSES] = UNKNOWN;
byte written[PROCESSES];       /* the version whose values this run has written */
mtype = { NOTHING, CREATE, UPDATE, PART, REACTIVATE, DEACTIVATE };
mtype request[PROCESSES] = NOTHING;
byte carries[PROCESSES];
mtype = { DONE, HAND_OVER, PARK, REJECT };
mtype result[PROCESSES] = DONE;
byte judged[PROCESSES];        /* the version of N that the result is about */
bool judged_forgotten[PROCESSES];

/* A request of this process that nobody waits for any more, and that may still take effect. */
mtype late[PROCESSES] = NOTHING;
byte late_carries[PROCESSES];
byte late_lane[PROCESSES];
byte late_version[PROCESSES];  /* of the record that sent it */
bool holds[PROCESSES];         /* the process knows of it */

byte crashes, unanswered, transient, moves, replays;

#define BIT(v) (1 << (v))

/* ---- N: consumer/rules/newest.c ---- */

hidden byte n_version, n_event, n_state;
hidden byte n_employed, n_alone, n_forgotten;

inline read_newest(p)
{
    n_event = (noticed[p] > version[p] -> noticed[p] : version[p]);
#if MOVES > 0 || UNANSWERED > 0
    n_event = (kept[p] > n_event -> kept[p] : n_event);
#endif
    n_alone = false;
    n_forgotten = false;
    if
    :: tail[p] > 0 && kind[tail[p]] != FORGOTTEN && tail[p] >= n_event ->
        n_version = tail[p];
        n_employed = EMPLOYED(tail[p])
    :: else ->
        n_version = n_event;
        n_employed = EMPLOYED(n_event);
        if
        :: tail[p] > 0 && kind[tail[p]] != FORGOTTEN -> skip
#ifndef NO_S6
        :: else ->
            n_alone = !behind[p];
            n_forgotten = behind[p];
            n_employed = n_employed && !n_forgotten
#else
        :: else -> skip
#endif
        fi
    fi
}

/* ---- What a request does ---- */

hidden byte taken; /* it was refused: somebody else made the user meanwhile, or there is none */

inline effect(what, v)
{
    taken = false;
    if
    :: what == CREATE && user == ABSENT -> user = ACTIVE; values = v; teams = true
    :: what == UPDATE && user != ABSENT -> values = v; teams = (user == ACTIVE || teams)
    :: what == PART && user != ABSENT -> values = v
    :: what == REACTIVATE && user != ABSENT -> user = ACTIVE
    :: what == DEACTIVATE && user != ABSENT -> user = AWAY; teams = false
    :: else -> taken = true
    fi;
    if
    :: !taken ->
#ifdef TOGETHER
        assert(v >= newest_effect); /* I4: with all lanes in one process no older state is written over a newer one */
        newest_effect = v
#else
        skip
#endif
    :: else -> skip
    fi
}

/* ---- I4, I6: whenever everything published is finished, Learn Amp equals N ---- */

hidden byte all_finished, has_letter;
hidden byte i;

inline check_settled()
{
    all_finished = (published > 0 && shown == published && handed == 0 && hand_m == 0);
    has_letter = false;
    i = 0;
    do
    :: i < LANES ->
        all_finished = all_finished && parked[i] == 0 && park_m[i] == 0 && state[i] == RUNNING;
        has_letter = has_letter || dead[i] != 0;
        i++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= published ->
        all_finished = all_finished && (kind[i] == FORGOTTEN || (finished[kind[i]] & BIT(i)) != 0);
        i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < PROCESSES ->
        all_finished = all_finished && phase[i] == IDLE && late[i] == NOTHING;
        i++
    :: else -> break
    od;
    if
    :: !all_finished -> skip
    :: all_finished && !EMPLOYED(published) -> assert(user != ACTIVE)
    :: all_finished && EMPLOYED(published) && bad == published -> skip /* dead-lettered, for a person */
    :: all_finished && EMPLOYED(published) && bad != published ->
        assert(user == ACTIVE && values == published);
        assert(teams || has_letter)
    fi
}

/* ---- Records ---- */

#if (MOVES > 0 || UNANSWERED > 0) && !defined(NO_MEMORY)
#define KEEP_ONE(p, x) kept[p] = (x > kept[p] && x > tail[p] -> x : kept[p])
#define KEEP(p) KEEP_ONE(p, carries[p]); KEEP_ONE(p, written[p]); KEEP_ONE(p, judged[p])
#else
#define KEEP(p) skip
#endif

inline forget_record(p)
{
    phase[p] = IDLE;
    lane[p] = 0;
    version[p] = 0;
    is_event[p] = false;
    is_marked[p] = false;
    was_handed[p] = false;
    noticed[p] = 0;
    behind[p] = false;
    fresh[p] = false;
    barrier[p] = 0;
    asked_at[p] = 0;
    look[p] = UNKNOWN;
    written[p] = 0;
    request[p] = NOTHING;
    carries[p] = 0;
    result[p] = DONE;
    judged[p] = 0;
    judged_forgotten[p] = false
}

inline begin_again(p)
{
    phase[p] = DECIDE;
    fresh[p] = false;
    look[p] = UNKNOWN;
    written[p] = 0;
    result[p] = DONE;
    judged[p] = 0;
    judged_forgotten[p] = false
}

#define IN_MEMORY(l) (park_m[l] | mark_m[l] | taken_m[l] | dead_m[l] | finish_m[l])
#define IS_DIRTY(l) (read[l] != offset[l] || ledger_m[l] != ledger[l] || aside_m[l] != aside[l] || IN_MEMORY(l) != 0 || (l == OTHER && hand_m != 0) || (l == CREATED && hand_taken_m != 0))

inline forget_batch(l)
{
    read[l] = offset[l];
    ledger_m[l] = ledger[l];
    aside_m[l] = aside[l];
    park_m[l] = 0;
    mark_m[l] = 0;
    taken_m[l] = 0;
    dead_m[l] = 0;
    finish_m[l] = 0;
    if
    :: l == OTHER -> hand_m = 0
    :: l == CREATED -> hand_taken_m = 0
    :: else -> skip
    fi
}

/* The lane's next event, if there is one. */
#define IS_NEXT(l, v) (v <= published && kind[v] == l && v > read[l])
#define NEXT(l) (IS_NEXT(l, 1) -> 1 : (IS_NEXT(l, 2) -> 2 : NEXT_FROM_3(l)))
#if VERSIONS == 2
#define NEXT_FROM_3(l) 0
#elif VERSIONS == 3
#define NEXT_FROM_3(l) (IS_NEXT(l, 3) -> 3 : 0)
#else
#define NEXT_FROM_3(l) (IS_NEXT(l, 3) -> 3 : (IS_NEXT(l, 4) -> 4 : 0))
#endif
#define HAS_NEXT(l) (NEXT(l) > 0)

/* S1: consumer/rules/rules.c, rc_rules_skip. */
#ifdef NO_S1
#define IS_SKIPPED(l, v, from_event, is_marked) false
#elif defined(NO_S1_EXCEPTION)
#define IS_SKIPPED(l, v, from_event, is_marked) (ledger_m[l] >= v && (!aside_m[l] || from_event))
#elif defined(NO_S1_ASIDE)
#define IS_SKIPPED(l, v, from_event, is_marked) (ledger_m[l] >= v && !(is_marked))
#else
#define IS_SKIPPED(l, v, from_event, is_marked) (ledger_m[l] >= v && (!aside_m[l] || from_event) && !(is_marked))
#endif

hidden byte v;

inline settle(l, x)
{
    /* The record leaves its topic. */
    if
    :: is_event[x] -> read[l] = version[x]; finish_m[l] = finish_m[l] | BIT(version[x])
    :: !is_event[x] && was_handed[x] -> hand_taken_m = hand_taken_m | BIT(version[x])
    :: else -> taken_m[l] = taken_m[l] | BIT(version[x])
    fi
}

inline note_ledger(l, x, is_aside)
{
#ifdef NO_S5_ASIDE
    if
    :: is_aside -> skip
    :: else -> ledger_m[l] = x; aside_m[l] = false
    fi
#else
    ledger_m[l] = x;
    aside_m[l] = is_aside
#endif
}

inline take(p, l, x, from_event, has_mark, from_handed)
{
    lane[p] = l;
    version[p] = x;
    is_event[p] = from_event;
    is_marked[p] = has_mark;
    was_handed[p] = from_handed;
    if
    :: IS_SKIPPED(l, x, from_event, has_mark) ->
        printf("process %d: lane %d skips %d (S1: its ledger has %d)\n", p, l, x, ledger_m[l]);
        settle(l, p);
        forget_record(p)
    :: else ->
        printf("process %d: lane %d takes %d\n", p, l, x);
#ifdef NO_I5
        if
        :: from_event -> read[l] = x
        :: else -> skip
        fi;
#endif
        phase[p] = DECIDE
    fi
}

/* Nothing of the employee is sent while an unanswered write of this process may take effect. */
#ifdef NO_HOLD
#define MAY_START(p) (phase[p] == IDLE)
#else
#define MAY_START(p) (phase[p] == IDLE && !holds[p])
#endif

#ifdef NO_UNCOMMITTED_END
#define SNAPSHOT_END shown
#else
#define SNAPSHOT_END published
#endif

inline ask_barrier(p, next)
{
    barrier[p] = SNAPSHOT_END;
    phase[p] = next
}

inline send(p, what)
{
    printf("process %d: lane %d, record %d: sends %e of %d\n", p, lane[p], version[p], what, n_version);
    request[p] = what;
    carries[p] = (n_forgotten -> tail[p] : n_version);
    if
    :: what == DEACTIVATE ->
        assert(!n_employed && (carries[p] >= asked_at[p] || !EMPLOYED(asked_at[p]))); /* I3 */
        asked_at[p] = 0
    :: else -> fresh[p] = false
    fi;
    phase[p] = SENT
}

inline finish(p, how)
{
    printf("process %d: lane %d, record %d: ends, N is %d\n", p, lane[p], version[p], n_version);
    result[p] = how;
    asked_at[p] = 0;
    judged[p] = n_version;
    judged_forgotten[p] = n_forgotten;
    ask_barrier(p, ENDING)
}

inline look_up(p)
{
    look[p] = user;
    phase[p] = DECIDE;
#ifdef NO_S3
    asked_at[p] = published;
#endif
    fresh[p] = false;
    printf("process %d: lane %d, record %d: finds the user %e\n", p, lane[p], version[p], user)
}

/* ---- S2: consumer/rules/rules.c, rc_rules_step ---- */

inline send_away(p)
{
    if
    :: look[p] == UNKNOWN -> phase[p] = LOOKING
    :: look[p] == ABSENT || look[p] == AWAY -> finish(p, DONE)
    :: else ->
        if
#ifndef NO_S3
        :: !fresh[p] -> asked_at[p] = published; ask_barrier(p, BARRIER)
#endif
        :: else -> send(p, DEACTIVATE)
        fi
    fi
}

inline bring_all(p)
{
    if
    :: look[p] == AWAY -> send(p, REACTIVATE)
    :: look[p] != AWAY && written[p] < n_version -> send(p, UPDATE)
    :: else -> finish(p, DONE)
    fi
}

inline decide(p)
{
    read_newest(p);
    if
    :: n_alone -> ask_barrier(p, BARRIER)
    :: else ->
        if
        :: lane[p] == OTHER ->
            if
            :: !n_employed -> finish(p, DONE)
            :: n_employed && request[p] != NOTHING && look[p] == UNKNOWN -> phase[p] = LOOKING /* after a 404 */
#ifdef NO_S2_HAND_OVER
            :: n_employed && (look[p] == ABSENT || look[p] == AWAY) -> finish(p, DONE)
#else
            :: n_employed && (look[p] == ABSENT || look[p] == AWAY) -> finish(p, HAND_OVER)
#endif
            :: else ->
                if
                :: written[p] < n_version -> send(p, PART)
                :: else -> finish(p, DONE)
                fi
            fi
        :: lane[p] == CREATED ->
            if
#ifdef NO_S2_CREATED_GONE
            :: !n_employed -> finish(p, DONE)
#else
            :: !n_employed -> send_away(p)
#endif
            :: n_employed && look[p] == UNKNOWN -> phase[p] = LOOKING
            :: n_employed && look[p] == ABSENT -> send(p, CREATE)
            :: else -> bring_all(p)
            fi
        :: else ->
            if
            :: !n_employed -> send_away(p)
#ifdef NO_S2_DEACTIVATED_EMPLOYED
            :: n_employed -> finish(p, DONE)
#else
            :: n_employed && look[p] == UNKNOWN -> phase[p] = LOOKING
            :: n_employed && look[p] == ABSENT -> finish(p, DONE)
            :: else -> bring_all(p)
#endif
            fi
        fi
    fi
}

/* The request is carried out, and answered. */
inline answer(p)
{
    if
    :: (request[p] == CREATE && user == ABSENT || request[p] == UPDATE && user != ABSENT ||
        request[p] == PART && user != ABSENT) && carries[p] == bad ->
        printf("Learn Amp: refuses %e of %d of process %d\n", request[p], carries[p], p);
        result[p] = REJECT;
        judged[p] = carries[p];
        ask_barrier(p, ENDING)
    :: else ->
        effect(request[p], carries[p]);
        if
        :: taken -> look[p] = UNKNOWN
        :: else ->
            printf("Learn Amp: carries out %e of %d of process %d\n", request[p], carries[p], p);
            look[p] = user;
            written[p] = (request[p] == REACTIVATE || request[p] == DEACTIVATE -> 0 : carries[p])
        fi;
        if
        :: lane[p] == OTHER -> skip /* it sent something: a lookup may follow */
        :: else -> request[p] = NOTHING
        fi;
        carries[p] = 0;
        fresh[p] = false;
        phase[p] = DECIDE
    fi
}

/* The request stays without an answer: it may take effect yet. */
inline give_to_fate(p)
{
    printf("process %d: no answer to %e of %d\n", p, request[p], carries[p]);
    late[p] = request[p];
    holds[p] = true;
    late_carries[p] = carries[p];
    late_lane[p] = lane[p];
    late_version[p] = version[p]
}

inline park(p)
{
    printf("process %d: lane %d, record %d: parked, marked %d\n", p, lane[p], version[p], is_marked[p]);
    settle(lane[p], p);
    park_m[lane[p]] = park_m[lane[p]] | BIT(version[p]);
    mark_m[lane[p]] = (is_marked[p] -> mark_m[lane[p]] | BIT(version[p]) : mark_m[lane[p]] & ~BIT(version[p]));
    note_ledger(lane[p], version[p], true);
    forget_record(p)
}

/* Behind the barrier after the last answer: S4, then the outcome (S5). */
inline conclude(p)
{
    behind[p] = true;
    read_newest(p);
    if
#ifndef NO_S4
    :: (result[p] == DONE || result[p] == REJECT) &&
       (n_version > judged[p] || n_forgotten != judged_forgotten[p]) ->
        printf("process %d: lane %d, record %d: N moved to %d, again\n", p, lane[p], version[p], n_version);
        begin_again(p)
#endif
    :: else ->
        if
        :: result[p] == PARK -> park(p)
        :: else ->
            printf("process %d: lane %d, record %d: %e at %d\n", p, lane[p], version[p], result[p], judged[p]);
            settle(lane[p], p);
            if
            :: result[p] == DONE ->
#ifdef NO_S5_VERSION
                note_ledger(lane[p], version[p], false)
#else
                note_ledger(lane[p], judged[p], false)
#endif
            :: result[p] == HAND_OVER ->
                hand_m = hand_m | BIT(version[p]);
                note_ledger(lane[p], version[p], false)
            :: result[p] == REJECT ->
                dead_m[lane[p]] = dead_m[lane[p]] | BIT(version[p]);
                note_ledger(lane[p], version[p], true)
            fi;
            forget_record(p)
        fi
    fi
}

/* One lane's part of a transaction. `held`: records of others keep the offsets where they are. */
inline commit_lane(l, held)
{
    finished[l] = finished[l] | finish_m[l];
    ledger[l] = ledger_m[l];
    aside[l] = aside_m[l];
    dead[l] = dead[l] | dead_m[l];
    if
    :: held ->
        parked[l] = parked[l] | park_m[l];
        marked[l] = (marked[l] & ~park_m[l]) | mark_m[l];
        taken_m[l] = taken_m[l] & ~park_m[l]
    :: else ->
        offset[l] = read[l];
        parked[l] = (parked[l] & ~taken_m[l]) | park_m[l];
        marked[l] = ((marked[l] & ~taken_m[l]) & ~park_m[l]) | mark_m[l];
        taken_m[l] = 0
    fi;
    park_m[l] = 0;
    mark_m[l] = 0;
    dead_m[l] = 0;
    finish_m[l] = 0;
    v = 1;
    do
    :: v <= offset[l] ->
        assert(kind[v] != l || (finished[l] & BIT(v)) != 0); /* I5: no offset without the outcome */
        v++
    :: else -> break
    od;
    if
    :: l == OTHER ->
        handed = handed | hand_m;
        hand_m = 0
    :: l == CREATED && !held ->
        handed = handed & ~hand_taken_m;
        hand_taken_m = 0
    :: else -> skip
    fi
}

inline commit(p, held)
{
    i = 0;
    do
    :: i < LANES ->
        if
        :: owner[i] == p -> commit_lane(i, held)
        :: else -> skip
        fi;
        i++
    :: else -> break
    od;
    printf("process %d: commits, offsets %d\n", p, !held);
    check_settled()
}

/* While a fault may still come, a transaction ends at some moment after the outcome; afterwards it makes no difference. */
#define FAULTS_TO_COME (crashes < CRASHES || moves < MOVES || replays < REPLAYS)

#define OWNS_DIRTY(p, l) (owner[l] == p && IS_DIRTY(l))
#define MAY_COMMIT(p) (OWNS_DIRTY(p, CREATED) || OWNS_DIRTY(p, DEACTIVATED) || OWNS_DIRTY(p, OTHER))
#define IN_BATCH(p, l) (owner[l] == p && (ledger_m[l] != ledger[l] || aside_m[l] != aside[l] || (park_m[l] | dead_m[l] | finish_m[l]) != 0))
#define MAY_COMMIT_HELD(p) (IN_BATCH(p, CREATED) || IN_BATCH(p, DEACTIVATED) || IN_BATCH(p, OTHER) || owner[OTHER] == p && hand_m != 0)

#define RUNS(p, l) (owner[l] == p && state[l] == RUNNING)
#define HAS(set, x) ((set & BIT(x)) != 0)

/* A parked record comes back when its request can take no effect any more: the first tier, and the least delay of a
 * marked record, is longer than http_timeout. */
#define LATE_OF(q, l, x) (late[q] != NOTHING && late_lane[q] == l && late_version[q] == x)
#if defined(NO_TIER_WAIT)
#define IS_DUE(l, x) true
#elif PROCESSES == 3
#define IS_DUE(l, x) (!LATE_OF(0, l, x) && !LATE_OF(1, l, x) && !LATE_OF(2, l, x))
#elif PROCESSES == 2
#define IS_DUE(l, x) (!LATE_OF(0, l, x) && !LATE_OF(1, l, x))
#else
#define IS_DUE(l, x) (!LATE_OF(0, l, x))
#endif

#define TAKE_EVENT(l) atomic { d_step { MAY_START(p) && RUNS(p, l) && HAS_NEXT(l) -> take(p, l, NEXT(l), true, false, false) }; goto onward }
#define TAKE_PARKED(l, x) atomic { d_step { MAY_START(p) && RUNS(p, l) && HAS(parked[l] & ~taken_m[l], x) && IS_DUE(l, x) -> \
        take(p, l, x, false, HAS(marked[l], x), false) }; goto onward }
#define TAKE_HANDED(x) atomic { d_step { MAY_START(p) && RUNS(p, CREATED) && HAS(handed & ~hand_taken_m, x) -> \
        take(p, CREATED, x, false, false, true) }; goto onward }
#define NOTICE(l) d_step { phase[p] != IDLE && phase[p] != ENDING && owner[l] == p && HAS_NEXT(l) && NEXT(l) > noticed[p] && \
        NEXT(l) > version[p] && NEXT(l) > tail[p] -> noticed[p] = NEXT(l) }

#ifdef NO_START_BARRIER
#define TABLE_IS_THERE(p, l) true
#else
#define TABLE_IS_THERE(p, l) (tail[p] >= target[l])
#endif
#ifdef NO_UNCLEAN_WAIT
#define NOTHING_IS_LATE(l) true
#else
#define NOTHING_IS_LATE(l) (wait_for[l] == NOBODY || late[wait_for[l]] == NOTHING)
#endif
#define START(l) d_step { owner[l] == p && state[l] == STARTING && TABLE_IS_THERE(p, l) && NOTHING_IS_LATE(l) -> \
        state[l] = RUNNING; wait_for[l] = NOBODY; target[l] = 0; printf("process %d: lane %d reads\n", p, l) }

proctype consumer(byte p)
{
end:
next:
    do
    :: START(CREATED)
    :: START(DEACTIVATED)
    :: START(OTHER)
    :: TAKE_EVENT(CREATED)
    :: TAKE_EVENT(DEACTIVATED)
    :: TAKE_EVENT(OTHER)
#ifdef NOTICES
    :: NOTICE(CREATED)
    :: NOTICE(DEACTIVATED)
    :: NOTICE(OTHER)
#endif
#if UNANSWERED + TRANSIENT + REPLAYS > 0
    :: TAKE_PARKED(CREATED, 1)
    :: TAKE_PARKED(CREATED, 2)
    :: TAKE_PARKED(CREATED, 3)
    :: TAKE_PARKED(DEACTIVATED, 2)
    :: TAKE_PARKED(DEACTIVATED, 3)
    :: TAKE_PARKED(OTHER, 2)
    :: TAKE_PARKED(OTHER, 3)
#if VERSIONS > 3
    :: TAKE_PARKED(CREATED, 4)
    :: TAKE_PARKED(DEACTIVATED, 4)
    :: TAKE_PARKED(OTHER, 4)
#endif
#endif
    :: TAKE_HANDED(2)
    :: TAKE_HANDED(3)
#if VERSIONS > 3
    :: TAKE_HANDED(4)
#endif
    :: atomic { d_step { phase[p] == LOOKING -> look_up(p) }; goto onward }
    :: atomic { d_step { phase[p] == BARRIER && tail[p] >= barrier[p] ->
        behind[p] = true;
        fresh[p] = true;
        barrier[p] = 0;
        phase[p] = DECIDE }; goto onward }
    :: atomic { d_step { phase[p] == SENT -> answer(p) }; goto onward }
#if UNANSWERED > 0
    :: d_step { phase[p] == SENT && unanswered < UNANSWERED && late[p] == NOTHING ->
        unanswered++;
        give_to_fate(p);
        is_marked[p] = true;
        KEEP(p);
        park(p) }
#endif
#if TRANSIENT > 0
    :: d_step { phase[p] == SENT && transient < TRANSIENT -> /* or a lookup before it */
        transient++;
        result[p] = PARK;
        ask_barrier(p, ENDING) }
#endif
#ifdef NO_S4
    :: atomic { d_step { phase[p] == ENDING -> conclude(p) }; goto onward }
#else
    :: atomic { d_step { phase[p] == ENDING && tail[p] >= barrier[p] -> conclude(p) }; goto onward }
#endif
    :: d_step { MAY_COMMIT(p) -> commit(p, false) }
#if CRASHES + MOVES > 0
    :: d_step { MAY_COMMIT_HELD(p) -> commit(p, true) }
#endif
    od;

    /* What follows without waiting for anything. */
onward:
    atomic {
        if
        :: d_step { phase[p] == DECIDE -> decide(p) }
        :: else
        fi;
        if
        :: d_step { !FAULTS_TO_COME && MAY_COMMIT(p) -> commit(p, false) }
        :: else
        fi;
        goto next
    }
}

/* The local table follows the snapshots, read_committed: at the latest when somebody reads it (before that its step would
 * be seen by nobody). */
#define TO_TAKE(p, l) (owner[l] == p && (state[l] == STARTING || HAS_NEXT(l) || (parked[l] & ~taken_m[l]) != 0 || l == CREATED && (handed & ~hand_taken_m) != 0))
#define IS_READ(p) (phase[p] != IDLE || TO_TAKE(p, CREATED) || TO_TAKE(p, DEACTIVATED) || TO_TAKE(p, OTHER))

#if MOVES > 0 || UNANSWERED > 0
#define FORGET_KEPT(p) kept[p] = (kept[p] > tail[p] -> kept[p] : 0)
#else
#define FORGET_KEPT(p) skip
#endif

proctype follower(byte p)
{
end:
    do
    :: d_step { tail[p] < shown && IS_READ(p) -> tail[p]++; FORGET_KEPT(p) }
    od
}

/* ---- Learn Amp carries out what nobody waits for any more; or it never does ---- */

proctype fate(byte p)
{
end:
    do
    :: d_step { late[p] != NOTHING ->
        if
        :: late_carries[p] == bad && late[p] != REACTIVATE && late[p] != DEACTIVATE -> skip
        :: else ->
            printf("Learn Amp: carries out, late, %e of %d of process %d\n", late[p], late_carries[p], p);
            effect(late[p], late_carries[p])
        fi;
        late[p] = NOTHING;
        holds[p] = false;
        late_carries[p] = 0;
        late_lane[p] = 0;
        late_version[p] = 0;
        check_settled() }
    :: d_step { late[p] != NOTHING ->
        late[p] = NOTHING;
        holds[p] = false;
        late_carries[p] = 0;
        late_lane[p] = 0;
        late_version[p] = 0;
        check_settled() }
    od
}

/* ---- The producer: design section 4; tests/model/producer.pml says why no two publish at once ---- */

inline publish(what)
{
    published++;
    kind[published] = what;
    printf("producer: %d is %d\n", published, what);
    if
    :: what == FORGOTTEN ->
        /* Its tombstones take the ledger away, too. */
        i = 0;
        do
        :: i < LANES ->
            if
            :: ledger_m[i] == ledger[i] && aside_m[i] == aside[i] -> ledger_m[i] = 0; aside_m[i] = false
            :: else -> skip
            fi;
            ledger[i] = 0;
            aside[i] = false;
            i++
        :: else -> break
        od;
        i = 0
    :: else -> skip
    fi
}

/* A poll begins when the local table has the last commit: never with two markers on their way. */
#define MAY_PUBLISH (published < VERSIONS && shown == published)

proctype producer()
{
end:
    do
    :: d_step { MAY_PUBLISH && !EMPLOYED(published) -> publish(HIRED) }
    :: d_step { MAY_PUBLISH && EMPLOYED(published) -> publish(CHANGED) }
    :: d_step { MAY_PUBLISH && EMPLOYED(published) -> publish(LEFT) }
    :: d_step { MAY_PUBLISH && published > 0 && kind[published] == LEFT -> publish(FORGOTTEN) }
#if BAD > 0
    :: d_step { MAY_PUBLISH && bad == 0 && !EMPLOYED(published) -> publish(HIRED); bad = published }
    :: d_step { MAY_PUBLISH && bad == 0 && EMPLOYED(published) -> publish(CHANGED); bad = published }
#endif
#ifdef NO_UNCOMMITTED_END
    :: d_step { shown < published -> shown = published }
#endif
    od
}

/* ---- What goes wrong, and what operators do ---- */

inline assign(l, q, predecessor)
{
    printf("lane %d goes to process %d\n", l, q);
    wait_for[l] = predecessor;
    owner[l] = q; /* last of what the arguments may name */
    state[l] = STARTING;
    target[l] = published
}

inline crash(p)
{
    printf("process %d: killed\n", p);
    crashes++;
    if
    :: phase[p] == SENT -> give_to_fate(p)
    :: else -> skip
    fi;
    holds[p] = false;
#if MOVES > 0 || UNANSWERED > 0
    kept[p] = 0;
#endif
    forget_record(p);
    i = 0;
    do
    :: i < LANES ->
        if
        :: owner[i] == p -> forget_batch(i); assign(i, p, p)
        :: else -> skip
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

#define IS_UNDER_WAY(l) (phase[owner[l]] != IDLE && lane[owner[l]] == l)

/* drain_timeout is over: what has an effect that is in question is parked, and says so; the rest is given up. */
inline give_up(l)
{
    printf("process %d: lane %d, record %d: given up\n", owner[l], l, version[owner[l]]);
    v = owner[l];
    KEEP(v);
    if
    :: phase[v] == SENT ->
        give_to_fate(v);
#ifdef NO_MARK_AT_DRAIN
        forget_record(v)
#else
        is_marked[v] = true;
        park(v)
#endif
    :: else -> forget_record(v)
    fi
}

/* The group gave the partitions away without asking. */
inline lose(l)
{
    printf("process %d: lane %d is lost\n", owner[l], l);
    moves++;
    if
    :: IS_UNDER_WAY(l) && phase[owner[l]] == SENT -> give_to_fate(owner[l])
    :: else -> skip
    fi;
    if
    :: IS_UNDER_WAY(l) -> KEEP(owner[l]); forget_record(owner[l])
    :: else -> skip
    fi;
    forget_batch(l)
}

#define OTHER_PROCESS(l) (PROCESSES - 1 - owner[l])

/* Whoever gets the partitions of a member that does not answer gets them after its session. */
#ifdef NO_SESSION_WAIT
#define PREDECESSOR(l) NOBODY
#else
#define PREDECESSOR(l) owner[l]
#endif

#define MOVE(l) \
    :: d_step { moves < MOVES && owner[l] != NOBODY && state[l] == RUNNING -> moves++; state[l] = DRAINING; \
        printf("lane %d is revoked\n", l) } \
    :: d_step { owner[l] != NOBODY && state[l] == DRAINING && IS_UNDER_WAY(l) -> give_up(l) } \
    :: d_step { owner[l] != NOBODY && state[l] == DRAINING && !IS_UNDER_WAY(l) && !IS_DIRTY(l) -> \
        assign(l, OTHER_PROCESS(l), NOBODY) } \
    :: d_step { moves < MOVES && owner[l] != NOBODY && state[l] != DRAINING -> \
        lose(l); assign(l, OTHER_PROCESS(l), PREDECESSOR(l)) }

#define REPLAY(l) \
    :: d_step { replays < REPLAYS && owner[l] != NOBODY && state[l] == RUNNING && !IS_UNDER_WAY(l) && !IS_DIRTY(l) -> \
        replays++; owner[l] = NOBODY; state[l] = STARTING; printf("lane %d is stopped\n", l) } \
    :: d_step { owner[l] == NOBODY && (ledger[l] > 0 || aside[l]) -> \
        ledger[l] = 0; aside[l] = false; ledger_m[l] = 0; aside_m[l] = false; \
        printf("replay: the ledger of lane %d is reset\n", l) } \
    :: d_step { owner[l] == NOBODY && ledger[l] == 0 && offset[l] > 0 -> \
        offset[l] = 0; read[l] = 0; finished[l] = 0; printf("replay: lane %d goes back\n", l) } \
    :: d_step { owner[l] == NOBODY -> assign(l, 0, NOBODY) } \
    :: d_step { replays < REPLAYS && dead[l] != 0 -> \
        replays++; parked[l] = parked[l] | dead[l]; dead[l] = 0; printf("dlq replay of lane %d\n", l) }

proctype faults()
{
    byte p;
end:
    do
#if CRASHES > 0
    :: d_step { crashes < CRASHES -> crash(0) }
    :: d_step { crashes < CRASHES -> crash(0); tail[0] = 0 }
#if PROCESSES > 1
    :: d_step { crashes < CRASHES -> crash(1) }
    :: d_step { crashes < CRASHES -> crash(1); tail[1] = 0 }
#endif
#if PROCESSES > 2
    :: d_step { crashes < CRASHES -> crash(2) }
    :: d_step { crashes < CRASHES -> crash(2); tail[2] = 0 }
#endif
#endif
#ifdef MOVES_OF
    MOVE(MOVES_OF)
#elif MOVES > 0
    MOVE(CREATED)
    MOVE(DEACTIVATED)
    MOVE(OTHER)
#endif
#if REPLAYS > 0
    REPLAY(CREATED)
    REPLAY(DEACTIVATED)
    REPLAY(OTHER)
#endif
    :: false
    od
}

/* When nothing can happen any more, everything has happened: no record is lost, nobody waits for ever. */
active proctype monitor()
{
end:
    do
    :: timeout -> d_step { assert(published == VERSIONS); check_settled(); assert(all_finished) }; break
    od
}

init
{
    d_step {
        i = 0;
        do
        :: i < LANES ->
            owner[i] = (PROCESSES == 3 -> i : (PROCESSES == 2 && i == DEACTIVATED -> 1 : 0));
            wait_for[i] = NOBODY;
            i++
        :: else -> break
        od;
        i = 0
    };
    atomic {
        run producer();
        run consumer(0); run follower(0); run fate(0);
#if PROCESSES > 1
        run consumer(1); run follower(1); run fate(1);
#endif
#if PROCESSES > 2
        run consumer(2); run follower(2); run fate(2);
#endif
        run faults()
    }
}
