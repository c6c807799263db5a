#include "tests/support/wire.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/mem.h"

enum { MAX_CONNECTIONS = 4096, REQUEST_CAP_BYTES = 16 * 1024 * 1024 };

struct rc_wire {
    rc_wire_fn *fn;
    void *opaque;
    int listener;
    int port;
    char url[64];
    pthread_t acceptor;
    atomic_int connections;
    atomic_int requests;
    pthread_mutex_t lock; /* guards threads and fds */
    pthread_t threads[MAX_CONNECTIONS];
    int fds[MAX_CONNECTIONS]; /* -1: closed */
};

typedef struct {
    rc_wire_t *wire;
    int number;
} connection_t;

static size_t content_length(const char *head)
{
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "Content-Length:", 15) == 0) return strtoul(line + 17, NULL, 10);
    return 0;
}

/* Reads until `buf` holds a whole request; the length of its head, 0 at the end of the connection. */
static size_t read_request(int fd, rc_buf_t *buf, size_t *body_bytes)
{
    char chunk[16384];
    for (;;) {
        const char *end = buf->data ? strstr(buf->data, "\r\n\r\n") : NULL;
        if (end) {
            size_t head = (size_t)(end + 4 - buf->data);
            *body_bytes = content_length(buf->data);
            if (buf->size_bytes >= head + *body_bytes) return head;
        }
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got <= 0) return 0;
        RC_INVARIANT(rc_buf_add(buf, chunk, (size_t)got));
    }
}

static void *serve(void *opaque)
{
    connection_t *connection = opaque;
    rc_wire_t *wire = connection->wire;
    int number = connection->number, fd = wire->fds[number - 1];
    rc_buf_t buf = RC_BUF_INIT(REQUEST_CAP_BYTES);
    bool more = true;
    for (int count = 1; more; count++) {
        size_t body_bytes = 0, head_bytes = read_request(fd, &buf, &body_bytes);
        if (!head_bytes) break;
        char *head = rc_strndup(buf.data, head_bytes), *body = rc_strndup(buf.data + head_bytes, body_bytes);
        rc_wire_request_t request = {number,     count, atomic_fetch_add(&wire->requests, 1) + 1, head, body,
                                     body_bytes, fd};
        more = wire->fn(wire->opaque, &request);
        free(head);
        free(body);
        size_t used = head_bytes + body_bytes;
        memmove(buf.data, buf.data + used, buf.size_bytes - used + 1);
        buf.size_bytes -= used;
    }
    rc_buf_fini(&buf);
    free(connection);
    (void)pthread_mutex_lock(&wire->lock);
    (void)close(fd);
    wire->fds[number - 1] = -1;
    (void)pthread_mutex_unlock(&wire->lock);
    return NULL;
}

static void *accept_all(void *opaque)
{
    rc_wire_t *wire = opaque;
    for (;;) {
        int fd = accept4(wire->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL;
        (void)pthread_mutex_lock(&wire->lock);
        int number = atomic_load(&wire->connections) + 1;
        RC_INVARIANT(number <= MAX_CONNECTIONS);
        connection_t *connection = rc_zalloc(sizeof *connection);
        *connection = (connection_t){wire, number};
        wire->fds[number - 1] = fd;
        RC_INVARIANT(pthread_create(&wire->threads[number - 1], NULL, serve, connection) == 0);
        atomic_store(&wire->connections, number);
        (void)pthread_mutex_unlock(&wire->lock);
    }
}

rc_wire_t *rc_wire_new(rc_wire_fn *fn, void *opaque)
{
    rc_wire_t *wire = rc_zalloc(sizeof *wire);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    wire->fn = fn;
    wire->opaque = opaque;
    wire->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RC_INVARIANT(wire->listener >= 0);
    RC_INVARIANT(bind(wire->listener, (struct sockaddr *)&address, sizeof address) == 0);
    RC_INVARIANT(listen(wire->listener, 1024) == 0);
    RC_INVARIANT(getsockname(wire->listener, (struct sockaddr *)&address, &length) == 0);
    wire->port = ntohs(address.sin_port);
    (void)snprintf(wire->url, sizeof wire->url, "http://127.0.0.1:%d", wire->port);
    RC_INVARIANT(pthread_mutex_init(&wire->lock, NULL) == 0);
    RC_INVARIANT(pthread_create(&wire->acceptor, NULL, accept_all, wire) == 0);
    return wire;
}

void rc_wire_free(rc_wire_t *wire)
{
    if (!wire) return;
    (void)shutdown(wire->listener, SHUT_RDWR);
    (void)pthread_join(wire->acceptor, NULL);
    (void)close(wire->listener);
    int count = atomic_load(&wire->connections);
    (void)pthread_mutex_lock(&wire->lock);
    for (int i = 0; i < count; i++)
        if (wire->fds[i] >= 0) (void)shutdown(wire->fds[i], SHUT_RDWR);
    (void)pthread_mutex_unlock(&wire->lock);
    for (int i = 0; i < count; i++) (void)pthread_join(wire->threads[i], NULL);
    (void)pthread_mutex_destroy(&wire->lock);
    free(wire);
}

int rc_wire_port(const rc_wire_t *wire)
{
    return wire->port;
}

const char *rc_wire_url(const rc_wire_t *wire)
{
    return wire->url;
}

int rc_wire_connections(const rc_wire_t *wire)
{
    return atomic_load(&wire->connections);
}

int rc_wire_requests(const rc_wire_t *wire)
{
    return atomic_load(&wire->requests);
}

static void say_bytes(const rc_wire_request_t *request, const char *bytes, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t sent = send(request->fd, bytes, size_bytes, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the client has had enough: what some tests are about */
        bytes += sent;
        size_bytes -= (size_t)sent;
    }
}

void rc_wire_say(const rc_wire_request_t *request, const char *text)
{
    say_bytes(request, text, strlen(text));
}

void rc_wire_answer(const rc_wire_request_t *request, int status, const char *headers, const char *body)
{
    char *text =
        rc_sprintf("HTTP/1.1 %d Whatever\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers, strlen(body), body);
    rc_wire_say(request, text);
    free(text);
}

void rc_wire_wait_gone(const rc_wire_request_t *request)
{
    struct pollfd end = {.fd = request->fd, .events = POLLIN};
    (void)poll(&end, 1, 60000);
}

void rc_wire_reset(const rc_wire_request_t *request)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    RC_INVARIANT(setsockopt(request->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
}

bool rc_wire_is(const rc_wire_request_t *request, const char *start)
{
    return strncmp(request->head, start, strlen(start)) == 0;
}
