/*
 * Small records beside a backup: JSON objects in files of their own (intent.json, pins, evidence),
 * written durably and read whole. Each holds "format": a number that this program knows.
 */
#pragma once

#include "engine/base/error.h"
#include "engine/base/json.h"

enum {
    RECORD_FORMAT = 1,
};

/* Writes object (an object) with "format" at path; its directory exists. */
Status record_write(const char *path, Json *object, Error *err);

/* ERROR_NOT_FOUND without a file, ERROR_REFUSED for a newer format, STATUS_INVALID for what is no
 * record. The caller frees. */
Status record_read(const char *path, Json **ret, Error *err);

/* A time as microseconds since 1970 under KEY_us, and under KEY for people. */
void record_set_time(Json *object, const char *key, int64_t time_us);
int64_t record_get_time(const Json *object, const char *key); /* 0 when missing */
