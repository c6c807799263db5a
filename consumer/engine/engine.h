/* The heart of a consumer process: takes records from the lanes, brings each to its outcome, and gathers the outcomes
 * into batches that are committed one after the other. docs/architecture.md draws a record's way. Everything on the
 * loop's thread. */
#ifndef RC_CONSUMER_ENGINE_H
#define RC_CONSUMER_ENGINE_H

#include "common/codec.h"
#include "common/http.h"
#include "common/kafka.h"
#include "common/loop.h"
#include "common/map.h"
#include "common/metrics.h"
#include "common/notify.h"
#include "common/registry.h"
#include "consumer/engine/batch.h"
#include "consumer/engine/committer.h"
#include "consumer/engine/fresh.h"
#include "consumer/engine/lane.h"
#include "consumer/engine/people.h"
#include "consumer/engine/resolver.h"
#include "consumer/engine/site.h"
#include "consumer/engine/tables.h"
#include "consumer/rules/quiet.h"

struct rc_engine {
    const rc_config_t *config;
    const rc_kafka_t *kafka;
    rc_codec_t *codec;
    rc_registry_t *registry; /* NULL: none is configured */
    rc_metrics_t *metrics;
    rc_notify_t *notify; /* NULL: nobody is told */
    rc_loop_t *loop;
    rc_http_t *http;
    rc_arena_t *names;
    const char *ledger_topic;
    const char *dlq_topic;
    const char **retry_topics;
    rc_tables_t *tables;
    rc_committer_t *committer;
    rc_quiet_t quiet;
    rc_people_t *people;
    rc_map_t *sites; /* by integration id; one for each of the configuration */
    rc_resolver_t *resolver;
    struct rc_lag *lag;
    rc_fresh_t *fresh;
    rc_lane_t *lanes[RC_EVENT_COUNT]; /* NULL: not run here */
    uint64_t assignments;             /* counts; numbers them */
    rc_batch_t *batch;                /* being filled */
    LIST_HEAD(, rc_shown) shown;      /* batches that the local ledger does not show yet */
    bool commit_due;
    rc_loop_timer_t *commit_timer;
    rc_loop_timer_t *pump_timer;
    rc_loop_timer_t *stop_timer;
    size_t records;
    bool stopping;
    bool closing; /* nothing begins any more */
    bool ended;   /* `stopped` was called */
    bool failed;
    void (*stopped)(void *opaque, bool failed);
    void *opaque;
};

/* Runs the lanes of `events` (bit set of 1 << rc_event_type_t). Borrows all but the callback, which is called once
 * after rc_engine_stop when everything that could be finished is committed, or by itself (`failed`) when the process
 * has to end. Returns new (free with rc_engine_free). */
typedef struct {
    const rc_kafka_t *kafka;
    rc_codec_t *codec;
    rc_registry_t *registry;
    rc_metrics_t *metrics;
    rc_notify_t *notify; /* NULL: nobody is told of dead letters */
    rc_loop_t *loop;
    uint32_t events;
    void (*stopped)(void *opaque, bool failed);
    void *opaque;
} rc_engine_options_t;
rc_code_t rc_engine_new(const rc_engine_options_t *options, rc_engine_t **engine, rc_error_t *error);
/* Lets what is under way end for at most drain_timeout, commits, and calls `stopped`. A Kafka that does not take the
 * commit within five seconds more is not waited for. */
void rc_engine_stop(rc_engine_t *engine);
/* Ends all threads and handles. Before the loop is freed, and rc_engine_free after it, because posts may be under way.
 */
void rc_engine_close(rc_engine_t *engine);
void rc_engine_free(rc_engine_t *engine); /* NULL is fine */

/* Whether every lane has its partitions and reads (or knows that it has none), for /readyz. */
bool rc_engine_is_ready(const rc_engine_t *engine);
/* Whether the local tables can be written. */
bool rc_engine_follows(const rc_engine_t *engine);

/* --- for lanes --- */

void rc_engine_free_record(rc_record_t *record);
/* The lanes' partitions have changed: local tables and rate limits follow. */
void rc_engine_assigned(rc_engine_t *engine);
/* Commit at the next opportunity. */
void rc_engine_commit_soon(rc_engine_t *engine);
/* A lane has drained after rc_engine_stop. */
void rc_engine_lane_idle(rc_engine_t *engine);
/* Another process uses our names: this one ends. */
void rc_engine_fenced(rc_engine_t *engine);

/* --- for records --- */

/* The site of an integration; NULL: the configuration does not know it. */
rc_site_t *rc_engine_site(const rc_engine_t *engine, const char *integration_id);
/* The record leaves the process's memory. Returns its person, or NULL when nobody is left to go on with. */
rc_person_t *rc_engine_release(rc_record_t *record);
/* The same, and the person's next record has its turn. */
void rc_engine_forget(rc_record_t *record);
/* Stops a lane when a merely busy site holds enough of it, or the open batch does, and lets it go on at half of that.
 */
void rc_engine_note_pressure(rc_engine_t *engine);
/* The tier of records that are held too long. */
size_t rc_engine_held_tier(const rc_engine_t *engine);

/* --- for sites --- */

/* Calls rc_site_pump in the next round. */
void rc_engine_pump_later(rc_engine_t *engine, rc_site_t *site);
/* How long a record that is parked because of a closed site stays away. */
int64_t rc_engine_held_delay_ms(const rc_engine_t *engine);
/* Whether no integration can delay another one here, because there is one only. */
bool rc_engine_has_one_site(const rc_engine_t *engine);
/* Whether the process holds so much that every site is to hold little. */
bool rc_engine_is_full(const rc_engine_t *engine);

#endif
