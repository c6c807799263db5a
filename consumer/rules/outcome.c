#include "consumer/rules/outcome.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

const char *rc_class_str(rc_class_t class)
{
    static const char *const names[] = {
#define X(name, text) text,
        RC_CLASSES(X)
#undef X
    };
    RC_INVARIANT((unsigned)class < RC_CLASS_COUNT);
    return names[class];
}

enum { READ = 1 << RC_CALL_READ, WRITE = 1 << RC_CALL_WRITE, TOKEN = 1 << RC_CALL_TOKEN, ANY = READ | WRITE | TOKEN };

/* What went wrong before there was an answer that could be read; the status then counts only where it says so. */
static const struct {
    rc_code_t error;
    unsigned kinds;
    rc_class_t class;
} failures[] = {
    {RC_CONNECT, ANY, RC_CLASS_TRANSIENT},
    {RC_TIMEOUT, WRITE, RC_CLASS_UNANSWERED},
    {RC_TIMEOUT, READ | TOKEN, RC_CLASS_TRANSIENT},
    {RC_INTERRUPTED, WRITE, RC_CLASS_UNANSWERED},
    {RC_INTERRUPTED, READ | TOKEN, RC_CLASS_TRANSIENT},
    {RC_CANCELLED, WRITE, RC_CLASS_UNANSWERED},
    {RC_CANCELLED, READ | TOKEN, RC_CLASS_CANCELLED},
};

/* The service's words that say more than the status does, compared without case. */
static const struct {
    const char *words;
    rc_class_t class;
} texts[] = {
    {"managerEmail must match", RC_CLASS_UNKNOWN_MANAGER},
    {"managerId must match", RC_CLASS_UNKNOWN_MANAGER},
    {"must match existing team", RC_CLASS_TEAM_MISSING},
    {"has already been taken", RC_CLASS_CONFLICT},
};

/* The first row that fits decides. Statuses that docs/learnamp.md does not list stand here only where HTTP says enough
 * about them; of the rest the last rows say the careful thing: nothing is dead-lettered on a guess. */
static const struct {
    unsigned kinds;
    short from;
    short to;
    rc_class_t class;
} statuses[] = {
    {ANY, 200, 299, RC_CLASS_APPLIED},
    {ANY, 300, 399, RC_CLASS_MISCONFIGURED}, /* redirects are answers: the base URL is not the API's */
    {TOKEN, 400, 403, RC_CLASS_CREDENTIALS}, /* invalid_client, invalid_scope … */
    {ANY, 401, 401, RC_CLASS_CREDENTIALS},
    {ANY, 403, 403, RC_CLASS_CREDENTIALS},
    {READ | TOKEN, 404, 404, RC_CLASS_MISCONFIGURED},
    {WRITE, 404, 404, RC_CLASS_AMBIGUOUS},
    {WRITE, 408, 408, RC_CLASS_UNANSWERED},
    {READ | TOKEN, 408, 408, RC_CLASS_TRANSIENT},
    {WRITE, 409, 409, RC_CLASS_CONFLICT},
    {ANY, 429, 429, RC_CLASS_THROTTLED},
    {TOKEN, 410, 422, RC_CLASS_CREDENTIALS},
    {READ | WRITE, 400, 400, RC_CLASS_REJECTED},
    {READ | WRITE, 406, 406, RC_CLASS_REJECTED},
    {READ | WRITE, 410, 410, RC_CLASS_REJECTED},
    {READ | WRITE, 413, 414, RC_CLASS_REJECTED},
    {READ | WRITE, 422, 422, RC_CLASS_REJECTED},
    {READ | WRITE, 431, 431, RC_CLASS_REJECTED},
    {ANY, 400, 499, RC_CLASS_MISCONFIGURED},
    {ANY, 500, 500, RC_CLASS_TRANSIENT},
    {ANY, 501, 501, RC_CLASS_MISCONFIGURED},
    {ANY, 503, 503, RC_CLASS_TRANSIENT},
    {WRITE, 0, 999, RC_CLASS_UNANSWERED}, /* 502, 504 and whatever else a proxy says in the service's place */
    {READ | TOKEN, 0, 999, RC_CLASS_TRANSIENT},
};

static rc_class_t class_of_status(unsigned kind, int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if ((statuses[i].kinds & kind) != 0 && status >= statuses[i].from && status <= statuses[i].to)
            return statuses[i].class;
    }
    return kind == WRITE ? RC_CLASS_UNANSWERED : RC_CLASS_TRANSIENT;
}

rc_class_t rc_outcome_class(const rc_answer_facts_t *facts)
{
    unsigned kind = 1u << facts->kind;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].error == facts->error && (failures[i].kinds & kind) != 0) return failures[i].class;
    }

    rc_class_t class = class_of_status(kind, facts->status);
    /* A success that cannot be read: the write took effect, or did not; the next try looks. */
    if (class == RC_CLASS_APPLIED && (facts->error != RC_OK || !facts->understood))
        return kind == WRITE ? RC_CLASS_UNANSWERED : RC_CLASS_TRANSIENT;
    if (kind == READ && facts->status == 404 && facts->error == RC_OK && facts->understood) return RC_CLASS_APPLIED;
    if (kind == WRITE && class == RC_CLASS_REJECTED && facts->message != NULL) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            if (strcasestr(facts->message, texts[i].words) != NULL) return texts[i].class;
        }
    }
    return class;
}
