/* What Kafka has at one moment, for a command that decides as a producer does and changes nothing: neither Kafka, nor
 * the tables of a service of the same instance. The tables lie in <state_dir>/<instance>/plan.<pid> and go with it. The
 * main thread. */
#ifndef RC_PRODUCER_PICTURE_H
#define RC_PRODUCER_PICTURE_H

#include "producer/poll/views.h"

typedef struct {
    rc_kafka_t *kafka;
    rc_enrolment_t enrolment;
    rc_codec_t *codec; /* for what this process alone reads: it needs no registry to write */
    rc_views_t *views;
    bool topics;    /* the cluster has ours; else the views are empty */
    char *instance; /* <state_dir>/<instance> */
    char *folder;   /* below it */
    bool made_state_dir;
    bool made_instance;
} rc_picture_t;

/* Waits for Kafka for at most wait_ms (RC_TIMEOUT, RC_CANCELLED); RC_CONFIG when the topics are not those of the
 * configuration. Borrows config and *stop. Call rc_picture_fini in any case. */
rc_code_t rc_picture_init(rc_picture_t *picture, const rc_config_t *config, int64_t wait_ms, atomic_bool *stop,
                          rc_error_t *error);
/* Removes what it made. */
void rc_picture_fini(rc_picture_t *picture);

#endif
