#include "backup/catalog_file.h"

#include <inttypes.h>
#include <string.h>

#include "engine/base/memory.h"

enum {
    CATALOG_FILE_VERSION = 1,
};

static Json *columns_of(const Table *table)
{
    Json *array = json_array();

    for (size_t i = 0; i < table->column_count; i++) {
        const Column *column = &table->columns[i];
        Json *item = json_object();

        json_set_exact(item, "name", column->name);
        json_set_exact(item, "type", column->type);
        if (column->is_generated)
            json_set_bool(item, "generated", true);
        if (column->key_position > 0)
            json_set_unsigned(item, "key", column->key_position);
        json_add(array, item);
    }
    return array;
}

static const char *key_name(KeyKind key)
{
    switch (key) {
    case KEY_NONE:
        return "none";
    case KEY_HIDDEN:
        return "hidden";
    case KEY_COLUMNS:
        return "columns";
    case KEY_PHYSICAL:
        return "physical";
    }
    return "unknown";
}

static Json *table_line(const Table *table)
{
    Json *line = json_object();

    json_set_unsigned(line, "table", table->id);
    json_set_exact(line, "schema", table->schema);
    json_set_exact(line, "name", table->name);
    json_set_exact(line, "staged_name", table->staged_name);
    json_set(line, "columns", columns_of(table));
    json_set_string(line, "key", key_name(table->key));
    json_set_string(line, "format", row_format_name(table->format));
    json_set_exact(line, "definition", table->definition);
    json_set_exact(line, "private", table->private_data);
    json_set_unsigned(line, "load_late", table->load_late);
    json_set_unsigned(line, "rows", table->row_estimate);
    json_set_unsigned(line, "bytes", table->byte_estimate);
    json_set_string(line, "fingerprint", table->fingerprint);
    return line;
}

static Json *object_line(const Object *object)
{
    Json *line = json_object();

    json_set_unsigned(line, "object", object->id);
    json_set_string(line, "kind", object_kind_name(object->kind));
    json_set_exact(line, "schema", object->schema);
    json_set_exact(line, "name", object->name);
    json_set_unsigned(line, "of_table", object->table_id);
    json_set_exact(line, "definition", object->definition);
    json_set_exact(line, "private", object->private_data);
    return line;
}

static Json *first_line(const Catalog *catalog)
{
    Json *line = json_object();

    json_set_unsigned(line, "catalog", CATALOG_FILE_VERSION);
    json_set_unsigned(line, "tables", catalog->table_count);
    json_set_unsigned(line, "objects", catalog->object_count);
    json_set_string(line, "fingerprint", catalog->fingerprint);
    return line;
}

/* Takes the line. */
static Status write_line(LineWriter *writer, Json *taken, Error *err)
{
    AUTO_FREE(json_free) Json *line = taken;

    return line_writer_add(writer, line, err);
}

Status catalog_file_write(const char *folder, const Catalog *catalog, FileFacts *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, CATALOG_NAME);
    AUTO_FREE(line_writer_free) LineWriter *writer = NULL;

    TRY(line_writer_open(path, &writer, err));
    TRY(write_line(writer, first_line(catalog), err));
    for (size_t i = 0; i < catalog->table_count; i++)
        TRY(write_line(writer, table_line(&catalog->tables[i]), err));
    for (size_t i = 0; i < catalog->object_count; i++)
        TRY(write_line(writer, object_line(&catalog->objects[i]), err));
    return line_writer_finish(writer, ret, err);
}

/*
 * Reading. Every function says whether the line was what it must be.
 */
static bool take_small(const Json *line, const char *key, uint32_t *ret)
{
    uint64_t value = json_get_unsigned(line, key, UINT64_MAX);

    *ret = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool take_large(const Json *line, const char *key, uint64_t *ret)
{
    *ret = json_get_unsigned(line, key, UINT64_MAX);
    return json_get(line, key) != NULL;
}

static bool take_key(const char *name, KeyKind *ret)
{
    static const KeyKind kinds[] = {KEY_NONE, KEY_HIDDEN, KEY_COLUMNS, KEY_PHYSICAL};

    for (size_t i = 0; name != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(name, key_name(kinds[i])) == 0) {
            *ret = kinds[i];
            return true;
        }
    }
    return false;
}

static bool take_format(const char *name, RowFormat *ret)
{
    static const RowFormat formats[] = {ROW_TAGGED, ROW_PG_BINARY, ROW_PG_TEXT};

    for (size_t i = 0; name != NULL && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(name, row_format_name(formats[i])) == 0) {
            *ret = formats[i];
            return true;
        }
    }
    return false;
}

static bool take_object_kind(const char *name, ObjectKind *ret)
{
    for (int kind = OBJECT_INDEX; name != NULL && kind <= OBJECT_OTHER; kind++) {
        if (strcmp(name, object_kind_name((ObjectKind)kind)) == 0) {
            *ret = (ObjectKind)kind;
            return true;
        }
    }
    return false;
}

static bool take_columns(const Json *array, Table *ret)
{
    if (array == NULL)
        return false;
    for (const Json *item = json_at(array, 0); item != NULL; item = json_next(item)) {
        Column *column = table_add_column(ret);

        if (!json_get_exact(item, "name", &column->name) || column->name == NULL ||
            !json_get_exact(item, "type", &column->type))
            return false;
        column->is_generated = json_get_bool(item, "generated", false);
        column->key_position = (unsigned)json_get_unsigned(item, "key", 0);
    }
    return true;
}

