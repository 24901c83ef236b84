/*
 * How a standing is shown: the whole of it, one line of it, and what a command says at its end.
 */
#include <inttypes.h>

#include "engine/base/log.h"
#include "journal/home.h"
#include "stages/rollback_tables.h"
#include "stages/when_file.h"
#include "tools/print.h"
#include "tools/standing.h"

enum {
    SHOWN_EVENTS = 5,
    SHOWN_EVENTS_VERBOSE = 50,
};

static const char *explain_next(const Standing *standing)
{
    const JournalRecord *record = standing->record;

    if (standing->driver != 0)
        return "shows how it goes";
    if (standing_is_unsettled(standing))
        return "was interrupted: goes on with it";
    switch (record->phase) {
    case PHASE_INITIAL:
    case PHASE_PREPARED:
    case PHASE_STAGED:
    case PHASE_VERIFIED:
        return "goes on to promotion";
    case PHASE_VERIFICATION_FAILED:
        return "copies again; --table PATTERN for single tables";
    case PHASE_PROMOTED:
        return record->finished ? "removes the record of it"
                                : "drops what is kept; `stopover rollback` goes back";
    case PHASE_ROLLED_BACK:
        return record->finished ? "removes the record of it" : "begins a new attempt";
    }
    return "";
}

static Cell phase_cell(const JournalRecord *record)
{
    Tone tone = TONE_PLAIN;

    if (record->phase == PHASE_VERIFICATION_FAILED)
        tone = TONE_BAD;
    else if (record->phase == PHASE_VERIFIED || record->phase == PHASE_PROMOTED)
        tone = TONE_GOOD;
    return cell_toned(cell_text(phase_name(record->phase)), tone);
}

static bool is_over(const JournalRecord *record)
{
    return record->phase == PHASE_PROMOTED || record->phase == PHASE_ROLLED_BACK;
}

static void add_next(const Options *options, const Standing *standing, Fields *ret)
{
    AUTO_FREE_MEMORY char *next = standing_next(options, standing);
    AUTO_TEXT Text line = {0};

    text_append_format(&line, "%s  (%s)", next, explain_next(standing));
    fields_add(ret, FOR_PROGRAMS, "next", cell_text(next));
    fields_add(ret, FOR_PEOPLE, "next", cell_text(text_string(&line)));
}

static void add_share(Fields *ret, const char *key, const Cell share)
{
    fields_add(ret, FOR_PEOPLE, key, share.total > 0 ? share : cell_null());
}

static void add_progress(const Standing *standing, Fields *ret)
{
    const JournalProgress *now = &standing->progress;

    if (!standing->has_plan)
        return;
    fields_add(ret, FOR_PEOPLE, "progress", cell_percent(standing->percent));
    add_share(ret, "tables", cell_count_share(now->tables_copied, now->tables));
    add_share(ret, "chunks", cell_count_share(now->chunks_done, now->chunks));
    add_share(ret, "tasks", cell_count_share(now->tasks_done, now->tasks));
    add_share(ret, "rows", cell_count_share(now->rows_done, now->rows_planned));
    add_share(ret, "bytes", cell_bytes_share(now->bytes_done, now->bytes_planned));
}

static Json *progress_document(const Standing *standing)
{
    const JournalProgress *now = &standing->progress;
    Json *document = json_object();

    json_set_unsigned(document, "percent", standing->percent);
    json_set_unsigned(document, "tables", now->tables);
    json_set_unsigned(document, "tables_done", now->tables_copied);
    json_set_unsigned(document, "chunks", now->chunks);
    json_set_unsigned(document, "chunks_done", now->chunks_done);
    json_set_unsigned(document, "tasks", now->tasks);
    json_set_unsigned(document, "tasks_done", now->tasks_done);
    json_set_unsigned(document, "rows", now->rows_planned);
    json_set_unsigned(document, "rows_done", now->rows_done);
    json_set_unsigned(document, "bytes", now->bytes_planned);
    json_set_unsigned(document, "bytes_done", now->bytes_done);
    return document;
}

static void add_driver(const Standing *standing, Fields *ret)
{
    AUTO_TEXT Text line = {0};

    if (standing->driver > 0)
        text_append_format(&line, "yes, by process %d", (int)standing->driver);
    else
        text_append(&line, standing->driver == 0 ? "no" : "yes, in another container or host");
    fields_add(ret, FOR_PEOPLE, "running", cell_text(text_string(&line)));
    fields_add(ret, FOR_PROGRAMS, "running", cell_bool(standing->driver != 0));
    fields_add(ret, FOR_PROGRAMS, "driver_pid",
               standing->driver > 0 ? cell_number((uint64_t)standing->driver) : cell_null());
}

