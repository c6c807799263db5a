/* rollcall-sandbox: what Rollcall talks to, in one process, for demonstrations and tests. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/sandbox/options.h"
#include "tests/sandbox/server.h"

enum { EXIT_USAGE = 2 };

/* A thousand requests in flight, twice over, need more descriptors than a shell gives. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static rc_code_t add_integrations(sb_sandbox_t *sandbox, const sb_options_t *options, rc_error_t *error)
{
    const char *people = options->people;
    sb_integration_options_t integration = {.tool = options->tool,
                                            .epoch = RC_DATE_NONE,
                                            .quirks = options->quirks,
                                            .integration_values = options->integration_values,
                                            .request_limit = (size_t)options->keep_requests,
                                            .bodies = options->bodies};
    if (options->epoch && rc_date_parse(options->epoch, strlen(options->epoch), &integration.epoch, error))
        return rc_error_prefix(error, "--epoch");
    for (int64_t i = 0; i < options->integrations; i++) {
        char *end;
        integration.seed = (uint64_t)(options->seed + i);
        integration.people = (uint32_t)strtoul(people, &end, 10);
        if (end == people || (*end && *end != ',') || *people == '-')
            return rc_error_set(error, RC_USAGE, RC_REJECT, "--people must be numbers separated by commas, not \"%s\"",
                                options->people);
        if (*end == ',') people = end + 1;
        if (!sb_integration_add(sandbox, &integration, error)) return error->code;
    }
    return RC_OK;
}

/* Under another name first: who waits for the file never reads half of it. */
static rc_code_t write_ready_file(sb_sandbox_t *sandbox, const char *path, rc_error_t *error)
{
    char *temporary = rc_sprintf("%s.%ld", path, (long)getpid());
    json_t *all = sb_sandbox_describe(sandbox);
    char *text = rc_json_text(all, true);
    FILE *file = fopen(temporary, "w");
    bool fine = file && fputs(text, file) >= 0 && fputc('\n', file) != EOF;
    if (file && fclose(file)) fine = false;
    if (fine && rename(temporary, path)) fine = false;
    int why = errno;
    if (!fine) (void)unlink(temporary);
    json_decref(all);
    free(text);
    free(temporary);
    return fine ? RC_OK
                : rc_error_set(error, RC_IO, RC_FATAL, "cannot write the ready file %s: %s", path, strerror(why));
}

static rc_code_t serve(sb_sandbox_t *sandbox, const sb_options_t *options, const sigset_t *ending, rc_error_t *error)
{
    int signal_number;
    if (sb_server_start(sandbox, options->listen, (unsigned)options->threads, error)) return error->code;
    if (options->ready_file && write_ready_file(sandbox, options->ready_file, error)) return error->code;
    (void)printf("rollcall-sandbox: http://%s/control\n", rc_httpd_address(sandbox->httpd));
    (void)fflush(stdout);
    (void)sigwait(ending, &signal_number);
    return RC_OK;
}

int main(int argc, char **argv)
{
    rc_error_t error = RC_ERROR_INIT;
    sb_options_t options;
    sb_sandbox_t sandbox;
    sb_broker_t *broker = NULL;
    sigset_t ending;
    if (sb_options_parse(argc, argv, &options, &error)) {
        (void)fprintf(stderr, "rollcall-sandbox: %s\n", error.message);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        if (options.help)
            sb_options_print_help();
        else
            (void)printf("rollcall-sandbox %s\n", RC_VERSION);
        return EXIT_SUCCESS;
    }
    /* Before any thread exists, so that all inherit it and the main thread alone waits for the end. */
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    raise_descriptor_limit();

    sb_sandbox_init(&sandbox, options.kombo_base, (uint64_t)options.seed);
    rc_code_t code = add_integrations(&sandbox, &options, &error);
    if (!code && options.broker && !(code = sb_broker_new(&options.broker_options, &broker, &error)))
        sandbox.kafka = sb_broker_describe(broker);
    if (!code) code = serve(&sandbox, &options, &ending, &error);
    if (code) (void)fprintf(stderr, "rollcall-sandbox: %s\n", error.message);
    rc_httpd_free(sandbox.httpd);
    sb_sandbox_fini(&sandbox);
    sb_broker_free(broker);
    return code == RC_OK ? EXIT_SUCCESS : code == RC_USAGE || code == RC_CONFIG ? EXIT_USAGE : EXIT_FAILURE;
}
