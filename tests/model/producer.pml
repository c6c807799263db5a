/* Design section 4, "Exactly once" and "Takeover", for ONE employee: who may publish, and from which table. README.md says
 * what stands for what. Two or three producers (-DPRODUCERS=n) compare what HR says (-DCHANGES=n) with their table and
 * publish the difference in a transaction that also commits an offset of the command partition. The group moves the
 * partition at any moment (-DMOVES=n), a producer is killed at any moment (-DCRASHES=n) or loses the answer to a commit.
 * Each -DNO_… takes one rule out: check.sh lists them. */

#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CHANGES
#define CHANGES 2
#endif
#ifndef MOVES
#define MOVES 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif

#define LOG 6 /* records of the snapshot partition that fit; a run that needs more is cut off there */
#define NONE 9

byte hr; /* what HR says now */

/* ---- The snapshot partition ---- */

mtype = { OPEN, COMMITTED, ABORTED };
mtype mark[LOG + 1] = OPEN; /* as the markers in the partition say */
byte content[LOG + 1];
byte written;               /* the high watermark */

byte last;                  /* ghost: what the newest committed transaction says, in the order of their decisions */

/* The end that a read_committed reader sees. */
#define IS_OPEN_AT(i) (i <= written && mark[i] == OPEN)
#define STABLE (IS_OPEN_AT(1) -> 0 : (IS_OPEN_AT(2) -> 1 : (IS_OPEN_AT(3) -> 2 : (IS_OPEN_AT(4) -> 3 : (IS_OPEN_AT(5) -> 4 : (IS_OPEN_AT(6) -> 5 : written))))))

/* ---- The group: its coordinator ---- */

byte generation;
byte owner = NONE;
bool is_member[PRODUCERS];
byte moves, crashes;

/* ---- A producer's transaction: its coordinator ---- */

mtype = { NO_TRANSACTION, BEGUN, TO_COMMIT, TO_ABORT };
mtype transaction[PRODUCERS] = NO_TRANSACTION;
byte record[PRODUCERS];   /* its place in the partition; 0: not there (yet) */
bool offsets[PRODUCERS];  /* the group has pending offsets of it */

/* ---- A producer ---- */

mtype = { AWAY, ASSIGNED, COMMITTED_KNOWN, READY, FETCHED, PUBLISHING, DECIDING };
mtype phase[PRODUCERS] = AWAY;
byte captured[PRODUCERS]; /* the generation that the work began with; 0: none, which is not fenced */
byte target[PRODUCERS];
byte tail[PRODUCERS];
byte row[PRODUCERS];      /* what the table says */
byte saw[PRODUCERS];      /* what HR said when the poll fetched it */
byte before[PRODUCERS];   /* the row that it was compared with */
bool sent_offsets[PRODUCERS];
bool produced[PRODUCERS];

#define MAY_GO_ON (written < LOG)

inline end_poll(p)
{
    saw[p] = 0;
    before[p] = 0;
    sent_offsets[p] = false;
    produced[p] = false
}

/* The work of an assignment begins: the membership is captured before anything that waits. */
inline take_over(p)
{
    captured[p] = generation;
    phase[p] = ASSIGNED;
    target[p] = 0;
    end_poll(p);
    printf("producer %d: assigned in generation %d\n", p, generation)
}

#define PENDING(p) offsets[p]
#if PRODUCERS == 3
#define ANY_PENDING (offsets[0] || offsets[1] || offsets[2])
#else
#define ANY_PENDING (offsets[0] || offsets[1])
#endif

#ifdef NO_WAIT_FOR_COMMITTED
#define COMMITTED_ANSWERS true
#else
#define COMMITTED_ANSWERS (!ANY_PENDING)
#endif

#if defined(NO_HIGH_WATERMARK)
#define END STABLE
#else
#define END written
#endif

/* TxnOffsetCommit: the group fences by member and generation, and does not look at who owns what. */
#if defined(NO_OFFSET)
#define IS_ACCEPTED(p) true
#elif defined(NO_CAPTURED_METADATA)
#define IS_ACCEPTED(p) is_member[p]
#else
#define IS_ACCEPTED(p) (is_member[p] && captured[p] == generation)
#endif

#ifdef NO_FOLLOW
#define HAS_FOLLOWED(p) true
#else
#define HAS_FOLLOWED(p) (tail[p] >= target[p])
#endif

