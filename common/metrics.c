#include "common/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/time.h"

typedef enum { COUNTER, GAUGE, HISTOGRAM, HISTOGRAM_SLOW, HISTOGRAM_AGE, KINDS } kind_t;

typedef struct {
    kind_t kind;
    int program;
    const char *name;
    const char *labels[RC_METRIC_LABELS_MAX];
    const char *help;
} declared_t;

#define LABELS(...) \
    {               \
        __VA_ARGS__ \
    }
static const declared_t METRICS[] = {
#define X(id, kind, program, name, labels, help) \
    [RC_METRIC_##id] = {kind, RC_METRICS_##program, name, LABELS labels, help},
    RC_METRICS(X)
#undef X
};

/* Upper bounds in seconds; +Inf is the last, unwritten one. */
enum { BOUNDS_MAX = 14 };
static const struct {
    const char *type;
    double bounds[BOUNDS_MAX];
    size_t count;
} KIND[KINDS] = {
    [COUNTER] = {"counter", {0}, 0},
    [GAUGE] = {"gauge", {0}, 0},
    [HISTOGRAM] = {"histogram", {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60}, 13},
    [HISTOGRAM_SLOW] = {"histogram", {0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}, 13},
    [HISTOGRAM_AGE] = {"histogram", {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400}, 14},
};

struct rc_series {
    const declared_t *metric;
    rc_series_t *next;      /* of the same metric, in order of creation */
    rc_series_t *same_hash; /* in the registry's table */
    uint64_t hash;
    char *labels[RC_METRIC_LABELS_MAX];
    atomic_bool shown;
    _Atomic int64_t count;  /* of a counter; of a histogram's observations */
    _Atomic uint64_t value; /* the bits of a double: a gauge's value, a histogram's sum */
    _Atomic uint64_t buckets[BOUNDS_MAX];
};

enum { HASH_SLOTS = 1024 };

struct rc_metrics {
    int program;
    pthread_mutex_t lock; /* guards the lists below; the values need none */
    rc_series_t *first[RC_METRIC_COUNT];
    rc_series_t *last[RC_METRIC_COUNT];
    rc_series_t *slots[HASH_SLOTS];
};

static double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t as_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void add_double(_Atomic uint64_t *to, double more)
{
    uint64_t before = atomic_load_explicit(to, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(to, &before, as_bits(as_double(before) + more), memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

rc_metrics_t *rc_metrics_new(int program)
{
    rc_metrics_t *metrics = rc_zalloc(sizeof *metrics);
    metrics->program = program;
    RC_INVARIANT(pthread_mutex_init(&metrics->lock, NULL) == 0);
    for (size_t i = 0; i < RC_METRIC_COUNT; i++)
        if ((METRICS[i].program & program) && !METRICS[i].labels[0])
            rc_series_add(rc_metrics_series(metrics, (rc_metric_t)i, NULL, NULL, NULL), 0);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_BUILD_INFO, RC_VERSION, NULL, NULL), 1);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_START_TIME, NULL, NULL, NULL), (double)rc_wall_now().ms / 1000);
    return metrics;
}

