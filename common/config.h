/* The configuration of both programs: one YAML file, read whole and checked whole before anything starts. The settings,
 * their types, defaults, limits and help texts are one table (common/config_settings.c), from which the parser, the
 * `config` command and docs/configuration.md come.
 *
 * Loading belongs into start-up, before other threads exist (it reads the environment and builds time zones); after
 * that the configuration never changes, and any thread may read it. Everything in it lives as long as it does. */
#ifndef RC_COMMON_CONFIG_H
#define RC_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/time.h"

#define RC_CONFIG_DEFAULT_PATH "/etc/rollcall/rollcall.yaml"

/* What a mapping may fill at Learn Amp: the documented parameters, and a custom field by name. */
/* clang-format off */
#define RC_TARGETS(X, T) X(T, FIRST_NAME, "firstName") X(T, LAST_NAME, "lastName") X(T, EMAIL, "email") X(T, JOB_TITLE, "jobTitle") X(T, AVATAR, "avatar") X(T, LOCATION, "location") X(T, HIRE_DATE, "hireDate") X(T, LEAVE_DATE, "leaveDate") X(T, MANAGER_EMAIL, "managerEmail") X(T, LANGUAGE, "language") X(T, CUSTOM, "custom")
/* clang-format on */
typedef enum { RC_TARGETS(RC_ENUM_MEMBER, TARGET) } rc_target_t;
enum { RC_TARGET_COUNT = 0 RC_TARGETS(RC_ENUM_COUNT, _) };
extern const rc_enum_t RC_ENUM_TARGET;

typedef enum { RC_INVITE_NEVER, RC_INVITE_ON_CREATE } rc_invite_t;
typedef enum { RC_DEACTIVATE_ON_STATUS, RC_DEACTIVATE_ON_LEAVE_DATE, RC_DEACTIVATE_ON_EITHER } rc_deactivate_on_t;
typedef enum { RC_ON_NULL_CLEAR, RC_ON_NULL_KEEP } rc_on_null_t;

/* What `notify.on` lists; a set of them is 1u << kind. */
typedef enum {
    RC_NOTIFY_HOLD,
    RC_NOTIFY_NEEDS_CUSTOMER,
    RC_NOTIFY_MISCONFIGURED,
    RC_NOTIFY_DEAD_LETTER
} rc_notify_kind_t;

typedef struct {
    size_t count;
    const char *const *items;
} rc_strings_t;

/* A librdkafka property as written, for common/kafka to set; the line is for its complaints. */
typedef struct {
    const char *name;
    const char *value;
    int line; /* 0: a default of ours */
} rc_config_property_t;

typedef struct {
    int count;
    int percent;
} rc_brake_limit_t; /* max(count, percent of announced employees) passes; 0 and 0: the brake is off */

static inline bool rc_brake_limit_is_off(rc_brake_limit_t limit)
{
    return limit.count == 0 && limit.percent == 0;
}

typedef struct {
    rc_target_t target;
    const char *custom_name; /* of RC_TARGET_CUSTOM: the field's name at Learn Amp; else NULL */
    const char *source;      /* a dotted path into Kombo's employee, as written: "work_location.name" */
    int line;                /* 0: from the default mapping */
} rc_mapping_t;

typedef struct {
    rc_invite_t invite;
    struct {
        bool immediately; /* else lead_days before the hire date */
        int lead_days;
    } create;
    bool initial_import_invite;
    rc_deactivate_on_t deactivate_on;
    int64_t absence_grace_ms;
    rc_group_type_t primary_team[RC_GROUP_COUNT]; /* first match wins */
    size_t primary_team_count;                    /* 0: teams are left alone */
    rc_group_type_t secondary_teams[RC_GROUP_COUNT];
    size_t secondary_teams_count;
    bool create_teams;
    bool match_email;
    const char *swap_address; /* with "{id}" in it; "": none */
    rc_on_null_t on_null;
    struct {
        rc_strings_t legal_entities; /* Kombo ids or names; empty: everybody */
        rc_strings_t locations;
        rc_strings_t groups;
        rc_strings_t employment_types; /* Kombo's values */
    } scope;
    rc_brake_limit_t brakes[RC_BRAKE_COUNT];
} rc_policy_t;

