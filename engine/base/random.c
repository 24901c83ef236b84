#include "engine/base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

_Noreturn static void end_without_random(void)
{
    static const char message[] = "error: the system gives no random bytes\n";

    (void)!write(STDERR_FILENO, message, sizeof(message) - 1); /* nothing is left to try */
    _exit(1);
}

void random_bytes(void *ret, size_t size)
{
    uint8_t *bytes = ret;

    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);

        if (got < 0 && errno != EINTR)
            end_without_random();
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
}

uint64_t random_u64(void)
{
    uint64_t value = 0;

    random_bytes(&value, sizeof(value));
    return value;
}