void rc_metrics_free(rc_metrics_t *metrics)
{
    if (!metrics) return;
    for (size_t i = 0; i < RC_METRIC_COUNT; i++)
        for (rc_series_t *series = metrics->first[i], *next; series; series = next) {
            next = series->next;
            for (size_t k = 0; k < RC_METRIC_LABELS_MAX; k++) free(series->labels[k]);
            free(series);
        }
    (void)pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static uint64_t hash_of(rc_metric_t metric, const char *const values[RC_METRIC_LABELS_MAX])
{
    uint64_t hash = (uint64_t)metric + 1;
    for (size_t i = 0; i < RC_METRIC_LABELS_MAX && values[i]; i++)
        hash = hash * 0x9E3779B97F4A7C15u + rc_hash64(values[i], strlen(values[i]));
    return hash;
}

static bool same_labels(const rc_series_t *series, const char *const values[RC_METRIC_LABELS_MAX])
{
    for (size_t i = 0; i < RC_METRIC_LABELS_MAX && values[i]; i++)
        if (strcmp(series->labels[i], values[i]) != 0) return false;
    return true;
}

/* With the lock held. */
static rc_series_t *add_series(rc_metrics_t *metrics, rc_metric_t metric, uint64_t hash,
                               const char *const values[RC_METRIC_LABELS_MAX])
{
    rc_series_t *series = rc_zalloc(sizeof *series);
    series->metric = &METRICS[metric];
    series->hash = hash;
    for (size_t i = 0; i < RC_METRIC_LABELS_MAX; i++) series->labels[i] = rc_strdup(values[i]);
    series->same_hash = metrics->slots[hash % HASH_SLOTS];
    metrics->slots[hash % HASH_SLOTS] = series;
    if (metrics->last[metric])
        metrics->last[metric]->next = series;
    else
        metrics->first[metric] = series;
    metrics->last[metric] = series;
    return series;
}

rc_series_t *rc_metrics_series(rc_metrics_t *metrics, rc_metric_t metric, const char *label1, const char *label2,
                               const char *label3)
{
    if (!metrics) return NULL;
    const char *const values[RC_METRIC_LABELS_MAX] = {label1, label2, label3};
    for (size_t i = 0; i < RC_METRIC_LABELS_MAX; i++)
        if (!values[i] != !METRICS[metric].labels[i])
            RC_DIE("metric %s: the number of label values is wrong", METRICS[metric].name);
    if (!(METRICS[metric].program & metrics->program))
        RC_DIE("metric %s does not belong to this program", METRICS[metric].name);
    uint64_t hash = hash_of(metric, values);
    (void)pthread_mutex_lock(&metrics->lock);
    rc_series_t *series = metrics->slots[hash % HASH_SLOTS];
    while (series && (series->hash != hash || series->metric != &METRICS[metric] || !same_labels(series, values)))
        series = series->same_hash;
    if (!series) series = add_series(metrics, metric, hash, values);
    (void)pthread_mutex_unlock(&metrics->lock);
    return series;
}

static void show(rc_series_t *series)
{
    atomic_store_explicit(&series->shown, true, memory_order_relaxed);
}

void rc_series_add(rc_series_t *series, int64_t n)
{
    if (!series) return;
    RC_INVARIANT(series->metric->kind != COUNTER || n >= 0);
    if (series->metric->kind == COUNTER)
        atomic_fetch_add_explicit(&series->count, n, memory_order_relaxed);
    else if (series->metric->kind == GAUGE)
        add_double(&series->value, (double)n);
    show(series);
}

void rc_series_set(rc_series_t *series, double value)
{
    if (!series) return;
    RC_INVARIANT(series->metric->kind == GAUGE);
    atomic_store_explicit(&series->value, as_bits(value), memory_order_relaxed);
    show(series);
}

void rc_series_observe(rc_series_t *series, double seconds)
{
    if (!series) return;
    kind_t kind = series->metric->kind;
    RC_INVARIANT(kind >= HISTOGRAM);
    size_t i = 0;
    while (i < KIND[kind].count && !(seconds <= KIND[kind].bounds[i])) i++;
    if (i < KIND[kind].count) atomic_fetch_add_explicit(&series->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&series->count, 1, memory_order_relaxed);
    add_double(&series->value, seconds);
    show(series);
}

void rc_series_clear(rc_series_t *series)
{
    if (series) atomic_store_explicit(&series->shown, false, memory_order_relaxed);
}

void rc_metrics_count(rc_metrics_t *metrics, rc_metric_t metric, const char *label1, const char *label2,
                      const char *label3)
{
    rc_series_add(rc_metrics_series(metrics, metric, label1, label2, label3), 1);
}

double rc_series_value(const rc_series_t *series)
{
    if (!series) return 0;
    return series->metric->kind == GAUGE ? as_double(atomic_load(&series->value)) : (double)atomic_load(&series->count);
}

static void render_label(rc_buf_t *text, const char *name, const char *value, bool first)
{
    rc_buf_add_format(text, "%s%s=\"", first ? "" : ",", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            rc_buf_add(text, (char[]){'\\', *c}, 2);
        else if (*c == '\n')
            rc_buf_add_str(text, "\\n");
        else
            rc_buf_add(text, c, 1);
    }
    rc_buf_add_str(text, "\"");
}

/* "rollcall_name_suffix{a="b",le="0.5"} " */
static void render_name(rc_buf_t *text, const rc_series_t *series, const char *suffix, const char *le)
{
    rc_buf_add_format(text, "rollcall_%s%s", series->metric->name, suffix);
    if (series->labels[0] || le) {
        rc_buf_add_str(text, "{");
        size_t i = 0;
        for (; i < RC_METRIC_LABELS_MAX && series->labels[i]; i++)
            render_label(text, series->metric->labels[i], series->labels[i], i == 0);
        if (le) render_label(text, "le", le, i == 0);
        rc_buf_add_str(text, "}");
    }
    rc_buf_add_str(text, " ");
}

static void render_double(rc_buf_t *text, double value)
{
    if (isnan(value) || isinf(value))
        rc_buf_add_str(text, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
    else
        rc_buf_add_format(text, "%.15g", value);
    rc_buf_add_str(text, "\n");
}

static void render_histogram(rc_buf_t *text, rc_series_t *series)
{
    kind_t kind = series->metric->kind;
    /* The total is read first, and what is counted while we read belongs to the next text: buckets never exceed it. */
    int64_t total = atomic_load(&series->count);
    uint64_t sum = 0;
    for (size_t i = 0; i < KIND[kind].count; i++) {
        char bound[32];
        (void)snprintf(bound, sizeof bound, "%g", KIND[kind].bounds[i]);
        sum += atomic_load(&series->buckets[i]);
        render_name(text, series, "_bucket", bound);
        rc_buf_add_format(text, "%llu\n", (unsigned long long)(sum < (uint64_t)total ? sum : (uint64_t)total));
    }
    render_name(text, series, "_bucket", "+Inf");
    rc_buf_add_format(text, "%lld\n", (long long)total);
    render_name(text, series, "_sum", NULL);
    render_double(text, as_double(atomic_load(&series->value)));
    render_name(text, series, "_count", NULL);
    rc_buf_add_format(text, "%lld\n", (long long)total);
}

static void render_series(rc_buf_t *text, rc_series_t *series)
{
    switch (series->metric->kind) {
    case COUNTER:
        render_name(text, series, "", NULL);
        rc_buf_add_format(text, "%lld\n", (long long)atomic_load(&series->count));
        break;
    case GAUGE:
        render_name(text, series, "", NULL);
        render_double(text, as_double(atomic_load(&series->value)));
        break;
    default:
        render_histogram(text, series);
    }
}

void rc_metrics_render(rc_metrics_t *metrics, rc_buf_t *text)
{
    (void)pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < RC_METRIC_COUNT; i++) {
        if (!(METRICS[i].program & metrics->program)) continue;
        rc_buf_add_format(text, "# HELP rollcall_%s %s\n# TYPE rollcall_%s %s\n", METRICS[i].name, METRICS[i].help,
                          METRICS[i].name, KIND[METRICS[i].kind].type);
        for (rc_series_t *series = metrics->first[i]; series; series = series->next)
            if (atomic_load_explicit(&series->shown, memory_order_relaxed)) render_series(text, series);
    }
    (void)pthread_mutex_unlock(&metrics->lock);
}
