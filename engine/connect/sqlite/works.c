#include "engine/connect/sqlite/works.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/sql_text.h"
#include "engine/flow/names.h"

/* ---- what an application brings ---- */

enum {
    STAND_INS_MAX = 100, /* in one statement */
};

static void never_called(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_null(context);
}

static int never_ordered(void *context, int size_a, const void *a, int size_b, const void *b)
{
    (void)context;
    (void)size_a;
    (void)a;
    (void)size_b;
    (void)b;
    return 0;
}

static void add_collation(void *context, sqlite3 *handle, int encoding, const char *name)
{
    (void)context;
    (void)encoding;
    /* Without it the statement does not compile, as before. */
    (void)sqlite3_create_collation(handle, name, SQLITE_UTF8, NULL, never_ordered);
}

/*
 * A trigger may use a function of the application that owns the database. Without a stand-in it
 * would compile neither before nor after, and nothing else that is wrong with it would show. Only in
 * memory, where nothing is run.
 */
static bool add_function(sqlite3 *handle)
{
    static const char missing[] = "no such function: ";
    const char *file = sqlite3_db_filename(handle, "main");
    const char *message = sqlite3_errmsg(handle);

    if ((file != NULL && *file != '\0') || strncmp(message, missing, sizeof(missing) - 1) != 0)
        return false;

    AUTO_FREE_MEMORY char *name = xstrdup(message + sizeof(missing) - 1);

    return sqlite3_create_function_v2(handle, name, -1, SQLITE_UTF8, NULL, never_called, NULL, NULL,
                                      NULL) == SQLITE_OK;
}

static bool compiles(sqlite3 *handle, const char *sql, char **why)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);

    for (int i = 0; i < STAND_INS_MAX && rc == SQLITE_ERROR && add_function(handle); i++)
        rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (rc != SQLITE_OK && why != NULL && *why == NULL)
        *why = xstrdup(sqlite3_errmsg(handle));
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_OK;
}

/* update t set a = a, b = b: with every column, so that no UPDATE OF trigger is missed. Empty when
 * the columns cannot be read. */
static void append_update(sqlite3 *handle, const char *name, Text *sql)
{
    AUTO_FREE(db_finalize) sqlite3_stmt *columns = NULL;
    bool is_first = true;

    if (sqlite3_prepare_v2(handle, "select name from pragma_table_xinfo(?1) where hidden = 0", -1,
                           &columns, NULL) != SQLITE_OK)
        return;
    (void)sqlite3_bind_text(columns, 1, name, -1, SQLITE_STATIC); /* in range: cannot fail */
    while (sqlite3_step(columns) == SQLITE_ROW) {
        const char *column = (const char *)sqlite3_column_text(columns, 0);

        if (is_first) {
            text_append(sql, "update main.");
            quote_identifier(sql, name);
        }
        text_append(sql, is_first ? " set " : ", ");
        quote_identifier(sql, column);
        text_append(sql, " = ");
        quote_identifier(sql, column);
        is_first = false;
    }
}

unsigned works(sqlite3 *handle, const char *name, char **ret_why)
{
    static const struct {
        unsigned bit;
        const char *before;
        const char *after;
    } statements[] = {
        {WORKS_SELECT, "select * from main.", " limit 1"},
        {WORKS_INSERT, "insert into main.", " default values"},
        {WORKS_DELETE, "delete from main.", ""},
    };
    AUTO_TEXT Text sql = {0};
    unsigned result = 0;

    if (ret_why != NULL)
        *ret_why = NULL;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        text_clear(&sql);
        text_append(&sql, statements[i].before);
        quote_identifier(&sql, name);
        text_append(&sql, statements[i].after);
        if (compiles(handle, text_string(&sql), ret_why))
            result |= statements[i].bit;
    }
    text_clear(&sql);
    append_update(handle, name, &sql);
    if (sql.size > 0 && compiles(handle, text_string(&sql), ret_why))
        result |= WORKS_UPDATE;
    return result;
}

/* ---- a schema in memory ---- */

enum {
    SCRATCH_PAGE = 512,
};

/* SQLite wants root pages that exist, and different ones within a table. Every table gets page 2,
 * its indexes 3, 4...: nobody ever reads them. */
