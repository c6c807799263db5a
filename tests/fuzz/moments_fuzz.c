/* Any text as a moment, a day, a duration and the headers of an answer that say when: what is understood is understood
 * again from our own text of it, and can be counted with. */
#include <stdlib.h>
#include <string.h>

#include "common/http.h"
#include "common/mem.h"
#include "common/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const rc_wall_t now = {1795400000000};
    char text[RC_TIME_STR_SIZE], header[64];
    rc_wall_t wall, wall_again;
    rc_date_t date, date_again;
    int64_t duration_ms, again_ms;
    char *input = rc_strndup(size ? (const char *)data : "", size);
    if (rc_wall_parse(input, &wall, NULL) == RC_OK)
        RC_INVARIANT(!rc_wall_is_plausible(wall) ||
                     (rc_wall_parse(rc_wall_str(wall, text), &wall_again, NULL) == RC_OK && wall.ms == wall_again.ms));
    if (rc_date_parse((const char *)data, size, &date, NULL) == RC_OK) {
        rc_date_str(date, text);
        RC_INVARIANT(rc_date_is_plausible(date));
        RC_INVARIANT(rc_date_parse(text, strlen(text), &date_again, NULL) == RC_OK && date.days == date_again.days);
    }
    if (rc_duration_parse(input, &duration_ms, NULL) == RC_OK) {
        RC_INVARIANT(duration_ms >= 0);
        RC_INVARIANT(rc_duration_parse(rc_duration_str(duration_ms, text), &again_ms, NULL) == RC_OK &&
                     again_ms == duration_ms);
    }
    (void)rc_http_date(input);
    RC_INVARIANT(rc_http_retry_after(input, (rc_wall_t){0}, now) >= -1);
    const rc_http_answer_t answer = {.head = input, .head_bytes = strlen(input)};
    (void)rc_http_answer_header(&answer, "Total-Pages", header, sizeof header);
    free(input);
    return 0;
}
