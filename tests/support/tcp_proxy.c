/*
 * tcp_proxy PORT-FILE SOCKET [CUT-AFTER [SHIFT]]: a link that can be cut. Listens on a free port of
 * 127.0.0.1, writes its number to PORT-FILE, and passes each connection on to the unix socket SOCKET.
 * With CUT-AFTER, connections end by themselves after that many bytes (0: never). With SHIFT, the
 * process that a server announces is shown with its number changed by SHIFT, as middlemen do that
 * have sessions of their own. On signals:
 *   SIGUSR1  cuts all connections, so that both ends see a reset
 *   SIGUSR2  lets nothing pass any more, or again: both ends see silence
 *   SIGTERM  ends
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINKS_MAX = 256, BUFFER_SIZE = 65536 };

/* One direction: what was read and is not written yet. */
typedef struct Flow {
    char buffer[BUFFER_SIZE];
    size_t begin;
    size_t end;
    bool is_over;
} Flow;

typedef struct Link {
    int client;
    int server;
    Flow up;
    Flow down;
    bool is_announced;
    uint64_t passed;
} Link;

static Link *links[LINKS_MAX];
static volatile sig_atomic_t cut_requested;
static volatile sig_atomic_t is_silent;
static volatile sig_atomic_t end_requested;

static void take_signal(int number)
{
    if (number == SIGUSR1)
        cut_requested = 1;
    else if (number == SIGUSR2)
        is_silent = !is_silent;
    else
        end_requested = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "tcp_proxy: %s: %s\n", what, strerror(errno));
    exit(1);
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
    if (server < 0 || connect(server, (const void *)&address, sizeof address) != 0) {
        if (server >= 0)
            (void)close(server);
        return -1;
    }
    (void)fcntl(server, F_SETFL, O_NONBLOCK);
    return server;
}

/* A reset instead of an orderly end, as when a router forgets a connection. */
static void drop(size_t index)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(links[index]->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(links[index]->client);
    (void)close(links[index]->server);
    free(links[index]);
    links[index] = NULL;
}

static void accept_one(int listener, const char *path)
{
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
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
    links[index]->client = client;
    links[index]->server = connect_to(path);
    if (links[index]->server < 0)
        drop(index);
}

/* Both are false once the connection is broken. */
static bool take_in(Flow *flow, int from, int to)
{
    ssize_t moved = 0;

    if (flow->is_over || flow->begin < flow->end)
        return true;
    moved = read(from, flow->buffer, BUFFER_SIZE);
    flow->begin = 0;
    flow->end = moved > 0 ? (size_t)moved : 0;
    if (moved == 0) {
        flow->is_over = true;
        (void)shutdown(to, SHUT_WR);
    } else if (moved < 0 && errno != EAGAIN && errno != EINTR) {
        return false;
    }
    return true;
}

static bool give_out(Flow *flow, int to, uint64_t *passed)
{
    ssize_t moved = 0;

    if (flow->begin == flow->end)
        return true;
    moved = send(to, flow->buffer + flow->begin, flow->end - flow->begin, MSG_NOSIGNAL);
    if (moved < 0)
        return errno == EAGAIN || errno == EINTR;
    flow->begin += (size_t)moved;
    *passed += (uint64_t)moved;
    return true;
}

/* BackendKeyData comes before anything else that could look like it. */
static void disguise(Link *link, uint32_t shift)
{
    Flow *flow = &link->down;
    unsigned char *found = NULL;
    uint32_t process = 0;

    if (link->is_announced || flow->begin == flow->end)
        return;
    found = memmem(flow->buffer + flow->begin, flow->end - flow->begin, "K\0\0\0\014", 5);
    if (found == NULL)
        return;
    memcpy(&process, found + 5, sizeof process);
    process = htonl(ntohl(process) + shift);
    memcpy(found + 5, &process, sizeof process);
    link->is_announced = true;
}

static short wanted(const Flow *in, const Flow *out)
{
    return (short)((!in->is_over && in->begin == in->end ? POLLIN : 0) |
                   (out->begin < out->end ? POLLOUT : 0));
}

static nfds_t fill(struct pollfd *polled, int listener)
{
    nfds_t count = 0;

    polled[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (size_t i = 0; i < LINKS_MAX && !is_silent; i++) {
        if (links[i] == NULL)
            continue;
        polled[count++] = (struct pollfd){.fd = links[i]->client,
                                          .events = wanted(&links[i]->up, &links[i]->down)};
        polled[count++] = (struct pollfd){.fd = links[i]->server,
                                          .events = wanted(&links[i]->down, &links[i]->up)};
    }
    return count;
}

static bool pass(Link *link, uint32_t shift)
{
    if (!take_in(&link->up, link->client, link->server) ||
        !take_in(&link->down, link->server, link->client))
        return false;
    if (shift != 0)
        disguise(link, shift);
    return give_out(&link->up, link->server, &link->passed) &&
           give_out(&link->down, link->client, &link->passed) &&
           !(link->up.is_over && link->down.is_over && link->down.begin == link->down.end);
}

static void pass_on(uint64_t cut_after, uint32_t shift)
{
    for (size_t i = 0; i < LINKS_MAX; i++) {
        Link *link = links[i];

        if (link == NULL)
            continue;
        if (cut_requested || (cut_after > 0 && link->passed >= cut_after)) {
            drop(i);
            continue;
        }
        if (is_silent)
            continue;
        if (!pass(link, shift))
            drop(i);
    }
    cut_requested = 0;
}

int main(int argc, char **argv)
{
    static struct pollfd polled[2 * LINKS_MAX + 1];
    struct sigaction action = {.sa_handler = take_signal};
    uint64_t cut_after = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    uint32_t shift = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    int listener = -1;

    if (argc < 3) {
        fprintf(stderr, "usage: tcp_proxy PORT-FILE SOCKET [CUT-AFTER [SHIFT]]\n");
        return 2;
    }
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    listener = listen_somewhere(argv[1]);
    while (!end_requested) {
        nfds_t count = fill(polled, listener);

        if (poll(polled, count, 200) > 0 && (polled[0].revents & POLLIN) != 0)
            accept_one(listener, argv[2]);
        pass_on(cut_after, shift);
    }
    return 0;
}
