/*
 * What is asked again under the locks, and whether there are locks enough.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/foreign_objects.sql.h"
#include "engine/connect/postgres/gone_objects.sql.h"
#include "engine/connect/postgres/our_objects.sql.h"
#include "engine/connect/postgres/swap_fingerprint.sql.h"
#include "engine/connect/postgres/swap_gone.sql.h"
#include "engine/connect/postgres/swap_inside.h"
#include "engine/connect/postgres/swap_lock_room.sql.h"

static void add_check(TextList *checks, Text *sql)
{
    text_list_add(checks, text_string(sql));
    text_clear(sql);
}

static Status check_fingerprint(SwapWork *work, char ret_fingerprint[65], Error *err)
{
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    AUTO_TEXT Text sql = {0};

    TRY(swap_query_gone(work, swap_fingerprint_sql, &rows, err));
    (void)snprintf(ret_fingerprint, 65, "%s", pg_value(rows, 0, 0));
    text_append(&sql, "select (");
    swap_fill(work, &sql, swap_gone_sql);
    swap_fill(work, &sql, swap_fingerprint_sql);
    text_append_format(&sql, ") = '%s'", ret_fingerprint);
    add_check(&work->swap->checks, &sql);
    return STATUS_OK;
}

/* What lies in staging is what its tasks have made, all of it and nothing else (I3). That they are all
 * done is the promotion's own check. */
static void check_staging(SwapWork *work)
{
    static const char *const questions[] = {foreign_objects_sql, gone_objects_sql};
    AUTO_TEXT Text sql = {0};

    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        text_append(&sql, "set local enable_nestloop = off; select not exists (");
        swap_fill(work, &sql, our_objects_sql);
        swap_fill(work, &sql, questions[i]);
        text_append(&sql, ")");
        add_check(&work->swap->staged_checks, &sql);
    }
}

/* Others need some, too: what the server has at the least is four fifths ours. */
static Status check_locks(SwapWork *work, Error *err)
{
    static const char *const parts[] = {swap_lock_room_sql};
    AUTO_FREE(pg_rows_free) PgRows *rows = NULL;
    uint64_t needed = work->locks + 2 * work->schema_count;
    uint64_t sessions = 0;
    uint64_t each = 0;

    TRY(swap_query(work, parts, 1, &rows, err));
    sessions = pg_unsigned(rows, 0, 1);
    each = (needed + needed / 4 + sessions - 1) / sessions;
    if (each <= pg_unsigned(rows, 0, 0))
        return STATUS_OK;

    AUTO_FREE_MEMORY char *remedy = xasprintf("Set max_locks_per_transaction = %" PRIu64
                                              " on the target's server and restart it, or "
                                              "migrate in parts with --schema or --table.",
                                              each);

    findings_add(work->findings, FINDING_REFUSAL, NULL, remedy,
                 "promotion takes %" PRIu64 " locks in one transaction, and the server has room "
                 "for %" PRIu64 " (max_locks_per_transaction = %s)",
                 needed, sessions * pg_unsigned(rows, 0, 0), pg_value(rows, 0, 0));
    return STATUS_OK;
}

Status swap_plan_checks(SwapWork *work, char ret_fingerprint[65], Error *err)
{
    TRY(check_fingerprint(work, ret_fingerprint, err));
    if (work->staged_exists)
        check_staging(work);
    return check_locks(work, err);
}
