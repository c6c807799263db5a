#include "tests/bench/late_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"

enum { CONNECTIONS_MAX = 8192, REQUEST_MAX = 4096, ID_MAX = 64, EVENTS = 256, BACKLOG = 1024 };

typedef struct {
    char bytes[REQUEST_MAX];
    size_t size_bytes;
    char id[ID_MAX]; /* of the request under way: the last part of its path */
    bool wants_token;
} connection_t;

/* All answers are late by the same time, so they leave in the order in which they were asked for. */
typedef struct {
    int fd;
    int64_t due_ns;
} late_t;

static connection_t *connections[CONNECTIONS_MAX];
static late_t late[CONNECTIONS_MAX];
static size_t late_first, late_count;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void answer(int fd)
{
    char body[512], text[1024];
    const connection_t *connection = connections[fd];
    int length =
        connection->wants_token
            ? snprintf(body, sizeof body, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":7200}")
            : snprintf(body, sizeof body,
                       "{\"id\":17,\"firstName\":\"Ann\",\"lastName\":\"Oz\",\"email\":\"%s@acme.example\","
                       "\"integrationExternalId\":\"%s\",\"status\":{\"status\":\"Confirmed\",\"time\":"
                       "\"2026-01-01T00:00:00Z\"}}",
                       connection->id, connection->id);
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n"
                        "Content-Length: %d\r\n\r\n%s",
                        length, body);
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size) RC_DIE("an answer was not taken");
}

/* Whether the request is whole; then *connection knows what it asks for and is ready for the next. */
static bool take_request(connection_t *connection)
{
    connection->bytes[connection->size_bytes] = '\0';
    const char *end = strstr(connection->bytes, "\r\n\r\n");
    if (!end) return false;
    const char *announced = strcasestr(connection->bytes, "\r\nContent-Length:");
    size_t body_bytes = announced && announced < end ? strtoul(announced + 17, NULL, 10) : 0;
    if (connection->size_bytes < (size_t)(end + 4 - connection->bytes) + body_bytes) return false;
    const char *path = strchr(connection->bytes, ' ') + 1, *stop = path + strcspn(path, " ?"), *id = stop;
    while (id > path && id[-1] != '/') id--;
    (void)snprintf(connection->id, sizeof connection->id, "%.*s", (int)(stop - id), id);
    connection->wants_token = strncmp(path, "/oauth/", 7) == 0;
    connection->size_bytes = 0;
    return true;
}

static void hang_up(int fd)
{
    free(connections[fd]);
    connections[fd] = NULL;
    (void)close(fd);
}

static void read_on(int fd, int64_t latency_ns)
{
    connection_t *connection = connections[fd];
    ssize_t got = recv(fd, connection->bytes + connection->size_bytes, REQUEST_MAX - 1 - connection->size_bytes, 0);
    if (got <= 0) {
        hang_up(fd);
        return;
    }
    connection->size_bytes += (size_t)got;
    if (!take_request(connection)) return;
    if (connection->wants_token || latency_ns == 0)
        answer(fd);
    else
        late[(late_first + late_count++) % CONNECTIONS_MAX] = (late_t){fd, now_ns() + latency_ns};
}

static void take_connection(int listener, int epoll)
{
    const int on = 1;
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || fd >= CONNECTIONS_MAX) RC_DIE("too many connections");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connections[fd] = calloc(1, sizeof *connections[fd]);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (!connections[fd] || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) RC_DIE("no room for a connection");
}

/* Sends what is due; how long nothing more is. */
static struct timespec serve_late(void)
{
    int64_t now = now_ns(), wait_ns = 1000000000;
    while (late_count && late[late_first].due_ns <= now) {
        if (connections[late[late_first].fd]) answer(late[late_first].fd);
        late_first = (late_first + 1) % CONNECTIONS_MAX;
        late_count--;
    }
    if (late_count) wait_ns = late[late_first].due_ns - now;
    return (struct timespec){wait_ns / 1000000000, wait_ns % 1000000000};
}

static void serve(int listener, int64_t latency_ns)
{
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "late-server");
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) RC_DIE("no epoll");
    for (;;) {
        struct timespec wait = serve_late();
        int count = epoll_pwait2(epoll, events, EVENTS, &wait, NULL);
        if (count < 0 && errno == ENOSYS) /* valgrind */
            count = epoll_wait(epoll, events, EVENTS, (int)(wait.tv_sec * 1000 + (wait.tv_nsec + 999999) / 1000000));
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                take_connection(listener, epoll);
            else if (connections[events[i].data.fd])
                read_on(events[i].data.fd, latency_ns);
        }
    }
}

pid_t rc_late_server_start(int64_t latency_us, unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, BACKLOG) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0)
        RC_DIE("no listener");
    *port = ntohs(address.sin_port);
    pid_t child = fork();
    if (child < 0) RC_DIE("no process");
    if (child == 0) serve(listener, latency_us * 1000);
    (void)close(listener);
    return child;
}

void rc_late_server_stop(pid_t server)
{
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
}
