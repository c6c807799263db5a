#include "common/config_check.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool only(const char *text, const char *others)
{
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr(others, *text)) return false;
    return true;
}

const char *rc_check_topic_prefix(const char *text)
{
    return only(text, "._-") && strlen(text) <= 100 ? NULL
                                                    : "no beginning of a topic name; write at most 100 of a-z, A-Z, "
                                                      "0-9, '.', '_', '-'";
}

const char *rc_check_application(const char *text)
{
    return *text && only(text, "._-") && strlen(text) <= 64
               ? NULL
               : "no part of a topic name; write 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-'";
}

const char *rc_check_instance(const char *text)
{
    return !*text || (only(text, "._-") && *text != '.' && strlen(text) <= 64)
               ? NULL
               : "not fit for a folder's name; write at most 64 of a-z, A-Z, 0-9, '.', '_', '-', no dot first";
}

/* docs/kombo.md: `tool:random`. A '/' would divide Kafka's keys. */
const char *rc_check_integration_id(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon && colon != text && colon[1] && strlen(text) <= 128 && only(text, ":_-") && !strchr(colon + 1, ':')
               ? NULL
               : "no Kombo integration id; write it as Kombo shows it, like personio:CBNMt7dSNCzBdnRTx87dev4E";
}

const char *rc_check_not_empty(const char *text)
{
    return *text ? NULL : "empty; write a value";
}

const char *rc_check_folder(const char *text)
{
    return *text ? NULL : "empty; name a folder";
}

const char *rc_check_basic_auth(const char *text)
{
    return !*text || (strchr(text, ':') && *text != ':') ? NULL : "no login; write user:password";
}

const char *rc_check_token(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return "no token: it holds white space or a character beyond ASCII; choose another";
    return NULL;
}

/* Behind "scheme://": host[:port], then a path if `path`, nothing else. Slashes at the end are gone already. */
static bool is_authority(const char *at, bool path, bool login)
{
    const char *end = at + strcspn(at, "/");
    if (end == at || (!path && *end)) return false;
    const char *user_end = memchr(at, '@', (size_t)(end - at));
    if (user_end && !login) return false;
    if (user_end) at = user_end + 1;
    size_t host = *at == '[' ? strcspn(at, "]") : strcspn(at, ":/");
    if (*at == '[' && at[host] == ']') {
        if (strspn(at + 1, "0123456789abcdefABCDEF:.") + 1 != host || host < 3) return false;
        host++;
    } else if (host == 0 || strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") < host) {
        return false;
    }
    if (at[host] != ':') return at + host == end;
    long port = 0;
    size_t digits = 0;
    for (const char *c = at + host + 1; c < end; c++, digits++) {
        if (*c < '0' || *c > '9' || digits == 5) return false;
        port = port * 10 + (*c - '0');
    }
    return port > 0 && port <= 65535;
}

static const char *behind_scheme(const char *text, const char *scheme)
{
    size_t length = strlen(scheme);
    return strncasecmp(text, scheme, length) == 0 ? text + length : NULL;
}

static const char *behind_http(const char *text)
{
    const char *at = behind_scheme(text, "https://");
    return at ? at : behind_scheme(text, "http://");
}

static bool is_visible(const char *text, const char *without)
{
    for (; *text; text++)
        if (*text <= ' ' || *text == 0x7F || strchr(without, *text)) return false;
    return true;
}

const char *rc_check_base_url(const char *text)
{
    const char *at = behind_http(text);
    return at && is_visible(text, "?#\"<>\\") && is_authority(at, true, false)
               ? NULL
               : "no base address; write https://HOST[:PORT][/PATH] without login, '?' and '#'";
}

const char *rc_check_optional_base_url(const char *text)
{
    return *text ? rc_check_base_url(text) : NULL;
}

const char *rc_check_notify_url(const char *text)
{
    const char *at = behind_http(text);
    char host[512];
    if (!*text) return NULL;
    if (at) (void)snprintf(host, sizeof host, "%.*s", (int)strcspn(at, "?"), at);
    return at && is_visible(text, "#\"<>\\") && is_authority(host, true, true)
               ? NULL
               : "no address; write https://HOST[:PORT]/PATH";
}

const char *rc_check_proxy(const char *text)
{
    const char *at = behind_http(text);
    if (!at) at = behind_scheme(text, "socks5h://");
    if (!at) at = behind_scheme(text, "socks5://");
    return !*text || (at && is_visible(text, "?#\"<>\\") && is_authority(at, false, true))
               ? NULL
               : "no proxy; write http://HOST:PORT, with USER:PASSWORD@ before the host where it asks for them";
}

const char *rc_check_swap_address(const char *text)
{
    const char *at = strchr(text, '@'), *id = strstr(text, "{id}");
    if (!*text) return NULL;
    bool one_place = id && strcspn(text, "{}") == (size_t)(id - text) && !strpbrk(id + 4, "{}");
    return one_place && at && id < at && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t,;<>\"")
               ? NULL
               : "no address with a place for the employee's id; write one like swap-{id}@acme.example";
}
