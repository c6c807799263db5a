/* Reads employee events as any subscriber does: from the four topics, read_committed, decoded with the writer's schema.
 * One thread. */
#ifndef RC_TESTS_SANDBOX_EVENTS_H
#define RC_TESTS_SANDBOX_EVENTS_H

#include "common/config.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/mem.h"

typedef struct {
    rc_wall_t since;                          /* published at this time or later; 0: all there are */
    uint32_t types;                           /* bits of 1 << rc_event_type_t */
    const char *integration_id, *employee_id; /* NULL: any */
} sb_events_filter_t;

/* Where and when an event was published. */
typedef struct {
    const char *topic; /* borrowed by the callback */
    int32_t partition;
    int64_t offset;
    rc_wall_t at;
} sb_published_t;

/* Takes an event, which lives in the callback only. */
typedef void sb_event_fn(void *opaque, const rc_event_t *event, const sb_published_t *published);

/* Gives every event that fits, from the beginning, partition by partition; then goes on with those that come, until
 * `enough` of them were given (0: until the end as it is now; SIZE_MAX: for ever) and nothing more is there. RC_TIMEOUT
 * when timeout_ms passed before (0: never). What cannot be decoded is reported on standard error and passed over. */
rc_code_t sb_events_read(const rc_config_t *config, const sb_events_filter_t *filter, size_t enough, int64_t timeout_ms,
                         sb_event_fn *fn, void *opaque, rc_error_t *error);

#endif
