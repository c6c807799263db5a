/* The faults that a test injects: which requests they hit, and what happens to those. Any thread. */
#ifndef RC_TESTS_SANDBOX_FAULTS_H
#define RC_TESTS_SANDBOX_FAULTS_H

#include <stdint.h>

#include "common/error.h"
#include "common/json.h"
#include "tests/sandbox/random.h"

typedef enum { SB_SIDE_KOMBO, SB_SIDE_LEARNAMP, SB_SIDE_COUNT } sb_side_t;
extern const char *const SB_SIDE_NAMES[SB_SIDE_COUNT];

/* Kinds: name, whether the service does what was asked unless "effect" says otherwise, what it is. */
#define SB_FAULTS(X)                                                                                           \
    X(STATUS, "status", false, "answer `status` (default 500) with `body` and `headers`")                      \
    X(THROTTLE, "throttle", false, "429 with Retry-After: `retry_after_s`, as seconds or as a date")           \
    X(KOMBO_ERROR, "kombo_error", false, "Kombo's error `code` with its own HTTP status")                      \
    X(ERROR_200, "error_200", false, "Kombo's error `code` with HTTP status 200")                              \
    X(DELAY, "delay", true, "answer `delay_ms` later")                                                         \
    X(HANG, "hang", false, "no answer for `delay_ms` (default 10 min), then close the connection")             \
    X(DROP, "drop", false, "close the connection without an answer")                                           \
    X(LATE, "late", true, "close the connection; the effect comes `delay_ms` later (Learn Amp)")               \
    X(CUT, "cut", true, "send half of the answer, then close the connection")                                  \
    X(GARBAGE, "garbage", false, "answer 200 with `bytes` (default 512) of nonsense")                          \
    X(WRONG_TYPE, "wrong_type", true, "put `value` (default an object) in place of the first `field`")         \
    X(HUGE_FIELD, "huge_field", true, "put a text of `bytes` (default 10 MB) in place of the first `field`")   \
    X(NESTED, "nested", true, "put `depth` (default 2,000,000) nested arrays in place of the first `field`")   \
    X(CURSOR_EXPIRED, "cursor_expired", false, "refuse the cursor (Kombo; hits only requests that carry one)") \
    X(EMPTY_LIST, "empty_list", true, "answer a list without entries and without a next page")                 \
    X(HALVED_LIST, "halved_list", true, "leave every other entry out of a list")

typedef enum {
#define X(name, text, effect, help) SB_FAULT_##name,
    SB_FAULTS(X)
#undef X
        SB_FAULT_KIND_COUNT
} sb_fault_kind_t;

/* By sb_fault_kind_t. */
typedef struct {
    const char *name;
    bool effect;
    const char *help;
} sb_fault_info_t;
extern const sb_fault_info_t SB_FAULT_KINDS[SB_FAULT_KIND_COUNT];

/* What hits one request. Borrows from the fault, which lives as long as the faults do. */
typedef struct {
    long fault; /* its number; 0: nothing hits */
    sb_fault_kind_t kind;
    bool effect; /* whether the service does what was asked */
    int status;
    const char *body;
    const json_t *headers; /* object of texts, or NULL */
    const char *code, *field;
    const json_t *value;
    int64_t delay_ms, retry_after_s;
    bool retry_after_date;
    size_t bytes, depth;
} sb_shot_t;

typedef struct sb_faults sb_faults_t;

/* Returns new (free with sb_faults_free). */
sb_faults_t *sb_faults_new(void);
void sb_faults_free(sb_faults_t *faults);

/* Adds one as tests/sandbox/README.md describes it. Returns its number, or 0 and an error that says what is wrong. */
long sb_faults_add(sb_faults_t *faults, const json_t *description, rc_error_t *error);
/* Ends one (0: all). False: there is none of that number. */
bool sb_faults_remove(sb_faults_t *faults, long number);
/* The active and the spent ones with their hits. Returns new. */
json_t *sb_faults_list(sb_faults_t *faults);

/* What is asked, as far as faults can tell it apart. */
typedef struct {
    sb_side_t side;
    const char *integration, *method;
    const char *path;   /* relative to the side's base, without query */
    const char *target; /* with it */
    const char *body;
    bool has_cursor;
} sb_fault_probe_t;

/* Counts the request at every fault that it matches, and lets the first hit that is due happen. */
sb_shot_t sb_faults_take(sb_faults_t *faults, const sb_fault_probe_t *probe);

#endif
