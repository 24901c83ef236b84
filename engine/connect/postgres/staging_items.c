#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/staging_work.h"

/* ---- names, for people ---- */

static const struct {
    const char *type;
    const char *words;
} other_words[] = {
    {"FK CONSTRAINT", "foreign key"},
    {"CHECK CONSTRAINT", "check constraint"},
    {"TABLE ATTACH", "attaching of partition"},
    {"INDEX ATTACH", "attaching of index"},
    {"SEQUENCE OWNED BY", "owner of sequence"},
    {"COMMENT", "comment on"},
    {"ACL", "privileges on"},
    {"DEFAULT", "default of"},
    {"MATERIALIZED VIEW DATA", "content of materialized view"},
};

static void append_type(Text *text, const char *type)
{
    for (size_t i = 0; i < sizeof(other_words) / sizeof(other_words[0]); i++) {
        if (strcmp(other_words[i].type, type) == 0) {
            text_append(text, other_words[i].words);
            return;
        }
    }
    for (const char *c = type; *c != '\0'; c++) {
        char lower = *c;

        if (*c >= 'A' && *c <= 'Z')
            lower = (char)(*c - 'A' + 'a');
        text_append_bytes(text, &lower, 1);
    }
}

static bool is_about_others(const PgObjectNotes *notes)
{
    return strcmp(notes->type, "COMMENT") == 0 || strcmp(notes->type, "ACL") == 0;
}

char *staging_item_name(const StagingItem *item)
{
    AUTO_TEXT Text text = {0};

    if (item->table != NULL)
        return xasprintf("table %s.%s", item->table->schema, item->table->name);

    const Object *object = item->object;
    const PgObjectNotes *notes = &item->notes;
    const char *label = notes->label != NULL ? notes->label : object->name;
    const char *relation = notes->relation_name;
    bool is_on_relation =
        relation != NULL && strcmp(relation, label) != 0 && !is_about_others(notes);

    append_type(&text, notes->type);
    if (is_on_relation)
        text_append_format(&text, " %s of %s.%s", label, notes->relation_schema, relation);
    else if (object->schema != NULL && !is_about_others(notes))
        text_append_format(&text, " %s.%s", object->schema, label);
    else
        text_append_format(&text, " %s", label);
    return text_take(&text);
}

/* ---- what has no task ---- */

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read is reported when it is retargeted */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

/* COMMENT ON EXTENSION, GRANT ... ON SCHEMA: about one of these? */
static bool is_about_container(const char *statements)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, statements, strlen(statements));
    while (next_solid(&lexer, &token)) {
        if (sql_is_word(&token, "on"))
            return next_solid(&lexer, &token) &&
                   (sql_is_word(&token, "schema") || sql_is_word(&token, "extension") ||
                    sql_is_word(&token, "database"));
    }
    return false;
}

/* Schemas are made as staging schemas, and the target's have their own comments and privileges. */
bool staging_item_is_left(const StagingItem *item)
{
    if (item->table != NULL)
        return false;
    if (item->kind->fate != KIND_CARRIED)
        return true;
    if (strcmp(item->notes.type, "SCHEMA") == 0 || strcmp(item->notes.type, "EXTENSION") == 0 ||
        strcmp(item->notes.type, "DEFAULT ACL") == 0)
        return true;
    return is_about_others(&item->notes) && is_about_container(item->object->definition);
}

/* ---- statements ---- */

/* ALTER TABLE ... FORCE ROW LEVEL SECURITY: kept for the promotion (trap 14). */
static bool is_forced_security(const char *statement)
{
    static const char *const words[] = {"force", "row", "level", "security"};
    SqlLexer lexer;
    SqlToken token = {0};
    size_t seen = 0;

    sql_lexer_begin(&lexer, statement, strlen(statement));
    if (!next_solid(&lexer, &token) || !sql_is_word(&token, "alter"))
        return false;
    while (next_solid(&lexer, &token) && seen < 4) {
        if (sql_is_word(&token, words[seen]))
            seen++;
        else
            seen = 0;
    }
    return seen == 4;
}

static Status without_forced_security(const char *entry, Text *ret, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};

    TRY(split_statements(entry, &statements, err));
    for (size_t i = 0; i < statements.count; i++) {
        if (!is_forced_security(statements.items[i]))
            text_append_format(ret, "%s%s", ret->size > 0 ? "\n" : "", statements.items[i]);
    }
    return STATUS_OK;
}

static bool is_table(const StagingItem *item)
{
    return item->table != NULL || strcmp(item->notes.type, "TABLE") == 0;
}

Status staging_source_text(const Object *object, const PgObjectNotes *notes, Text *ret, Error *err)
{
    AUTO_TEXT_LIST TextList statements = {0};

    if (notes->path == NULL) {
        text_append(ret, object->definition);
        return STATUS_OK;
    }
    TRY(split_statements(object->definition, &statements, err));
    for (size_t i = 0; i < statements.count; i++) {
        const char *statement = statements.items[i];
        size_t size = strlen(statement);

        if (i == 0 && size > 0 && statement[size - 1] == ';')
            text_append_format(ret, "%.*s\n    SET search_path TO %s;", (int)size - 1, statement,
                               notes->path);
        else
            text_append_format(ret, "\n%s", statement);
    }
    return STATUS_OK;
}

/*
 * The path holds for what the item does, not for what follows it in the same transaction. An index is
 * a transaction of its own, and its statements are taken apart.
 */
static void append_on_path(const StagingItem *item, const TextList *path, const char *statements,
                           Text *ret)
{
    if (path->count == 0) {
        text_append(ret, statements);
        return;
    }
    text_append(ret, STAGING_PATH_HEAD);
    for (size_t i = 0; i < path->count; i++) {
        text_append(ret, i == 0 ? "" : ", ");
        quote_identifier(ret, path->items[i]);
    }
    text_append_format(ret, ";\n%s", statements);
    if (strcmp(item->notes.type != NULL ? item->notes.type : "TABLE", "INDEX") != 0)
        text_append(ret, "\n" STAGING_PATH_HEAD "'';");
}

static Status append_text(const StagingWork *work, const StagingItem *item, Text *ret, Error *err)
{
    const char *entry = NULL;
    AUTO_TEXT Text source = {0};
    AUTO_TEXT Text kept = {0};
    AUTO_TEXT Text mapped = {0};
    AUTO_TEXT_LIST TextList path = {0};

    if (item->table == NULL)
        TRY(staging_source_text(item->object, &item->notes, &source, err));
    entry = item->table != NULL ? item->table->definition : text_string(&source);
    if (is_table(item) && strstr(entry, "ROW LEVEL SECURITY") != NULL) {
        TRY(without_forced_security(entry, &kept, err));
        entry = text_string(&kept);
    }
    TRY(retarget_on_path(work->map.forward, entry, &mapped, &path, err));
    append_on_path(item, &path, text_string(&mapped), ret);
    return STATUS_OK;
}

Status staging_item_text(const StagingWork *work, const StagingItem *item, Text *ret, Error *err)
{
    Status status = append_text(work, item, ret, err);

    if (status < 0) {
        AUTO_FREE_MEMORY char *name = staging_item_name(item);

        error_prefix(err, "%s", name);
    }
    return status;
}

Task *staging_add_task(StagingWork *work, TaskClass task_class, uint32_t table_id, char *name,
                       char *statement)
{
    Task *task = plan_add_task(work->plan);

    task->task_class = task_class;
    task->table_id = table_id;
    task->name = name;
    task->statement = statement;
    return task;
}
