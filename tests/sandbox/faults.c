#include "tests/sandbox/faults.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

const char *const SB_SIDE_NAMES[SB_SIDE_COUNT] = {"kombo", "learnamp"};

const sb_fault_info_t SB_FAULT_KINDS[SB_FAULT_KIND_COUNT] = {
#define X(name, text, effect, help) {text, effect, help},
    SB_FAULTS(X)
#undef X
};

typedef struct fault {
    struct fault *next;
    json_t *description; /* owns the texts */
    char *body;
    sb_shot_t shot;
    sb_side_t side;
    const char *integration, *method, *path, *contains; /* NULL: any */
    long after;                                         /* matching requests to let pass first */
    long left;                                          /* hits; -1: no end */
    long every;
    double probability;
    sb_random_t random;
    long seen, hits;
} fault_t;

struct sb_faults {
    pthread_mutex_t lock;
    fault_t *first, **end;
    fault_t *ended; /* requests under way may still borrow from them */
    long numbers;
};

sb_faults_t *sb_faults_new(void)
{
    sb_faults_t *faults = rc_zalloc(sizeof *faults);
    (void)pthread_mutex_init(&faults->lock, NULL);
    faults->end = &faults->first;
    return faults;
}

static void fault_free(fault_t *fault)
{
    while (fault) {
        fault_t *next = fault->next;
        json_decref(fault->description);
        free(fault->body);
        free(fault);
        fault = next;
    }
}

void sb_faults_free(sb_faults_t *faults)
{
    if (!faults) return;
    fault_free(faults->first);
    fault_free(faults->ended);
    (void)pthread_mutex_destroy(&faults->lock);
    free(faults);
}

static int find(const char *name, const char *const *names, int count)
{
    for (int i = 0; name && i < count; i++)
        if (!strcmp(name, names[i])) return i;
    return -1;
}

static rc_code_t check_keys(const json_t *description, rc_error_t *error)
{
    static const char *const known[] = {
        "kind",          "side",           "integration", "match",  "after", "next",    "every",
        "probability",   "seed",           "effect",      "status", "body",  "headers", "code",
        "retry_after_s", "retry_after_as", "delay_ms",    "field",  "value", "bytes",   "depth"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)description, key,
                        value) if (find(key, known, sizeof known / sizeof *known) <
                                   0) return rc_error_set(error, RC_USAGE, RC_REJECT,
                                                          "a fault has no \"%s\"; see tests/sandbox/README.md", key);
    return RC_OK;
}

static rc_code_t fault_parse(fault_t *fault, rc_error_t *error)
{
    const json_t *from = fault->description;
    static const char *names[SB_FAULT_KIND_COUNT];
    for (int i = 0; i < SB_FAULT_KIND_COUNT; i++) names[i] = SB_FAULT_KINDS[i].name;
    if (check_keys(from, error)) return error->code;
    int kind = find(rc_json_str(from, "kind"), names, SB_FAULT_KIND_COUNT);
    if (kind < 0)
        return rc_error_set(error, RC_USAGE, RC_REJECT, "\"kind\" must name a fault; see tests/sandbox/README.md");
    int side = find(rc_json_str(from, "side"), SB_SIDE_NAMES, SB_SIDE_COUNT);
    if (side < 0) return rc_error_set(error, RC_USAGE, RC_REJECT, "\"side\" must be \"kombo\" or \"learnamp\"");

    const json_t *match = json_object_get(from, "match"), *body = json_object_get(from, "body");
    const json_t *probability = json_object_get(from, "probability");
    bool repeated = probability || json_object_get(from, "every");
    fault->side = (sb_side_t)side;
    fault->integration = rc_json_str(from, "integration");
    fault->method = rc_json_str(match, "method");
    fault->path = rc_json_str(match, "path");
    fault->contains = rc_json_str(match, "contains");
    fault->after = (long)rc_json_int(from, "after", 0);
    fault->left = (long)rc_json_int(from, "next", repeated ? -1 : 1);
    fault->every = (long)rc_json_int(from, "every", 1);
    fault->probability = probability ? json_number_value(probability) : 1;
    fault->random = sb_random_of((uint64_t)rc_json_int(from, "seed", 1), 0);
    if (fault->every < 1) return rc_error_set(error, RC_USAGE, RC_REJECT, "\"every\" must be 1 or more");
    if (body) fault->body = json_is_string(body) ? rc_strdup(json_string_value(body)) : rc_json_text(body, false);

    const char *code = rc_json_str(from, "code"), *field = rc_json_str(from, "field"),
               *as = rc_json_str(from, "retry_after_as");
    fault->shot = (sb_shot_t){
        .kind = (sb_fault_kind_t)kind,
        .effect = rc_json_bool(from, "effect", SB_FAULT_KINDS[kind].effect),
        .status = (int)rc_json_int(from, "status", 500),
        .body = fault->body,
        .headers = json_object_get(from, "headers"),
        .code = code ? code : "PLATFORM.UNKNOWN_ERROR",
        .field = field                   ? field
                 : side == SB_SIDE_KOMBO ? "job_title"
                                         : "jobTitle",
        .value = json_object_get(from, "value"),
        .delay_ms = rc_json_int(from, "delay_ms", kind == SB_FAULT_HANG ? 600000 : 1000),
        .retry_after_s = rc_json_int(from, "retry_after_s", 1),
        .retry_after_date = as && !strcmp(as, "date"),
        .bytes = (size_t)rc_json_int(from, "bytes", kind == SB_FAULT_GARBAGE ? 512 : 10000000),
        .depth = (size_t)rc_json_int(from, "depth", 2000000),
    };
    return RC_OK;
}

