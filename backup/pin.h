/*
 * Pins: what must not be removed says so beside itself, in pins/<token>.json, so that it holds
 * wherever the repository is carried. A backup is pinned by people, with a reason and perhaps until
 * some time, or by a migration that would need it for a rollback, until that has ended.
 *
 * Every way of removing looks at them, and names them. Whatever stands in pins/ and cannot be read
 * holds as well. Who changes pins holds the repository for writing (backup/repository.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

typedef struct Pin {
    char *token;     /* "user-1", "run-shop": the file without ".json" */
    char *migration; /* that needs it, or NULL: pinned by people */
    char *reason;    /* NULL for a migration's */
    int64_t created_us;
    int64_t expires_us; /* 0: never */
    char *problem;      /* why it could not be read, or NULL */
} Pin;

typedef struct PinList {
    Pin *items; /* in order of tokens */
    size_t count;
    size_t capacity;
} PinList;

void pin_list_release(PinList *list);
#define AUTO_PIN_LIST __attribute__((cleanup(pin_list_release)))

/* directory is the backup's. ret must be empty. One pin that cannot be read does not fail. */
Status pin_list_read(const char *directory, PinList *ret, Error *err);

bool pin_holds(const Pin *pin, int64_t now_us);

/* "run:shop", "user-1 (before the audit)": appends. */
void pin_describe(const Pin *pin, Text *ret);

/* The first that holds now, or NULL. */
const Pin *pin_list_first(const PinList *list, int64_t now_us);

/* By people, with the next free token; the caller frees it. */
Status pin_add(const char *directory, const char *reason, int64_t expires_us, int64_t now_us,
               char **ret_token, Error *err);

/* For a migration; fine when it is there already. */
Status pin_add_run(const char *directory, const char *migration, int64_t now_us, Error *err);

/* The token of a migration's pin; the caller frees. */
char *pin_run_token(const char *migration);

/* Durably; fine when there is none. */
Status pin_remove(const char *directory, const char *token, Error *err);
