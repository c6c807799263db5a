#include "tests/sandbox/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/faults.h"

typedef enum { FLAG, TEXT, NUMBER } type_t;

/* Every option: name, type, where it goes, what its value is called, help. */
static const struct {
    const char *name;
    type_t type;
    size_t offset;
    const char *value, *help;
} OPTIONS[] = {
#define AT(member) offsetof(sb_options_t, member)
    {"--listen", TEXT, AT(listen), "HOST:PORT", "where to serve HTTP (default 127.0.0.1:0, a free port)"},
    {"--integrations", NUMBER, AT(integrations), "N", "how many customers there are at the start (default 1)"},
    {"--people", TEXT, AT(people), "N[,N]",
     "people of each company, 0 to 1000000; the last counts for the rest (default 50)"},
    {"--seed", NUMBER, AT(seed), "N", "what the companies are made from: the same seed, the same people (default 1)"},
    {"--epoch", TEXT, AT(epoch), "YYYY-MM-DD", "the today of the generated dates (default today)"},
    {"--tool", TEXT, AT(tool), "NAME", "the HR system's name in the integration ids (default personio)"},
    {"--quirks", FLAG, AT(quirks), NULL, "also make records with gaps: no address, no name, unknown statuses"},
    {"--integration-values", FLAG, AT(integration_values), NULL,
     "give integration fields values; Kombo does, its description only knows null"},
    {"--kombo-base", TEXT, AT(kombo_base), "PATH", "where Kombo's API begins (default /kombo/v1)"},
    {"--broker", FLAG, AT(broker), NULL, "also start a Kafka: librdkafka's mock cluster with all topics"},
    {"--partitions", NUMBER, AT(partitions), "N", "partitions of every topic (default 12)"},
    {"--topic-prefix", TEXT, AT(broker_options.topic_prefix), "TEXT", "what all topics begin with (default hris.)"},
    {"--application", TEXT, AT(broker_options.application), "NAME",
     "consumer.application of the topics (default learnamp)"},
    {"--retry-delays", TEXT, AT(broker_options.retry_delays), "LIST",
     "consumer.retry_delays of the topics (default 30s,5m,1h)"},
    {"--keep-requests", NUMBER, AT(keep_requests), "N", "requests kept in each book; 0: all (default 20000)"},
    {"--bodies", FLAG, AT(bodies), NULL, "keep the requests' bodies too"},
    {"--threads", NUMBER, AT(threads), "N", "threads that serve HTTP (default 2)"},
    {"--ready-file", TEXT, AT(ready_file), "FILE",
     "write all addresses, keys and secrets here as JSON when everything is up"},
    {"--help", FLAG, AT(help), NULL, "print this"},
    {"--version", FLAG, AT(version), NULL, "print the version"},
#undef AT
};
enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

void sb_options_print_help(void)
{
    (void)printf("rollcall-sandbox: stand-ins of Kombo and Learn Amp, and a small Kafka, in one process\n\n"
                 "Usage: rollcall-sandbox [options]\n\n");
    for (int i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s%s%s", OPTIONS[i].name, OPTIONS[i].value ? " " : "",
                       OPTIONS[i].value ? OPTIONS[i].value : "");
        (void)printf("  %-26s %s\n", left, OPTIONS[i].help);
    }
    (void)printf("\nFaults that the control interface injects:\n");
    for (int i = 0; i < SB_FAULT_KIND_COUNT; i++)
        (void)printf("  %-16s %s\n", SB_FAULT_KINDS[i].name, SB_FAULT_KINDS[i].help);
    (void)printf("\nIt serves until SIGINT or SIGTERM. GET /control lists addresses, keys and secrets;\n"
                 "tests/sandbox/README.md describes the control interface.\n"
                 "\nExample: rollcall-sandbox --people 50 --seed 7 --broker --ready-file /tmp/sandbox.json\n");
}

static rc_code_t set(sb_options_t *options, int which, const char *value, rc_error_t *error)
{
    char *member = (char *)options + OPTIONS[which].offset, *end;
    if (OPTIONS[which].type == FLAG) {
        *(bool *)member = true;
        return RC_OK;
    }
    if (!value)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "%s needs a value: %s", OPTIONS[which].name,
                            OPTIONS[which].value);
    if (OPTIONS[which].type == TEXT) {
        memcpy(member, &value, sizeof value);
        return RC_OK;
    }
    long long number = strtoll(value, &end, 10);
    if (!*value || *end || number < 0)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "%s must be a number, not \"%s\"", OPTIONS[which].name, value);
    int64_t wide = number;
    memcpy(member, &wide, sizeof wide);
    return RC_OK;
}

static rc_code_t check(const sb_options_t *options, rc_error_t *error)
{
    if (options->partitions < 1 || options->partitions > 1000)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "--partitions must be 1 to 1000");
    if (options->integrations > 1000)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "--integrations must be 0 to 1000");
    if (options->threads < 1 || options->threads > 64)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "--threads must be 1 to 64");
    if (*options->kombo_base != '/')
        return rc_error_set(error, RC_USAGE, RC_REJECT, "--kombo-base must begin with a slash, such as /kombo/v1");
    return RC_OK;
}

rc_code_t sb_options_parse(int argc, char **argv, sb_options_t *options, rc_error_t *error)
{
    *options = (sb_options_t){
        .listen = "127.0.0.1:0",
        .kombo_base = "/kombo/v1",
        .tool = "personio",
        .people = "50",
        .seed = 1,
        .integrations = 1,
        .threads = 2,
        .keep_requests = 20000,
        .partitions = 12,
        .broker_options = {.topic_prefix = "hris.", .application = "learnamp", .retry_delays = "30s,5m,1h"},
    };
    for (int at = 1; at < argc; at++) {
        const char *equals = strchr(argv[at], '=');
        size_t length = equals ? (size_t)(equals - argv[at]) : strlen(argv[at]);
        int which = 0;
        while (which < OPTION_COUNT &&
               (strlen(OPTIONS[which].name) != length || strncmp(OPTIONS[which].name, argv[at], length) != 0))
            which++;
        if (which == OPTION_COUNT)
            return rc_error_set(error, RC_USAGE, RC_REJECT, "there is no option %s; see --help", argv[at]);
        const char *value = equals ? equals + 1 : NULL;
        if (OPTIONS[which].type != FLAG && !equals && at + 1 < argc) value = argv[++at];
        if (set(options, which, value, error)) return error->code;
    }
    options->broker_options.partitions = (int)options->partitions;
    return check(options, error);
}
