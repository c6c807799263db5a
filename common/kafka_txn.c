#include "common/kafka_txn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kafka_group.h"
#include "common/kafka_handle.h"
#include "common/log.h"

enum {
    SLICE_MS = 500,    /* of a call that goes on where it stopped, between looks at *cancelled */
    FULL_WAIT_MS = 10, /* for room in the queue */
    BEFORE_ABORT_MS = 1000,
    POLL_EVERY = 512, /* records: delivery reports would pile up otherwise */
};

struct rc_kafka_txn {
    rc_kafka_handle_t handle;
    bool open;
    bool dead;
    rc_error_t failure; /* the first one in this transaction: it can only be aborted */
    rd_kafka_topic_t **topics;
    size_t topic_count;
    rc_kafka_offset_t *produced;
    size_t produced_count, produced_capacity, produced_last;
    unsigned unpolled;
};

static rc_code_t fail(rc_kafka_txn_t *txn, const rc_error_t *failure, rc_error_t *error)
{
    if (txn->failure.code == RC_OK) txn->failure = *failure;
    if (failure->disposition == RC_FATAL) txn->dead = true;
    if (error) *error = *failure;
    return failure->code;
}

/* Takes `reason`. */
static rc_code_t fail_with(rc_kafka_txn_t *txn, rd_kafka_error_t *reason, const char *what, rc_error_t *error)
{
    rc_error_t failure;
    (void)rc_kafka_error(&failure, &txn->handle, rd_kafka_error_code(reason), rd_kafka_error_string(reason), "%s",
                         what);
    if (rd_kafka_error_is_fatal(reason)) failure.disposition = RC_FATAL;
    rd_kafka_error_destroy(reason);
    return fail(txn, &failure, error);
}

static void remember_produced(rc_kafka_txn_t *txn, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt); /* one address a topic: txn->topics keeps them alive */
    for (size_t i = 0; i < txn->produced_count; i++) {
        rc_kafka_offset_t *last = &txn->produced[(txn->produced_last + i) % txn->produced_count];
        if (last->partition != message->partition || strcmp(last->topic, topic) != 0) continue;
        if (message->offset > last->offset) last->offset = message->offset;
        txn->produced_last = (size_t)(last - txn->produced);
        return;
    }
    if (txn->produced_count == txn->produced_capacity) {
        txn->produced_capacity = txn->produced_capacity ? 2 * txn->produced_capacity : 32;
        txn->produced = rc_realloc(txn->produced, txn->produced_capacity * sizeof *txn->produced);
    }
    txn->produced[txn->produced_count++] = (rc_kafka_offset_t){topic, message->partition, message->offset};
}

/* Delivery reports: inside our own calls, on the caller's thread. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    rc_kafka_txn_t *txn = opaque; /* the handle is its first member */
    if (!message->err) {
        remember_produced(txn, message);
        return;
    }
    bool purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    if (txn->failure.code != RC_OK || purged) return; /* an abort purges what is queued */
    rc_error_t failure;
    (void)rc_kafka_error(&failure, &txn->handle, message->err, NULL, "a record to %s",
                         rd_kafka_topic_name(message->rkt));
    (void)fail(txn, &failure, NULL);
}

rc_code_t rc_kafka_txn_open(const rc_kafka_t *kafka, const char *transactional_id, rc_kafka_txn_t **out,
                            rc_error_t *error)
{
    const rc_kafka_setting_t extra[] = {{"transactional.id", transactional_id}, {NULL, NULL}};
    rd_kafka_conf_t *conf;
    rc_code_t code = rc_kafka_conf(kafka, RC_ROLE_TXN, extra, &conf, error);
    if (code) return code;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rc_kafka_txn_t *txn = rc_zalloc(sizeof *txn);
    code = rc_kafka_handle_open(kafka, RD_KAFKA_PRODUCER, conf, &txn->handle, error);
    if (code)
        free(txn);
    else
        *out = txn;
    return code;
}

static void release(rc_kafka_handle_t *handle)
{
    rc_kafka_txn_t *txn = (rc_kafka_txn_t *)handle;
    free(txn->topics);
    free(txn->produced);
    free(txn);
}

