/*
 *   look -> begin: fence, marker -> staging locked -> live reserved -> live locked -> checked -> steps
 *    ^                                                      |             |           -> recorded -> commit
 *    `--------- rolled back, pause with jitter <------------+-------------'  until the deadline
 *
 *  R1  The marker is written before the locks: a second promoter waits for it, and finds it (I6).
 *  R2  Everything that was planned is proven again under the locks: until then others may change it.
 *  R3  Nobody waits behind us for longer than one try and, in the last one, the work under the locks:
 *      what the steps lock besides is waited for only as long as that try had left.
 *  R4  Only failures of locks are tried again here. A lost connection leaves an unknown outcome.
 */
#include "engine/connect/postgres/swap_run.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/retry.h"
#include "engine/connect/postgres/ledger.h"
#include "engine/connect/postgres/swap_locks.h"

enum {
    DEADLINE_MS = 600000,
    STEPS_PER_MESSAGE = 100,
    BYTES_PER_MESSAGE = 65536,
    STEPS_TIMEOUT_MS = 60000, /* of one message: it is a matter of milliseconds */
    IDLE_TIMEOUT_MS = 15000,  /* should this process hang with the locks in its hand */
};

/* ---- under the locks ---- */

static Status refuse_changed(Error *err)
{
    Status status =
        error_kind(err, ERROR_REFUSED, "the target changed since the promotion was planned");

    error_hint(err, "Nothing was changed by us. Run the same command again: it plans anew.");
    return status;
}

/* The locks before had a limit of their own; here nobody waits behind us. */
static Status unlimit_statements(const SwapRun *run, Error *err)
{
    return pg_run(run->connection, "set local statement_timeout = 0", err);
}

static Status run_checks(const SwapRun *run, const TextList *checks, Error *err)
{
    for (size_t i = 0; i < checks->count; i++) {
        AUTO_FREE(pg_rows_free) PgRows *rows = NULL;

        TRY(pg_query(run->connection, checks->items[i], &rows, err));
        if (pg_row_count(rows) != 1 || !pg_is_true(rows, 0, 0))
            return refuse_changed(err);
    }
    return STATUS_OK;
}

static Status run_prepared_checks(const SwapRun *run, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};

    for (size_t i = 0; i < run->swap->checks.count; i++) {
        AUTO_FREE_MEMORY char *sql = xasprintf("execute stopover_check_%zu", i);

        text_list_add(&statements, sql);
    }
    return run_checks(run, &statements, err);
}

/* What is going to be asked under the locks is asked before them, too: a refusal then makes nobody wait,
 * and the server keeps its plans. It cannot know how large the lists are, and would join them by loops. */
static Status prepare_checks(const SwapRun *run, Error *err)
{
    TRY(unlimit_statements(run, err));
    TRY(pg_run(run->connection, "deallocate all; set local enable_nestloop = off", err));
    for (size_t i = 0; i < run->swap->checks.count; i++)
        TRY(pg_run_format(run->connection, err, "prepare stopover_check_%zu as %s", i,
                          run->swap->checks.items[i]));
    return run_prepared_checks(run, err);
}

static const char *words_of(const SwapStep *step)
{
    return step->words != NULL ? step->words : "part of another step";
}

/* As many steps as go in one message; *at moves on. */
static Status run_some(const SwapRun *run, size_t *at, Error *err)
{
    const Swap *swap = run->swap;
    size_t first = *at;
    AUTO_TEXT Text sql = {0};

    while (*at < swap->count && *at - first < STEPS_PER_MESSAGE && sql.size < BYTES_PER_MESSAGE)
        text_append_format(&sql, "%s;\n", swap->steps[(*at)++].forward);

    Status status = pg_run(run->connection, text_string(&sql), err);

    if (status < 0 && status != STATUS_RETRY)
        error_remark(err, "between \"%.100s\" and \"%.100s\"", words_of(&swap->steps[first]),
                     words_of(&swap->steps[*at - 1]));
    return status;
}

static Status run_steps(const SwapRun *run, Error *err)
{
    size_t at = 0;

    while (at < run->swap->count)
        TRY(run_some(run, &at, err));
    return STATUS_OK;
}

/* ---- one try ---- */

static Status begin(SwapRun *run, Error *err)
{
    TRY(fault_before(run->begin_point, err));
    TRY(pg_ledger_begin(run->connection, run->identity, err));
    TRY(pg_run_format(run->connection, err, "set local idle_in_transaction_session_timeout = %d",
                      IDLE_TIMEOUT_MS));

    Status status = run->begin(run, err);

    TRY(status);
    TRY(fault_after(run->begin_point, err));
    return status;
}

