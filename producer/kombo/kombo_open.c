/* rc_kombo_open: the client of an integration as it is configured. */
#include <stdlib.h>

#include "common/mem.h"
#include "producer/kombo/kombo.h"

rc_kombo_t *rc_kombo_open(const rc_config_t *config, const rc_integration_t *integration, int64_t timeout_ms,
                          rc_metrics_t *metrics, rc_kombo_fields_t **fields)
{
    const char **paths = rc_calloc(integration->mapping_count, sizeof *paths);
    for (size_t i = 0; i < integration->mapping_count; i++) paths[i] = integration->mapping[i].source;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kombo_fields_new(paths, integration->mapping_count, fields, &error) != RC_OK)
        RC_DIE("a mapping that the configuration let pass: %s", error.message);
    free(paths);
    const rc_kombo_options_t options = {.base_url = integration->kombo.base_url,
                                        .api_key = integration->kombo.api_key,
                                        .integration_id = integration->id,
                                        .page_size = integration->kombo.page_size,
                                        .timeout_ms = timeout_ms,
                                        .max_page_bytes = config->producer.max_page_size_bytes,
                                        .http = {.proxy = config->http_proxy, .ca_file = config->ca_file},
                                        .fields = *fields,
                                        .metrics = metrics};
    return rc_kombo_new(&options);
}
