#include "backup/backup.h"

#include <assert.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/share_lock.h"

const char *backup_state_name(BackupState state)
{
    switch (state) {
    case STATE_COMPLETE:
        return "complete";
    case STATE_INCOMPLETE:
        return "incomplete";
    case STATE_RUNNING:
        return "running";
    case STATE_DAMAGED:
        return "damaged";
    }
    return "unknown";
}

void backup_release(Backup *backup)
{
    free(backup->directory);
    free(backup->label);
    free(backup->name);
    free(backup->series);
    free(backup->scope);
    free(backup->source);
    free(backup->migration);
    free(backup->problem);
    pin_list_release(&backup->pins);
    *backup = (Backup){0};
}

void backup_list_release(BackupList *list)
{
    for (size_t i = 0; i < list->count; i++)
        backup_release(&list->items[i]);
    free(list->items);
    *list = (BackupList){0};
}

Backup *backup_list_add(BackupList *list)
{
    GROW(list->items, list->count, list->capacity);
    list->items[list->count] = (Backup){0};
    return &list->items[list->count++];
}

int64_t backup_time(const Backup *backup)
{
    return backup->completed_us != 0 ? backup->completed_us : backup->started_us;
}

static int compare(const void *a, const void *b)
{
    const Backup *one = a;
    const Backup *other = b;
    int64_t one_us = backup_time(one);
    int64_t other_us = backup_time(other);

    if (one_us != other_us)
        return one_us < other_us ? -1 : 1;
    if (one->sequence != other->sequence)
        return one->sequence < other->sequence ? -1 : 1;
    return strcmp(one->directory, other->directory);
}

void backup_list_sort(BackupList *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
}

uint64_t directory_bytes(const char *directory)
{
    AUTO_FREE_MEMORY char *path = xstrdup(directory);
    char *const paths[] = {path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *entry = NULL;
    uint64_t bytes = 0;

    while (walk != NULL && (entry = fts_read(walk)) != NULL)
        if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS && entry->fts_statp != NULL)
            bytes += (uint64_t)entry->fts_statp->st_blocks * 512;
    if (walk != NULL)
        (void)fts_close(walk); /* only read from */
    return bytes;
}

/* ---- what its files say ---- */

static void take_manifest(const Manifest *manifest, Backup *backup)
{
    ManifestTotals totals = {0};

    manifest_totals(manifest, &totals);
    backup->state = STATE_COMPLETE;
    backup->name = xstrdup(manifest->name);
    backup->completed_us = manifest->completed_us;
    backup->kind = manifest->kind;
    backup->series = xstrdup(manifest->series);
    backup->scope = xstrdup(manifest->scope);
    backup->source = xstrdup(manifest->source);
    backup->migration = xstrdup(manifest->migration);
    backup->rows = totals.rows;
    backup->objects = manifest->object_count;
    backup->raw_bytes = totals.raw_bytes;
    backup->stored_bytes = totals.stored_bytes;
}

static void take_intent(const Intent *intent, Backup *backup)
{
    backup->name = xstrdup(intent->name);
    backup->kind = intent->kind;
    backup->series = xstrdup(intent->series);
    backup->scope = xstrdup(intent->scope);
    backup->source = xstrdup(intent->source);
    backup->migration = xstrdup(intent->migration);
}

static void set_problem(Backup *backup, BackupState state, const char *problem)
{
    backup->state = state;
    backup->problem = xstrdup(problem);
}

/* Who has carried a directory to another name has made two of one, or changed their order. */
static bool is_of_here(const Manifest *manifest, const Backup *backup)
{
    return strcmp(manifest->label, backup->label) == 0 && manifest->sequence == backup->sequence;
}

static void read_manifest(Backup *backup)
{
    AUTO_MANIFEST Manifest manifest = {0};
    Error problem = {0};

    if (manifest_read(backup->directory, &manifest, &problem) >= 0) {
        if (is_of_here(&manifest, backup)) {
            take_manifest(&manifest, backup);
            return;
        }
        backup->state = STATE_DAMAGED;
        backup->problem = xasprintf("its manifest is that of \"%s\"", manifest.label);
    } else if (problem.kind != ERROR_NOT_FOUND || backup->is_renamed) {
        set_problem(backup, STATE_DAMAGED, problem.message);
    }
}

static void read_intent(Backup *backup)
{
    AUTO_INTENT Intent intent = {0};
    Error problem = {0};
    bool is_known = intent_read(backup->directory, &intent, &problem) >= 0 &&
                    strcmp(intent.label, backup->label) == 0;

    if (is_known)
        take_intent(&intent, backup);
    else
        backup->name = xstrdup(backup->label);
    if (backup->state != 0)
        return;
    backup->state = STATE_INCOMPLETE;
    backup->is_resumable = is_known;
    if (!is_known)
        backup->problem = xasprintf("its intent cannot be read: %s",
                                    problem.kind != ERROR_NONE ? problem.message : "not its own");
}

static void read_lock(Backup *backup)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/lock", backup->directory);
    ShareMode held = SHARE_NONE;
    Error problem = {0};

    if (share_lock_look(path, &held, &problem) < 0)
        held = SHARE_READ; /* nobody knows: then it is not touched */
    if (held == SHARE_WRITE && !backup->is_renamed) {
        backup->state = STATE_RUNNING;
        backup->is_resumable = false;
    } else {
        backup->is_read = held != SHARE_NONE;
    }
}

bool backup_read(const char *directory, const Label *label, Backup *ret)
{
    AUTO_BACKUP Backup backup = {.sequence = label->sequence, .started_us = label->started_us};
    const char *base = strrchr(directory, '/');
    size_t size = 0;
    Error problem = {0};

    assert(base != NULL);
    size = strlen(base + 1) - (label->is_partial ? strlen(LABEL_PARTIAL) : 0);
    backup.directory = xstrdup(directory);
    backup.label = xstrndup(base + 1, size);
    backup.is_renamed = !label->is_partial;
    read_manifest(&backup);
    if (backup.state != STATE_COMPLETE) {
        read_intent(&backup);
        backup.stored_bytes = directory_bytes(directory);
    }
    read_lock(&backup);
    backup.pins_unknown = pin_list_read(directory, &backup.pins, &problem) < 0;
    (void)evidence_read(directory, &backup.verification, &problem); /* none: never verified */
    if (!file_exists(directory)) /* last: then all that was read was read while it was there */
        return false;
    *ret = backup;
    backup = (Backup){0};
    return true;
}