void rc_kafka_txn_close(rc_kafka_txn_t *txn)
{
    if (!txn) return;
    (void)rd_kafka_purge(txn->handle.rk,
                         RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    (void)rd_kafka_poll(txn->handle.rk, 0);
    for (size_t i = 0; i < txn->topic_count; i++) rd_kafka_topic_destroy(txn->topics[i]);
    rc_kafka_handle_close(&txn->handle, release);
}

rc_code_t rc_kafka_txn_init(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    for (bool said = false;; said = true) {
        rd_kafka_error_t *reason = rd_kafka_init_transactions(txn->handle.rk, SLICE_MS);
        if (!reason) return RC_OK;
        bool again = rd_kafka_error_is_retriable(reason) || rd_kafka_error_code(reason) == RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (!again) return fail_with(txn, reason, "taking the transactional id", error);
        if (!said)
            rc_log(RC_LEVEL_INFO, "waiting for kafka transactions", RC_LOG_STR(MESSAGE, rd_kafka_error_string(reason)));
        rd_kafka_error_destroy(reason);
        if (rc_kafka_is_cancelled(cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "ended while taking the transactional id");
    }
}

rc_code_t rc_kafka_txn_begin(rc_kafka_txn_t *txn, rc_error_t *error)
{
    RC_INVARIANT(!txn->open);
    if (txn->dead) {
        if (error) *error = txn->failure;
        return txn->failure.code;
    }
    txn->failure = RC_ERROR_INIT;
    txn->produced_count = txn->produced_last = 0;
    (void)rd_kafka_poll(txn->handle.rk, 0);
    rd_kafka_error_t *reason = rd_kafka_begin_transaction(txn->handle.rk);
    if (reason) return fail_with(txn, reason, "beginning a transaction", error);
    txn->open = true;
    return RC_OK;
}

static rd_kafka_topic_t *topic_of(rc_kafka_txn_t *txn, const char *name)
{
    for (size_t i = 0; i < txn->topic_count; i++)
        if (!strcmp(rd_kafka_topic_name(txn->topics[i]), name)) return txn->topics[i];
    rd_kafka_topic_t *topic = rd_kafka_topic_new(txn->handle.rk, name, NULL);
    RC_INVARIANT(topic != NULL);
    txn->topics = rc_realloc(txn->topics, (txn->topic_count + 1) * sizeof(rd_kafka_topic_t *));
    txn->topics[txn->topic_count++] = topic;
    return topic;
}

rc_code_t rc_kafka_txn_produce(rc_kafka_txn_t *txn, const rc_kafka_record_t *record, rc_error_t *error)
{
    RC_INVARIANT(txn->open);
    if (txn->failure.code != RC_OK) {
        if (error) *error = txn->failure;
        return txn->failure.code;
    }
    if (++txn->unpolled % POLL_EVERY == 0) (void)rd_kafka_poll(txn->handle.rk, 0);
    rd_kafka_topic_t *topic = topic_of(txn, record->topic);
    for (;;) {
        rd_kafka_error_t *reason = rc_kafka_produce(txn->handle.rk, topic, record, NULL);
        if (!reason) return RC_OK;
        if (rd_kafka_error_code(reason) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            char what[128];
            (void)rd_kafka_poll(txn->handle.rk, 0); /* the report of the record that spoilt the transaction says more */
            (void)snprintf(what, sizeof what, "a record to %s", record->topic);
            return fail_with(txn, reason, what, error);
        }
        rd_kafka_error_destroy(reason);
        (void)rd_kafka_poll(txn->handle.rk, FULL_WAIT_MS); /* ends: what is not delivered fails after 10 s */
    }
}

rc_code_t rc_kafka_txn_send_offsets(rc_kafka_txn_t *txn, const rc_kafka_group_t *group,
                                    const rc_kafka_offset_t *offsets, size_t count, rc_error_t *error)
{
    RC_INVARIANT(txn->open && count > 0);
    /* librdkafka says yes to an offset that is none without asking the group, and nobody would be fenced */
    for (size_t i = 0; i < count; i++) RC_INVARIANT(offsets[i].offset >= 0);
    if (txn->failure.code != RC_OK) {
        if (error) *error = txn->failure;
        return txn->failure.code;
    }
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(offsets, count);
    rd_kafka_error_t *reason;
    int64_t deadline_ms = rc_mono_now().ms + RC_KAFKA_TXN_TIMEOUT_MS;
    do {
        reason = rd_kafka_send_offsets_to_transaction(txn->handle.rk, list, rc_kafka_group_raw(group), -1);
        if (!reason || !rd_kafka_error_is_retriable(reason) || rc_mono_now().ms > deadline_ms) break;
        rd_kafka_error_destroy(reason);
    } while (true);
    rd_kafka_topic_partition_list_destroy(list);
    return reason ? fail_with(txn, reason, "committing the offsets of the group", error) : RC_OK;
}

/* One of librdkafka's blocking calls until it is decided. NULL: it succeeded. Returns new otherwise. */
static rd_kafka_error_t *until_known(rc_kafka_txn_t *txn, rd_kafka_error_t *(*call)(rd_kafka_t *, int),
                                     const atomic_bool *cancelled, bool *given_up)
{
    for (;;) {
        rd_kafka_error_t *reason = call(txn->handle.rk, SLICE_MS);
        if (!reason || rd_kafka_error_is_fatal(reason) || rd_kafka_error_txn_requires_abort(reason)) return reason;
        bool again = rd_kafka_error_is_retriable(reason) || rd_kafka_error_code(reason) == RD_KAFKA_RESP_ERR__TIMED_OUT;
        *given_up = again && rc_kafka_is_cancelled(cancelled);
        if (!again || *given_up) return reason;
        rd_kafka_error_destroy(reason);
    }
}

static rc_code_t given_up(rc_kafka_txn_t *txn, rd_kafka_error_t *reason, rc_error_t *error)
{
    rc_error_t failure;
    (void)rc_error_set(&failure, RC_CANCELLED, RC_STOPPED, "ended while a transaction was not decided: %s",
                       rd_kafka_error_string(reason));
    rd_kafka_error_destroy(reason);
    txn->dead = true;
    txn->failure = failure;
    if (error) *error = failure;
    return RC_CANCELLED;
}

rc_code_t rc_kafka_txn_abort(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    if (!txn->open && !txn->dead) return RC_OK;
    txn->open = false;
    txn->produced_count = 0;
    if (txn->dead) {
        if (error) *error = txn->failure;
        return txn->failure.code;
    }
    /* A transaction that the broker has not begun yet (it still ends the former one) cannot be aborted there:
     * librdkafka would ask all the same, and the handle would be lost. What is queued makes it begin. */
    if (txn->failure.code == RC_OK) (void)rd_kafka_flush(txn->handle.rk, BEFORE_ABORT_MS);
    bool ended = false;
    rd_kafka_error_t *reason = until_known(txn, rd_kafka_abort_transaction, cancelled, &ended);
    if (!reason) return RC_OK;
    if (ended) return given_up(txn, reason, error);
    txn->dead = true; /* an abort that fails leaves nothing to go on with */
    txn->failure = RC_ERROR_INIT;
    rc_error_t failure = RC_ERROR_INIT;
    (void)fail_with(txn, reason, "aborting a transaction", &failure);
    txn->failure.disposition = failure.disposition = RC_FATAL;
    if (error) *error = failure;
    return failure.code;
}

/* The transaction failed with txn->failure. */
static rc_kafka_commit_t abort_instead(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    rc_error_t failure = txn->failure;
    if (rc_kafka_txn_abort(txn, cancelled, error)) return RC_COMMIT_DEAD;
    if (error) *error = failure;
    return RC_COMMIT_ABORTED;
}

rc_kafka_commit_t rc_kafka_txn_commit(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    RC_INVARIANT(txn->open);
    if (txn->failure.code != RC_OK) return abort_instead(txn, cancelled, error);
    bool ended = false;
    rd_kafka_error_t *reason = until_known(txn, rd_kafka_commit_transaction, cancelled, &ended);
    if (!reason) {
        txn->open = false;
        return RC_COMMIT_DONE;
    }
    if (ended) {
        txn->open = false;
        (void)given_up(txn, reason, error);
        return RC_COMMIT_DEAD;
    }
    (void)fail_with(txn, reason, "committing a transaction", NULL);
    return abort_instead(txn, cancelled, error);
}

const rc_kafka_offset_t *rc_kafka_txn_produced(const rc_kafka_txn_t *txn, size_t *count)
{
    *count = txn->produced_count;
    return txn->produced;
}

bool rc_kafka_txn_is_open(const rc_kafka_txn_t *txn)
{
    return txn->open;
}
