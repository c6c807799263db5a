#include "common/mutant.h"

#ifdef RC_MUTANTS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rc_mutant_t rc_mutant = RC_MUTANT_NONE;

static const struct {
    const char *name;
    const char *what;
    const char *invariant;
} mutants[] = {
#define X(name, what, invariant) {#name, what, invariant},
    RC_MUTANTS_LIST(X)
#undef X
};

enum { MUTANT_COUNT = sizeof mutants / sizeof *mutants, WRONG_NAME = 2 };

__attribute__((constructor)) static void choose(void)
{
    const char *name = getenv("RC_MUTANT");
    if (name == NULL || *name == '\0') return;
    for (int i = 0; i < MUTANT_COUNT; i++) {
        if (strcmp(mutants[i].name, name) == 0) rc_mutant = (rc_mutant_t)(i + 1);
    }
    if (rc_mutant != RC_MUTANT_NONE) {
        (void)fprintf(stderr, "RC_MUTANT=%s: this process breaks a rule: %s\n", name, mutants[rc_mutant - 1].what);
        return;
    }
    (void)fprintf(stderr, "RC_MUTANT: there is no mutant \"%s\"; there are:\n", name);
    for (int i = 0; i < MUTANT_COUNT; i++)
        (void)fprintf(stderr, "  %-16s %-5s  %s\n", mutants[i].name, mutants[i].invariant, mutants[i].what);
    exit(WRONG_NAME);
}

#endif
