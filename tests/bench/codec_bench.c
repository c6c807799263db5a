/* What an event costs on its way into bytes and out of them, as it is and among 200 schemas that are known. Usage:
 * codec_bench [EVENTS]. The aim is 5 µs of CPU each way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/codec.h"
#include "tests/support/cpu.h"
#include "tests/support/records.h"

enum { DEFAULT_EVENTS = 1000000, FOREIGN_SCHEMAS = 200 };

static void report(const char *what, long count, double seconds)
{
    printf("%-24s %8.3f µs each %12.0f a second\n", what, seconds / (double)count * 1e6, (double)count / seconds);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : DEFAULT_EVENTS;
    if (count < 1) return EXIT_FAILURE;
    rc_schema_store_t *store = rc_schema_store_new();
    for (uint32_t i = 0; i < FOREIGN_SCHEMAS; i++) {
        char *json = rc_sprintf("{\"type\":\"fixed\",\"name\":\"F%u\",\"size\":1}", (unsigned)i);
        RC_INVARIANT(rc_schema_store_add_registered(store, i, json, strlen(json), NULL) == RC_OK);
        free(json);
    }
    rc_codec_t *codec = rc_codec_new(store, RC_WIRE_SINGLE_OBJECT);
    rc_arena_t *arena = rc_arena_new();
    rc_buf_t out = RC_BUF_INIT(1 << 20);
    rc_event_t event = rc_sample_event(RC_EVENT_PROFILE_UPDATED), read;

    double start = rc_cpu_seconds();
    for (long i = 0; i < count; i++) {
        event.version++;
        rc_buf_reset(&out);
        RC_INVARIANT(rc_codec_encode_event(codec, &event, &out, NULL) == RC_OK);
    }
    report("an event encoded", count, rc_cpu_seconds() - start);

    start = rc_cpu_seconds();
    for (long i = 0; i < count; i++) {
        rc_arena_reset(arena);
        RC_INVARIANT(rc_codec_decode_event(codec, out.data, out.size_bytes, arena, &read, NULL, NULL) == RC_OK);
    }
    report("an event decoded", count, rc_cpu_seconds() - start);
    printf("%zu bytes on the wire, %zu in memory\n", out.size_bytes, rc_arena_used(arena));

    rc_buf_fini(&out);
    rc_arena_free(arena);
    rc_codec_free(codec);
    rc_schema_store_free(store);
    return EXIT_SUCCESS;
}
