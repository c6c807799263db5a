#include "tests/sandbox/requests.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/map.h"
#include "common/mem.h"

typedef struct {
    sb_request_t request; /* its texts are this entry's */
    uint64_t number, body_hash;
} entry_t;

struct sb_requests {
    pthread_mutex_t lock;
    entry_t *entries; /* a ring of `capacity`: number n stands at n % capacity */
    size_t capacity, limit;
    uint64_t first, next; /* numbers: kept are first to next - 1; they begin at 1 */
    bool bodies;
    rc_map_t *counts; /* of calls, to long * */
    long total, in_flight, peak;
};

sb_requests_t *sb_requests_new(size_t limit, bool bodies)
{
    sb_requests_t *requests = rc_zalloc(sizeof *requests);
    (void)pthread_mutex_init(&requests->lock, NULL);
    requests->limit = limit;
    requests->bodies = bodies;
    requests->first = requests->next = 1;
    requests->counts = rc_map_new(free);
    return requests;
}

static void entry_fini(entry_t *entry)
{
    free((void *)(uintptr_t)entry->request.method);
    free((void *)(uintptr_t)entry->request.target);
    free((void *)(uintptr_t)entry->request.employee);
    free((void *)(uintptr_t)entry->request.body);
}

static entry_t *entry_at(const sb_requests_t *requests, uint64_t number)
{
    return &requests->entries[number % requests->capacity];
}

static void drop_oldest(sb_requests_t *requests, size_t keep)
{
    while (requests->next - requests->first > keep) entry_fini(entry_at(requests, requests->first++));
}

void sb_requests_free(sb_requests_t *requests)
{
    if (!requests) return;
    drop_oldest(requests, 0);
    free(requests->entries);
    rc_map_free(requests->counts);
    (void)pthread_mutex_destroy(&requests->lock);
    free(requests);
}

void sb_requests_configure(sb_requests_t *requests, size_t limit, bool bodies)
{
    (void)pthread_mutex_lock(&requests->lock);
    requests->limit = limit;
    requests->bodies = bodies;
    (void)pthread_mutex_unlock(&requests->lock);
}

void sb_requests_begin(sb_requests_t *requests)
{
    (void)pthread_mutex_lock(&requests->lock);
    requests->in_flight++;
    if (requests->in_flight > requests->peak) requests->peak = requests->in_flight;
    (void)pthread_mutex_unlock(&requests->lock);
}

void sb_requests_end(sb_requests_t *requests)
{
    (void)pthread_mutex_lock(&requests->lock);
    requests->in_flight--;
    (void)pthread_mutex_unlock(&requests->lock);
}

/* Numbers, Kombo's ids, and whatever stands behind "by_…". */
static bool looks_like_an_id(const char *segment, size_t length, const char *before)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) digits += isdigit((unsigned char)segment[i]) != 0;
    return length && (digits == length || !strncmp(before, "by_", 3) || (length == 24 && digits));
}

/* "PUT /v1/users/{}/deactivate 204": ids and the query are left out, so that calls of one kind count together. */
static void count(sb_requests_t *requests, const sb_request_t *request)
{
    char call[160];
    size_t used = (size_t)snprintf(call, sizeof call, "%s ", request->method);
    const char *at = request->target, *before = "";
    while (*at == '/' && used < sizeof call - 64) {
        size_t length = strcspn(++at, "/?");
        bool id = looks_like_an_id(at, length, before);
        used += (size_t)snprintf(call + used, sizeof call - used, "/%.*s", id ? 2 : (int)(length < 40 ? length : 40),
                                 id ? "{}" : at);
        before = at;
        at += length;
    }
    (void)snprintf(call + used, sizeof call - used, " %d", request->status);
    long *counter = rc_map_get(requests->counts, call, strlen(call));
    if (!counter) {
        counter = rc_zalloc(sizeof *counter);
        (void)rc_map_set(requests->counts, call, strlen(call), counter);
    }
    ++*counter;
    requests->total++;
}

