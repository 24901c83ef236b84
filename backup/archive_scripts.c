#include "backup/archive_scripts.h"

#include <stdio.h>
#include <string.h>

#include "backup/segment.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/flow/names.h"

static const char how_postgres[] =
    "This backup can be restored without Stopover, into a database that holds nothing of these\n"
    "names, by GNU tar, zstd and psql. In this folder's parent, as an owner of the database:\n"
    "\n"
    "    mkdir restored && for part in data/*.tar.zst; do tar --zstd -xf $part -C restored; done\n"
    "    psql -X -v ON_ERROR_STOP=1 -d DATABASE -f schema/pre.sql\n"
    "    (cd restored && psql -X -v ON_ERROR_STOP=1 -d DATABASE -f ../schema/load.sql)\n"
    "    psql -X -v ON_ERROR_STOP=1 -d DATABASE -f schema/post.sql\n"
    "\n"
    "The files of a table, joined in the order of their names, are what COPY reads: with FORMAT\n"
    "binary or text, as load.sql says.\n";

static const char how_sqlite[] =
    "schema/pre.sql and schema/post.sql are the statements of the database. Rows are in "
    "Stopover's\n"
    "own format, because SQLite gives each value a type of its own: `stopover backup restore`\n"
    "brings them back. In data/*.tar.zst (tar --zstd), the files of a table joined in the order "
    "of\n"
    "their names are its rows: a field count of 2 bytes, then each field with its length of 4\n"
    "bytes (-1: NULL), all big-endian; a field begins with one byte that tells its type: i\n"
    "(integer, 8 bytes), r (IEEE 754 double, 8 bytes), t (text in UTF-8), w (text in UTF-16), b\n"
    "(blob). A table whose rows are found by rowid has that as its first field.\n";

/* " (a, b)"; a table without columns is loaded without a list of them. */
static void append_columns(const Table *table, Text *ret)
{
    const char *comma = " (";

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].is_generated)
            continue;
        text_append(ret, comma);
        quote_identifier(ret, table->columns[i].name);
        comma = ", ";
    }
    text_append(ret, comma[0] == ',' ? ")" : "");
}

/* A meta-command of psql ends with its line; names have no line breaks in them (I10). */
static void append_load(const Table *table, const char *encoding, Text *ret)
{
    AUTO_TEXT Text folder = {0};

    segment_folder(table, &folder);
    text_append(ret, "\\copy ");
    if (table->schema != NULL) {
        quote_identifier(ret, table->schema);
        text_append(ret, ".");
    }
    quote_identifier(ret, table->name);
    append_columns(table, ret);
    text_append_format(ret, " FROM PROGRAM 'cat %s/*' WITH (FORMAT %s", text_string(&folder),
                       table->format == ROW_PG_BINARY ? "binary" : "text");
    if (encoding != NULL)
        text_append_format(ret, ", ENCODING '%s'", encoding);
    text_append(ret, ")\n");
}

static void make_load(const Catalog *catalog, const SchemaScripts *scripts,
                      const Manifest *manifest, Text *ret)
{
    text_append(ret, "\\set ON_ERROR_STOP 1\n");
    for (size_t i = 0; i < catalog->table_count; i++) {
        const ManifestObject *object = manifest_object(manifest, catalog->tables[i].id);

        if (object != NULL && object->segments > 0)
            append_load(&catalog->tables[i], scripts->encoding, ret);
    }
}

static Status write_file(const char *folder, const char *path, const char *data, size_t size,
                         Manifest *manifest, Error *err)
{
    AUTO_FREE_MEMORY char *whole = xasprintf("%s/%s", folder, path);
    ManifestFile *file = NULL;

    TRY(fault_before("archive.script", err));
    TRY(file_replace(whole, data, size, err));
    file = manifest_add_file(manifest);
    file->path = xstrdup(path);
    file->bytes = size;
    sha256_hex(data, size, file->sha256);
    return STATUS_OK;
}

static Status write_text(const char *folder, const char *path, const Text *text, Manifest *manifest,
                         Error *err)
{
    return write_file(folder, path, text_string(text), text->size, manifest, err);
}

Status archive_scripts_write(const char *folder, const Catalog *catalog,
                             const SchemaScripts *scripts, Manifest *manifest, Error *err)
{
    AUTO_FREE_MEMORY char *place = xasprintf("%s/schema", folder);
    bool is_postgres = strcmp(manifest->engine, "postgresql") == 0;
    const char *how = is_postgres ? how_postgres : how_sqlite;

    TRY(directory_create(place, err));
    TRY(write_file(folder, "schema/README.txt", how, strlen(how), manifest, err));
    TRY(write_text(folder, "schema/pre.sql", &scripts->before, manifest, err));
    TRY(write_text(folder, "schema/post.sql", &scripts->after, manifest, err));
    if (is_postgres) {
        AUTO_TEXT Text load = {0};

        make_load(catalog, scripts, manifest, &load);
        TRY(write_text(folder, "schema/load.sql", &load, manifest, err));
    }
    return STATUS_OK;
}
