#include "common/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

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

const char *rc_listen_str(const rc_listen_t *listen, char text[RC_LISTEN_STR_SIZE])
{
    bool six = strchr(listen->host, ':') != NULL;
    (void)snprintf(text, RC_LISTEN_STR_SIZE, six ? "[%s]:%u" : "%s:%u", listen->host, (unsigned)listen->port);
    return text;
}

bool rc_listen_is_loopback(const rc_listen_t *listen)
{
    struct in_addr four;
    return strcmp(listen->host, "localhost") == 0 || strcmp(listen->host, "::1") == 0 ||
           (inet_pton(AF_INET, listen->host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

static int open_socket(const struct addrinfo *address)
{
    int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

rc_code_t rc_listen_open(rc_listen_t *listen, int *fd, bool *six, rc_error_t *error)
{
    char text[RC_LISTEN_STR_SIZE], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *addresses = NULL;
    struct sockaddr_storage bound;
    socklen_t bound_size = sizeof bound;
    (void)rc_listen_str(listen, text);
    (void)snprintf(port, sizeof port, "%u", (unsigned)listen->port);
    int failed = getaddrinfo(listen->host, port, &hints, &addresses);
    if (failed) return rc_error_set(error, RC_CONFIG, RC_REJECT, "cannot listen on %s: %s", text, gai_strerror(failed));
    int opened = open_socket(addresses), why = errno;
    *six = addresses->ai_family == AF_INET6;
    freeaddrinfo(addresses);
    if (opened < 0)
        return rc_error_set(error, RC_IO, RC_FATAL, "cannot listen on %s: %s; choose another port, or 0 for a free one",
                            text, strerror(why));
    RC_INVARIANT(getsockname(opened, (struct sockaddr *)&bound, &bound_size) == 0);
    listen->port = ntohs(*six ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                              : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    *fd = opened;
    return RC_OK;
}