proctype producer(byte p)
{
end:
    do
    /* Takeover (1), (2), (3). */
#ifdef NO_ORDER
    :: d_step { phase[p] == ASSIGNED && transaction[p] == NO_TRANSACTION -> target[p] = END; phase[p] = COMMITTED_KNOWN }
    :: d_step { phase[p] == COMMITTED_KNOWN && COMMITTED_ANSWERS && tail[p] >= target[p] -> phase[p] = READY }
#else
    :: d_step { phase[p] == ASSIGNED && transaction[p] == NO_TRANSACTION && COMMITTED_ANSWERS -> phase[p] = COMMITTED_KNOWN; target[p] = END;
        printf("producer %d: nothing of others is pending, the end is %d\n", p, target[p]) }
#ifdef NO_TABLE_WAIT
    :: d_step { phase[p] == COMMITTED_KNOWN -> phase[p] = READY; target[p] = 0 }
#else
    :: d_step { phase[p] == COMMITTED_KNOWN && tail[p] >= target[p] -> phase[p] = READY }
#endif
#endif
    /* A poll. */
    :: d_step { phase[p] == READY && HAS_FOLLOWED(p) && row[p] != hr && MAY_GO_ON ->
        before[p] = row[p];
        saw[p] = hr;
        phase[p] = FETCHED;
        printf("producer %d: HR says %d, its table %d\n", p, saw[p], before[p]) }
    :: d_step { phase[p] == FETCHED && transaction[p] == NO_TRANSACTION && MAY_GO_ON -> transaction[p] = BEGUN; phase[p] = PUBLISHING }
    /* Records are delivered in the background: before or after the offsets. */
    :: d_step { phase[p] == PUBLISHING && transaction[p] == BEGUN && !produced[p] && MAY_GO_ON ->
        written++;
        content[written] = saw[p];
        record[p] = written;
        produced[p] = true;
        printf("producer %d: writes %d at %d\n", p, saw[p], written) }
    :: d_step { phase[p] == PUBLISHING && transaction[p] == BEGUN && !sent_offsets[p] && IS_ACCEPTED(p) ->
        sent_offsets[p] = true;
#ifndef NO_OFFSET
        offsets[p] = true;
#endif
        printf("producer %d: the group takes its offset\n", p) }
    :: d_step { phase[p] == PUBLISHING && transaction[p] == BEGUN && !sent_offsets[p] && !IS_ACCEPTED(p) ->
        transaction[p] = TO_ABORT;
        phase[p] = AWAY;
        end_poll(p);
        printf("producer %d: the group refuses it\n", p) }
    /* The coordinator decides: from here on it is published. */
    :: d_step { phase[p] == PUBLISHING && transaction[p] == BEGUN && produced[p] && sent_offsets[p] ->
        transaction[p] = TO_COMMIT;
        printf("producer %d: commits %d after %d\n", p, saw[p], before[p]);
        assert(before[p] == last);   /* I1: chained without a gap; nobody publishes from a stale table */
        assert(saw[p] != last);      /* I1: exactly once */
        last = saw[p];
        target[p] = record[p];
        end_poll(p);
        phase[p] = READY }
    /* The same, and the answer is lost: only what the topics show tells. The handle is opened anew, which ends the
     * transaction, and everything is caught up with before the next poll. */
    :: d_step { phase[p] == PUBLISHING && transaction[p] == BEGUN && produced[p] && sent_offsets[p] && crashes < CRASHES ->
        crashes++;
        transaction[p] = TO_COMMIT;
        printf("producer %d: commits %d after %d, and does not know\n", p, saw[p], before[p]);
        assert(before[p] == last);
        assert(saw[p] != last);
        last = saw[p];
        end_poll(p);
#ifdef NO_CATCH_UP
        target[p] = 0;
        phase[p] = READY
#else
        phase[p] = ASSIGNED
#endif
    }
    od
}

/* Markers reach partitions one by one; a transaction is over when all have. */
proctype markers(byte p)
{
end:
    do
    :: d_step { (transaction[p] == TO_COMMIT || transaction[p] == TO_ABORT) && record[p] > 0 ->
        mark[record[p]] = (transaction[p] == TO_COMMIT -> COMMITTED : ABORTED);
        record[p] = 0 }
    :: d_step { (transaction[p] == TO_COMMIT || transaction[p] == TO_ABORT) && offsets[p] -> offsets[p] = false }
    :: d_step { (transaction[p] == TO_COMMIT || transaction[p] == TO_ABORT) && record[p] == 0 && !offsets[p] ->
        transaction[p] = NO_TRANSACTION }
    od
}

/* The local table: the only writer is the tail, read_committed. */
proctype follower(byte p)
{
end:
    do
    :: d_step { tail[p] < STABLE ->
        tail[p]++;
        row[p] = (mark[tail[p]] == COMMITTED -> content[tail[p]] : row[p]) }
    od
}

inline move_to(p)
{
    generation++;
    is_member[p] = true;
    owner = p;
    printf("group: generation %d, producer %d owns\n", generation, p)
}

proctype world(byte p)
{
end:
    do
    /* The members of the next generation are all that are there, or some; each finds out when it does. */
    :: d_step { moves < MOVES && owner != p -> moves++; move_to(p) }
    :: d_step { moves < MOVES && is_member[p] && owner != p -> moves++; generation++; is_member[p] = false;
        printf("group: generation %d without producer %d\n", generation, p) }
    :: d_step { owner == p && is_member[p] && (phase[p] == AWAY || captured[p] != generation) && phase[p] != PUBLISHING ->
        take_over(p) }
    /* It stands still, rejoins without noticing, and goes on where it was. */
    :: d_step { !is_member[p] && phase[p] != AWAY && moves < MOVES -> moves++; generation++; is_member[p] = true;
        printf("group: generation %d, producer %d is back\n", generation, p) }
    /* transaction.timeout.ms */
    :: d_step { transaction[p] == BEGUN && phase[p] == PUBLISHING && crashes < CRASHES ->
        crashes++;
        transaction[p] = TO_ABORT;
        phase[p] = AWAY;
        end_poll(p);
        printf("producer %d: its transaction has timed out\n", p) }
    :: d_step { crashes < CRASHES && phase[p] != AWAY ->
        crashes++;
        phase[p] = AWAY;
        end_poll(p);
        transaction[p] = (transaction[p] == BEGUN -> TO_ABORT : transaction[p]);
        printf("producer %d: killed\n", p) }
    od
}

active proctype people()
{
end:
    do
    :: d_step { hr < CHANGES -> hr++; printf("HR: %d\n", hr) }
    od
}

active proctype monitor()
{
end:
    do
    :: timeout -> d_step { assert(written == LOG || last == hr) }; break /* everything is published in the end */
    od
}

init
{
    atomic {
        run producer(0); run markers(0); run follower(0); run world(0);
        run producer(1); run markers(1); run follower(1); run world(1);
#if PRODUCERS > 2
        run producer(2); run markers(2); run follower(2); run world(2);
#endif
    }
}
