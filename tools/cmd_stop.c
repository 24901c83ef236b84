#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "journal/home.h"
#include "tools/command.h"
#include "tools/options.h"

enum {
    DEFAULT_WAIT_S = 60,
    POLL_MS = 100,
};

static Status send_stop(const char *name, pid_t driver, Error *err)
{
    if (driver < 0) {
        (void)error_set(err, STATUS_FAILED,
                        "migration \"%s\" is driven in another container or on another host", name);
        error_hint(err, "Run `stopover stop %s` there.", name);
        return STATUS_FAILED;
    }
    if (kill(driver, SIGTERM) == 0 || errno == ESRCH)
        return STATUS_OK;
    (void)error_set(err, STATUS_FAILED, "could not signal process %d, which drives \"%s\": %s",
                    (int)driver, name, strerror(errno));
    error_hint(err, "Run this command as the user who started it.");
    return STATUS_FAILED;
}

static Status wait_for_end(const Options *options, const char *home, pid_t driver, Error *err)
{
    uint64_t limit_s =
        option_given(options, "retry-for") ? options->retry_for_s : (uint64_t)DEFAULT_WAIT_S;
    uint64_t started_ns = clock_monotonic_ns();
    pid_t holder = driver;

    while (clock_monotonic_ns() - started_ns < limit_s * UINT64_C(1000000000)) {
        TRY(stop_check(err));
        TRY(home_lock_holder(home, options->name, &holder, err));
        if (holder != driver)
            return STATUS_OK;
        clock_sleep_ms(POLL_MS);
    }
    (void)error_kind(err, ERROR_WAITING,
                     "process %d was asked to stop and has not ended after %" PRIu64 " s",
                     (int)driver, limit_s);
    error_hint(err,
               "It ends with the chunk under way. Wait with `stopover status %s --watch`; "
               "`kill %d` again ends it at once, which is safe too.",
               options->name, (int)driver);
    return STATUS_FAILED;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    pid_t driver = 0;

    TRY(home_resolve(options->home, &home, err));
    TRY(home_require(home, options->name, err));
    TRY(home_lock_holder(home, options->name, &driver, err));
    json_set_bool(reply->document, "was_running", driver != 0);
    if (driver == 0) {
        text_append_format(&reply->text, "nothing drives migration \"%s\" now\n", options->name);
        return STATUS_OK;
    }
    TRY(send_stop(options->name, driver, err));
    if (driver > 0)
        log_info("asked process %d to stop; it ends with the chunk under way", (int)driver);
    return wait_for_end(options, home, driver, err);
}

const Command command_stop = {
    .name = "stop",
    .usage = "NAME [--retry-for TIME]",
    .purpose = "ask the process that drives it to stop, and wait until it has",
    .help = "The process ends the chunks under way, records them, and leaves; the same command it\n"
            "was started with goes on later. Waits up to a minute, or --retry-for.\n\n"
            "Example:\n"
            "  stopover stop shop",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run,
};