static Status work(SwapRun *run, SwapLocks *locks, Error *err)
{
    TRY(fault_before(run->locked_point, err));
    TRY(swap_locks_take_live(locks, err));
    TRY(fault_after(run->locked_point, err));
    TRY(swap_locks_limit_others(locks, STEPS_TIMEOUT_MS, err)); /* R3 */
    TRY(run_prepared_checks(run, err));                         /* R2 */
    TRY(run->check(run, err));
    TRY(swap_locks_judge(locks, run_steps(run, err), err));
    return run->record(run, err);
}

static Status commit(SwapRun *run, Error *err)
{
    TRY(fault_before(run->commit_point, err));
    return pg_run(run->connection, "commit", err);
}

static void take_time(SwapRun *run, uint64_t began_ns)
{
    run->locked_us = (clock_monotonic_ns() - began_ns) / 1000;
    if (run->locked_us > run->waited_us)
        run->waited_us = run->locked_us;
}

static Status transact(SwapRun *run, SwapLocks *locks, Error *err)
{
    Status status = begin(run, err);

    if (status == STATUS_OK)
        status = swap_locks_take_staged(locks, err);
    if (status == STATUS_OK)
        status = unlimit_statements(run, err);
    if (status == STATUS_OK)
        status = run_checks(run, &run->swap->staged_checks, err);
    if (status == STATUS_OK)
        status = swap_locks_reserve_live(locks, err);
    if (status == STATUS_OK)
        status = prepare_checks(run, err);
    if (status != STATUS_OK) {
        pg_reset(run->connection);
        return status;
    }

    uint64_t began_ns = clock_monotonic_ns();

    status = work(run, locks, err);
    if (status >= 0)
        status = commit(run, err);
    if (status < 0)
        pg_reset(run->connection);
    take_time(run, began_ns);
    return status;
}

/* Said of what the server refused inside of the transaction. */
static void say_unchanged(Status status, Error *err)
{
    if (status == STATUS_FAILED && strncmp(err->sqlstate, "42", 2) == 0)
        err->kind = ERROR_REFUSED;
    if (status == STATUS_FAILED && err->hint[0] == '\0')
        error_hint(err, "Nothing was changed. Remove what is in the way and run the same command "
                        "again.");
}

static Status try_once(SwapRun *run, SwapLocks *locks, Error *err)
{
    TRY(swap_locks_look(locks, err));
    run->tries++;

    Status status = transact(run, locks, err);

    if (status < 0 && locks->is_blocked && pg_is_usable(run->connection))
        swap_locks_explain(locks, err);
    if (status < 0)
        say_unchanged(status, err);
    return status;
}

Status swap_run(SwapRun *run, Error *err)
{
    __attribute__((cleanup(swap_locks_release)))
    SwapLocks locks = {.staged = &run->swap->staged_locks,
                       .live = &run->swap->live_locks,
                       .watched = &run->swap->watched};
    Retry retry;
    Status status = STATUS_OK;
    uint64_t deadline_ms = DEADLINE_MS;

    if (run->policy != NULL) {
        locks.lock_timeout_ms = run->policy->lock_timeout_ms;
        deadline_ms = run->policy->deadline_ms > 0 ? run->policy->deadline_ms : deadline_ms;
    }
    TRY(pg_target_control(run->target, &run->connection, err));
    locks.connection = run->connection;
    retry_begin(&retry, deadline_ms);
    retry.notice = run->policy != NULL ? run->policy->notice : NULL;
    do {
        status = try_once(run, &locks, err);
        if (status == STATUS_RETRY && !locks.is_blocked) /* R4 */
            return status;
    } while (retry_again(&retry, &status, err));
    if (status != STATUS_OK)
        return status;
    return fault_after(run->commit_point, err);
}

/* ---- what it took ---- */

static void append_ms(Text *text, uint64_t us)
{
    text_append_format(text, "%" PRIu64 ".%" PRIu64 " ms", us / 1000, us % 1000 / 100);
}

void swap_run_tell(const SwapRun *run, Findings *notes)
{
    AUTO_TEXT Text locked = {0};
    AUTO_TEXT Text waited = {0};

    if (notes == NULL)
        return;
    append_ms(&locked, run->locked_us);
    append_ms(&waited, run->waited_us);
    findings_add(notes, FINDING_NOTE, NULL, NULL,
                 "live tables were locked for %s; others waited for %s at most, in %" PRIu64 " %s",
                 text_string(&locked), text_string(&waited), run->tries,
                 run->tries == 1 ? "try" : "tries");
}
