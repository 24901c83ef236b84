#include "engine/run/throttle.h"

#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"

#define SECOND_NS 1000000000U

struct Throttle {
    pthread_mutex_t lock;
    uint64_t bytes_per_second;
    uint64_t paid_until_ns; /* all bytes so far are within the rate at this time; 0: none yet */
};

Throttle *throttle_new(uint64_t bytes_per_second)
{
    Throttle *throttle = xcalloc(1, sizeof(*throttle));

    throttle->bytes_per_second = bytes_per_second;
    (void)pthread_mutex_init(&throttle->lock, NULL); /* cannot fail without attributes */
    return throttle;
}

void throttle_free(Throttle *throttle)
{
    if (throttle == NULL)
        return;
    (void)pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

uint64_t throttle_reserve_ns(Throttle *throttle, uint64_t bytes, uint64_t now_ns)
{
    uint64_t saved_ns = now_ns < SECOND_NS ? now_ns : SECOND_NS;
    uint64_t wait_ns = 0;
    double cost_ns = 0;

    if (throttle->bytes_per_second == 0)
        return 0;
    cost_ns = (double)bytes * 1e9 / (double)throttle->bytes_per_second;
    (void)pthread_mutex_lock(&throttle->lock);
    if (throttle->paid_until_ns == 0)
        throttle->paid_until_ns = now_ns;
    if (throttle->paid_until_ns < now_ns - saved_ns)
        throttle->paid_until_ns = now_ns - saved_ns;
    if (cost_ns < (double)(UINT64_MAX / 2 - throttle->paid_until_ns))
        throttle->paid_until_ns += (uint64_t)cost_ns;
    else
        throttle->paid_until_ns = UINT64_MAX / 2; /* centuries: for ever */
    if (throttle->paid_until_ns > now_ns)
        wait_ns = throttle->paid_until_ns - now_ns;
    (void)pthread_mutex_unlock(&throttle->lock);
    return wait_ns;
}

void throttle_take(Throttle *throttle, uint64_t bytes)
{
    uint64_t wait_ns = 0;

    if (throttle == NULL)
        return;
    wait_ns = throttle_reserve_ns(throttle, bytes, clock_monotonic_ns());
    if (wait_ns >= 1000000)
        clock_sleep_ms(wait_ns / 1000000); /* less stays as debt for the next call */
}
