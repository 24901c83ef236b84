/*
 * One backup as it is found in a repository, whatever its state: nothing there is hidden. Plain
 * data, owned by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backup/evidence.h"
#include "backup/intent.h"
#include "backup/label.h"
#include "backup/manifest.h"
#include "backup/pin.h"
#include "engine/base/error.h"

typedef enum BackupState {
    STATE_COMPLETE = 1, /* a valid manifest is there */
    STATE_INCOMPLETE,   /* it was cut off; nobody works on it now */
    STATE_RUNNING,      /* a process works on it now */
    STATE_DAMAGED,      /* problem says why its manifest is not to be believed */
} BackupState;

const char *backup_state_name(BackupState state); /* "complete"... */

typedef struct Backup {
    char *directory; /* where it is now; absolute */
    char *label;
    char *name; /* its label while nobody knows its name */
    uint64_t sequence;
    int64_t started_us;   /* as its label says */
    int64_t completed_us; /* as its manifest says, or 0 */
    BackupState state;
    bool is_renamed;   /* ".partial" is gone; if not, and it is complete, recovery takes it away */
    bool is_resumable; /* incomplete, with an intent that can be read */
    bool is_read;      /* somebody verifies or restores it now, or has just made it */
    bool has_percent;  /* set by who knows the journal of its making */
    unsigned percent;  /* of its rows that are stored */
    BackupKind kind;   /* 0, as all that follow may be NULL or 0, when nobody knows */
    char *series;
    char *scope;
    char *source;
    char *migration;
    uint64_t rows;
    uint64_t objects;
    uint64_t raw_bytes;
    uint64_t stored_bytes; /* while incomplete: what its files take now */
    char *problem;         /* what is wrong with it, for people; or NULL */
    PinList pins;
    bool pins_unknown; /* they could not be listed: then it counts as pinned */
    Verification verification;
} Backup;

void backup_release(Backup *backup);
#define AUTO_BACKUP __attribute__((cleanup(backup_release)))

typedef struct BackupList {
    Backup *items;
    size_t count;
    size_t capacity;
} BackupList;

void backup_list_release(BackupList *list);
#define AUTO_BACKUP_LIST __attribute__((cleanup(backup_list_release)))

Backup *backup_list_add(BackupList *list); /* zeroed; borrowed until the next one */

/* Oldest first, by (completed, sequence); one that is not complete by when it was started. */
void backup_list_sort(BackupList *list);

/* Its place in time: when it was completed, else started. */
int64_t backup_time(const Backup *backup);

/*
 * Reads one: directory is REPO/backups/<name>, and label what its name says. Whatever cannot be read
 * is its problem, not ours. False when it is not there any more (renamed or removed meanwhile): then
 * look again. ret must be empty.
 */
bool backup_read(const char *directory, const Label *label, Backup *ret);

/* The bytes that the files below a directory take on the disk, as far as they can be seen. */
uint64_t directory_bytes(const char *directory);
