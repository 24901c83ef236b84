#include "engine/connect/sqlite/scripts.h"

#include <sqlite3.h>
#include <string.h>

#include "engine/base/memory.h"

static void append_statement(Text *script, const char *statement)
{
    text_append_format(script, "%s;\n", statement);
}

static bool is_of_new_files(const char *setting)
{
    return strcmp(setting, "encoding") == 0 || strcmp(setting, "page_size") == 0;
}

static void append_setting(const Object *object, SchemaScripts *scripts)
{
    bool is_early = is_of_new_files(object->name); /* nothing else may have been made before */

    text_append_format(is_early ? &scripts->before : &scripts->after, "PRAGMA %s = '%s';\n",
                       object->name, object->definition);
    if (strcmp(object->name, "encoding") == 0 && scripts->encoding == NULL)
        scripts->encoding = xstrdup(object->definition);
}

static void append_objects(const Catalog *catalog, bool is_setting, SchemaScripts *scripts)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const Object *object = &catalog->objects[i];

        if (object->definition == NULL || (object->kind == OBJECT_SETTING) != is_setting)
            continue;
        if (is_setting)
            append_setting(object, scripts);
        else if (!object_kind_is_data(object->kind))
            append_statement(&scripts->after, object->definition);
    }
}

Status sqlite_write_scripts(Source *source, const Catalog *catalog, SchemaScripts *ret, Error *err)
{
    (void)source;
    (void)err;
    append_objects(catalog, true, ret);
    for (size_t i = 0; i < catalog->table_count; i++)
        append_statement(&ret->before, catalog->tables[i].definition);
    append_objects(catalog, false, ret);
    ret->version = xstrdup(sqlite3_libversion());
    return STATUS_OK;
}
