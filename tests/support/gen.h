/* People for the tests of the producer's rules: one ordinary employee to change by hand, and random ones from a seed.
 * Values come from small pools, so that equal, empty and clashing ones are frequent. */
#ifndef RC_TESTS_SUPPORT_GEN_H
#define RC_TESTS_SUPPORT_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/mem.h"
#include "producer/kombo/kombo.h"

typedef struct {
    uint64_t state;
} rc_random_t;

/* 0 to count - 1 */
size_t rc_random_below(rc_random_t *random, size_t count);
bool rc_random_chance(rc_random_t *random, unsigned percent);

/* The seeds that a property runs over: 1 to `count`, or only RC_SEED when the environment has it. */
#define RC_FOR_SEEDS(seed, count) \
    for (uint64_t seed = rc_first_seed(), seed##_end = rc_last_seed(count); seed <= seed##_end; (seed)++)
uint64_t rc_first_seed(void);
uint64_t rc_last_seed(uint64_t count);

/* The day on which the tests happen: 2026-11-22. */
#define RC_TEST_TODAY ((rc_date_t){20779})
#define RC_TEST_NOW   ((rc_wall_t){INT64_C(20779) * 86400000 + 12 * 3600000})

/* Maps every target, in the order of rc_target_t, then the custom fields "Badge" and "Cost centre"; the policy is the
 * default one; the zone is UTC and borrowed for the life of the process. */
enum { RC_TEST_BADGE = RC_TARGET_CUSTOM, RC_TEST_COST_CENTRE, RC_TEST_VALUES };
rc_integration_t rc_test_integration(rc_arena_t *arena);

/* Somebody ACTIVE with every field filled; values stand at their rc_target_t, RC_TEST_BADGE, RC_TEST_COST_CENTRE. One
 * TEAM "t-1" and one DEPARTMENT "d-1". Arrays have room for RC_TEST_GROUPS groups and may be written to. */
enum { RC_TEST_GROUPS = 8 };
rc_kombo_employee_t rc_test_record(rc_arena_t *arena);

/* A random policy over the mapping above, some of it left out. */
rc_integration_t rc_gen_integration(rc_arena_t *arena, rc_random_t *random);
/* A random record for such an integration; not deleted. */
rc_kombo_employee_t rc_gen_record(rc_arena_t *arena, rc_random_t *random, const rc_integration_t *integration);
/* The record with some fields changed. */
rc_kombo_employee_t rc_gen_change(rc_arena_t *arena, rc_random_t *random, const rc_integration_t *integration,
                                  const rc_kombo_employee_t *record);
/* The same record with its groups in another order. */
rc_kombo_employee_t rc_gen_shuffled(rc_arena_t *arena, rc_random_t *random, const rc_kombo_employee_t *record);

#endif