/* Tables of a promotion that do not stand any more: on one line. */
static void add_taken_back(const Standing *standing, Fields *ret)
{
    const char *names = journal_option(standing->journal, TAKEN_BACK_OPTION);
    bool is_said = names != NULL && standing->record->phase == PHASE_PROMOTED;
    AUTO_TEXT Text line = {0};

    for (const char *at = is_said ? names : ""; *at != '\0'; at++)
        text_append_bytes(&line, *at == '\n' ? ", " : at, *at == '\n' ? 2 : 1);
    fields_add(ret, FOR_ALL, "taken_back", cell_text(is_said ? text_string(&line) : NULL));
}

static void collect(const Options *options, const Standing *standing, Fields *ret)
{
    const JournalRecord *record = standing->record;

    fields_add(ret, FOR_ALL, "name", cell_text(standing->name));
    fields_add(ret, FOR_ALL, "phase", phase_cell(record));
    fields_add(ret, is_over(record) ? FOR_ALL : FOR_PROGRAMS, "finished",
               cell_bool(record->finished));
    fields_add(ret, FOR_ALL, "attempt", cell_number(record->identity.attempt));
    fields_add(ret, FOR_ALL, "source", cell_text(record->source_display));
    fields_add(ret, FOR_ALL, "target", cell_text(record->target_display));
    add_driver(standing, ret);
    fields_add(ret, FOR_ALL, "created", cell_time(record->created_us));
    fields_add(ret, FOR_ALL, "snapshot", cell_time(record->snapshot_us));
    add_progress(standing, ret);
    fields_add(ret, FOR_PROGRAMS, "schema_only",
               cell_bool(migration_is_schema_only(standing->journal)));
    fields_add(ret, FOR_PROGRAMS, "data_only",
               cell_bool(migration_is_data_only(standing->journal)));
    fields_add(ret, FOR_PROGRAMS, "verify_level", cell_text(verify_level_name(record->level)));
    fields_add(ret, FOR_ALL, "verification", cell_text(standing->statement));
    fields_add(ret, FOR_ALL, "unsettled", cell_text(record->intent));
    fields_add(
        ret, FOR_ALL, "promotion_waits_for",
        cell_text(is_over(record) ? NULL : journal_option(standing->journal, WHEN_FILE_OPTION)));
    add_taken_back(standing, ret);
    fields_add(ret, FOR_PROGRAMS, "backup", cell_text(record->backup_name));
    fields_add(ret, FOR_ALL, "kept", cell_text(text_string(&standing->kept)));
    add_next(options, standing, ret);
}

/* What programs get: null as progress before there is a plan, and after a rollback. */
static Json *standing_document(const Standing *standing, const Fields *fields)
{
    Json *document = json_object();

    fields_set(fields, document);
    if (standing->has_plan)
        json_set(document, "progress", progress_document(standing));
    else
        json_set_string(document, "progress", NULL);
    return document;
}

/* ---- lists behind it ---- */

static Status add_event(void *context, const Event *event, Error *err)
{
    Grid *table = context;

    (void)err;
    grid_add(table, cell_time(event->at_us));
    grid_add(table, cell_number(event->attempt));
    grid_add(table, cell_text(event->kind));
    grid_add(table, cell_text(event->object));
    grid_add(table, cell_text(event->message));
    return STATUS_OK;
}

static Status add_table(void *context, const TableProgress *progress, Error *err)
{
    Grid *table = context;

    (void)err;
    grid_add(table, cell_text(progress->table));
    grid_add(table, cell_count_share(progress->chunks_done, progress->chunks));
    grid_add(table, cell_count_share(progress->rows_done, progress->rows_planned));
    grid_add(table, cell_bytes(progress->bytes_done));
    return STATUS_OK;
}

static void add_verdict(Grid *table, const Verdict *verdict)
{
    bool has_keys = verdict->keys_compared;

    grid_add(table, cell_text(verdict->table));
    grid_add(table, cell_text(verify_level_name(verdict->level)));
    grid_add(table, cell_count(verdict->source_rows));
    grid_add(table, cell_count(verdict->ledger_rows));
    grid_add(table, cell_count(verdict->target_rows));
    grid_add(table, has_keys ? cell_bool(verdict->keys_equal) : cell_null());
    grid_add(table, has_keys ? cell_count(verdict->sampled) : cell_null());
    grid_add(table, has_keys ? cell_bool(verdict->sample_is_all) : cell_null());
    grid_add(table, has_keys ? cell_count(verdict->risk_rows) : cell_null());
    grid_add(table, cell_toned(cell_bool(verdict->equal), verdict->equal ? TONE_GOOD : TONE_BAD));
    grid_add(table, cell_text(verdict->detail));
}

