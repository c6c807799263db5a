/* What a consumer knows locally: the snapshots and the ledger of its partitions as tables, the pauses of sync.state,
 * the writers' schemas; and barriers, which say when the tables have everything that was published before a moment.
 *
 * Made and freed by the loop's thread; each function says who else may call it. */
#ifndef RC_CONSUMER_TABLES_H
#define RC_CONSUMER_TABLES_H

#include "common/codec.h"
#include "common/kafka.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/tail.h"

typedef struct rc_tables rc_tables_t;

/* The topics that are followed, in the order of rc_tail_target_t.topic. */
typedef enum { RC_TABLE_SNAPSHOT, RC_TABLE_LEDGER, RC_TABLE_STATE, RC_TABLE_SCHEMAS, RC_TABLE_COUNT } rc_table_topic_t;

/* On the loop: an integration's sync.state says which event types are paused (bit set of 1 << rc_event_type_t). The
 * integration id is borrowed. */
typedef void rc_tables_paused_fn(void *opaque, const char *integration_id, uint32_t paused);

/* Opens the store and starts the tail. Borrows all but the callback's value. Returns new (free with rc_tables_free). */
rc_code_t rc_tables_new(const rc_kafka_t *kafka, rc_codec_t *codec, rc_loop_t *loop, rc_metrics_t *metrics,
                        rc_tables_paused_fn *paused, void *opaque, rc_tables_t **tables, rc_error_t *error);
/* Any thread; lives as long as the tables. */
const char *rc_tables_snapshot_topic(const rc_tables_t *tables);
/* Ends the threads; no callback follows, barriers end without theirs. Before the loop is freed, and rc_tables_free
 * after it, because posts may be under way. NULL is fine for both. */
void rc_tables_stop(rc_tables_t *tables);
void rc_tables_free(rc_tables_t *tables);

/* The partitions whose snapshots and ledger are followed. */
void rc_tables_set_partitions(rc_tables_t *tables, const int32_t *partitions, size_t count);

/* The snapshot of an employee, decoded into the arena; *found is false when there is none. RC_UNKNOWN_SCHEMA: *missing
 * (may be NULL) says which. */
rc_code_t rc_tables_snapshot(rc_tables_t *tables, const char *key, size_t key_bytes, rc_arena_t *arena,
                             rc_snapshot_t *snapshot, bool *found, rc_framing_t *missing, rc_error_t *error);
/* Whether the former process of this name was killed; whether only its groups can tell, because its files are not
 * there; and that this one leaves requests behind that may take effect. */
bool rc_tables_was_cut_short(const rc_tables_t *tables);
bool rc_tables_are_new(const rc_tables_t *tables);
void rc_tables_leave_open(rc_tables_t *tables);
/* Stays the same as long as rc_tables_snapshot would answer the same. */
uint64_t rc_tables_edition(const rc_tables_t *tables);
/* The ledger entry of one lane for an employee, likewise. */
rc_code_t rc_tables_ledger(rc_tables_t *tables, rc_event_type_t lane, const char *key, size_t key_bytes,
                           rc_arena_t *arena, rc_ledger_entry_t *entry, bool *found, rc_error_t *error);

/* A barrier: `passed` is called on the loop once the tables hold all that Kafka had for these partitions when the
 * question was asked, which is after this call. RC_OWNERSHIP: a partition is no longer followed. Barriers asked for at
 * the same time share one question. */
typedef void rc_tables_passed_fn(void *opaque, rc_code_t code);
void rc_tables_barrier(rc_tables_t *tables, int32_t partition, rc_tables_passed_fn *passed, void *opaque);
/* The same for snapshots and ledger of several partitions and all of sync.state: what a lane waits for at its start. */
void rc_tables_barrier_all(rc_tables_t *tables, const int32_t *partitions, size_t count, rc_tables_passed_fn *passed,
                           void *opaque);
/* The same for the topic of schemas alone. */
void rc_tables_barrier_schemas(rc_tables_t *tables, rc_tables_passed_fn *passed, void *opaque);
/* Calls `passed` once the ledger's partitions have been followed up to these offsets. */
void rc_tables_ledger_passed(rc_tables_t *tables, const rc_kafka_offset_t *offsets, size_t count,
                             rc_tables_passed_fn *passed, void *opaque);

/* Any thread. The members of a group, as rc_kafka_admin_group; nobody on a mock cluster, which cannot say. */
rc_code_t rc_tables_members(rc_tables_t *tables, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                            const rc_kafka_member_t **members, size_t *count, rc_error_t *error);
/* Any thread. Ends of any partitions, as rc_kafka_admin_ends; and the rows of both tables. */
rc_code_t rc_tables_ends(rc_tables_t *tables, rc_kafka_offset_t *partitions, size_t count, int64_t timeout_ms,
                         rc_error_t *error);
rc_code_t rc_tables_count(rc_tables_t *tables, uint64_t *snapshots, uint64_t *ledger, rc_error_t *error);

/* Any thread. */
void rc_tables_progress(rc_tables_t *tables, rc_tail_progress_t *progress);

#endif
