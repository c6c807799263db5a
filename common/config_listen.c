/* Addresses to listen on. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/config.h"

rc_code_t rc_listen_parse(const char *text, rc_listen_t *listen, rc_error_t *error)
{
    const char *colon = strrchr(text, ':');
    bool six = *text == '[';
    const char *host = six ? text + 1 : text;
    size_t length = colon ? (size_t)(colon - host) : 0;
    bool fine = colon && colon[1];
    if (six) {
        fine = fine && length > 1 && host[length - 1] == ']';
        length -= fine;
    }
    long port = 0;
    for (const char *c = colon ? colon + 1 : ""; fine && *c; c++) {
        fine = *c >= '0' && *c <= '9' && (port = port * 10 + (*c - '0')) <= 65535;
    }
    const char *allowed =
        six ? "0123456789abcdefABCDEF:." : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_";
    if (!fine || length >= sizeof listen->host || strspn(host, allowed) < length)
        return rc_error_set(error, RC_USAGE, RC_REJECT,
                            "\"%.64s\" is no address to listen on; write HOST:PORT, like 127.0.0.1:8080 or [::1]:0",
                            text);
    (void)snprintf(listen->host, sizeof listen->host, "%.*s", (int)length, length ? host : "");
    if (!length) (void)snprintf(listen->host, sizeof listen->host, "0.0.0.0");
    listen->port = (uint16_t)port;
    return RC_OK;
}

bool rc_listen_is_loopback(const rc_listen_t *listen)
{
    struct in_addr four;
    return strcmp(listen->host, "localhost") == 0 || strcmp(listen->host, "::1") == 0 ||
           (inet_pton(AF_INET, listen->host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}