static size_t count_pages(const Schema *schema)
{
    size_t most = 0;

    for (size_t i = 0; i < schema->count; i++) {
        size_t count = 0;

        (void)schema_of_table(schema, schema->rows[i].table, &count);
        most = count > most ? count : most;
    }
    return most + 4;
}

static Status report_scratch(sqlite3 *handle, Error *err)
{
    return error_kind(err, ERROR_REFUSED, "SQLite cannot read the schema: %s",
                      sqlite3_errmsg(handle));
}

static Status run(sqlite3 *handle, const char *sql, Error *err)
{
    return sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                    : report_scratch(handle, err);
}

static Status insert_row(sqlite3 *handle, sqlite3_stmt *insert, const SchemaRow *row, int page,
                         Error *err)
{
    (void)sqlite3_bind_text(insert, 1, row->type, -1, SQLITE_STATIC); /* in range: cannot fail */
    (void)sqlite3_bind_text(insert, 2, row->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(insert, 3, row->table, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(insert, 4, page);
    (void)sqlite3_bind_text(insert, 5, row->sql, -1, SQLITE_STATIC);

    int rc = sqlite3_step(insert);

    (void)sqlite3_reset(insert); /* its error was that of the step */
    return rc == SQLITE_DONE ? STATUS_OK : report_scratch(handle, err);
}

static int root_page(const Schema *schema, const SchemaRow *row)
{
    size_t count = 0;
    SchemaRow *const *rows = schema_of_table(schema, row->table, &count);
    int page = 2;

    if (row_is(row, "table"))
        return row_is_virtual(row) ? 0 : page;
    if (!row_is(row, "index"))
        return 0;
    for (size_t i = 0; i < count && rows[i] != row; i++)
        page++;
    return page + 1;
}

static Status insert_rows(sqlite3 *handle, const Schema *schema, bool ours, Error *err)
{
    AUTO_FREE(db_finalize) sqlite3_stmt *insert = NULL;

    if (sqlite3_prepare_v2(handle,
                           "insert into sqlite_schema(type, name, tbl_name, rootpage, sql)"
                           " values (?1, ?2, ?3, ?4, ?5)",
                           -1, &insert, NULL) != SQLITE_OK)
        return report_scratch(handle, err);
    for (size_t i = 0; i < schema->count; i++) {
        const SchemaRow *row = &schema->rows[i];

        /* Automatic indexes come with their tables: compiling does not need their pages. */
        if (row->sql != NULL && row->is_ours == ours)
            TRY(insert_row(handle, insert, row, root_page(schema, row), err));
    }
    return STATUS_OK;
}

static bool needs_sequence(const Schema *schema)
{
    if (schema_find(schema, "sqlite_sequence") != NULL)
        return false;
    for (size_t i = 0; i < schema->count; i++) {
        if (row_is(&schema->rows[i], "table") && schema->rows[i].sql != NULL &&
            sql_has_keyword(schema->rows[i].sql, "autoincrement"))
            return true;
    }
    return false;
}

static Status fill_scratch(sqlite3 *handle, const Schema *schema, bool ours, Error *err)
{
    AUTO_FREE_MEMORY char *prepare = xasprintf(
        "pragma page_size = %d; create table pad(x); insert into pad values (zeroblob(%zu));"
        "%s pragma writable_schema = on; delete from sqlite_schema where name = 'pad'; begin;",
        SCRATCH_PAGE, count_pages(schema) * SCRATCH_PAGE,
        needs_sequence(schema)
            ? "create table s(a integer primary key autoincrement); drop table s;"
            : "");

    TRY(run(handle, prepare, err));
    TRY(insert_rows(handle, schema, ours, err));
    /* The count makes SQLite read the schema again now, and say what is wrong with it. */
    return run(handle,
               "commit; pragma writable_schema = reset; select count(*) from sqlite_schema;", err);
}

Status works_open_scratch(const Schema *schema, bool ours, sqlite3 **ret, Error *err)
{
    AUTO_FREE(works_close) sqlite3 *handle = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

    if (sqlite3_open_v2(":memory:", &handle, flags, NULL) != SQLITE_OK)
        return error_set(err, STATUS_FAILED, "could not open a database in memory");
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL); /* as db_open() */
    TRY(fill_scratch(handle, schema, ours, err));
    (void)sqlite3_collation_needed(handle, NULL, add_collation); /* cannot fail when open */
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    *ret = TAKE(handle);
    return STATUS_OK;
}
