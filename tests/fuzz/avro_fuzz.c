/* Any bytes as a Kafka value, and any text as a schema. The first byte chooses: below RC_RECORD_COUNT a datum of that
 * record (what can be read must be written and read again the same), RC_RECORD_COUNT a datum of a schema full of what
 * we skip, one more a frame, and everything else a schema, by which the rest is then read. */
#include <stdlib.h>
#include <string.h>

#include "common/avro.h"
#include "common/codec.h"
#include "tests/support/records.h"

static const char skipped[] =
    "{\"type\":\"record\",\"name\":\"rollcall.LedgerEntry\",\"fields\":[{\"name\":\"m\",\"type\":{\"type\":\"map\","
    "\"values\":{\"type\":\"array\",\"items\":\"double\"}}},{\"name\":\"tree\",\"type\":{\"type\":\"record\",\"name\":"
    "\"Tree\",\"fields\":[{\"name\":\"v\",\"type\":\"bytes\"},{\"name\":\"next\",\"type\":[\"null\",\"Tree\"]},{"
    "\"name\":\"all\",\"type\":{\"type\":\"array\",\"items\":\"Tree\"}},{\"name\":\"u\",\"type\":[\"string\",\"float\","
    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4}]}]}},{\"name\":\"none\",\"type\":{\"type\":\"array\",\"items\":"
    "\"null\"}},{\"name\":\"type\",\"type\":{\"type\":\"enum\",\"name\":\"T\",\"symbols\":[\"X\",\"CREATED\"]}},{"
    "\"name\":\"integration_id\",\"type\":\"string\"},{\"name\":\"employee_id\",\"type\":\"string\"},{\"name\":"
    "\"version\",\"type\":\"int\"},{\"name\":\"outcome\",\"type\":{\"type\":\"enum\",\"name\":\"O\",\"symbols\":["
    "\"APPLIED\"]}},{\"name\":\"at\",\"type\":[\"long\",\"null\"]}]}";

static rc_schema_store_t *store;
static rc_codec_t *codec;
static rc_avro_schema_t *skipped_schema;
static rc_avro_plan_t *skipped_plan;

static void start(void)
{
    if (store) return;
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_SINGLE_OBJECT);
    RC_INVARIANT(rc_avro_schema_parse(skipped, sizeof skipped - 1, &skipped_schema, NULL) == RC_OK);
    RC_INVARIANT(rc_avro_plan_new(skipped_schema, rc_record_table(RC_RECORD_LEDGER), &skipped_plan, NULL) == RC_OK);
}

/* What one release can read it can write, and both times the same. */
static void read_and_write(const rc_avro_plan_t *plan, const uint8_t *bytes, size_t size_bytes, rc_arena_t *arena)
{
    rc_any_record_t first, second;
    rc_buf_t once = RC_BUF_INIT(16 << 20), twice = RC_BUF_INIT(16 << 20);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    if (rc_avro_decode(plan, bytes, size_bytes, arena, &first, NULL) == RC_OK) {
        RC_INVARIANT(rc_avro_encode(plan, &first, &once, NULL) == RC_OK);
        RC_INVARIANT(rc_avro_decode(plan, once.data, once.size_bytes, arena, &second, NULL) == RC_OK);
        RC_INVARIANT(rc_avro_encode(plan, &second, &twice, NULL) == RC_OK);
        RC_INVARIANT(once.size_bytes == twice.size_bytes && memcmp(once.data, twice.data, once.size_bytes) == 0);
    }
    /* Bounded by what came in, whatever it announces. */
    RC_INVARIANT(rc_arena_used(arena) <= 4096 + 512 * size_bytes);
    rc_buf_fini(&once);
    rc_buf_fini(&twice);
}

static void read_by_any_schema(const uint8_t *bytes, size_t size_bytes, rc_arena_t *arena)
{
    const uint8_t *end = memchr(bytes, '\0', size_bytes);
    size_t json_bytes = end ? (size_t)(end - bytes) : size_bytes;
    rc_avro_schema_t *schema = NULL;
    if (rc_avro_schema_parse((const char *)bytes, json_bytes, &schema, NULL) != RC_OK) return;
    for (int kind = 0; kind < RC_RECORD_COUNT; kind++) {
        rc_avro_plan_t *plan;
        rc_any_record_t any;
        if (rc_avro_plan_new(schema, rc_record_table((rc_record_kind_t)kind), &plan, NULL) != RC_OK) continue;
        if (end) (void)rc_avro_decode(plan, end + 1, size_bytes - json_bytes - 1, arena, &any, NULL);
        rc_avro_plan_free(plan);
    }
    rc_avro_schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rc_any_record_t any;
    rc_event_t event;
    start();
    if (size == 0) return 0;
    rc_arena_t *arena = rc_arena_new();
    const uint8_t choice = data[0], *bytes = data + 1;
    size--;
    if (choice < RC_RECORD_COUNT)
        read_and_write(rc_schema_store_current(store, (rc_record_kind_t)choice)->plan, bytes, size, arena);
    else if (choice == RC_RECORD_COUNT)
        (void)rc_avro_decode(skipped_plan, bytes, size, arena, &any, NULL);
    else if (choice == RC_RECORD_COUNT + 1)
        (void)rc_codec_decode_event(codec, bytes, size, arena, &event, NULL, NULL);
    else
        read_by_any_schema(bytes, size, arena);
    rc_arena_free(arena);
    return 0;
}
