#include "common/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config_check.h"
#include "common/config_settings.h"
#include "common/text.h"

/* The host's name, as far as a folder and a Kafka id can have it. */
static void name_instance(rc_config_t *config)
{
    char host[64] = "";
    if (!rc_text_empty(config->instance)) return;
    if (gethostname(host, sizeof host - 1) != 0 || !*host) (void)snprintf(host, sizeof host, "localhost");
    for (char *c = host; *c; c++)
        if (rc_check_instance((char[]){*c == '.' ? '-' : *c, '\0'})) *c = '-';
    if (*host == '.') *host = '-';
    config->instance = rc_arena_strdup(config->store->arena, host);
}

rc_code_t rc_config_parse(const char *name, const char *text, size_t size_bytes, rc_config_t **config,
                          rc_buf_t *problems)
{
    rc_arena_t *arena = rc_arena_new();
    rc_config_t *made = rc_arena_alloc(arena, sizeof *made);
    made->path = rc_arena_strdup(arena, name);
    made->store = rc_arena_alloc(arena, sizeof *made->store);
    made->store->arena = arena;
    made->store->lines = rc_arena_alloc(arena, RC_SETTINGS_COUNT * sizeof(int));
    rc_problems_t found = {.file = name};
    const rc_yaml_t *root = NULL;
    rc_error_t error = RC_ERROR_INIT;
    rc_arena_t *tree = rc_arena_new();
    int line = 1;
    if (rc_yaml_parse(tree, text, size_bytes, &root, &line, &error) != RC_OK) {
        rc_problems_add(&found, line, "YAML", "%s", error.message);
    } else {
        rc_config_read(made, root, &found);
        name_instance(made);
    }
    bool fine = found.count == 0;
    rc_problems_print(&found, problems);
    rc_problems_fini(&found);
    rc_arena_free(tree);
    if (fine)
        *config = made;
    else
        rc_config_free(made);
    return fine ? RC_OK : RC_CONFIG;
}

static char *read_file(const char *path, size_t *size_bytes, const char **why)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        *why = strerror(errno);
        if (fd >= 0) (void)close(fd);
        return NULL;
    }
    size_t cap = RC_YAML_TEXT_MAX + 1;
    char *text = rc_alloc(cap);
    *size_bytes = 0;
    for (ssize_t got = 1; got > 0 && *size_bytes < cap;) {
        got = read(fd, text + *size_bytes, cap - *size_bytes);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            *why = strerror(errno);
        else
            *size_bytes += (size_t)got;
    }
    (void)close(fd);
    if (!*why) return text;
    free(text);
    return NULL;
}

rc_code_t rc_config_load(const char *path, rc_config_t **config, rc_buf_t *problems)
{
    const char *why = NULL;
    size_t size_bytes = 0;
    char *text = read_file(path, &size_bytes, &why);
    if (!text) {
        (void)rc_buf_add_format(problems, "%s: the configuration cannot be read (%s); name another with --config\n",
                                path, why);
        return RC_CONFIG;
    }
    rc_code_t code = rc_config_parse(path, text, size_bytes, config, problems);
    explicit_bzero(text, size_bytes);
    free(text);
    return code;
}

void rc_config_free(rc_config_t *config)
{
    if (!config) return;
    rc_zones_t *zones = &config->store->zones;
    for (size_t i = 0; i < zones->count; i++) {
        free(zones->items[i].name);
        rc_zone_free(zones->items[i].zone);
    }
    free(zones->items);
    rc_arena_free(config->store->arena);
}

rc_code_t rc_config_set_instance(rc_config_t *config, const char *instance, rc_error_t *error)
{
    const char *complaint = *instance ? rc_check_instance(instance) : "empty; write a name";
    if (complaint) return rc_error_set(error, RC_USAGE, RC_REJECT, "--instance: \"%.64s\" is %s", instance, complaint);
    config->instance = rc_arena_strdup(config->store->arena, instance);
    return RC_OK;
}

/* --- asking -------------------------------------------------------------------------------------------------- */

const rc_integration_t *rc_config_find(const rc_config_t *config, const char *integration_id)
{
    for (size_t i = 0; i < config->integrations_count; i++)
        if (rc_text_equal(config->integrations[i].id, integration_id)) return &config->integrations[i];
    return NULL;
}

const rc_mapping_t *rc_integration_mapping(const rc_integration_t *integration, rc_target_t target)
{
    for (size_t i = 0; i < integration->mapping_count; i++)
        if (integration->mapping[i].target == target) return &integration->mapping[i];
    return NULL;
}

const char *rc_config_property(const rc_config_t *config, const char *name)
{
    for (size_t i = 0; i < config->kafka.properties_count; i++)
        if (strcmp(config->kafka.properties[i].name, name) == 0) return config->kafka.properties[i].value;
    return NULL;
}
