/*
 * delay_proxy PORT-FILE SOCKET ROUND-TRIP-MS: a link with a long way. Listens on a free port of
 * 127.0.0.1, writes its number to PORT-FILE, and passes each connection on to the unix socket SOCKET;
 * whatever arrives leaves half of ROUND-TRIP-MS later, in both directions. So much may be under way
 * that the delay alone, and no window, is felt; connecting itself takes a round trip, too: what the
 * client sends first waits for it. SIGTERM ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINKS_MAX = 256, PIECE_SIZE = 256 * 1024, PIECES_MAX = 64 };

typedef struct Piece {
    char *data;
    size_t size;
    size_t sent;
    uint64_t leaves_ns;
} Piece;

/* One direction: a ring of pieces in the order in which they arrived. */
typedef struct Flow {
    Piece pieces[PIECES_MAX];
    size_t first;
    size_t count;
    uint64_t opens_ns;
    bool is_over;   /* nothing comes any more */
    bool is_passed; /* and the other end was told */
} Flow;

typedef struct Link {
    int client;
    int server;
    Flow up;
    Flow down;
} Link;

static Link *links[LINKS_MAX];
static uint64_t delay_ns;
static volatile sig_atomic_t end_requested;

static void take_signal(int number)
{
    (void)number;
    end_requested = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "delay_proxy: %s: %s\n", what, strerrordesc_np(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int listen_somewhere(const char *port_file)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    FILE *file = NULL;

    if (listener < 0 || bind(listener, (const void *)&address, size) != 0 ||
        listen(listener, LINKS_MAX) != 0 || getsockname(listener, (void *)&address, &size) != 0)
        fail("could not listen");
    file = fopen(port_file, "w");
    if (file == NULL || fprintf(file, "%u\n", ntohs(address.sin_port)) < 0 || fclose(file) != 0)
        fail(port_file);
    return listener;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (server >= 0 && connect(server, (const void *)&address, sizeof address) == 0) {
        (void)fcntl(server, F_SETFL, O_NONBLOCK);
        return server;
    }
    if (server >= 0)
        (void)close(server);
    return -1;
}

static void drop(size_t index)
{
    Link *link = links[index];
    Flow *flows[] = {&link->up, &link->down};

    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < PIECES_MAX; j++)
            free(flows[i]->pieces[j].data);
    (void)close(link->client);
    if (link->server >= 0)
        (void)close(link->server);
    free(link);
    links[index] = NULL;
}

static void accept_one(int listener, const char *path)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int on = 1;
    size_t index = 0;

    if (client < 0)
        return;
    while (index < LINKS_MAX && links[index] != NULL)
        index++;
    if (index < LINKS_MAX)
        links[index] = calloc(1, sizeof(Link));
    if (index == LINKS_MAX || links[index] == NULL) {
        (void)close(client);
        return;
    }
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    links[index]->client = client;
    links[index]->server = connect_to(path);
    links[index]->up.opens_ns = now_ns() + 3 * delay_ns; /* SYN, its answer, and then the data */
    if (links[index]->server < 0)
        drop(index);
}

/* Both are false once the connection is broken. */
static bool take_in(Flow *flow, int from)
{
    while (!flow->is_over && flow->count < PIECES_MAX) {
        Piece *piece = &flow->pieces[(flow->first + flow->count) % PIECES_MAX];
        ssize_t size = 0;

        if (piece->data == NULL && (piece->data = malloc(PIECE_SIZE)) == NULL)
            return false;
        size = read(from, piece->data, PIECE_SIZE);
        if (size < 0)
            return errno == EAGAIN || errno == EINTR;
        if (size == 0) {
            flow->is_over = true;
            return true;
        }
        piece->size = (size_t)size;
        piece->sent = 0;
        piece->leaves_ns = now_ns() + delay_ns;
        if (piece->leaves_ns < flow->opens_ns)
            piece->leaves_ns = flow->opens_ns;
        flow->count++;
    }
    return true;
}

