/* common/listen: addresses as people write them, and sockets there. */
#include "common/listen.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/unit.h"

START_TEST(an_address_to_listen_on_has_host_and_port)
{
    static const struct {
        const char *text, *host;
        unsigned port;
        bool loopback;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1", 8080, true},
        {"[::1]:0", "::1", 0, true},
        {":9000", "0.0.0.0", 9000, false},
        {"localhost:1", "localhost", 1, true},
        {"127.evil.example:1", "127.evil.example", 1, false},
        {"", NULL, 0, false},
        {"8080", NULL, 0, false},
        {"a:", NULL, 0, false},
        {"a:x", NULL, 0, false},
        {"::1:80", NULL, 0, false},
        {"[::1:80", NULL, 0, false},
        {"a:70000", NULL, 0, false},
        {"a b:80", NULL, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_listen_t listen;
        rc_code_t code = rc_listen_parse(cases[i].text, &listen, NULL);
        ck_assert_msg((code == RC_OK) == (cases[i].host != NULL), "%s", cases[i].text);
        if (code != RC_OK) continue;
        ck_assert_str_eq(listen.host, cases[i].host);
        ck_assert_uint_eq(listen.port, cases[i].port);
        ck_assert(rc_listen_is_loopback(&listen) == cases[i].loopback);
        char text[RC_LISTEN_STR_SIZE];
        if (*cases[i].text != ':') ck_assert_str_eq(rc_listen_str(&listen, text), cases[i].text);
    }
}
END_TEST

START_TEST(a_socket_listens_on_the_port_that_is_told)
{
    rc_listen_t free_one, same;
    rc_error_t error = RC_ERROR_INIT;
    int fd, other, listens = 0;
    socklen_t size = sizeof listens;
    bool six;
    ck_assert_int_eq(rc_listen_parse("127.0.0.1:0", &free_one, &error), RC_OK);
    ck_assert_int_eq(rc_listen_open(&free_one, &fd, &six, &error), RC_OK);
    ck_assert(!six);
    ck_assert_uint_ne(free_one.port, 0);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size), 0);
    ck_assert_int_eq(listens, 1);
    /* The address is known now, and nobody else can have it. */
    char text[RC_LISTEN_STR_SIZE];
    same = free_one;
    ck_assert_int_eq(rc_listen_open(&same, &other, &six, &error), RC_IO);
    ck_assert_ptr_nonnull(strstr(error.message, rc_listen_str(&free_one, text)));
    ck_assert_ptr_nonnull(strstr(error.message, "in use"));
    (void)close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listen");
    TCase *all = tcase_create("all");
    tcase_add_test(all, an_address_to_listen_on_has_host_and_port);
    tcase_add_test(all, a_socket_listens_on_the_port_that_is_told);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
