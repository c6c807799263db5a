/* A server that says what a test tells it to, down to the byte: for answers that are late, cut off, absent or wrong.
 * It listens on a free port of 127.0.0.1; each connection has a thread, which reads whole requests (head and
 * Content-Length) and calls the script for each. */
#ifndef RC_TESTS_SUPPORT_WIRE_H
#define RC_TESTS_SUPPORT_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct rc_wire rc_wire_t;

typedef struct {
    int connection;   /* from 1, in the order of their arrival */
    int request;      /* on this connection, from 1 */
    int total;        /* of all connections, from 1 */
    const char *head; /* request line and headers */
    const char *body;
    size_t body_bytes;
    int fd;
} rc_wire_request_t;

/* Runs on the connection's thread. False ends the connection (with a FIN). */
typedef bool rc_wire_fn(void *opaque, const rc_wire_request_t *request);

rc_wire_t *rc_wire_new(rc_wire_fn *fn, void *opaque);
/* Ends every connection and waits for their threads. */
void rc_wire_free(rc_wire_t *wire);
int rc_wire_port(const rc_wire_t *wire);
/* "http://127.0.0.1:PORT"; lives as long as the server. */
const char *rc_wire_url(const rc_wire_t *wire);
int rc_wire_connections(const rc_wire_t *wire); /* accepted so far */
int rc_wire_requests(const rc_wire_t *wire);    /* read so far */

/* What scripts do. */
void rc_wire_say(const rc_wire_request_t *request, const char *text);
/* A whole answer: status, further header lines (each ending in \r\n, or ""), body with Content-Length. */
void rc_wire_answer(const rc_wire_request_t *request, int status, const char *headers, const char *body);
/* Waits until the client has gone away. */
void rc_wire_wait_gone(const rc_wire_request_t *request);
/* Makes the end of the connection a RST. */
void rc_wire_reset(const rc_wire_request_t *request);
/* Whether the request line begins with this ("GET /path"). */
bool rc_wire_is(const rc_wire_request_t *request, const char *start);

#endif
