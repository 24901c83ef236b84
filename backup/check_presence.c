#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/check_inside.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

/* Is it there, an ordinary file of that size? NULL when it is; else what is wrong. The caller
 * frees. */
static char *wrong_file(const Check *check, const char *path, uint64_t bytes, bool *ret_is_bad)
{
    AUTO_FREE_MEMORY char *whole = xasprintf("%s/%s", check->folder, path);
    struct stat found;

    *ret_is_bad = true;
    if (lstat(whole, &found) != 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? xstrdup("it is missing")
                   : xasprintf("it cannot be looked at (error %d)", errno);
    if (!S_ISREG(found.st_mode))
        return xstrdup("it is not an ordinary file");
    *ret_is_bad = false;
    if ((uint64_t)found.st_size != bytes)
        return xasprintf("it has %jd bytes instead of %" PRIu64, (intmax_t)found.st_size, bytes);
    return NULL;
}

/* The tables with rows in each of the parts, in one pass over the index: as far as that can be
 * read, and as far as its lines are right. */
static void find_hits(const Check *check, TableSet *sets)
{
    AUTO_FREE(index_reader_free) IndexReader *reader = NULL;
    const Manifest *manifest = &check->manifest;
    Error ignored = {0};
    const char *name = NULL;
    Segment segment;
    size_t at = 0;

    if (index_reader_open(check->folder, &reader, &ignored) < 0)
        return;
    while (index_reader_next(reader, &segment, &name, &ignored) == STATUS_OK) {
        while (at < manifest->part_count && manifest->parts[at].number < segment.part)
            at++;
        if (at < manifest->part_count && manifest->parts[at].number == segment.part)
            table_set_add(&sets[at], check, segment.table_id);
    }
}

static void release_strings(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(strings[i]);
    free(strings);
}

static void look_at_parts(Check *check)
{
    size_t count = check->manifest.part_count;
    char **wrongs = xcalloc(count + 1, sizeof(*wrongs));
    TableSet *sets = xcalloc(count + 1, sizeof(*sets));
    bool is_any = false;

    for (size_t i = 0; i < count; i++) {
        const PartSummary *part = &check->manifest.parts[i];
        AUTO_TEXT Text path = {0};

        part_path(part->number, &path);
        wrongs[i] = wrong_file(check, text_string(&path), part->bytes, &check->bad_parts[i]);
        is_any |= wrongs[i] != NULL;
    }
    if (is_any)
        find_hits(check, sets);
    for (size_t i = 0; i < count; i++) {
        AUTO_TEXT Text path = {0};

        part_path(check->manifest.parts[i].number, &path);
        if (wrongs[i] != NULL)
            check_note(check, text_string(&path), &sets[i], wrongs[i]);
        table_set_release(&sets[i]);
    }
    check->report->files += count;
    release_strings(wrongs, count);
    free(sets);
}

static void look_at_files(Check *check)
{
    for (size_t i = 0; i < check->manifest.file_count; i++) {
        const ManifestFile *file = &check->manifest.files[i];
        bool is_bad = false;
        AUTO_FREE_MEMORY char *wrong = wrong_file(check, file->path, file->bytes, &is_bad);

        if (wrong != NULL)
            check_note(check, file->path, NULL, wrong);
        check->report->files++;
    }
}

/* What a backup's folder may hold besides what its manifest lists. */
static bool is_ours(const char *path)
{
    static const char *const names[] = {MANIFEST_NAME, "intent.json", "lock",  "pins",
                                        "verify",      "data",        "schema"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return strncmp(path, "ledger.db", strlen("ledger.db")) == 0; /* until it is complete */
}

static bool is_listed(const Check *check, const char *path)
{
    for (size_t i = 0; i < check->manifest.file_count; i++)
        if (strcmp(check->manifest.files[i].path, path) == 0)
            return true;
    return false;
}

static int compare_numbers(const void *key, const void *item)
{
    uint32_t number = *(const uint32_t *)key;
    const PartSummary *part = item;

    return number < part->number ? -1 : number > part->number;
}

/* Parts can be many: found by their number, then compared by name. */
static bool is_part(const Check *check, const char *path)
{
    const PartSummary *part = NULL;
    AUTO_TEXT Text name = {0};
    uint32_t number = 0;

    if (strncmp(path, "data/", 5) != 0)
        return false;
    number = (uint32_t)strtoul(path + 5, NULL, 10);
    if (check->manifest.part_count > 0)
        part = bsearch(&number, check->manifest.parts, check->manifest.part_count, sizeof(*part),
                       compare_numbers);
    part_path(number, &name);
    return part != NULL && strcmp(text_string(&name), path) == 0;
}

/* Names everything below `below` ("" or "data/") that is not of this backup. */
static Status look_for_others(Check *check, const char *below, Error *err)
{
    AUTO_FREE_MEMORY char *folder = xasprintf("%s/%s", check->folder, below);
    AUTO_TEXT_LIST TextList names = {0};

    TRY(directory_list(folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE_MEMORY char *path = xasprintf("%s%s", below, names.items[i]);

        if (!is_listed(check, path) && !is_part(check, path) &&
            (below[0] != '\0' || !is_ours(path)))
            check_note(check, path, NULL, "it is not of this backup");
    }
    return STATUS_OK;
}

Status check_presence(Check *check, Error *err)
{
    look_at_files(check);
    look_at_parts(check);
    TRY(look_for_others(check, "", err));
    TRY(look_for_others(check, "data/", err));
    return look_for_others(check, "schema/", err);
}