static bool take_table(const Json *line, Table *ret)
{
    uint32_t id = 0;

    return take_small(line, "table", &id) && id == ret->id &&
           json_get_exact(line, "schema", &ret->schema) &&
           json_get_exact(line, "name", &ret->name) && ret->name != NULL &&
           json_get_exact(line, "staged_name", &ret->staged_name) &&
           take_columns(json_get(line, "columns"), ret) &&
           take_key(json_get_string(line, "key"), &ret->key) &&
           take_format(json_get_string(line, "format"), &ret->format) &&
           json_get_exact(line, "definition", &ret->definition) &&
           json_get_exact(line, "private", &ret->private_data) &&
           take_small(line, "load_late", &ret->load_late) &&
           take_large(line, "rows", &ret->row_estimate) &&
           take_large(line, "bytes", &ret->byte_estimate);
}

static bool take_object(const Json *line, size_t table_count, Object *ret)
{
    uint32_t id = 0;

    return take_small(line, "object", &id) && id == ret->id &&
           take_object_kind(json_get_string(line, "kind"), &ret->kind) &&
           json_get_exact(line, "schema", &ret->schema) &&
           json_get_exact(line, "name", &ret->name) &&
           take_small(line, "of_table", &ret->table_id) && ret->table_id <= table_count &&
           json_get_exact(line, "definition", &ret->definition) &&
           json_get_exact(line, "private", &ret->private_data);
}

static Status damage(const char *path, const LineReader *reader, const char *what, Error *err)
{
    return error_kind(err, ERROR_DIFFERENT, "\"%s\" is damaged at line %" PRIu64 ": %s", path,
                      line_reader_line(reader), what);
}

/* The next line, which must be there. */
static Status read_line(const char *path, LineReader *reader, Json **ret, Error *err)
{
    Status status = line_reader_next(reader, ret, err);

    if (status == STATUS_DONE)
        return damage(path, reader, "it ends too early", err);
    return status;
}

static Status read_table(const char *path, LineReader *reader, Catalog *ret, Error *err)
{
    AUTO_FREE(json_free) Json *line = NULL;
    const char *said = NULL;
    Table *table = NULL;

    TRY(read_line(path, reader, &line, err));
    table = catalog_add_table(ret);
    said = json_get_string(line, "fingerprint");
    if (!take_table(line, table) || said == NULL || strlen(said) >= sizeof(table->fingerprint))
        return damage(path, reader, "it is no table, or not the next one", err);
    memcpy(table->fingerprint, said, strlen(said) + 1);
    return STATUS_OK;
}

static Status read_object(const char *path, LineReader *reader, Catalog *ret, Error *err)
{
    AUTO_FREE(json_free) Json *line = NULL;

    TRY(read_line(path, reader, &line, err));
    if (!take_object(line, ret->table_count, catalog_add_object(ret)))
        return damage(path, reader, "it is no object, or not the next one", err);
    return STATUS_OK;
}

/* What the first line announces. */
static Status read_first(const char *path, LineReader *reader, Json **ret, uint32_t *ret_tables,
                         uint32_t *ret_objects, Error *err)
{
    uint64_t version = 0;

    TRY(read_line(path, reader, ret, err));
    version = json_get_unsigned(*ret, "catalog", 0);
    if (version > CATALOG_FILE_VERSION) {
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" is of a newer format: %" PRIu64, path,
                         version);
        error_hint(err, "Use a newer stopover for this backup.");
        return STATUS_INVALID;
    }
    if (version == 0 || !take_small(*ret, "tables", ret_tables) ||
        !take_small(*ret, "objects", ret_objects) || json_get_string(*ret, "fingerprint") == NULL)
        return damage(path, reader, "it is no catalog", err);
    return STATUS_OK;
}

/* Sealed again, tables and whole must have the fingerprints that were written with them. */
static Status seal_again(const char *path, const LineReader *reader, const char *fingerprint,
                         Catalog *ret, Error *err)
{
    size_t size = ret->table_count * sizeof(ret->tables[0].fingerprint);
    AUTO_FREE_MEMORY char *said = xcalloc(size + 1, 1);
    size_t step = sizeof(ret->tables[0].fingerprint);

    for (size_t i = 0; i < ret->table_count; i++)
        memcpy(said + i * step, ret->tables[i].fingerprint, step);
    catalog_seal(ret);
    for (size_t i = 0; i < ret->table_count; i++)
        if (strcmp(said + i * step, ret->tables[i].fingerprint) != 0)
            return error_kind(err, ERROR_DIFFERENT,
                              "\"%s\" is damaged: the fingerprint of table \"%s\" differs", path,
                              ret->tables[i].name);
    if (strcmp(fingerprint, ret->fingerprint) != 0)
        return damage(path, reader, "the fingerprint of the whole differs", err);
    return STATUS_OK;
}

Status catalog_file_read(const char *folder, Catalog *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", folder, CATALOG_NAME);
    AUTO_FREE(line_reader_free) LineReader *reader = NULL;
    AUTO_FREE(json_free) Json *first = NULL;
    AUTO_FREE(json_free) Json *more = NULL;
    uint32_t tables = 0;
    uint32_t objects = 0;
    Status status = STATUS_OK;

    TRY(line_reader_open(path, &reader, err));
    TRY(read_first(path, reader, &first, &tables, &objects, err));
    for (uint32_t i = 0; i < tables; i++)
        TRY(read_table(path, reader, ret, err));
    for (uint32_t i = 0; i < objects; i++)
        TRY(read_object(path, reader, ret, err));
    status = line_reader_next(reader, &more, err);
    TRY(status);
    if (status != STATUS_DONE)
        return damage(path, reader, "there are more lines than announced", err);
    return seal_again(path, reader, json_get_string(first, "fingerprint"), ret, err);
}
