/*
 * JSON documents for output and for small records; the only place that knows cJSON. Integers are
 * written and read exactly (64 bit). Adding a value hands it over to its parent; setting a key
 * again replaces its value. A string ends at its first NUL, also when it was read as \u0000.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct Json Json;

Json *json_object(void);
Json *json_array(void);
void json_free(Json *json); /* a document that was not handed over; NULL is fine */
DEFINE_AUTO_FREE(Json, json_free);

Json *json_copy(const Json *json); /* of all that is in it; NULL gives NULL. The caller frees */

void json_set(Json *object, const char *key, Json *value);              /* takes value */
void json_set_string(Json *object, const char *key, const char *value); /* NULL gives null */
void json_set_integer(Json *object, const char *key, int64_t value);
void json_set_unsigned(Json *object, const char *key, uint64_t value);
void json_set_real(Json *object, const char *key, double value); /* NaN and infinity give null */
void json_set_bool(Json *object, const char *key, bool value);
void json_add(Json *array, Json *value); /* takes value */
void json_add_string(Json *array, const char *value);

/* The document as text, indented or on one line; the caller frees it. Strings that are not valid
 * UTF-8 are written with U+FFFD in place of each bad byte. */
char *json_print(const Json *json, bool indented);

/* Parses text; STATUS_INVALID with the position when malformed. The caller frees *ret. */
Status json_parse(const char *text, Json **ret, Error *err);

/* Reading. Borrowed from the document; NULL, or the fallback, when missing or of another type. */
const Json *json_get(const Json *object, const char *key);
const char *json_get_string(const Json *object, const char *key);
int64_t json_get_integer(const Json *object, const char *key, int64_t fallback);
uint64_t json_get_unsigned(const Json *object, const char *key, uint64_t fallback);
double json_get_real(const Json *object, const char *key, double fallback);
bool json_get_bool(const Json *object, const char *key, bool fallback);

/* The items of an array, or the values of an object. json_at() walks: for long lists use
 * json_next(), which gives NULL after the last. */
size_t json_count(const Json *array);
const Json *json_at(const Json *array, size_t index);
const Json *json_next(const Json *item);
const char *json_key(const Json *item);    /* of a value in an object; else NULL */
const char *json_string(const Json *item); /* NULL when it is not a string */
int64_t json_integer(const Json *item, int64_t fallback);
