/* What the rules cost per employee: of a full scan in which nothing changed (the short way, without decoding a row),
 * and of deciding in full. Usage: projection_bench [EMPLOYEES]. The budget for parsing, projecting and comparing
 * together is 150,000 employees a second of CPU: 6.7 µs each. */
#include <stdio.h>
#include <stdlib.h>

#include "producer/rules/decide.h"
#include "tests/support/cpu.h"
#include "tests/support/gen.h"

enum { DISTINCT = 4096, DEFAULT_EMPLOYEES = 1000000 };

static void report(const char *what, long count, double seconds)
{
    printf("%-46s %8.3f µs each %12.0f a second\n", what, seconds / (double)count * 1e6, (double)count / seconds);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_EMPLOYEES;
    if (count < 1) return EXIT_FAILURE;
    rc_arena_t *people = rc_arena_new(), *scratch = rc_arena_new();
    rc_integration_t integration = rc_test_integration(people);
    rc_occasion_t occasion = {&integration, RC_TRIGGER_POLL, RC_TEST_NOW, RC_TEST_TODAY, false};
    rc_kombo_employee_t *records = rc_calloc(DISTINCT, sizeof *records);
    rc_snapshot_t *snapshots = rc_calloc(DISTINCT, sizeof *snapshots);
    rc_digest_t *rows = rc_calloc(DISTINCT, sizeof *rows);
    rc_decision_t decision;
    for (size_t i = 0; i < DISTINCT; i++) {
        records[i] = rc_test_record(people);
        records[i].id = rc_arena_sprintf(people, "employee-%zu", i);
        records[i].values[RC_TARGET_EMAIL] = rc_arena_sprintf(people, "someone.%zu@acme.example", i);
        rc_decide_record(people, &occasion, &records[i], RC_LOOK_FULL, NULL, NULL, &decision);
        snapshots[i] = rc_snapshot_after(NULL, &decision.diff);
        rows[i] = rc_digest_of(&snapshots[i]);
    }

    long settled = 0, events = 0;
    double start = rc_cpu_seconds();
    for (long i = 0; i < count; i++) {
        rc_arena_reset(scratch);
        settled += rc_record_is_settled(scratch, &occasion, &records[i % DISTINCT], &rows[i % DISTINCT]);
    }
    report("unchanged, recognised by the hash", count, rc_cpu_seconds() - start);

    start = rc_cpu_seconds();
    for (long i = 0; i < count; i++) {
        rc_arena_reset(scratch);
        rc_decide_record(scratch, &occasion, &records[i % DISTINCT], RC_LOOK_FULL, &snapshots[i % DISTINCT], NULL,
                         &decision);
        events += (long)decision.diff.count;
    }
    report("unchanged, decided in full (row decoded before)", count, rc_cpu_seconds() - start);
    RC_INVARIANT(settled == count && events == 0);

    for (size_t i = 0; i < DISTINCT; i++) records[i].values[RC_TARGET_JOB_TITLE] = "Lead";
    start = rc_cpu_seconds();
    for (long i = 0; i < count; i++) {
        rc_arena_reset(scratch);
        rc_decide_record(scratch, &occasion, &records[i % DISTINCT], RC_LOOK_FULL, &snapshots[i % DISTINCT], NULL,
                         &decision);
        events += (long)decision.diff.count;
    }
    report("changed, decided in full", count, rc_cpu_seconds() - start);
    RC_INVARIANT(events == count);
    free(records);
    free(snapshots);
    free(rows);
    rc_arena_free(people);
    rc_arena_free(scratch);
    return EXIT_SUCCESS;
}
