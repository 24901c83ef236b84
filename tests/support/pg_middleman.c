#include "tests/support/pg_middleman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

enum { LINKS_MAX = 32, PIECE_BYTES = 65536, HEAD_BYTES = 5 };

struct PgMiddleman {
    char *directory;
    pid_t process;
};

/* A client and the server's process that serves it; -1 for none. */
typedef struct Link {
    int client;
    int server;
} Link;

typedef struct Switchboard {
    MiddlemanKind kind;
    const char *server_path;
    Link links[LINKS_MAX];
    size_t count;
    int shared; /* the one server connection of MIDDLEMAN_SHARES */
    int asking; /* the client whose answer comes next */
    Text greeting;
} Switchboard;

static struct sockaddr_un socket_address(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", directory);
    return address;
}

static void give_up_unless(bool fine)
{
    if (!fine)
        _exit(1);
}

static void write_all(int to, const void *data, size_t size)
{
    const char *at = data;

    while (size > 0) {
        ssize_t sent = send(to, at, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* gone: its end is seen by the reading side */
        at += sent;
        size -= (size_t)sent;
    }
}

static void read_exactly(int from, Text *into, size_t size)
{
    char piece[4096];

    while (size > 0) {
        ssize_t got = recv(from, piece, size < sizeof(piece) ? size : sizeof(piece), 0);

        give_up_unless(got > 0);
        text_append_bytes(into, piece, (size_t)got);
        size -= (size_t)got;
    }
}

static uint32_t size_at(const Text *text, size_t offset)
{
    uint32_t size = 0;

    memcpy(&size, text->data + offset, sizeof(size));
    return ntohl(size);
}

static void read_startup(int client, Text *ret)
{
    read_exactly(client, ret, 4);
    read_exactly(client, ret, size_at(ret, 0) - 4);
}

/* All that a server says up to its first "ready", with another process number. */
static void read_greeting(int server, Text *ret)
{
    char kind = 0;

    while (kind != 'Z') {
        size_t start = ret->size;

        read_exactly(server, ret, HEAD_BYTES);
        read_exactly(server, ret, size_at(ret, start + 1) - 4);
        kind = ret->data[start];
        if (kind == 'K')
            ret->data[start + HEAD_BYTES] ^= 0x40;
    }
}

static int connect_server(const Switchboard *board)
{
    struct sockaddr_un address = socket_address(board->server_path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);

    give_up_unless(server >= 0 &&
                   connect(server, (struct sockaddr *)&address, sizeof(address)) == 0);
    return server;
}

static void accept_client(Switchboard *board, int listener)
{
    AUTO_TEXT Text startup = {0};
    AUTO_TEXT Text own_greeting = {0};
    int client = accept(listener, NULL, NULL);
    Link *link = &board->links[board->count];

    give_up_unless(client >= 0 && board->count < LINKS_MAX);
    board->count++;
    *link = (Link){.client = client, .server = -1};
    read_startup(client, &startup);
    if (board->kind == MIDDLEMAN_SHARES && board->shared >= 0) {
        write_all(client, board->greeting.data, board->greeting.size);
        return;
    }
    link->server = connect_server(board);
    write_all(link->server, startup.data, startup.size);
    read_greeting(link->server, &own_greeting);
    write_all(client, own_greeting.data, own_greeting.size);
    if (board->kind == MIDDLEMAN_SHARES) {
        board->shared = link->server;
        link->server = -1;
        text_append_bytes(&board->greeting, own_greeting.data, own_greeting.size);
    }
}

/* False at the end. */
static bool pass(int from, int to, bool is_client)
{
    char piece[PIECE_BYTES];
    ssize_t got = recv(from, piece, sizeof(piece), 0);

    if (got <= 0 || (is_client && piece[0] == 'X'))
        return false;
    write_all(to, piece, (size_t)got);
    return true;
}

static void close_link(Link *link)
{
    (void)close(link->client);
    if (link->server >= 0)
        (void)close(link->server);
    *link = (Link){.client = -1, .server = -1};
}

static void serve_link(Switchboard *board, Link *link, const struct pollfd *client,
                       const struct pollfd *server)
{
    bool goes_on = true;

    if (client->revents != 0) {
        board->asking = link->client;
        goes_on = pass(link->client, link->server >= 0 ? link->server : board->shared, true);
    }
    if (goes_on && server->revents != 0)
        goes_on = pass(link->server, link->client, false);
    if (!goes_on)
        close_link(link);
}

_Noreturn static void serve(Switchboard *board, int listener)
{
    for (;;) {
        struct pollfd waits[2 * LINKS_MAX + 2] = {{.fd = listener, .events = POLLIN},
                                                  {.fd = board->shared, .events = POLLIN}};
        size_t count = board->count;

        for (size_t i = 0; i < count; i++) {
            waits[2 * i + 2] = (struct pollfd){.fd = board->links[i].client, .events = POLLIN};
            waits[2 * i + 3] = (struct pollfd){.fd = board->links[i].server, .events = POLLIN};
        }
        give_up_unless(poll(waits, 2 * count + 2, -1) > 0);
        if (waits[1].revents != 0)
            give_up_unless(pass(board->shared, board->asking, false));
        for (size_t i = 0; i < count; i++)
            serve_link(board, &board->links[i], &waits[2 * i + 2], &waits[2 * i + 3]);
        if (waits[0].revents != 0)
            accept_client(board, listener);
    }
}

PgMiddleman *pg_middleman_start(const PgCluster *cluster, MiddlemanKind kind)
{
    PgMiddleman *middleman = xcalloc(1, sizeof(*middleman));
    struct sockaddr_un address;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    middleman->directory = xasprintf("%s-m.XXXXXX", pg_cluster_socket_directory(cluster));
    assert_non_null(mkdtemp(middleman->directory));
    address = socket_address(middleman->directory);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, LINKS_MAX), 0);
    middleman->process = fork();
    assert_true(middleman->process >= 0);
    if (middleman->process == 0) {
        Switchboard board = {
            .kind = kind, .server_path = pg_cluster_socket_directory(cluster), .shared = -1};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(&board, listener);
    }
    assert_int_equal(close(listener), 0);
    return middleman;
}

void pg_middleman_stop(PgMiddleman *middleman)
{
    Error err = {0};

    (void)kill(middleman->process, SIGKILL);
    (void)waitpid(middleman->process, NULL, 0);
    assert_int_equal(directory_remove(middleman->directory, &err), STATUS_OK);
    free(middleman->directory);
    free(middleman);
}

const char *pg_middleman_host(const PgMiddleman *middleman)
{
    return middleman->directory;
}

char *pg_middleman_ask(const PgMiddleman *middleman, const char *sql)
{
    AUTO_FREE_MEMORY char *conninfo =
        xasprintf("host=%s user=postgres dbname=postgres", middleman->directory);
    PGconn *connection = PQconnectdb(conninfo);
    PGresult *result = PQexec(connection, sql);
    char *value = NULL;

    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    value = xstrdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    PQfinish(connection);
    return value;
}