/* Adds a list to the reply under its key, with a heading; nothing when it is empty. */
static void show_list(const Grid *table, const char *key, const char *heading, Json *status,
                      Reply *reply)
{
    json_set(status, key, grid_json(table));
    if (table->count == 0)
        return;
    text_append_format(&reply->text, "\n%s\n", heading);
    grid_print(table, wants_colour(), &reply->text);
}

static Status show_evidence(const Standing *standing, Json *status, Reply *reply, Error *err)
{
    static const char *const keys[] = {"table",       "level",      "source_rows", "ledger_rows",
                                       "target_rows", "keys_equal", "sampled",     "sample_is_all",
                                       "risk_rows",   "equal",      "detail",      NULL};
    __attribute__((cleanup(verdicts_release))) Verdicts verdicts = {0};
    AUTO_GRID Grid table = grid(keys);

    TRY(journal_load_verdicts(standing->journal, &verdicts, err));
    for (size_t i = 0; i < verdicts.count; i++)
        add_verdict(&table, &verdicts.items[i]);
    show_list(&table, "evidence", "evidence", status, reply);
    return STATUS_OK;
}

static Status show_tables(const Standing *standing, Json *status, Reply *reply, Error *err)
{
    static const char *const keys[] = {"table", "chunks", "rows", "bytes", NULL};
    AUTO_GRID Grid table = grid(keys);

    if (standing->has_plan)
        TRY(journal_tables(standing->journal, add_table, &table, err));
    show_list(&table, "table_progress", "tables", status, reply);
    return STATUS_OK;
}

static Status show_events(const Options *options, const Standing *standing, Json *status,
                          Reply *reply, Error *err)
{
    static const char *const keys[] = {"at", "attempt", "kind", "object", "message", NULL};
    AUTO_GRID Grid table = grid(keys);

    TRY(journal_events(standing->journal, options->verbose ? SHOWN_EVENTS_VERBOSE : SHOWN_EVENTS,
                       add_event, &table, err));
    show_list(&table, "events", "last events", status, reply);
    return STATUS_OK;
}

Status standing_show(const Options *options, const Standing *standing, Reply *reply, Error *err)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_FREE(json_free) Json *status = NULL;

    collect(options, standing, &fields);
    fields_print(&fields, "", wants_colour(), &reply->text);
    status = standing_document(standing, &fields);
    if (options->verbose) {
        TRY(show_tables(standing, status, reply, err));
        TRY(show_evidence(standing, status, reply, err));
    }
    TRY(show_events(options, standing, status, reply, err));
    json_set(reply->document, "status", TAKE(status));
    return STATUS_OK;
}

void standing_line(const Standing *standing, Text *ret)
{
    const JournalProgress *progress = &standing->progress;
    char done[32];
    char planned[32];

    format_count(progress->rows_done, done, sizeof(done));
    format_count(progress->rows_planned, planned, sizeof(planned));
    text_append_format(ret, "%s: %s", standing->name, phase_name(standing->record->phase));
    if (standing->has_plan)
        text_append_format(ret, ", %u %%, %s of %s rows", standing->percent, done, planned);
    text_append(ret, standing->driver != 0 ? ", running\n" : ", not running\n");
}

static void conclude_in_words(const Options *options, const Standing *standing, Text *ret)
{
    AUTO_FIELDS Fields fields = {0};
    AUTO_TEXT Text phase = {0};

    text_append_format(&phase, "%s%s", phase_name(standing->record->phase),
                       is_over(standing->record) && standing->record->finished ? ", finished" : "");
    fields_add(&fields, FOR_PEOPLE, "migration", cell_text(standing->name));
    fields_add(&fields, FOR_PEOPLE, "phase", cell_text(text_string(&phase)));
    add_taken_back(standing, &fields);
    fields_add(&fields, FOR_PEOPLE, "verification", cell_text(standing->statement));
    fields_add(&fields, FOR_PEOPLE, "kept", cell_text(text_string(&standing->kept)));
    add_next(options, standing, &fields);
    fields_print(&fields, "", wants_colour(), ret);
}

void standing_conclude(const Options *options, Status status, Reply *reply)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_FREE(standing_free) Standing *standing = NULL;
    AUTO_FIELDS Fields fields = {0};
    Error err = {0};

    if (options->name == NULL || home_resolve(options->home, &home, &err) < 0 ||
        !home_has(home, options->name))
        return; /* nothing stands anywhere: the command's own error says why */
    if (standing_read(home, options->name, &standing, &err) < 0) {
        if (status >= 0) /* else the command has said so already */
            log_warn("could not read where the migration stands now: %s", err.message);
        return;
    }
    collect(options, standing, &fields);
    json_set(reply->document, "status", standing_document(standing, &fields));
    if (status >= 0 || standing->record->phase == PHASE_VERIFICATION_FAILED)
        conclude_in_words(options, standing, &reply->text);
}