typedef struct {
    const char *id; /* Kombo's integration id, "personio:CBNM…" */
    const char *name;
    const char *timezone;
    const rc_zone_t *zone;
    struct {
        const char *base_url; /* without a slash at its end, as all URLs here */
        const char *api_key;
        const char *webhook_secret; /* "": webhooks are refused */
        int64_t poll_interval_ms;
        int64_t full_sync_interval_ms;
        int page_size;
    } kombo;
    struct {
        const char *base_url;
        const char *client_id;
        const char *client_secret;
        const char *scope;
        double requests_per_second; /* 0: no limit */
        int max_in_flight;
    } learnamp;
    rc_policy_t policy;
    rc_mapping_t *mapping; /* in the order of rc_target_t, custom fields by name */
    size_t mapping_count;
    int line; /* of the entry, for complaints that need a service to be found out */
} rc_integration_t;

typedef struct {
    const char *path; /* the file, as given */
    struct {
        const char *topic_prefix;
        int partitions;
        int replication_factor;
        bool create_topics;
        struct {
            int64_t events_ms;
            int64_t commands_ms;
            int64_t retry_ms;
            int64_t dead_letters_ms;
        } retention;
        rc_config_property_t *properties; /* "bootstrap.servers" is among them; none of the refused ones is */
        size_t properties_count;
    } kafka;
    struct {
        const char *url; /* "": single-object encoding, no registry */
        const char *basic_auth;
        const char *ca_file;
    } schema_registry;
    const char *instance; /* never empty: the host name when the file leaves it out */
    const char *state_dir;
    const char *api_token;
    struct {
        rc_log_level_t level;
        rc_log_format_t format;
    } log;
    struct {
        const char *url;
        unsigned on; /* bits of rc_notify_kind_t */
    } notify;
    const char *http_proxy;
    const char *ca_file;
    struct {
        rc_listen_t listen;
        int64_t http_timeout_ms;
        size_t max_page_size_bytes;
        int64_t forget_after_ms; /* 0: never */
    } producer;
    struct {
        rc_listen_t listen;
        const char *application;
        int64_t http_timeout_ms;
        int64_t drain_timeout_ms;
        int64_t transaction_interval_ms;
        int64_t *retry_delays_ms; /* at least one, rising */
        size_t retry_delays_count;
        int breaker_failures;
        struct {
            int percent;
            int count;
            int64_t window_ms;
        } dead_letter_budget;
    } consumer;
    rc_integration_t *integrations; /* at least one, in the order of the file */
    size_t integrations_count;
    struct rc_config_store *store; /* what the rest points into; private to common/config.c */
} rc_config_t;

/* Reads and checks the file. Returns new in *config (rc_config_free). RC_CONFIG when anything is wrong with it; then
 * `problems` holds all of it, sorted by line, one a line and ready to print:
 * `FILE:LINE: KEY: what is wrong; what to do`. */
rc_code_t rc_config_load(const char *path, rc_config_t **config, rc_buf_t *problems);

/* The same for text that is there already; `name` stands for the file in the messages. */
rc_code_t rc_config_parse(const char *name, const char *text, size_t size_bytes, rc_config_t **config,
                          rc_buf_t *problems);

void rc_config_free(rc_config_t *config); /* NULL is fine */

/* Replaces `instance` (what --instance gives; copied). RC_USAGE when it is not fit for a file name and a Kafka id. */
rc_code_t rc_config_set_instance(rc_config_t *config, const char *instance, rc_error_t *error);

/* The integration of that id; NULL: none. Borrows. */
const rc_integration_t *rc_config_find(const rc_config_t *config, const char *integration_id);

/* What `mapping` takes `target` from; NULL: not mapped. Not for RC_TARGET_CUSTOM. Borrows. */
const rc_mapping_t *rc_integration_mapping(const rc_integration_t *integration, rc_target_t target);

/* The value of a librdkafka property as the file gives it; NULL: not given. Borrows. */
const char *rc_config_property(const rc_config_t *config, const char *name);

enum { RC_DIGEST_SIZE = 17 };

/* A digest of all that the projection depends on (mapping, policy without brakes, time zone): when it changes, the
 * next poll of the integration is a full one. The same settings give the same 16 hex digits in every release that does
 * not add such a setting. Returns text. */
char *rc_integration_digest(const rc_integration_t *integration, char text[RC_DIGEST_SIZE]);

/* Appends the effective configuration as YAML that reads the same again but for the secrets, which are masked; values
 * that nobody wrote are marked as defaults. */
void rc_config_print(const rc_config_t *config, rc_buf_t *yaml);

/* Appends docs/configuration.md. */
void rc_config_print_docs(rc_buf_t *markdown);

#endif
