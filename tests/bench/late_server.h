/* A Learn Amp for benchmarks: says yes to every request, each after the same time, in a process of its own and as
 * cheaply as it can, so that what is measured is the client. One thread; one system call to read and one to answer.
 *
 * What it asks of its clients, which are ours: whole requests with Content-Length, none before the last was answered
 * on that connection. */
#ifndef RC_TESTS_BENCH_LATE_SERVER_H
#define RC_TESTS_BENCH_LATE_SERVER_H

#include <stdint.h>
#include <sys/types.h>

/* Forks the server, before the caller has threads; *port says where it listens on 127.0.0.1. Requests for a token are
 * answered at once. It ends with its parent, or by rc_late_server_stop. */
pid_t rc_late_server_start(int64_t latency_us, unsigned *port);
void rc_late_server_stop(pid_t server);

#endif
