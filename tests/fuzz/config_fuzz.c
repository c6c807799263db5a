/* common/config: any text is read or refused, and what is read prints as text that is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static rc_config_t *parse(const char *text, size_t size)
{
    rc_buf_t problems = RC_BUF_INIT(1 << 20);
    rc_config_t *config = NULL;
    rc_code_t code = rc_config_parse("fuzz.yaml", text, size, &config, &problems);
    /* Either a configuration or a reason. */
    if ((code == RC_OK) != (config != NULL) || (code == RC_OK) != (problems.size_bytes == 0)) abort();
    rc_buf_fini(&problems);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* What the machine has must not decide: files and the environment stay out. */
    if (memmem(data, size, "${", 2)) return 0;
    rc_config_t *config = parse((const char *)data, size);
    if (!config) return 0;
    rc_buf_t yaml = RC_BUF_INIT(1 << 24);
    char digest[RC_DIGEST_SIZE], again_digest[RC_DIGEST_SIZE];
    rc_config_print(config, &yaml);
    /* A mask is no login and no address, so a file with those secrets does not read again. */
    if (!*config->schema_registry.basic_auth && !*config->notify.url) {
        rc_config_t *again = parse(yaml.data, yaml.size_bytes);
        if (!again || again->integrations_count != config->integrations_count) abort();
        for (size_t i = 0; i < config->integrations_count; i++)
            if (strcmp(rc_integration_digest(&config->integrations[i], digest),
                       rc_integration_digest(&again->integrations[i], again_digest)) != 0)
                abort();
        rc_config_free(again);
    }
    rc_buf_fini(&yaml);
    rc_config_free(config);
    return 0;
}
