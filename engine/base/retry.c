#include "engine/base/retry.h"

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/stop.h"
#include "engine/base/text.h"

#define FIRST_DELAY_MS 50
#define LAST_DELAY_MS  5000
#define SILENT_MS      1000 /* what passes so soon is not worth a word */

void retry_begin(Retry *retry, uint64_t for_ms)
{
    *retry = (Retry){.for_ms = for_ms, .delay_ms = FIRST_DELAY_MS};
}

static bool end_stopped(Status *status, Error *err)
{
    error_prefix(err, "stopped on request, while waiting to try again after");
    error_hint(err, "Run the same command again to go on.");
    err->kind = ERROR_WAITING;
    *status = STATUS_STOPPED;
    return false;
}

static bool give_up(const Retry *retry, uint64_t elapsed_ms, Status *status, Error *err)
{
    char elapsed[32];

    format_duration(elapsed_ms / 1000, elapsed, sizeof(elapsed));
    error_remark(err, "gave up after %u attempt%s in %s", retry->attempts,
                 retry->attempts == 1 ? "" : "s", elapsed);
    if (err->hint[0] == '\0')
        error_hint(err, "Run the same command again to go on.");
    err->kind = ERROR_WAITING;
    *status = STATUS_FAILED;
    return false;
}

/* Half to all of the delay, so that workers that failed together do not come back together; never
 * past the end, so that the last attempt is made when the time is spent. */
static uint64_t pick_delay(const Retry *retry, uint64_t left_ms)
{
    uint64_t half = retry->delay_ms / 2;
    uint64_t delay_ms = half + random_u64() % (retry->delay_ms - half + 1);

    return delay_ms < left_ms ? delay_ms : left_ms;
}

bool retry_again(Retry *retry, Status *status, Error *err)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t elapsed_ms = 0;

    if (*status != STATUS_RETRY)
        return false;
    retry->attempts++;
    if (retry->started_ns == 0)
        retry->started_ns = now_ns;
    elapsed_ms = (now_ns - retry->started_ns) / 1000000;
    if (stop_requested())
        return end_stopped(status, err);
    if (elapsed_ms >= retry->for_ms || (retry->is_over != NULL && atomic_load(retry->is_over)))
        return give_up(retry, elapsed_ms, status, err);
    if (elapsed_ms >= SILENT_MS)
        notice_wait(retry->notice, err, retry->for_ms - elapsed_ms);
    clock_sleep_ms(pick_delay(retry, retry->for_ms - elapsed_ms));
    if (stop_requested())
        return end_stopped(status, err);
    retry->delay_ms = retry->delay_ms * 2 < LAST_DELAY_MS ? retry->delay_ms * 2 : LAST_DELAY_MS;
    return true;
}
