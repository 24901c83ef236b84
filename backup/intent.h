/*
 * What a backup is to become: intent.json, written before anything else of it, so that one that was
 * cut off can be shown, and gone on with. It never holds passwords.
 */
#pragma once

#include <stdint.h>

#include "backup/manifest.h"
#include "engine/base/error.h"
#include "engine/base/json.h"

#define INTENT_NAME "intent.json"

typedef struct Intent {
    char *backup_id; /* 32 hex digits */
    char *name;
    char *label;
    uint64_t sequence;
    int64_t started_us;
    BackupKind kind;
    char *series;
    char *scope;
    char *source;    /* without any secret, for people */
    char *migration; /* it is made for, or NULL */
    Json *options;   /* of whoever makes it, to be compared by a resumption; or NULL */
} Intent;

void intent_release(Intent *intent);
#define AUTO_INTENT __attribute__((cleanup(intent_release)))

Status intent_write(const char *directory, const Intent *intent, Error *err);

/* ret must be empty, and stays so on failure: as record_read(). */
Status intent_read(const char *directory, Intent *ret, Error *err);
