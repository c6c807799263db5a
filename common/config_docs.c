/* docs/configuration.md, from the table of settings. */
#include <string.h>

#include "common/config_settings.h"

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static const char *kind_str(const rc_setting_t *setting)
{
    switch (setting->kind) {
    case RC_SETTING_BLOCK:
        return "block";
    case RC_SETTING_ITEMS:
        return "list of blocks";
    case RC_SETTING_MAPPING:
        return "block";
    case RC_SETTING_STRING:
        return "text";
    case RC_SETTING_BOOL:
        return "true or false";
    case RC_SETTING_INT:
        return "whole number";
    case RC_SETTING_NUMBER:
        return "number";
    case RC_SETTING_DURATION:
        return "duration";
    case RC_SETTING_SIZE:
        return "size";
    case RC_SETTING_ENUM:
        return "one of";
    case RC_SETTING_LISTEN:
        return "HOST:PORT";
    case RC_SETTING_LEAD:
        return "`immediately` or days";
    case RC_SETTING_ZONE:
        return "time zone";
    case RC_SETTING_FLAGS:
    case RC_SETTING_GROUP_LIST:
        return "list of";
    case RC_SETTING_DURATIONS:
        return "list of durations";
    case RC_SETTING_STRINGS:
        return "list of texts";
    }
    return "";
}

static void print_bound(const rc_setting_t *setting, int64_t bound, rc_buf_t *page)
{
    char text[RC_TIME_STR_SIZE];
    size_t unit = 0;
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    if (setting->kind == RC_SETTING_DURATION) {
        rc_buf_add_str(page, rc_duration_str(bound, text));
        return;
    }
    while (setting->kind == RC_SETTING_SIZE && unit < 3 && bound && bound % 1024 == 0) bound /= 1024, unit++;
    rc_buf_add_format(page, "%lld%s", (long long)bound, setting->kind == RC_SETTING_SIZE ? units[unit] : "");
}

static void print_kind(const rc_setting_t *setting, rc_buf_t *page)
{
    rc_buf_add_str(page, kind_str(setting));
    for (size_t i = 0; setting->symbols && setting->symbols[i]; i++)
        rc_buf_add_format(page, "%s `%s`", i ? "," : "", setting->symbols[i]);
    bool ranged = setting->kind == RC_SETTING_INT || setting->kind == RC_SETTING_NUMBER ||
                  setting->kind == RC_SETTING_DURATION || setting->kind == RC_SETTING_SIZE;
    if (!ranged) return;
    rc_buf_add_str(page, ", ");
    print_bound(setting, setting->min, page);
    rc_buf_add_str(page, " to ");
    print_bound(setting, setting->max, page);
}

static void print_default(const rc_setting_t *setting, rc_buf_t *page)
{
    bool is_list = setting->kind >= RC_SETTING_FLAGS;
    if (setting->flags & RC_SETTING_REQUIRED)
        rc_buf_add_str(page, "required");
    else if (is_list)
        rc_buf_add_format(page, "`[%s]`", setting->initial);
    else
        rc_buf_add_format(page, "`%s`", *setting->initial ? setting->initial : "\"\"");
}

static void print_setting(const rc_setting_t *setting, rc_buf_t *page)
{
    rc_buf_add_format(page, "| `%s` | ", last_part(setting->path));
    print_kind(setting, page);
    rc_buf_add_str(page, " | ");
    print_default(setting, page);
    rc_buf_add_format(page, " | %s%s%s", setting->help ? setting->help : "",
                      setting->flags & RC_SETTING_SECRET ? " Secret: masked in output." : "",
                      setting->example ? " Example: " : "");
    if (setting->example) rc_buf_add_format(page, "`%s`", setting->example);
    rc_buf_add_str(page, " |\n");
}

static bool is_block(const rc_setting_t *setting)
{
    return setting->kind == RC_SETTING_BLOCK || setting->kind == RC_SETTING_ITEMS ||
           setting->kind == RC_SETTING_MAPPING;
}

/* "{ count: 5, percent: 10 }" */
static void print_inline(const rc_setting_t *block, rc_buf_t *page)
{
    size_t length = strlen(block->path);
    const char *between = "{ ";
    rc_buf_add_format(page, "| `%s` | block | `", last_part(block->path));
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        if (strncmp(setting->path, block->path, length) != 0 || setting->path[length] != '.') continue;
        rc_buf_add_format(page, "%s%s: %s", between, setting->path + length + 1, setting->initial);
        between = ", ";
    }
    rc_buf_add_format(page, " }` | %s |\n", block->help);
}

/* The keys right below `path` ("" for the top), as one table. */
static void print_table(const char *path, const char *extra, rc_buf_t *page)
{
    size_t length = strlen(path);
    bool any = false;
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        const char *rest = setting->path + length + (length > 0);
        if (strncmp(setting->path, path, length) != 0 || (length && setting->path[length] != '.')) continue;
        if (strchr(rest, '.') || (is_block(setting) && !(setting->flags & RC_SETTING_INLINE))) continue;
        if (!any) rc_buf_add_format(page, "\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n%s", extra);
        any = true;
        if (is_block(setting))
            print_inline(setting, page);
        else
            print_setting(setting, page);
    }
}

