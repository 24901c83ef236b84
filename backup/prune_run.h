/*
 * A decision of prune.h, carried out: under the repository's lock, oldest first.
 */
#pragma once

#include "backup/removal.h"

typedef struct PruneRequest {
    PrunePolicy policy; /* without any rule: only the trash is emptied; needs purge */
    const char *series; /* only this one, or NULL */
    const NeededList *needed;
    bool only_of_migrations; /* backups that people have made are not looked at */
    bool apply;
    bool purge; /* empty the trash now */
    int64_t now_us;
    uint64_t lock_wait_ms;
} PruneRequest;

typedef struct PruneResult {
    BackupList backups;  /* as they were before */
    TextList unknown;    /* what is no backup */
    PrunePlan plan;      /* borrows from backups */
    uint64_t moved;      /* bytes that went, or would go, to the trash */
    uint64_t freed;      /* bytes that the trash gave back, or would */
    TextList left;       /* removed backups that are not wholly gone */
    uint64_t space_left; /* of the file system, afterwards */
} PruneResult;

void prune_result_release(PruneResult *result);
#define AUTO_PRUNE_RESULT __attribute__((cleanup(prune_result_release)))

enum {
    RETENTION_KEEP_LAST = 3,
};

/* What is done without being asked, after a run has succeeded: of the backups that migrations have
 * made of this series, the last RETENTION_KEEP_LAST stay, with all guards. What people have made
 * themselves is theirs to prune. The fields of the caller are needed, now_us and lock_wait_ms. */
PruneRequest retention_request(const char *series);

/*
 * Without apply it only looks, and takes no lock. With it, what cannot be removed although it was
 * to be (somebody has begun to read it) becomes PRUNE_REFUSED with the reason. ERROR_REFUSED at the
 * end, after everything else was done, when a series was refused (PR4). ret is filled as far as it
 * came, also on failure.
 */
Status prune_run(Repository *repository, const PruneRequest *request, PruneResult *ret, Error *err);
