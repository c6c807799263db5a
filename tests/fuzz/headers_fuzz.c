/* Any bytes as the headers of a record: name and value lengths a byte each, then the two. Reading never fails; parking
 * what was read and reading it again gives the same. */
#include <string.h>

#include "common/headers.h"
#include "common/text.h"

static size_t split(const uint8_t *data, size_t size, rc_arena_t *arena, rc_header_t *items, size_t max)
{
    size_t count = 0;
    while (size >= 2 && count < max) {
        size_t name_bytes = data[0] & 31, value_bytes = data[1];
        data += 2, size -= 2;
        if (name_bytes + value_bytes > size) break;
        items[count++] = (rc_header_t){rc_arena_strndup(arena, (const char *)data, name_bytes),
                                       value_bytes ? data + name_bytes : NULL, value_bytes};
        data += name_bytes + value_bytes, size -= name_bytes + value_bytes;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rc_header_t items[64];
    rc_arena_t *arena = rc_arena_new();
    rc_headers_t headers = {items, split(data, size, arena, items, sizeof items / sizeof *items)};
    rc_parking_t first = rc_headers_parking_parse(headers, arena);
    rc_headers_t parked = rc_headers_park(arena, headers, &first);
    rc_parking_t second = rc_headers_parking_parse(parked, arena);
    RC_INVARIANT(first.type == second.type && first.lane == second.lane && first.attempt == second.attempt &&
                 first.reason == second.reason && first.unanswered == second.unanswered &&
                 first.replayed == second.replayed && first.not_before.ms == second.not_before.ms &&
                 rc_text_equal(first.origin_topic, second.origin_topic) &&
                 first.origin_partition == second.origin_partition && first.origin_offset == second.origin_offset &&
                 first.first_failed_at.ms == second.first_failed_at.ms && first.failed_at.ms == second.failed_at.ms);
    RC_INVARIANT(!second.message || strlen(second.message) <= RC_PARKING_TEXT_MAX_BYTES);
    rc_arena_free(arena);
    return 0;
}
