/* A delivery of Kombo's webhooks: whether to believe it, and what it calls for (docs/kombo.md, "Webhooks"). Pure; any
 * thread. */
#ifndef RC_PRODUCER_DELIVERY_H
#define RC_PRODUCER_DELIVERY_H

#include "common/config.h"
#include "common/uuid.h"

typedef enum {
    RC_DELIVERY_POLL,    /* signed; the integration is to be polled */
    RC_DELIVERY_IGNORED, /* signed; it changes nobody who is announced */
    RC_DELIVERY_MALFORMED,
    RC_DELIVERY_UNKNOWN_INTEGRATION, /* this one and the next three must look the same from outside */
    RC_DELIVERY_NO_SECRET,
    RC_DELIVERY_NO_SIGNATURE,
    RC_DELIVERY_BAD_SIGNATURE
} rc_delivery_verdict_t;

enum { RC_DELIVERY_CLAIM_SIZE = 129 };

typedef struct {
    rc_delivery_verdict_t verdict;
    const rc_integration_t *integration; /* POLL, IGNORED; else NULL */
    const char *type;                    /* likewise: one of Kombo's types, or "other"; static */
    char command_id[RC_UUID_STR_SIZE];   /* POLL: the same for each repetition of the delivery */
    char claim[RC_DELIVERY_CLAIM_SIZE];  /* otherwise: the integration that the body names, if it may be one; not to be
                                          * believed; "": none */
} rc_delivery_t;

/* Judges a body and its X-Kombo-Signature (NULL: none). The body names the integration whose secret proves it, so until
 * then nothing of it counts. An unknown integration, an empty secret and a missing signature take as long as a wrong
 * one. */
void rc_delivery_judge(const rc_config_t *config, const char *body, size_t body_bytes, const char *signature,
                       rc_delivery_t *delivery);

#endif