static void grow(sb_requests_t *requests)
{
    size_t kept = (size_t)(requests->next - requests->first);
    if (kept < requests->capacity) return;
    size_t capacity = requests->capacity ? requests->capacity * 2 : 256;
    entry_t *entries = rc_calloc(capacity, sizeof *entries);
    for (uint64_t number = requests->first; number < requests->next; number++)
        entries[number % capacity] = *entry_at(requests, number);
    free(requests->entries);
    requests->entries = entries;
    requests->capacity = capacity;
}

void sb_requests_add(sb_requests_t *requests, const sb_request_t *request)
{
    entry_t entry = {.request = *request, .body_hash = rc_hash64(request->body, request->body_size_bytes)};
    entry.request.method = rc_strdup(request->method);
    entry.request.target = rc_strdup(request->target);
    entry.request.employee = rc_strdup(request->employee);
    (void)pthread_mutex_lock(&requests->lock);
    entry.request.body = requests->bodies ? rc_strndup(request->body, request->body_size_bytes) : NULL;
    count(requests, request);
    if (requests->limit) drop_oldest(requests, requests->limit - 1);
    grow(requests);
    entry.number = requests->next++;
    *entry_at(requests, entry.number) = entry;
    (void)pthread_mutex_unlock(&requests->lock);
}

static json_t *entry_json(const entry_t *entry)
{
    const sb_request_t *request = &entry->request;
    json_t *json = json_object();
    (void)json_object_set_new(json, "number", json_integer((json_int_t)entry->number));
    rc_json_put_wall(json, "at", request->at);
    rc_json_put_wall(json, "machine_at", request->machine_at);
    rc_json_put_str(json, "method", request->method);
    rc_json_put_str(json, "target", request->target);
    rc_json_put_str(json, "employee", request->employee);
    if (request->user_id) (void)json_object_set_new(json, "user_id", json_integer(request->user_id));
    (void)json_object_set_new(json, "status", json_integer(request->status));
    rc_json_put_str(json, "effect", request->effect);
    rc_json_put_str(json, "answer", request->answer);
    if (request->fault) (void)json_object_set_new(json, "fault", json_integer(request->fault));
    (void)json_object_set_new(json, "body_hash", json_sprintf("%016llx", (unsigned long long)entry->body_hash));
    if (request->body && *request->body) rc_json_put_str(json, "body", request->body);
    return json;
}

json_t *sb_requests_list(sb_requests_t *requests, uint64_t after, size_t limit, const char *employee)
{
    json_t *list = json_array();
    (void)pthread_mutex_lock(&requests->lock);
    uint64_t number = after + 1 > requests->first ? after + 1 : requests->first;
    for (; number < requests->next && json_array_size(list) < limit; number++) {
        const entry_t *entry = entry_at(requests, number);
        if (employee && (!entry->request.employee || strcmp(employee, entry->request.employee) != 0)) continue;
        (void)json_array_append_new(list, entry_json(entry));
    }
    (void)pthread_mutex_unlock(&requests->lock);
    return list;
}

static bool put_count(void *context, const void *key, size_t key_bytes, void *value)
{
    (void)json_object_setn_new(context, key, key_bytes, json_integer(*(long *)value));
    return true;
}

json_t *sb_requests_counters(sb_requests_t *requests)
{
    json_t *by_call = json_object();
    (void)pthread_mutex_lock(&requests->lock);
    rc_map_each(requests->counts, put_count, by_call);
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:o}", "total", (json_int_t)requests->total, "in_flight",
                  (json_int_t)requests->in_flight, "peak_in_flight", (json_int_t)requests->peak, "by_call", by_call);
    (void)pthread_mutex_unlock(&requests->lock);
    return json;
}

void sb_requests_clear(sb_requests_t *requests)
{
    (void)pthread_mutex_lock(&requests->lock);
    drop_oldest(requests, 0);
    rc_map_free(requests->counts);
    requests->counts = rc_map_new(free);
    requests->total = 0;
    requests->peak = requests->in_flight;
    (void)pthread_mutex_unlock(&requests->lock);
}