static bool is_due(const Flow *flow, uint64_t at_ns)
{
    return flow->count > 0 && flow->pieces[flow->first].leaves_ns <= at_ns;
}

static bool give_out(Flow *flow, int to)
{
    uint64_t at_ns = now_ns();

    while (is_due(flow, at_ns)) {
        Piece *piece = &flow->pieces[flow->first];
        ssize_t moved =
            send(to, piece->data + piece->sent, piece->size - piece->sent, MSG_NOSIGNAL);

        if (moved < 0)
            return errno == EAGAIN || errno == EINTR;
        piece->sent += (size_t)moved;
        if (piece->sent < piece->size)
            return true;
        flow->first = (flow->first + 1) % PIECES_MAX;
        flow->count--;
    }
    if (flow->is_over && flow->count == 0 && !flow->is_passed) {
        (void)shutdown(to, SHUT_WR);
        flow->is_passed = true;
    }
    return true;
}

static short wanted(const Flow *in, const Flow *out, uint64_t at_ns)
{
    return (short)((!in->is_over && in->count < PIECES_MAX ? POLLIN : 0) |
                   (is_due(out, at_ns) ? POLLOUT : 0));
}

/* What is not due yet wakes us when it is. */
static void note_next(const Flow *flow, uint64_t at_ns, uint64_t *next_ns)
{
    if (flow->count > 0 && !is_due(flow, at_ns) &&
        flow->pieces[flow->first].leaves_ns - at_ns < *next_ns)
        *next_ns = flow->pieces[flow->first].leaves_ns - at_ns;
}

/* An end of which nothing is wanted is not polled: that it hung up would wake us again and again. */
static void add_polled(struct pollfd *polled, nfds_t *count, int fd, short events)
{
    if (events != 0)
        polled[(*count)++] = (struct pollfd){.fd = fd, .events = events};
}

static nfds_t fill(struct pollfd *polled, int listener, uint64_t *ret_next_ns)
{
    uint64_t at_ns = now_ns();
    nfds_t count = 0;

    polled[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (size_t i = 0; i < LINKS_MAX; i++) {
        Link *link = links[i];

        if (link == NULL)
            continue;
        add_polled(polled, &count, link->client, wanted(&link->up, &link->down, at_ns));
        add_polled(polled, &count, link->server, wanted(&link->down, &link->up, at_ns));
        note_next(&link->up, at_ns, ret_next_ns);
        note_next(&link->down, at_ns, ret_next_ns);
    }
    return count;
}

static void pass_on(void)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        Link *link = links[i];

        if (link != NULL &&
            (!take_in(&link->up, link->client) || !take_in(&link->down, link->server) ||
             !give_out(&link->up, link->server) || !give_out(&link->down, link->client) ||
             (link->up.is_passed && link->down.is_passed)))
            drop(i);
    }
}

int main(int argc, char **argv)
{
    static struct pollfd polled[2 * LINKS_MAX + 1];
    struct sigaction action = {.sa_handler = take_signal};
    int listener = -1;

    if (argc != 4) {
        fprintf(stderr, "usage: delay_proxy PORT-FILE SOCKET ROUND-TRIP-MS\n");
        return 2;
    }
    delay_ns = strtoull(argv[3], NULL, 10) * 500000;
    (void)sigaction(SIGTERM, &action, NULL);
    listener = listen_somewhere(argv[1]);
    while (!end_requested) {
        uint64_t next_ns = UINT64_C(200000000);
        nfds_t count = fill(polled, listener, &next_ns);
        struct timespec wait = {.tv_nsec = (long)next_ns};

        if (ppoll(polled, count, &wait, NULL) > 0 && (polled[0].revents & POLLIN) != 0)
            accept_one(listener, argv[2]);
        pass_on();
    }
    return 0;
}
