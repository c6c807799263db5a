/* Metrics for Prometheus: one declared table, typed series with labels, text at /metrics. Series are interned once and
 * then changed without a lock; everything here is for any thread but new and free. */
#ifndef RC_COMMON_METRICS_H
#define RC_COMMON_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

/* Which program has it. */
enum { RC_METRICS_PRODUCER = 1, RC_METRICS_CONSUMER = 2, RC_METRICS_BOTH = 3 };

/* Id, kind, program, name behind "rollcall_", labels (NULL-terminated order of the values), help. Names and labels of
 * docs/cli.md never change; the rest is ours. */
/* clang-format off */
#define RC_METRICS(X) \
    X(EVENTS_PUBLISHED, COUNTER, PRODUCER, "events_published_total", ("integration", "type"), "Change events published.") \
    X(POLLS, COUNTER, PRODUCER, "polls_total", ("integration", "result"), "Polls ended, by result: ok, or the error that ended them.") \
    X(POLL_DURATION, HISTOGRAM_SLOW, PRODUCER, "poll_duration_seconds", (NULL), "From the start of a poll to its last commit.") \
    X(LAST_COMPLETE_FETCH, GAUGE, PRODUCER, "last_complete_fetch_timestamp_seconds", ("integration"), "When the last fetch that ended normally began, since 1970.") \
    X(POLL_INTERVAL, GAUGE, PRODUCER, "poll_interval_seconds", ("integration"), "How often the integration is to be polled.") \
    X(INTEGRATION_STATE, GAUGE, PRODUCER, "integration_state", ("integration", "state"), "1 for the state the integration is in: OK, RETRYING, NEEDS_CUSTOMER or MISCONFIGURED; 0 for the others.") \
    X(HOLDS, GAUGE, PRODUCER, "holds", ("integration", "class"), "Open holds that wait for a person, by brake.") \
    X(EMPLOYEES, GAUGE, PRODUCER, "employees", ("integration"), "Employees known, announced or not.") \
    X(ANNOUNCED, GAUGE, PRODUCER, "announced_employees", ("integration"), "Employees announced and not gone.") \
    X(PENDING, GAUGE, PRODUCER, "pending_changes", ("integration", "reason"), "Changes known and not published, by reason.") \
    X(KOMBO_REQUESTS, COUNTER, PRODUCER, "kombo_requests_total", ("integration", "code"), "Requests to Kombo, by HTTP status or error.") \
    X(KOMBO_REQUEST_DURATION, HISTOGRAM, PRODUCER, "kombo_request_duration_seconds", (NULL), "From a request to Kombo to the end of its answer.") \
    X(RECORDS_READ, COUNTER, PRODUCER, "kombo_records_total", ("integration"), "Employee records read from Kombo.") \
    X(WEBHOOKS, COUNTER, PRODUCER, "webhooks_total", ("result", "detail"), "Webhook deliveries: accepted, repeated or ignored (detail: Kombo's type), refused or failed (detail: why).") \
    X(EVENTS_FINISHED, COUNTER, CONSUMER, "events_finished_total", ("integration", "type", "outcome"), "Events finished, by outcome.") \
    X(LEARNAMP_REQUESTS, COUNTER, CONSUMER, "learnamp_requests_total", ("integration", "code"), "Requests to Learn Amp, by HTTP status or error.") \
    X(LEARNAMP_REQUEST_DURATION, HISTOGRAM, CONSUMER, "learnamp_request_duration_seconds", (NULL), "From a request to Learn Amp to the end of its answer.") \
    X(EVENT_AGE, HISTOGRAM_AGE, CONSUMER, "event_age_seconds", (NULL), "From occurred_at to applied.") \
    X(IN_FLIGHT, GAUGE, CONSUMER, "in_flight", ("integration"), "Employees being written at this moment.") \
    X(WAITING, GAUGE, CONSUMER, "waiting_records", ("integration"), "Records held in memory for a gate, a rate limit, a breaker or a pause.") \
    X(PARKED, COUNTER, CONSUMER, "parked_total", ("tier"), "Records put aside in a retry topic.") \
    X(DEAD_LETTERS, COUNTER, CONSUMER, "dead_letters_total", ("integration", "reason"), "Records put aside for a person.") \
    X(BREAKER_STATE, GAUGE, CONSUMER, "breaker_state", ("integration"), "0 closed, 1 half-open, 2 open.") \
    X(WITHOUT_MANAGER, COUNTER, CONSUMER, "finished_without_manager_total", ("integration"), "Events finished although the manager was never found at Learn Amp.") \
    X(NOTIFICATIONS, COUNTER, BOTH, "notifications_total", ("kind", "result"), "Messages to notify.url, by kind and result: sent, failed, or dropped because too many waited.") \
    X(UNREADABLE, COUNTER, BOTH, "unreadable_records_total", ("topic", "reason"), "Records set aside because their schema, their integration or their bytes are unknown.") \
    X(CONSUMER_LAG, GAUGE, BOTH, "consumer_lag", ("topic", "partition"), "Records of an assigned partition that are not finished.") \
    X(TRANSACTIONS, COUNTER, BOTH, "transactions_total", ("result"), "Kafka transactions: committed, aborted or fenced.") \
    X(TRANSACTION_DURATION, HISTOGRAM, BOTH, "transaction_duration_seconds", (NULL), "From the begin of a Kafka transaction to its commit.") \
    X(HANDLES_REBUILT, COUNTER, BOTH, "kafka_handles_rebuilt_total", ("reason"), "Kafka clients destroyed and built anew.") \
    X(TABLE_ROWS, GAUGE, BOTH, "table_rows", ("table"), "Rows of the local tables of assigned partitions.") \
    X(READY, GAUGE, BOTH, "ready", (NULL), "1 when /readyz says so.") \
    X(BUILD_INFO, GAUGE, BOTH, "build_info", ("version"), "Always 1; the release is the label.") \
    X(START_TIME, GAUGE, BOTH, "start_timestamp_seconds", (NULL), "When the process started, since 1970.")
