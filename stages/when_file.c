#include "stages/when_file.h"

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/progress.h"
#include "engine/base/stop.h"
#include "stages/freshness.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
    LOOK_MS = 200,      /* for the file */
    ASK_S = 5,          /* the cheap question */
    COMPARE_S = 60,     /* at least between two comparisons of all rows */
    COMPARE_SHARE = 10, /* and so many times as long as the last one took */
    FAILURES_QUIET = 1, /* an idle connection that was cut is no news */
};

typedef struct Wait {
    Migration *migration;
    Progress *progress; /* only on a terminal: elsewhere it is said once */
    uint64_t started_ns;
    uint64_t ask_ns;     /* when to ask next */
    uint64_t compare_ns; /* when to compare next, at the earliest */
    unsigned failures;   /* to ask, one after the other */
} Wait;

static void show(Wait *wait)
{
    char waited[32];

    format_duration((clock_monotonic_ns() - wait->started_ns) / SECOND_NS, waited, sizeof(waited));

    AUTO_FREE_MEMORY char *note =
        xasprintf("for %s, %s so far", wait->migration->when_file, waited);

    progress_note(wait->progress, note);
    progress_add(wait->progress, 0, 0);
}

/* Not for the time that the migration retries: the file may come meanwhile. */
static Status compare_once(Migration *migration, Error *err)
{
    uint64_t retry_for_ms = migration->run.retry_for_ms;
    Status status = STATUS_OK;

    migration->run.retry_for_ms = 0;
    status = check_freshness(migration, err);
    migration->run.retry_for_ms = retry_for_ms;
    return status;
}

/* What may pass is told and asked again. */
static Status pass_over(Wait *wait, Status status, Error *err)
{
    if (status >= 0) {
        wait->failures = 0;
        return STATUS_OK;
    }
    if (status == STATUS_STOPPED || err->kind != ERROR_WAITING)
        return status;
    if (wait->failures++ == (unsigned)FAILURES_QUIET)
        log_warn("%s; it is asked again", err->message);
    error_clear(err);
    return STATUS_OK;
}

static Status ask_source(Wait *wait, Error *err)
{
    uint64_t began_ns = clock_monotonic_ns();
    bool was_written = false;
    Status status = STATUS_OK;

    if (wait->migration->accept_stale_source || began_ns < wait->ask_ns)
        return STATUS_OK;
    wait->ask_ns = began_ns + ASK_S * SECOND_NS;
    status = freshness_glance(wait->migration, &was_written, err);
    if (status >= 0 && was_written && began_ns >= wait->compare_ns) {
        status = compare_once(wait->migration, err);

        uint64_t ended_ns = clock_monotonic_ns();

        wait->compare_ns = ended_ns + COMPARE_S * SECOND_NS + COMPARE_SHARE * (ended_ns - began_ns);
    }
    return pass_over(wait, status, err);
}

static Status wait_on(Wait *wait, Error *err)
{
    while (!file_exists(wait->migration->when_file)) {
        TRY(stop_check(err));
        TRY(ask_source(wait, err));
        show(wait);
        clock_sleep_ms(LOOK_MS);
    }
    return STATUS_OK;
}

static Status announce(const Migration *migration, Error *err)
{
    AUTO_FREE_MEMORY char *event = xasprintf("waiting for the file \"%s\"", migration->when_file);

    log_info("all is ready; the promotion waits for the file \"%s\": make it (touch) when the time "
             "has come",
             migration->when_file);
    return journal_add_event(migration->journal, "note", NULL, event, err);
}

Status when_file_wait(Migration *migration, Error *err)
{
    uint64_t now_ns = clock_monotonic_ns();
    Wait wait = {
        .migration = migration, .started_ns = now_ns, .ask_ns = now_ns + ASK_S * SECOND_NS};
    Status status = STATUS_OK;

    if (migration->when_file == NULL)
        return STATUS_OK;
    if (!file_exists(migration->when_file)) {
        TRY(announce(migration, err));
        if (!migration->quiet && log_can_redraw())
            wait.progress = progress_start("waiting", 0, 0, 0, 0);
        status = wait_on(&wait, err);
        progress_stop(&wait.progress);
    }
    if (status >= 0)
        log_info("the file \"%s\" is there: going on", migration->when_file);
    else
        error_prefix(err, "while waiting for the file \"%s\"", migration->when_file);
    return status;
}

Status when_file_forget(Migration *migration, Error *err)
{
    return migration->when_file == NULL
               ? STATUS_OK
               : journal_set_option(migration->journal, WHEN_FILE_OPTION, NULL, err);
}
