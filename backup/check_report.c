#include <stdlib.h>
#include <string.h>

#include "backup/check_inside.h"
#include "engine/base/memory.h"

#define MAX_NAMED 5

void check_report_release(CheckReport *report)
{
    for (size_t i = 0; i < report->damage_count; i++) {
        free(report->damages[i].path);
        free(report->damages[i].object);
        free(report->damages[i].what);
    }
    free(report->damages);
    *report = (CheckReport){0};
}

void table_set_add(TableSet *set, const Check *check, uint32_t table_id)
{
    if (set->has == NULL)
        set->has = xcalloc(check->manifest.object_count + 1, sizeof(*set->has));
    if (table_id >= 1 && table_id <= check->manifest.object_count)
        set->has[table_id - 1] = true;
}

void table_set_release(TableSet *set)
{
    free(set->has);
    *set = (TableSet){0};
}

/* "a, b and 3 more"; NULL when there is none. */
static char *set_names(const Check *check, const TableSet *hits)
{
    AUTO_TEXT Text text = {0};
    size_t count = 0;

    for (size_t i = 0; i < check->manifest.object_count; i++) {
        AUTO_FREE_MEMORY char *name = NULL;

        if (!hits->has[i] || ++count > MAX_NAMED)
            continue;
        name = manifest_object_name(&check->manifest.objects[i]);
        text_append_format(&text, "%s%s", count > 1 ? ", " : "", name);
    }
    if (count > MAX_NAMED)
        text_append_format(&text, " and %zu more", count - MAX_NAMED);
    return count > 0 ? text_take(&text) : NULL;
}

static void mark_damaged(Check *check, const TableSet *hits)
{
    for (size_t i = 0; check->tables != NULL && i < check->manifest.object_count; i++)
        check->tables[i].is_damaged |= hits->has[i];
}

void check_note(Check *check, const char *path, const TableSet *hits, const char *what)
{
    CheckReport *report = check->report;
    bool has_hits = hits != NULL && hits->has != NULL;

    (void)pthread_mutex_lock(&check->mutex);
    report->damage_total++;
    if (has_hits)
        mark_damaged(check, hits);
    if (report->damage_count < CHECK_MAX_DAMAGES) {
        GROW(report->damages, report->damage_count, report->damage_capacity);
        report->damages[report->damage_count++] =
            (Damage){.path = xstrdup(path),
                     .object = has_hits ? set_names(check, hits) : NULL,
                     .what = xstrdup(what)};
    }
    (void)pthread_mutex_unlock(&check->mutex);
}

static const char *behind(const char *message, const char *begin)
{
    size_t size = strlen(begin);

    return strncmp(message, begin, size) == 0 ? message + size : message;
}

/* Readers name the file with its whole path, and say that it is damaged: the report does, too. */
static const char *behind_path(const char *message, const char *folder, const char *path)
{
    AUTO_FREE_MEMORY char *begin = xasprintf("\"%s/%s\" ", folder, path);
    const char *at = behind(message, begin);

    return at == message ? message : behind(behind(at, "is damaged: "), "is damaged ");
}

void check_note_error(Check *check, const char *path, const TableSet *hits, const Error *err)
{
    check_note(check, path, hits, behind_path(err->message, check->folder, path));
}

void check_progress(Check *check, uint64_t bytes)
{
    (void)pthread_mutex_lock(&check->mutex);
    check->bytes_done += bytes;
    check->report->bytes_read += bytes;
    if (check->options->progress != NULL)
        check->options->progress(check->options->context, check->bytes_done, check->bytes_total);
    (void)pthread_mutex_unlock(&check->mutex);
}
