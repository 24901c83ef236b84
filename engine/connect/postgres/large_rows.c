#include "engine/connect/postgres/large_rows.h"

#include "engine/base/clock.h"
#include "engine/base/stop.h"

enum {
    LARGE_ROW_BYTES = 8 * 1024 * 1024, /* on average */
    LOOK_MS = 50,
};

static bool has_large_rows(const Table *table)
{
    uint64_t rows = table->row_estimate > 0 ? table->row_estimate : 1;

    return table->byte_estimate / rows > LARGE_ROW_BYTES;
}

Status large_rows_enter(LargeRows *rows, const Table *table, bool *ret_entered, Error *err)
{
    *ret_entered = false;
    if (rows == NULL || !has_large_rows(table))
        return STATUS_OK;
    while (atomic_exchange(&rows->is_taken, true)) {
        TRY(stop_check(err));
        clock_sleep_ms(LOOK_MS);
    }
    *ret_entered = true;
    return STATUS_OK;
}

void large_rows_leave(LargeRows *rows, bool *entered)
{
    if (*entered)
        atomic_store(&rows->is_taken, false);
    *entered = false;
}
