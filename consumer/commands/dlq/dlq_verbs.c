/* dlq list, dlq replay: what waits for a person, and sending it once more. */
#include <stdio.h>
#include <stdlib.h>

#include "common/topics.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/dlq/dlq.h"

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static const rc_dead_letter_t *first_open(const rc_dlq_t *dlq)
{
    for (size_t i = 0; i < dlq->count; i++)
        if (dlq->letters[i].state == RC_DEAD_OPEN) return &dlq->letters[i];
    return NULL;
}

/* What does not wait for a person any more. */
static void say_others(const rc_dlq_t *dlq)
{
    size_t trying = 0;
    for (size_t i = 0; i < dlq->count; i++) trying += dlq->letters[i].state == RC_DEAD_TRYING;
    size_t settled = dlq->count - dlq->open - trying;
    if (trying) printf("%zu %s tried once more already.\n", trying, trying == 1 ? "is being" : "are being");
    if (settled)
        printf("%zu %s settled since: done, or covered by a newer event of the same person.\n", settled,
               settled == 1 ? "was" : "were");
}

/* What to do about the open ones, when it is the same for all. */
static const char *mend_of(const rc_dlq_t *dlq, const rc_dead_letter_t *first)
{
    for (size_t i = 0; i < dlq->count; i++)
        if (dlq->letters[i].state == RC_DEAD_OPEN && dlq->letters[i].reason != first->reason)
            return "mend what each is refused for, then try again";
    return rc_dead_reason_mend(first->reason);
}

static void say_list(const rc_dlq_t *dlq)
{
    const rc_args_t *args = dlq->args;
    const rc_dead_letter_t *first = first_open(dlq);
    rc_dlq_print_open(dlq);
    if (first) printf("\n");
    say_others(dlq);
    if (!first) return;
    printf("%zu dead letter%s wait%s for a person: %s.\n\n", dlq->open, plural(dlq->open), dlq->open == 1 ? "s" : "",
           mend_of(dlq, first));
    rc_cli_next(args, "all about the first of them", "dlq show --offset %d:%lld", (int)first->partition,
                (long long)first->offset);
    rc_cli_next(args, "when it is mended: what would be sent once more; --apply does it", "dlq replay%s",
                rc_dlq_options(dlq));
}

rc_exit_t rc_consumer_dlq_list(const rc_args_t *args)
{
    rc_dlq_t dlq;
    rc_exit_t exit = rc_dlq_open(args, &dlq);
    if (exit == RC_EXIT_DONE) {
        if (args->json)
            rc_json_print(json_pack("{s:o}", "dead_letters", rc_dlq_open_json(&dlq)));
        else
            say_list(&dlq);
    }
    rc_dlq_close(&dlq);
    return exit;
}

/* --- replay --- */

static size_t count_sendable(const rc_dlq_t *dlq)
{
    size_t count = 0;
    for (size_t i = 0; i < dlq->count; i++)
        count += dlq->letters[i].state == RC_DEAD_OPEN && dlq->letters[i].is_sendable;
    return count;
}

static void say_dry_run(const rc_dlq_t *dlq, size_t sendable)
{
    rc_dlq_print_open(dlq);
    if (dlq->open) printf("\n");
    if (sendable < dlq->open)
        printf(
            "%zu cannot be sent: too large to have been copied, or nobody's. `dlq show` tells where they came from.\n",
            dlq->open - sendable);
    if (!sendable) {
        say_others(dlq);
        if (dlq->open) printf("There is nothing to send once more.\n");
        return;
    }
    printf("%zu dead letter%s would be sent once more, oldest first. Nothing was changed.\n\n", sendable,
           plural(sendable));
    rc_cli_next(dlq->args, "sends them", "dlq replay%s --apply", rc_dlq_options(dlq));
}

static void say_sent(const rc_dlq_t *dlq, size_t sent)
{
    const rc_dead_letter_t *first = first_open(dlq);
    if (!sent) {
        say_dry_run(dlq, 0);
        return;
    }
    printf("%zu dead letter%s %s sent once more, into %s. The running consumers take %s up now.\n\n", sent,
           plural(sent), sent == 1 ? "was" : "were", rc_topic_retry_name(dlq->config, 0, dlq->arena),
           sent == 1 ? "it" : "them");
    if (first->employee_id)
        rc_cli_next(dlq->args, "how it ends for the first of them", "trace --integration %s --employee %s",
                    first->integration_id, first->employee_id);
    rc_cli_next(dlq->args, "what was dead-lettered again", "dlq list%s", rc_dlq_options(dlq));
}

rc_exit_t rc_consumer_dlq_replay(const rc_args_t *args)
{
    rc_dlq_t dlq;
    size_t sent = 0;
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t exit = rc_dlq_open(args, &dlq);
    if (exit != RC_EXIT_DONE) goto cleanup;
    size_t sendable = count_sendable(&dlq);
    if (args->apply &&
        rc_dead_letters_replay(dlq.history, dlq.letters, dlq.count, &dlq.cancelled, &sent, &error) != RC_OK) {
        exit = rc_cli_fail(args, RC_EXIT_FAILED, "%zu of %zu were sent: %s; typing the same again sends the others",
                           sent, sendable, error.message);
        goto cleanup;
    }
    if (args->json)
        rc_json_print(json_pack("{s:b, s:I, s:o}", "applied", args->apply, "replayed", (json_int_t)sent, "dead_letters",
                                rc_dlq_open_json(&dlq)));
    else if (args->apply)
        say_sent(&dlq, sent);
    else
        say_dry_run(&dlq, sendable);
cleanup:
    rc_dlq_close(&dlq);
    return exit;
}