long sb_faults_add(sb_faults_t *faults, const json_t *description, rc_error_t *error)
{
    fault_t *fault = rc_zalloc(sizeof *fault);
    fault->description = json_deep_copy(description);
    if (fault_parse(fault, error)) {
        fault_free(fault);
        return 0;
    }
    (void)pthread_mutex_lock(&faults->lock);
    long number = ++faults->numbers;
    fault->shot.fault = number;
    *faults->end = fault;
    faults->end = &fault->next;
    (void)pthread_mutex_unlock(&faults->lock);
    return number;
}

bool sb_faults_remove(sb_faults_t *faults, long number)
{
    bool found = number == 0;
    (void)pthread_mutex_lock(&faults->lock);
    for (fault_t **at = &faults->first; *at;) {
        fault_t *fault = *at;
        if (number && fault->shot.fault != number) {
            at = &fault->next;
            continue;
        }
        *at = fault->next;
        fault->next = faults->ended;
        faults->ended = fault;
        found = true;
    }
    faults->end = &faults->first;
    while (*faults->end) faults->end = &(*faults->end)->next;
    (void)pthread_mutex_unlock(&faults->lock);
    return found;
}

json_t *sb_faults_list(sb_faults_t *faults)
{
    json_t *list = json_array();
    (void)pthread_mutex_lock(&faults->lock);
    for (const fault_t *fault = faults->first; fault; fault = fault->next)
        (void)json_array_append_new(list,
                                    json_pack("{s:I, s:O, s:I, s:I, s:b}", "fault", (json_int_t)fault->shot.fault,
                                              "description", fault->description, "matched", (json_int_t)fault->seen,
                                              "hits", (json_int_t)fault->hits, "spent", fault->left == 0));
    (void)pthread_mutex_unlock(&faults->lock);
    return list;
}

static bool matches(const fault_t *fault, const sb_fault_probe_t *probe)
{
    if (fault->side != probe->side || fault->left == 0) return false;
    if (fault->integration && (!probe->integration || strcmp(fault->integration, probe->integration) != 0))
        return false;
    if (fault->method && fnmatch(fault->method, probe->method, 0) != 0) return false;
    if (fault->path && fnmatch(fault->path, probe->path, 0) != 0) return false;
    if (fault->shot.kind == SB_FAULT_CURSOR_EXPIRED && !probe->has_cursor) return false;
    return !fault->contains || strstr(probe->target, fault->contains) || strstr(probe->body, fault->contains);
}

/* Whether this matching request is one that is hit. */
static bool due(fault_t *fault)
{
    long turn = fault->seen++ - fault->after;
    if (turn < 0 || (turn + 1) % fault->every != 0) return false;
    return fault->probability >= 1 ||
           (double)sb_random_below(&fault->random, 1u << 30) < fault->probability * (1u << 30);
}

sb_shot_t sb_faults_take(sb_faults_t *faults, const sb_fault_probe_t *probe)
{
    sb_shot_t shot = {0};
    (void)pthread_mutex_lock(&faults->lock);
    for (fault_t *fault = faults->first; fault; fault = fault->next) {
        if (!matches(fault, probe) || !due(fault) || shot.fault) continue;
        fault->hits++;
        if (fault->left > 0) fault->left--;
        shot = fault->shot;
    }
    (void)pthread_mutex_unlock(&faults->lock);
    return shot;
}
