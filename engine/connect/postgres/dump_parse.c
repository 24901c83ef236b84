/*
 * Taking a plain dump apart. Headers are looked for only in comments that stand outside of
 * parentheses and behind a statement's end: whatever a literal or a body holds cannot look like one,
 * and the server's own texts of views, rules and BEGIN ATOMIC bodies hold no comments.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/kinds.h"
#include "engine/connect/postgres/pg_dump.h"
#include "engine/connect/postgres/sql_lexer.h"

typedef struct DumpReader {
    SqlLexer lexer;
    Dump dump;
    const char *begin; /* of the first statement since the last header, or NULL */
    const char *end;   /* behind its last token; SETs between the entries left out */
    unsigned depth;    /* of parentheses */
    bool at_statement; /* nothing but space since the last semicolon or the beginning */
    bool is_setting;   /* the statement under way is a SET */
    bool is_complete;  /* the closing words were seen */
    bool is_post_data;
    char *method; /* default_table_access_method as it was set last, or NULL */
} DumpReader;

void dump_release(Dump *dump)
{
    for (size_t i = 0; i < dump->count; i++) {
        free(dump->entries[i].type);
        free(dump->entries[i].name);
        free(dump->entries[i].schema);
        free(dump->entries[i].text);
        free(dump->entries[i].after);
    }
    free(dump->entries);
    *dump = (Dump){0};
}

static void reader_release(DumpReader *reader)
{
    dump_release(&reader->dump);
    free(reader->method);
}
#define AUTO_DUMP_READER __attribute__((cleanup(reader_release)))

static Status refuse_dump(const char *what, Error *err)
{
    return error_set(err, STATUS_FAILED, "could not read the output of pg_dump: %s", what);
}

/* ---- headers ---- */

typedef struct Line {
    const char *begin;
    const char *end;
} Line;

static bool next_line(const char **at, const char *end, Line *ret)
{
    const char *line_end = NULL;

    if (*at >= end)
        return false;
    line_end = memchr(*at, '\n', (size_t)(end - *at));
    if (line_end == NULL)
        line_end = end;
    *ret = (Line){.begin = *at, .end = line_end};
    *at = line_end < end ? line_end + 1 : end;
    return true;
}

/* What follows the prefix, or NULL. */
static const char *behind_prefix(const Line *line, const char *prefix)
{
    size_t size = strlen(prefix);

    if ((size_t)(line->end - line->begin) < size || memcmp(line->begin, prefix, size) != 0)
        return NULL;
    return line->begin + size;
}

