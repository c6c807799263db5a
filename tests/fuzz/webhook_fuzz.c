/* Any bytes as a webhook's body: signed for one of two integrations or for none, by the first byte. Nothing is believed
 * but what carries the signature of the integration that it names. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_check.h"
#include "common/hmac.h"
#include "common/mem.h"
#include "producer/service/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rc_integration_t integrations[] = {{.id = "personio:A", .kombo.webhook_secret = "a"},
                                          {.id = "personio:B", .kombo.webhook_secret = "b"},
                                          {.id = "personio:C", .kombo.webhook_secret = ""}};
static const rc_config_t config = {.integrations = integrations, .integrations_count = 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const secrets[] = {"a", "b", "", "in place of a secret"};
    if (size == 0) return 0;
    const char *secret = secrets[data[0] % 4];
    char *body = rc_strndup((const char *)data + 1, size - 1); /* a block of its own: the sanitizer sees its end */
    char signature[RC_HMAC_TEXT_SIZE];
    rc_delivery_t delivery;
    rc_delivery_judge(&config, body, size - 1, rc_kombo_sign(secret, body, size - 1, signature), &delivery);
    bool believed = delivery.verdict == RC_DELIVERY_POLL || delivery.verdict == RC_DELIVERY_IGNORED;
    RC_INVARIANT(believed == (delivery.integration != NULL) && believed == (delivery.type != NULL));
    if (believed) RC_INVARIANT(*secret && strcmp(delivery.integration->kombo.webhook_secret, secret) == 0);
    if (believed) RC_INVARIANT(strlen(delivery.command_id) == RC_UUID_STR_SIZE - 1);
    if (*delivery.claim) RC_INVARIANT(rc_check_integration_id(delivery.claim) == NULL);
    rc_delivery_judge(&config, body, size - 1, NULL, &delivery);
    RC_INVARIANT(delivery.integration == NULL);
    free(body);
    return 0;
}
