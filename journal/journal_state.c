#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "journal/internal.h"

static void release_record(JournalRecord *record)
{
    free(record->source_given);
    free(record->source_display);
    free(record->target_given);
    free(record->target_display);
    free(record->tool_version);
    free(record->snapshot_token);
    free(record->backup_name);
    free(record->intent);
    free(record->catalog_fingerprint);
    *record = (JournalRecord){0};
}

void state_release(JournalState *state)
{
    release_record(&state->record);
    text_list_release(&state->option_names);
    text_list_release(&state->option_values);
    *state = (JournalState){0};
}

static const char record_sql[] =
    "select name, run, attempt, epoch, phase, level, seed, finished, source_given, source_display,"
    " target_given, target_display, created_us, tool_version, snapshot_token, snapshot_us,"
    " backup_name, intent, catalog_fingerprint, exists (select 1 from plan)"
    " from migration where id = 1";

/* False when text does not fit. */
static bool copy_text(const char *text, char *ret, size_t size)
{
    return text != NULL && strlen(text) < size && snprintf(ret, size, "%s", text) >= 0;
}

static bool read_identity(const Query *query, JournalRecord *ret)
{
    const char *phase = column_text(query, 4);
    const char *level = column_text(query, 5);

    ret->identity.attempt = column_u32(query, 2);
    ret->identity.epoch = column_unsigned(query, 3);
    if (!copy_text(column_text(query, 0), ret->identity.migration,
                   sizeof(ret->identity.migration)) ||
        !copy_text(column_text(query, 1), ret->identity.run, sizeof(ret->identity.run)))
        return false;
    name_id(ret->identity.run, ret->identity.attempt, ret->identity.id);
    return phase != NULL && phase_parse(phase, &ret->phase) && level != NULL &&
           verify_level_parse(level, &ret->level) && column_hex(query, 6, &ret->seed);
}

static void read_rest(const Query *query, JournalRecord *ret)
{
    ret->finished = column_integer(query, 7) != 0;
    ret->source_given = column_copy(query, 8);
    ret->source_display = column_copy(query, 9);
    ret->target_given = column_copy(query, 10);
    ret->target_display = column_copy(query, 11);
    ret->created_us = column_integer(query, 12);
    ret->tool_version = column_copy(query, 13);
    ret->snapshot_token = column_copy(query, 14);
    ret->snapshot_us = column_integer(query, 15);
    ret->backup_name = column_copy(query, 16);
    ret->intent = column_copy(query, 17);
    ret->catalog_fingerprint = column_copy(query, 18);
}

static Status load_record(Journal *journal, JournalState *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal, record_sql, "read", &query, err));
    status = query_step(&query, err);
    if (status < 0)
        return status;
    if (status == STATUS_DONE || !read_identity(&query, &ret->record))
        return journal_damaged(journal, "its record of the migration cannot be read", err);
    read_rest(&query, &ret->record);
    ret->has_plan = column_integer(&query, 19) != 0;
    return STATUS_OK;
}

static Status load_options(Journal *journal, JournalState *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal, "select name, value from option order by name",
                      "read the options of", &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK) {
        text_list_add(&ret->option_names, column_text(&query, 0));
        text_list_add(&ret->option_values, column_text(&query, 1));
    }
    return status < 0 ? status : STATUS_OK;
}

Status state_load(Journal *journal, JournalState *ret, Error *err)
{
    JournalState state = {0};
    Status status = load_record(journal, &state, err);

    if (status >= 0)
        status = load_options(journal, &state, err);
    if (status < 0) {
        state_release(&state);
        return status;
    }
    *ret = state;
    return STATUS_OK;
}