/* clang-format on */

typedef enum {
#define X(id, kind, program, name, labels, help) RC_METRIC_##id,
    RC_METRICS(X)
#undef X
        RC_METRIC_COUNT
} rc_metric_t;

enum { RC_METRIC_LABELS_MAX = 3 };

typedef struct rc_metrics rc_metrics_t; /* one a program */
typedef struct rc_series rc_series_t;   /* one metric with its label values */

/* Returns new (free with rc_metrics_free); `program` is RC_METRICS_PRODUCER or RC_METRICS_CONSUMER. Metrics without
 * labels and build_info are there from the start. */
rc_metrics_t *rc_metrics_new(int program);
void rc_metrics_free(rc_metrics_t *metrics); /* and every series; NULL is fine */

/* The series of these label values (copied), made on first use: NULL where fewer labels are declared. Borrows; it lives
 * as long as `metrics`. Takes a lock: keep the result where it is used often. `metrics` NULL gives NULL. */
rc_series_t *rc_metrics_series(rc_metrics_t *metrics, rc_metric_t metric, const char *label1, const char *label2,
                               const char *label3);

/* For counters and gauges. A NULL series is fine in all of these and does nothing. */
void rc_series_add(rc_series_t *series, int64_t n);
/* For gauges. */
void rc_series_set(rc_series_t *series, double value);
/* For histograms. */
void rc_series_observe(rc_series_t *series, double seconds);
/* Leaves the series out of the text until it is changed again: what it told about is no longer this process's. */
void rc_series_clear(rc_series_t *series);

/* Shorthands for what happens seldom. */
void rc_metrics_count(rc_metrics_t *metrics, rc_metric_t metric, const char *label1, const char *label2,
                      const char *label3);

/* Counters and gauges: the value; histograms: the number of observations. For tests. */
double rc_series_value(const rc_series_t *series);

/* Appends the text exposition format, version 0.0.4. */
void rc_metrics_render(rc_metrics_t *metrics, rc_buf_t *text);

#endif
