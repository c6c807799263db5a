/* The command line of rollcall-sandbox. The main thread, at start. */
#ifndef RC_TESTS_SANDBOX_OPTIONS_H
#define RC_TESTS_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "tests/sandbox/broker.h"

typedef struct {
    bool help, version;
    const char *listen, *kombo_base, *tool, *ready_file; /* ready_file NULL: none */
    const char *people; /* "50" or "50,200": one an integration, the last for the rest */
    const char *epoch;  /* NULL: today */
    int64_t seed, integrations, threads, keep_requests;
    bool quirks, integration_values, bodies, broker;
    sb_broker_options_t broker_options;
    int64_t partitions;
} sb_options_t;

/* RC_USAGE with a message that names the option. */
rc_code_t sb_options_parse(int argc, char **argv, sb_options_t *options, rc_error_t *error);
void sb_options_print_help(void);

#endif
