/* An address to listen on, as people write it, and a socket that listens there. Any thread. */
#ifndef RC_COMMON_LISTEN_H
#define RC_COMMON_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

typedef struct {
    char host[256]; /* a name, an IPv4 or an IPv6 address without brackets */
    uint16_t port;  /* 0: a free one */
} rc_listen_t;

enum { RC_LISTEN_STR_SIZE = 272 };

/* "127.0.0.1:8080", "localhost:0", "[::1]:8080", ":8080" (all IPv4 addresses). RC_USAGE otherwise. */
rc_code_t rc_listen_parse(const char *text, rc_listen_t *listen, rc_error_t *error);
/* The same text again, in the caller's room. */
const char *rc_listen_str(const rc_listen_t *listen, char text[RC_LISTEN_STR_SIZE]);

/* Whether only this machine can connect. */
bool rc_listen_is_loopback(const rc_listen_t *listen);

/* A TCP socket that listens (the caller closes it), non-blocking. Its real port replaces a port 0 in *listen; *six
 * tells whether it is IPv6. RC_CONFIG for a host that is none, RC_IO when it cannot be listened on. */
rc_code_t rc_listen_open(rc_listen_t *listen, int *fd, bool *six, rc_error_t *error);

#endif
