#include "engine/base/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* Atomic rather than volatile sig_atomic_t: a handler sets it, and every thread reads it. */
static atomic_int wanted;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may only use lock-free atomics");

static void note_signal(int number)
{
    int saved_errno = errno;

    if (atomic_exchange(&wanted, 1) != 0)
        _exit(128 + number);
    errno = saved_errno;
}

void stop_install(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigemptyset(&action.sa_mask); /* these calls fail for wrong arguments only */
    (void)sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct sigaction before;

        (void)sigaction(numbers[i], NULL, &before);
        if (numbers[i] == SIGHUP && before.sa_handler == SIG_IGN)
            continue; /* started with nohup: meant to outlive its terminal */
        (void)sigaction(numbers[i], &action, NULL);
    }
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

void stop_request(void)
{
    atomic_store(&wanted, 1);
}

bool stop_requested(void)
{
    return atomic_load(&wanted) != 0;
}

void stop_reset(void)
{
    atomic_store(&wanted, 0);
}

Status stop_check(Error *err)
{
    if (!stop_requested())
        return STATUS_OK;
    (void)error_set(err, STATUS_STOPPED, "stopped on request");
    error_hint(err, "Run the same command again to go on.");
    return STATUS_STOPPED;
}