static void print_mapping(rc_buf_t *page)
{
    rc_buf_add_str(page, "\nThe default, and what can stand on the left beside it: `managerEmail`, `language`, and "
                         "`\"custom:NAME\"` for a custom field of Learn Amp.\n\n```yaml\nmapping:\n");
    for (size_t i = 0; RC_DEFAULT_MAPPING[i][0]; i++)
        rc_buf_add_format(page, "  %s: %s\n", RC_DEFAULT_MAPPING[i][0], RC_DEFAULT_MAPPING[i][1]);
    rc_buf_add_str(page, "```\n\n`firstName`, `lastName` and `email` must be there. `hireDate` and `leaveDate` take "
                         "dates. On the right stands one of\n\n");
    const char *between = "";
    for (const rc_source_t *source = RC_SOURCES; source->path; source++) {
        if (source->kind == RC_SOURCE_REFUSED) continue;
        rc_buf_add_format(page, "%s`%s%s`", between, source->path, source->kind == RC_SOURCE_OPEN ? ".NAME" : "");
        between = ",\n";
    }
    rc_buf_add_str(page, ".\n\nRefused, since a learning platform may not know it: ");
    between = "";
    for (const rc_source_t *source = RC_SOURCES; source->path; source++) {
        if (source->kind != RC_SOURCE_REFUSED || !strstr(source->reason, "may know")) continue;
        rc_buf_add_format(page, "%s`%s`", between, source->path);
        between = ", ";
    }
    rc_buf_add_str(page, ".\n");
}

static void print_refused(rc_buf_t *page)
{
    rc_buf_add_str(page, "\nThe programs set these properties themselves, and refuse them here:\n\n"
                         "| property | why |\n| --- | --- |\n");
    for (const rc_refused_property_t *refused = RC_REFUSED_PROPERTIES; refused->name; refused++)
        rc_buf_add_format(page, "| `%s` | %s |\n", refused->name, refused->reason);
}

static const char HEAD[] =
    "<!-- Made by `rollcall-producer config --reference` from common/config_settings.c; do not edit. -->\n"
    "# Configuration\n\n"
    "Both programs read one YAML file: `--config FILE`, else `" RC_CONFIG_DEFAULT_PATH "`. `config` prints what is in "
    "effect, secrets masked; `check` tries it out on every service. Everything that is wrong is said at once, on "
    "standard error, as `FILE:LINE: KEY: what is wrong; what to do`, and the exit code is 2.\n\n"
    "The smallest file that works:\n\n"
    "```yaml\n"
    "kafka:\n"
    "  bootstrap.servers: kafka.example:9092\n"
    "integrations:\n"
    "  - id: personio:CBNMt7dSNCzBdnRTx87dev4E\n"
    "    kombo:\n"
    "      api_key: ${KOMBO_API_KEY}\n"
    "    learnamp:\n"
    "      client_id: ${LEARNAMP_CLIENT_ID}\n"
    "      client_secret: ${file:/run/secrets/learnamp}\n"
    "```\n\n"
    "## Values\n\n"
    "- `${NAME}` takes an environment variable, `${file:/PATH}` a file (one line end at its end is left out), anywhere "
    "in a value; what comes in that way is text and never YAML. `$${` writes the characters `${`. Inside `{ }` and "
    "`[ ]` YAML wants them in quotes.\n"
    "- A duration is a whole number and one of `d`, `h`, `m`, `s`, `ms`; a size one of `B`, `KiB`, `MiB`, `GiB`.\n"
    "- Numbers, `true` and `false` stand without quotes.\n"
    "- A key without a value is left out: its default holds. An empty list is written `[]`.\n"
    "- Anchors, aliases and `<<` work, so that integrations can share a policy; tags (`!…`) and a second document are "
    "refused.\n";

static const char TAIL[] =
    "\n## Decisions\n\n"
    "- The file is read with libyaml and a table of settings, not with libcyaml: that ends at its first error, and has "
    "no blocks that are open for names beyond its schema (librdkafka's properties, custom fields) with line numbers.\n"
    "- `mapping` replaces the default as a whole when it is written, while every other block is completed key by key: "
    "what a person reads in the file is then all that leaves HR.\n"
    "- Whether a librdkafka property exists, and takes the value, librdkafka says at start; the message has the line "
    "too.\n"
    "- The retention of the retry topics has 14 days as its least value: a parked record must outlive a long "
    "weekend with stopped consumers.\n";

void rc_config_print_docs(rc_buf_t *markdown)
{
    static const char servers[] = "| `bootstrap.servers` | text | required | The brokers, separated by commas. "
                                  "Example: `kafka.example:9092` |\n";
    rc_buf_add_str(markdown, HEAD);
    rc_buf_add_str(markdown, "\n## At the top\n");
    print_table("", "", markdown);
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        if (!is_block(setting) || (setting->flags & RC_SETTING_INLINE)) continue;
        rc_buf_add_format(markdown, "\n## `%s`\n\n%s\n", setting->path, setting->help);
        if (setting->kind == RC_SETTING_ITEMS)
            print_table("integrations[]", "", markdown);
        else if (setting->kind == RC_SETTING_MAPPING)
            print_mapping(markdown);
        else
            print_table(setting->path, setting->flags & RC_SETTING_OPEN ? servers : "", markdown);
        if (setting->flags & RC_SETTING_OPEN) print_refused(markdown);
    }
    rc_buf_add_str(markdown, TAIL);
}
