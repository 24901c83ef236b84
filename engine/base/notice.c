#include "engine/base/notice.h"

#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

#define QUIET_NS (30 * UINT64_C(1000000000))

struct Notice {
    pthread_mutex_t lock;
    bool has_told;
    uint64_t told_ns;
};

Notice *notice_new(void)
{
    Notice *notice = xcalloc(1, sizeof(*notice));

    (void)pthread_mutex_init(&notice->lock, NULL); /* cannot fail without attributes */
    return notice;
}

void notice_free(Notice *notice)
{
    if (notice == NULL)
        return;
    (void)pthread_mutex_destroy(&notice->lock);
    free(notice);
}

bool notice_is_due(Notice *notice, uint64_t now_ns)
{
    bool is_due = false;

    (void)pthread_mutex_lock(&notice->lock);
    is_due = !notice->has_told || now_ns - notice->told_ns >= QUIET_NS;
    if (is_due) {
        notice->has_told = true;
        notice->told_ns = now_ns;
    }
    (void)pthread_mutex_unlock(&notice->lock);
    return is_due;
}

void notice_wait(Notice *notice, const Error *why, uint64_t left_ms)
{
    char left[32];

    if (notice == NULL || !notice_is_due(notice, clock_monotonic_ns()))
        return;
    format_duration(left_ms / 1000, left, sizeof(left));
    log_warn("trying again for up to %s: %s%s%s", left, why->message,
             why->hint[0] != '\0' ? ". " : "", why->hint);
}
