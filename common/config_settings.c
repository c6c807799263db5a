#include "common/config_settings.h"

#include <string.h>

#include "common/config_check.h"

static const char *const LEVELS[] = {"debug", "info", "warn", "error", NULL};
static const char *const FORMATS[] = {"auto", "text", "json", NULL};
static const char *const NOTIFY[] = {"hold", "needs_customer", "misconfigured", "dead_letter", NULL};
static const char *const INVITES[] = {"never", "on_create", NULL};
static const char *const DEACTIVATE_ON[] = {"status", "leave_date", "either", NULL};
static const char *const ON_NULL[] = {"clear", "keep", NULL};
static const char *const GROUPS[] = {"TEAM", "DEPARTMENT", "COST_CENTER", NULL};

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY ((int64_t)24 * HOUR)

/* Shorthands for the rows below. */
/* clang-format off */
#define G(member)           .offset = offsetof(rc_config_t, member)
#define I(member)           .offset = offsetof(rc_integration_t, member)
#define COUNTED(type, name) .count_offset = offsetof(type, name##_count)
#define RANGE(low, high)    .min = (low), .max = (high)
#define INTEGRATION(rest)   RC_INTEGRATION_PREFIX rest
#define BRAKE(name, NAME, count_default, percent_default, text)                                                         \
    {INTEGRATION("policy.brakes." name), RC_SETTING_BLOCK, RC_SETTING_INLINE, .help = text},                            \
    {INTEGRATION("policy.brakes." name ".count"), RC_SETTING_INT, I(policy.brakes[RC_BRAKE_##NAME].count),              \
     .initial = count_default, RANGE(0, 1000000000)},                                                                   \
    {INTEGRATION("policy.brakes." name ".percent"), RC_SETTING_INT, I(policy.brakes[RC_BRAKE_##NAME].percent),          \
     .initial = percent_default, RANGE(0, 100)}
/* clang-format on */

/* The order is the order of the reference page and of the command `config`; a block's row stands before its keys. */
/* clang-format off */
const rc_setting_t RC_SETTINGS[] = {
    {"kafka", RC_SETTING_BLOCK, RC_SETTING_OPEN,
     .help = "Where Kafka is and how the topics are made. Any librdkafka property can stand in this block (`bootstrap.servers`, `security.protocol`, `sasl.*`, `ssl.*` …), the refused ones below excepted."},
    {"kafka.topic_prefix", RC_SETTING_STRING, G(kafka.topic_prefix), .initial = "hris.", .check = rc_check_topic_prefix,
     .help = "What the names of all topics begin with."},
    {"kafka.partitions", RC_SETTING_INT, G(kafka.partitions), .initial = "12", RANGE(1, 10000),
     .help = "Partitions of every topic. It never changes: another number would move employees to other partitions. To change it, take another `topic_prefix` and resync."},
    {"kafka.replication_factor", RC_SETTING_INT, G(kafka.replication_factor), .initial = "3", RANGE(1, 100),
     .help = "Copies of every partition, for topics that are created."},
    {"kafka.create_topics", RC_SETTING_BOOL, G(kafka.create_topics), .initial = "true",
     .help = "Create missing topics at start. Otherwise `rollcall-producer topics` or an administrator does."},
    {"kafka.retention", RC_SETTING_BLOCK, .help = "How long topics keep their records."},
    {"kafka.retention.events", RC_SETTING_DURATION, G(kafka.retention.events_ms), .initial = "30d", RANGE(HOUR, 3650 * DAY),
     .help = "Change events: how far subscribers can go back."},
    {"kafka.retention.commands", RC_SETTING_DURATION, G(kafka.retention.commands_ms), .initial = "7d", RANGE(HOUR, 3650 * DAY),
     .help = "Commands to the producers."},
    {"kafka.retention.retry", RC_SETTING_DURATION, G(kafka.retention.retry_ms), .initial = "14d", RANGE(14 * DAY, 3650 * DAY),
     .help = "Parked records; it bounds how long the consumers can be stopped before a parked record is lost, so at least 14d."},
    {"kafka.retention.dead_letters", RC_SETTING_DURATION, G(kafka.retention.dead_letters_ms), .initial = "90d", RANGE(DAY, 3650 * DAY),
     .help = "Dead letters: how long a person has time to look at them."},

    {"schema_registry", RC_SETTING_BLOCK, .help = "A registry with the Confluent API. Without one, events are written in Avro's single-object encoding and schemas travel in the topic `schemas`."},
    {"schema_registry.url", RC_SETTING_STRING, RC_SETTING_URL, G(schema_registry.url), .initial = "", .check = rc_check_optional_base_url,
     .example = "https://registry.example:8085", .help = "Its address. Empty: no registry."},
    {"schema_registry.basic_auth", RC_SETTING_STRING, RC_SETTING_SECRET, G(schema_registry.basic_auth), .initial = "", .check = rc_check_basic_auth,
     .example = "${REGISTRY_LOGIN}", .help = "`user:password`. Empty: none."},
    {"schema_registry.ca_file", RC_SETTING_STRING, G(schema_registry.ca_file), .initial = "",
     .help = "A PEM file of the authorities that may vouch for it. Empty: as `ca_file`."},

    {"instance", RC_SETTING_STRING, G(instance), .initial = "", .check = rc_check_instance,
     .help = "This process among its kind, the same after every restart; `--instance` overrides it. Empty: the host name. Two processes of one program on one host need two names."},
    {"state_dir", RC_SETTING_STRING, G(state_dir), .initial = "/var/lib/rollcall", .check = rc_check_folder,
     .help = "Where the local tables lie, below `<state_dir>/<instance>/<program>`, locked. Everything there can be deleted: it is rebuilt from Kafka."},
    {"api_token", RC_SETTING_STRING, RC_SETTING_SECRET, G(api_token), .initial = "", .check = rc_check_token,
     .example = "${ROLLCALL_API_TOKEN}", .help = "What `/api` and the status page ask for. Empty: they answer only on a loopback listener."},

    {"log", RC_SETTING_BLOCK, .help = "The log, on standard error, one line an event, never with personal data."},
    {"log.level", RC_SETTING_ENUM, G(log.level), .initial = "info", .symbols = LEVELS, .help = "What is less important is left out."},
    {"log.format", RC_SETTING_ENUM, G(log.format), .initial = "auto", .symbols = FORMATS, .help = "`auto`: text on a terminal, else JSON."},

    {"notify", RC_SETTING_BLOCK, .help = "Tells people when something begins to wait for them."},
    {"notify.url", RC_SETTING_STRING, RC_SETTING_SECRET, G(notify.url), .initial = "", .check = rc_check_notify_url,
     .example = "${CHAT_WEBHOOK}", .help = "Where JSON `{\"text\", \"kind\", \"integration\", …}` is POSTed, as chat tools' incoming webhooks take it. Empty: nowhere."},
    {"notify.on", RC_SETTING_FLAGS, G(notify.on), .initial = "hold, needs_customer, misconfigured, dead_letter", .symbols = NOTIFY, RANGE(0, 4),
     .help = "What is worth a message."},

    {"http_proxy", RC_SETTING_STRING, G(http_proxy), .initial = "", .check = rc_check_proxy, .example = "http://proxy.example:3128",
     .help = "The proxy for all outgoing HTTP. Empty: none; the environment's proxy variables are not looked at."},
    {"ca_file", RC_SETTING_STRING, G(ca_file), .initial = "",
     .help = "A PEM file of the authorities that may vouch for Kombo, Learn Amp and the others. Empty: the system's."},

    {"producer", RC_SETTING_BLOCK, .help = "What only `rollcall-producer` reads."},
    {"producer.listen", RC_SETTING_LISTEN, G(producer.listen), .initial = "127.0.0.1:8080",
     .help = "`host:port` of `/healthz`, `/readyz`, `/metrics`, `/webhooks/kombo` and the status page; `--listen` overrides it. Port 0 picks a free one and logs it."},
    {"producer.http_timeout", RC_SETTING_DURATION, G(producer.http_timeout_ms), .initial = "60s", RANGE(100, 10 * MINUTE),
     .help = "How long an answer of Kombo may take."},
    {"producer.max_page_size", RC_SETTING_SIZE, G(producer.max_page_size_bytes), .initial = "64MiB", RANGE(1024, 1024 * 1024 * 1024),
     .help = "A longer answer of Kombo is a failed poll."},
    {"producer.forget_after", RC_SETTING_DURATION, G(producer.forget_after_ms), .initial = "0d", RANGE(0, 3650 * DAY),
     .help = "Erase a person from snapshot, pending and ledger this long after they were gone. `0d`: never."},

    {"consumer", RC_SETTING_BLOCK, .help = "What only `rollcall-consumer` reads."},
    {"consumer.listen", RC_SETTING_LISTEN, G(consumer.listen), .initial = "127.0.0.1:8081",
     .help = "`host:port` of `/healthz`, `/readyz` and `/metrics`; `--listen` overrides it. Port 0 picks a free one and logs it."},
    {"consumer.application", RC_SETTING_STRING, G(consumer.application), .initial = "learnamp", .check = rc_check_application,
     .help = "What the names of the consumer groups and of the ledger, retry and dead-letter topics begin with."},
    {"consumer.http_timeout", RC_SETTING_DURATION, G(consumer.http_timeout_ms), .initial = "20s", RANGE(100, 10 * MINUTE),
     .help = "How long an answer of Learn Amp may take. After a write without an answer, the employee waits once more as long."},
    {"consumer.drain_timeout", RC_SETTING_DURATION, G(consumer.drain_timeout_ms), .initial = "20s", RANGE(0, 5 * MINUTE),
     .help = "How long requests in flight may still run when a partition is taken away or the program stops; ten seconds later it has ended, whatever hangs."},
    {"consumer.transaction_interval", RC_SETTING_DURATION, G(consumer.transaction_interval_ms), .initial = "500ms", RANGE(10, 5 * SECOND),
     .help = "How often what was finished is committed."},
    {"consumer.retry_delays", RC_SETTING_DURATIONS, G(consumer.retry_delays_ms), COUNTED(rc_config_t, consumer.retry_delays),
     .initial = "30s, 5m, 1h", RANGE(1, 8),
     .help = "The tiers of the retry topics, rising, 100ms to 7d each. Each is a topic: take one away only when its topic is empty."},
    {"consumer.breaker_failures", RC_SETTING_INT, G(consumer.breaker_failures), .initial = "10", RANGE(1, 1000000),
     .help = "So many failures in a row stop the requests to one Learn Amp until a probe succeeds."},
    {"consumer.dead_letter_budget", RC_SETTING_BLOCK,
     .help = "More dead letters than max(`count`, `percent` of what finished) within `window` stop the requests to one Learn Amp instead of filling the dead-letter topic."},
    {"consumer.dead_letter_budget.percent", RC_SETTING_INT, G(consumer.dead_letter_budget.percent), .initial = "10", RANGE(0, 100),
     .help = "Of what finished within the window."},
    {"consumer.dead_letter_budget.count", RC_SETTING_INT, G(consumer.dead_letter_budget.count), .initial = "20", RANGE(0, 1000000),
     .help = "So many are always let through."},
    {"consumer.dead_letter_budget.window", RC_SETTING_DURATION, G(consumer.dead_letter_budget.window_ms), .initial = "10m", RANGE(SECOND, DAY),
     .help = "How far back is looked."},

    {"integrations", RC_SETTING_ITEMS, RC_SETTING_REQUIRED, RANGE(1, 10000),
     .help = "The customers' connections, each with its own credentials and policy. At least one. YAML's anchors and `<<` can share what they have in common."},
    {INTEGRATION("id"), RC_SETTING_STRING, RC_SETTING_REQUIRED, I(id), .check = rc_check_integration_id,
     .example = "personio:CBNMt7dSNCzBdnRTx87dev4E", .help = "The Kombo integration id."},
    {INTEGRATION("name"), RC_SETTING_STRING, I(name), .initial = "", .example = "Acme GmbH", .help = "For people. Empty: the id."},
    {INTEGRATION("timezone"), RC_SETTING_ZONE, I(timezone), .initial = "UTC", .example = "Europe/Berlin",
     .help = "The time zone in which a hire date or a last day begins and ends, by its name in the tz database."},

    {INTEGRATION("kombo"), RC_SETTING_BLOCK, .help = "The HR side."},
    {INTEGRATION("kombo.base_url"), RC_SETTING_STRING, RC_SETTING_URL, I(kombo.base_url), .initial = "https://api.kombo.dev/v1", .check = rc_check_base_url,
     .help = "Kombo's address; customers in the US region have `https://api.us.kombo.dev/v1`."},
    {INTEGRATION("kombo.api_key"), RC_SETTING_STRING, RC_SETTING_REQUIRED | RC_SETTING_SECRET, I(kombo.api_key), .check = rc_check_token,
     .example = "${KOMBO_API_KEY}", .help = "Kombo's API key; one may serve many integrations."},
    {INTEGRATION("kombo.webhook_secret"), RC_SETTING_STRING, RC_SETTING_SECRET, I(kombo.webhook_secret), .initial = "",
     .example = "${KOMBO_WEBHOOK_SECRET}", .help = "With it `/webhooks/kombo` checks deliveries. Empty: webhooks are refused."},
    {INTEGRATION("kombo.poll_interval"), RC_SETTING_DURATION, I(kombo.poll_interval_ms), .initial = "3h", RANGE(100, 30 * DAY),
     .help = "How often to ask what changed. Kombo itself reads the HR system about every 3 hours."},
    {INTEGRATION("kombo.full_sync_interval"), RC_SETTING_DURATION, I(kombo.full_sync_interval_ms), .initial = "24h", RANGE(100, 365 * DAY),
     .help = "How often to read everybody; only that finds out who is missing."},
    {INTEGRATION("kombo.page_size"), RC_SETTING_INT, I(kombo.page_size), .initial = "250", RANGE(1, 250), .help = "Employees a page; Kombo allows 250."},

    {INTEGRATION("learnamp"), RC_SETTING_BLOCK, .help = "The learning side."},
    {INTEGRATION("learnamp.base_url"), RC_SETTING_STRING, RC_SETTING_URL, I(learnamp.base_url), .initial = "https://api.learnamp.com", .check = rc_check_base_url,
     .help = "The company's API address; `/oauth/token` and `/v1/…` are under it."},
    {INTEGRATION("learnamp.client_id"), RC_SETTING_STRING, RC_SETTING_REQUIRED, I(learnamp.client_id), .check = rc_check_not_empty,
     .example = "${LEARNAMP_CLIENT_ID}", .help = "The company's API credentials."},
    {INTEGRATION("learnamp.client_secret"), RC_SETTING_STRING, RC_SETTING_REQUIRED | RC_SETTING_SECRET, I(learnamp.client_secret), .check = rc_check_not_empty,
     .example = "${LEARNAMP_CLIENT_SECRET}", .help = "Likewise."},
    {INTEGRATION("learnamp.scope"), RC_SETTING_STRING, I(learnamp.scope),
     .initial = "users:read users:create users:update users:deactivate users:reactivate teams:read teams:create teams:update team_users:read team_users:create team_users:delete",
     .help = "What a token is asked for. Credentials that were issued with fewer scopes need this list cut to them."},
    {INTEGRATION("learnamp.requests_per_second"), RC_SETTING_NUMBER, I(learnamp.requests_per_second), .initial = "10", RANGE(0, 100000),
     .help = "The rate limit of all consumers together. `0`: none."},
    {INTEGRATION("learnamp.max_in_flight"), RC_SETTING_INT, I(learnamp.max_in_flight), .initial = "8", RANGE(1, 10000),
     .help = "Employees that one process writes at the same time."},

    {INTEGRATION("policy"), RC_SETTING_BLOCK, .help = "What the customer wants."},
    {INTEGRATION("policy.invite"), RC_SETTING_ENUM, I(policy.invite), .initial = "never", .symbols = INVITES,
     .help = "The invitation e-mail. Learn Amp can send it only with the creation of a user."},
    {INTEGRATION("policy.create"), RC_SETTING_LEAD, I(policy.create), .initial = "immediately", RANGE(0, 3650), .example = "14d",
     .help = "When somebody who has signed but not started is announced: `immediately`, `0d` (on the hire date), or so many days before it."},
    {INTEGRATION("policy.initial_import_invite"), RC_SETTING_BOOL, I(policy.initial_import_invite), .initial = "false",
     .help = "Whether those found by the very first import are invited too, where `invite` says `on_create`."},
    {INTEGRATION("policy.deactivate_on"), RC_SETTING_ENUM, I(policy.deactivate_on), .initial = "either", .symbols = DEACTIVATE_ON,
     .help = "What makes a leaver: the status `INACTIVE`, a leave date that has passed, or either. The last day still belongs to the employee."},
    {INTEGRATION("policy.absence_grace"), RC_SETTING_DURATION, I(policy.absence_grace_ms), .initial = "3h", RANGE(0, 365 * DAY),
     .help = "Whoever vanished from HR is deactivated when a second look, at least so much later, says the same."},
    {INTEGRATION("policy.primary_team"), RC_SETTING_GROUP_LIST, I(policy.primary_team), COUNTED(rc_integration_t, policy.primary_team),
     .initial = "TEAM, DEPARTMENT", .symbols = GROUPS, RANGE(0, 3), .help = "Group types at Kombo; the first that the employee has becomes the primary team. `[]` leaves teams alone."},
    {INTEGRATION("policy.secondary_teams"), RC_SETTING_GROUP_LIST, I(policy.secondary_teams), COUNTED(rc_integration_t, policy.secondary_teams),
     .initial = "", .symbols = GROUPS, RANGE(0, 3), .help = "Group types whose groups become secondary teams."},
    {INTEGRATION("policy.create_teams"), RC_SETTING_BOOL, I(policy.create_teams), .initial = "true", .help = "Create teams that Learn Amp does not have."},
    {INTEGRATION("policy.match_email"), RC_SETTING_BOOL, I(policy.match_email), .initial = "true",
     .help = "Adopt a user who is found by e-mail and has no external id, instead of creating a second one."},
    {INTEGRATION("policy.swap_address"), RC_SETTING_STRING, I(policy.swap_address), .initial = "", .check = rc_check_swap_address, .example = "swap-{id}@acme.example",
     .help = "Where one of two people who swap their addresses waits for a moment. Empty: dead-lettered for a person."},
    {INTEGRATION("policy.on_null"), RC_SETTING_ENUM, I(policy.on_null), .initial = "clear", .symbols = ON_NULL,
     .help = "An optional value that became empty in HR is cleared at Learn Amp, or kept."},
    {INTEGRATION("policy.scope"), RC_SETTING_BLOCK,
     .help = "Who exists at all: those who match every list that is not empty. Entries are Kombo ids or names."},
    {INTEGRATION("policy.scope.legal_entities"), RC_SETTING_STRINGS, I(policy.scope.legal_entities), .initial = "", RANGE(0, 1000), .help = "Companies."},
    {INTEGRATION("policy.scope.locations"), RC_SETTING_STRINGS, I(policy.scope.locations), .initial = "", RANGE(0, 1000), .help = "Work locations."},
    {INTEGRATION("policy.scope.groups"), RC_SETTING_STRINGS, I(policy.scope.groups), .initial = "", RANGE(0, 1000), .help = "Teams, departments or cost centres."},
    {INTEGRATION("policy.scope.employment_types"), RC_SETTING_STRINGS, I(policy.scope.employment_types), .initial = "", RANGE(0, 1000), .help = "Kombo's values, like `FULL_TIME`."},
    {INTEGRATION("policy.brakes"), RC_SETTING_BLOCK,
     .help = "More changes of a class than max(`count`, `percent` of the announced employees) within 24 hours wait for a person. `0` and `0`: that brake is off."},
    BRAKE("deactivations", DEACTIVATIONS, "5", "10", "Leavers, also those who fell out of scope."),
    BRAKE("creations", CREATIONS, "50", "25", "Joiners; not those of the first import."),
    BRAKE("team_changes", TEAM_CHANGES, "50", "25", "Another primary team; a renamed team is none."),
    BRAKE("email_changes", EMAIL_CHANGES, "10", "10", "Other addresses."),
    BRAKE("profile_changes", PROFILE_CHANGES, "100", "50", "Other values in the profile."),
    BRAKE("cleared_values", CLEARED_VALUES, "20", "10", "Values that became empty."),

    {INTEGRATION("mapping"), RC_SETTING_MAPPING, RANGE(1, 200),
     .help = "Learn Amp's parameter, and what of Kombo's employee it is taken from. A mapping that is written replaces the default as a whole: what it does not name is not read, not published and not sent."},
};
/* clang-format on */
const size_t RC_SETTINGS_COUNT = sizeof RC_SETTINGS / sizeof *RC_SETTINGS;

bool rc_setting_is_integration(const rc_setting_t *setting)
{
    return strncmp(setting->path, RC_INTEGRATION_PREFIX, sizeof RC_INTEGRATION_PREFIX - 1) == 0;
}

const rc_setting_t *rc_setting_find(const char *path)
{
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++)
        if (strcmp(RC_SETTINGS[i].path, path) == 0) return &RC_SETTINGS[i];
    return NULL;
}