/* A decimal number behind blanks and words; moves at behind it. */
static bool read_number(const char **at, const char *end, uint32_t *ret)
{
    uint64_t value = 0;

    while (*at < end && (**at < '0' || **at > '9'))
        (*at)++;
    if (*at >= end)
        return false;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (uint64_t)(**at - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static const char *find_words(const char *at, const char *end, const char *words)
{
    return memmem(at, (size_t)(end - at), words, strlen(words));
}

/*
 * NAME; Type: TYPE; Schema: SCHEMA; Owner: OWNER. A name can hold the same words: the type is the
 * last place where a word of pg_dump stands; without one, the last place.
 */
static const char *find_type(const Line *line, const char **ret_type_end)
{
    static const char words[] = "; Type: ";
    const char *found = NULL;
    bool found_kind = false;

    for (const char *at = line->begin; (at = find_words(at, line->end, words)) != NULL; at++) {
        const char *type = at + sizeof(words) - 1;
        const char *type_end = find_words(type, line->end, "; Schema: ");

        if (type_end == NULL)
            break;

        AUTO_FREE_MEMORY char *word = xstrndup(type, (size_t)(type_end - type));
        bool is_kind = entry_kind(word) != NULL;

        if (is_kind || !found_kind) {
            found = at;
            *ret_type_end = type_end;
            found_kind = is_kind;
        }
    }
    return found;
}

static bool read_name_line(const Line *line, const char *name, DumpEntry *entry)
{
    static const char type_words[] = "; Type: ";
    static const char schema_words[] = "; Schema: ";
    Line rest = {.begin = name, .end = line->end};
    const char *type_end = NULL;
    const char *name_end = find_type(&rest, &type_end);
    const char *schema = NULL;
    const char *schema_end = NULL;

    if (name_end == NULL)
        return false;
    schema = type_end + sizeof(schema_words) - 1;
    schema_end = find_words(schema, line->end, "; Owner: ");
    if (schema_end == NULL)
        return false;
    entry->name = xstrndup(name, (size_t)(name_end - name));
    entry->type = xstrndup(name_end + sizeof(type_words) - 1,
                           (size_t)(type_end - name_end) - (sizeof(type_words) - 1));
    if (schema_end - schema != 1 || *schema != '-')
        entry->schema = xstrndup(schema, (size_t)(schema_end - schema));
    return true;
}

static void read_dependencies(const char *at, const char *end, DumpEntry *entry)
{
    size_t capacity = 0;
    uint32_t id = 0;

    while (read_number(&at, end, &id)) {
        GROW(entry->after, entry->after_count, capacity);
        entry->after[entry->after_count++] = id;
    }
}

/* at stands behind "-- TOC entry". */
static bool read_entry_line(const char *at, const char *end, DumpEntry *entry)
{
    return read_number(&at, end, &entry->id) && read_number(&at, end, &entry->class_oid) &&
           read_number(&at, end, &entry->oid);
}

/* ---- entries ---- */

/* What may hold passwords is not carried, and not kept. */
static bool holds_secrets(const char *type)
{
    static const char *const types[] = {"SUBSCRIPTION",   "USER MAPPING",         "SERVER",
                                        "FOREIGN SERVER", "FOREIGN DATA WRAPPER", "FOREIGN TABLE"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* A table takes its access method from a setting between the entries: it goes along. */
static char *entry_text(const DumpReader *reader, const DumpEntry *entry)
{
    size_t size = reader->begin == NULL ? 0 : (size_t)(reader->end - reader->begin);
    bool is_made_by_method =
        strcmp(entry->type, "TABLE") == 0 || strcmp(entry->type, "MATERIALIZED VIEW") == 0;
    Text text = {0};

    if (reader->begin == NULL || holds_secrets(entry->type))
        return xstrdup("");
    if (!is_made_by_method || reader->method == NULL || strcmp(reader->method, "heap") == 0) {
        text_append_bytes(&text, reader->begin, size);
        return text_take(&text);
    }
    text_append_format(&text, "SET LOCAL default_table_access_method = %s;\n", reader->method);
    text_append_bytes(&text, reader->begin, size);
    text_append(&text, "\nSET LOCAL default_table_access_method = heap;");
    return text_take(&text);
}

static void end_entry(DumpReader *reader)
{
    if (reader->dump.count > 0) {
        DumpEntry *entry = &reader->dump.entries[reader->dump.count - 1];

        if (entry->text == NULL)
            entry->text = entry_text(reader, entry);
    }
    reader->begin = NULL;
    reader->end = NULL;
}

static DumpEntry *begin_entry(DumpReader *reader)
{
    Dump *dump = &reader->dump;

    end_entry(reader);
    GROW(dump->entries, dump->count, dump->capacity);
    dump->entries[dump->count] = (DumpEntry){0};
    return &dump->entries[dump->count++];
}

static void note_section(DumpReader *reader, DumpEntry *entry)
{
    const EntryKind *kind = entry_kind(entry->type);

    reader->is_post_data = reader->is_post_data || (kind != NULL && kind->is_post_data);
    entry->is_post_data = reader->is_post_data;
}

static const char *name_of(const Line *line)
{
    const char *name = behind_prefix(line, "-- Name: ");

    return name != NULL ? name : behind_prefix(line, "-- Data for Name: ");
}

static Status read_header_line(DumpReader *reader, const Line *line, DumpEntry **entry, Error *err)
{
    const char *value = NULL;

    if ((value = behind_prefix(line, "-- TOC entry ")) != NULL) {
        *entry = begin_entry(reader);
        if (!read_entry_line(value, line->end, *entry))
            return refuse_dump("a header is not as expected", err);
    } else if ((value = behind_prefix(line, "-- Dependencies: ")) != NULL && *entry != NULL) {
        read_dependencies(value, line->end, *entry);
    } else if ((value = name_of(line)) != NULL) {
        if (*entry == NULL)
            return refuse_dump("an entry has no number", err);
        if (!read_name_line(line, value, *entry))
            return refuse_dump("a header is not as expected", err);
        note_section(reader, *entry);
        *entry = NULL;
    } else if (behind_prefix(line, "-- PostgreSQL database dump complete") != NULL) {
        reader->is_complete = true;
        end_entry(reader);
    }
    return STATUS_OK;
}

static Status read_comments(DumpReader *reader, const SqlToken *token, Error *err)
{
    const char *at = token->text;
    DumpEntry *entry = NULL; /* whose header is under way */
    Line line;

    while (next_line(&at, token->text + token->size, &line))
        TRY(read_header_line(reader, &line, &entry, err));
    return entry == NULL ? STATUS_OK : refuse_dump("a header has no name", err);
}

/* ---- statements ---- */

/* \restrict TOKEN and the like, for psql alone: the rest of the line is no SQL. */
static void skip_psql_line(DumpReader *reader)
{
    const char *line_end =
        memchr(reader->lexer.at, '\n', (size_t)(reader->lexer.end - reader->lexer.at));

    reader->lexer.at = line_end == NULL ? reader->lexer.end : line_end;
}

/* SET default_tablespace = '' and the like stand between entries, behind the one before. */
static Status read_set(DumpReader *reader, Error *err)
{
    SqlLexer ahead = reader->lexer;
    SqlToken tokens[3] = {0}; /* name, =, value */

    for (size_t i = 0; i < 3; i++) {
        do {
            TRY(sql_lexer_next(&ahead, &tokens[i], err));
        } while (tokens[i].kind == SQL_SPACE);
    }
    reader->is_setting = sql_is_word(&tokens[0], "default_tablespace") ||
                         sql_is_word(&tokens[0], "default_table_access_method") ||
                         sql_is_word(&tokens[0], "default_with_oids") ||
                         sql_is_word(&tokens[0], "search_path");
    if (sql_is_word(&tokens[0], "default_table_access_method")) {
        /* It belongs to the next entry: this one must be closed with the old value. */
        end_entry(reader);
        free(reader->method);
        reader->method = xstrndup(tokens[2].text, tokens[2].size);
    }
    return STATUS_OK;
}

static Status read_statement_token(DumpReader *reader, const SqlToken *token, Error *err)
{
    if (reader->at_statement) {
        reader->is_setting = false;
        if (sql_is_word(token, "set"))
            TRY(read_set(reader, err));
    }
    if (reader->begin == NULL && !reader->is_setting)
        reader->begin = token->text;
    if (!reader->is_setting)
        reader->end = token->text + token->size;
    if (sql_is(token, "("))
        reader->depth++;
    else if (sql_is(token, ")") && reader->depth > 0)
        reader->depth--;
    reader->at_statement = reader->depth == 0 && sql_is(token, ";");
    return STATUS_OK;
}

static Status read_token(DumpReader *reader, const SqlToken *token, Error *err)
{
    if (token->kind == SQL_SPACE)
        return reader->at_statement ? read_comments(reader, token, err) : STATUS_OK;
    if (reader->at_statement && sql_is(token, "\\")) {
        skip_psql_line(reader);
        return STATUS_OK;
    }
    return read_statement_token(reader, token, err);
}

Status dump_parse(const char *text, size_t size, Dump *ret, Error *err)
{
    AUTO_DUMP_READER DumpReader reader = {.at_statement = true};
    SqlToken token = {0};

    sql_lexer_begin(&reader.lexer, text, size);
    for (;;) {
        TRY(sql_lexer_next(&reader.lexer, &token, err));
        if (token.kind == SQL_END)
            break;
        TRY(read_token(&reader, &token, err));
    }
    if (!reader.is_complete)
        return refuse_dump("it ends too early", err);
    *ret = reader.dump;
    reader.dump = (Dump){0};
    return STATUS_OK;
}
