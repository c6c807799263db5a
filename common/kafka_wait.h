/* How librdkafka's threads wait. It waits for moments of the wall clock (librdkafka issue 2145, in all versions
 * to 2.8): when that is set back by an hour, its threads sleep for an hour, groups are lost and nothing moves. So the
 * function of the C library that it waits with is ours: the same wait, on the monotonic clock. Any thread. */
#ifndef RC_COMMON_KAFKA_WAIT_H
#define RC_COMMON_KAFKA_WAIT_H

#include <stdbool.h>

/* Whether librdkafka really finds that function, and not the C library's. Asked when a handle is opened, so that every
 * program that has one is linked with it. */
bool rc_kafka_wait_is_ours(void);

#endif
