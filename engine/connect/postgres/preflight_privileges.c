/*
 * What PostgreSQL lets nobody but a superuser create. Asked now: pre-data would fail in its middle.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/notes.h"
#include "engine/connect/postgres/preflight_parts.h"

/* Do the words stand in a CREATE FUNCTION before its body? */
static bool has_option(const char *definition, const char *words)
{
    const char *body = strstr(definition, "\n    AS ");
    const char *found = strstr(definition, words);

    return found != NULL && (body == NULL || found < body);
}

/* "CREATE TYPE a.b;" and "CREATE TYPE a.b (": a base type. Others are AS something. */
static bool is_base_type(const char *definition)
{
    const char *opening = strpbrk(definition, "(;");
    const char *as = strstr(definition, " AS ");

    return opening != NULL && (as == NULL || opening < as);
}

static bool takes_superuser(const char *type, const char *definition)
{
    static const char *const types[] = {"OPERATOR CLASS", "OPERATOR FAMILY", "TEXT SEARCH PARSER",
                                        "TEXT SEARCH TEMPLATE", "SHELL TYPE"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i], type) == 0)
            return true;
    }
    if (strcmp(type, "TYPE") == 0)
        return is_base_type(definition);
    if (strcmp(type, "CAST") == 0)
        return strstr(definition, " WITHOUT FUNCTION") != NULL;
    if (strcmp(type, "FUNCTION") == 0)
        return has_option(definition, "\n    LANGUAGE c") ||
               has_option(definition, "\n    LANGUAGE internal") ||
               has_option(definition, " LEAKPROOF");
    return false;
}

Status preflight_privileges(const Preflight *preflight, Error *err)
{
    for (size_t i = 0; !preflight->is_superuser && i < preflight->catalog->object_count; i++) {
        const Object *object = &preflight->catalog->objects[i];
        AUTO_OBJECT_NOTES PgObjectNotes notes = {0};

        if (object->kind != OBJECT_OTHER)
            continue;
        TRY(pg_object_notes_read(object, &notes, err));
        if (!takes_superuser(notes.type, object->definition))
            continue;

        AUTO_FREE_MEMORY char *kind = xstrdup(notes.type);
        AUTO_FREE_MEMORY char *name = NULL;

        for (char *c = kind; *c != '\0'; c++) {
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c - 'A' + 'a');
        }
        name = xasprintf("%s %s%s%s", kind, object->schema != NULL ? object->schema : "",
                         object->schema != NULL ? "." : "", object->name);
        findings_add(preflight->findings, FINDING_REFUSAL, name,
                     "Connect to the target as a superuser, or leave its schema out.",
                     "only a superuser may create it in the target");
    }
    return STATUS_OK;
}
