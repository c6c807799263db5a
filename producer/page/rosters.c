/* When rosters are made, and for how long they are kept. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "producer/page/roster.h"

enum {
    SHORTEST_PAUSE_MS = 250, /* between two of one integration */
    PAUSE_TIMES = 10,        /* as long as making it took */
    KEPT_MS = 10 * 60 * 1000
};

typedef struct {
    const rc_roster_t *newest; /* NULL: none is made */
    uint64_t edition;          /* of the views, before it was made */
    rc_mono_t next_at;         /* not before */
    rc_mono_t looked_at;
    bool wanted;
} slot_t;

struct rc_rosters {
    const rc_config_t *config;
    rc_views_t *views;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    slot_t *slots;
    bool stopping;
};

static bool is_current(const rc_rosters_t *rosters, size_t index, uint64_t edition)
{
    const slot_t *slot = &rosters->slots[index];
    const rc_zone_t *zone = rosters->config->integrations[index].zone;
    return slot->newest && slot->edition == edition && slot->newest->error.code == RC_OK &&
           slot->newest->today.days == rc_zone_date(zone, rc_wall_now()).days;
}

/* Somebody looks for a short time only: waits cost nothing then. */
static void wait_ms(rc_rosters_t *rosters, int64_t ms)
{
    struct timespec until;
    RC_INVARIANT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&rosters->changed, &rosters->mutex, &until);
}

/* The next to be made, and when; gives up what nobody looks at. */
static slot_t *find_next(rc_rosters_t *rosters, rc_mono_t now)
{
    slot_t *next = NULL;
    for (size_t i = 0; i < rosters->config->integrations_count; i++) {
        slot_t *slot = &rosters->slots[i];
        if (slot->wanted && (!next || slot->next_at.ms < next->next_at.ms)) next = slot;
        if (!slot->newest || slot->wanted || slot->looked_at.ms + KEPT_MS > now.ms) continue;
        rc_roster_release(slot->newest);
        slot->newest = NULL;
    }
    return next;
}

/* Without the mutex while it works. */
static void make(rc_rosters_t *rosters, slot_t *slot)
{
    const rc_integration_t *integration = &rosters->config->integrations[slot - rosters->slots];
    slot->wanted = false;
    pthread_mutex_unlock(&rosters->mutex);
    rc_mono_t began = rc_mono_now();
    uint64_t edition = rc_views_edition(rosters->views);
    const rc_roster_t *made = rc_roster_make(integration, rosters->views, rc_wall_now());
    rc_mono_t ended = rc_mono_now();
    pthread_mutex_lock(&rosters->mutex);
    int64_t pause_ms = (ended.ms - began.ms) * PAUSE_TIMES;
    rc_roster_release(slot->newest);
    slot->newest = made;
    slot->edition = edition;
    slot->next_at.ms = ended.ms + (pause_ms > SHORTEST_PAUSE_MS ? pause_ms : SHORTEST_PAUSE_MS);
}

static void *run(void *opaque)
{
    rc_rosters_t *rosters = opaque;
    pthread_mutex_lock(&rosters->mutex);
    while (!rosters->stopping) {
        rc_mono_t now = rc_mono_now();
        slot_t *next = find_next(rosters, now);
        if (next && next->next_at.ms <= now.ms)
            make(rosters, next);
        else
            wait_ms(rosters, next ? next->next_at.ms - now.ms : KEPT_MS);
    }
    pthread_mutex_unlock(&rosters->mutex);
    return NULL;
}

rc_rosters_t *rc_rosters_new(const rc_config_t *config, rc_views_t *views)
{
    rc_rosters_t *rosters = rc_zalloc(sizeof *rosters);
    pthread_condattr_t attributes;
    *rosters = (rc_rosters_t){.config = config, .views = views};
    rosters->slots = rc_calloc(config->integrations_count, sizeof *rosters->slots);
    RC_INVARIANT(
        pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
        pthread_cond_init(&rosters->changed, &attributes) == 0 && pthread_mutex_init(&rosters->mutex, NULL) == 0);
    pthread_condattr_destroy(&attributes);
    RC_INVARIANT(pthread_create(&rosters->thread, NULL, run, rosters) == 0);
    return rosters;
}

void rc_rosters_free(rc_rosters_t *rosters)
{
    if (!rosters) return;
    pthread_mutex_lock(&rosters->mutex);
    rosters->stopping = true;
    pthread_cond_broadcast(&rosters->changed);
    pthread_mutex_unlock(&rosters->mutex);
    RC_INVARIANT(pthread_join(rosters->thread, NULL) == 0);
    for (size_t i = 0; i < rosters->config->integrations_count; i++) rc_roster_release(rosters->slots[i].newest);
    pthread_cond_destroy(&rosters->changed);
    pthread_mutex_destroy(&rosters->mutex);
    free(rosters->slots);
    free(rosters);
}

const rc_roster_t *rc_rosters_get(rc_rosters_t *rosters, size_t index, bool *fresh)
{
    uint64_t edition = rc_views_edition(rosters->views);
    pthread_mutex_lock(&rosters->mutex);
    slot_t *slot = &rosters->slots[index];
    slot->looked_at = rc_mono_now();
    bool current = is_current(rosters, index, edition);
    if (!current && !slot->wanted) {
        slot->wanted = true;
        pthread_cond_signal(&rosters->changed);
    }
    const rc_roster_t *newest = slot->newest;
    if (newest) rc_roster_retain(newest);
    pthread_mutex_unlock(&rosters->mutex);
    if (fresh) *fresh = current;
    return newest;
}
