/*
 * What the commands of `stopover backup` have in common: the repository they mean, and what is said
 * of a backup in it, as text and as JSON.
 */
#pragma once

#include "backup/needed.h"
#include "backup/repository.h"
#include "tools/options.h"
#include "tools/reply.h"

/* Opens the repository that is there, and warns of what is odd about its place; sets "repository"
 * in the document. ERROR_NOT_FOUND when there is none. The caller frees. */
Status backup_session_open(const Options *options, Reply *reply, Repository **ret, Error *err);

uint64_t backup_lock_wait_ms(const Options *options);

/* What the migrations of this home need; warns of those that cannot be asked. ret must be empty. */
Status backup_session_needed(const Options *options, NeededList *ret, Error *err);

/* How far the unfinished ones of the list are, where they are made from this home. */
void backup_session_progress(const Options *options, const Repository *repository,
                             BackupList *list);

/* The document of one backup; numbers are bytes, seconds and UTC times. The caller frees. */
Json *backup_json(const Backup *backup, int64_t now_us);

/* "complete", "incomplete, 62 % (can be gone on with)": appends. */
void backup_append_status(const Backup *backup, Text *ret);

/* "data 2h 03m ago", "damaged (data)": appends; nothing when it was never verified. */
void backup_append_verified(const Backup *backup, int64_t now_us, Text *ret);

/* "run:shop, user-1 (audit)": those that hold; appends. */
void backup_append_pins(const Backup *backup, int64_t now_us, Text *ret);
