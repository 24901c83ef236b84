#include "engine/base/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

/*
 * A Json is a cJSON. Integers are kept as raw digits, because cJSON's own numbers are doubles:
 * those we set always, those we parse when they are too long to be exact.
 */
static cJSON *inner(Json *json)
{
    return (cJSON *)(void *)json;
}

static const cJSON *inner_const(const Json *json)
{
    return (const cJSON *)(const void *)json;
}

static const Json *outer_const(const cJSON *item)
{
    return (const Json *)(const void *)item;
}

/* What cJSON could not allocate, we cannot do without. */
static Json *need(cJSON *item)
{
    if (item == NULL)
        out_of_memory();
    return (Json *)(void *)item;
}

Json *json_object(void)
{
    return need(cJSON_CreateObject());
}

Json *json_array(void)
{
    return need(cJSON_CreateArray());
}

void json_free(Json *json)
{
    cJSON_Delete(inner(json));
}

Json *json_copy(const Json *json)
{
    return json != NULL ? need(cJSON_Duplicate(inner_const(json), 1)) : NULL;
}

void json_set(Json *object, const char *key, Json *value)
{
    cJSON *parent = inner(object);

    if (cJSON_GetObjectItemCaseSensitive(parent, key) != NULL) {
        if (!cJSON_ReplaceItemInObjectCaseSensitive(parent, key, inner(value)))
            out_of_memory();
    } else if (!cJSON_AddItemToObject(parent, key, inner(value))) {
        out_of_memory();
    }
}

static Json *make_string(const char *value)
{
    return need(value != NULL ? cJSON_CreateString(value) : cJSON_CreateNull());
}

void json_set_string(Json *object, const char *key, const char *value)
{
    json_set(object, key, make_string(value));
}

void json_set_integer(Json *object, const char *key, int64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRId64, value);
    json_set(object, key, need(cJSON_CreateRaw(digits)));
}

void json_set_unsigned(Json *object, const char *key, uint64_t value)
{
    char digits[24];

    (void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
    json_set(object, key, need(cJSON_CreateRaw(digits)));
}

void json_set_real(Json *object, const char *key, double value)
{
    json_set(object, key, need(isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull()));
}

void json_set_bool(Json *object, const char *key, bool value)
{
    json_set(object, key, need(cJSON_CreateBool(value)));
}

void json_add(Json *array, Json *value)
{
    if (!cJSON_AddItemToArray(inner(array), inner(value)))
        out_of_memory();
}

void json_add_string(Json *array, const char *value)
{
    json_add(array, make_string(value));
}

char *json_print(const Json *json, bool indented)
{
    const cJSON *item = inner_const(json);
    AUTO_FREE_MEMORY char *printed = indented ? cJSON_Print(item) : cJSON_PrintUnformatted(item);
    AUTO_TEXT Text text = {0};

    if (printed == NULL)
        out_of_memory();
    text_append_utf8(&text, printed, strlen(printed)); /* cJSON writes bytes above 7F as they are */
    return text_take(&text);
}

static const char *skip_string(const char *at) /* at the opening quote of a well-formed string */
{
    for (at++; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

/* The next number in well-formed JSON; moves *at behind it. */
static size_t take_number(const char **at, const char **ret)
{
    const char *look = *at;
    size_t size = 0;

    while (*look != '\0' && *look != '-' && !isdigit((unsigned char)*look))
        look = *look == '"' ? skip_string(look) : look + 1;
    size = strspn(look, "+-0123456789.eE");
    *ret = look;
    *at = look + size;
    return size;
}

/*
 * cJSON has read every number as a double; the text has them in the same order as a walk over the
 * tree. Long integers get their digits back.
 */
static void restore_integers(cJSON *item, const char **at)
{
    const char *digits = NULL;

    if (cJSON_IsNumber(item)) {
        size_t size = take_number(at, &digits);

        if (size > 15 && strspn(digits, "-0123456789") >= size) {
            item->type = cJSON_Raw;
            item->valuestring = xstrndup(digits, size);
        }
    }
    for (cJSON *child = item->child; child != NULL; child = child->next)
        restore_integers(child, at);
}

Status json_parse(const char *text, Json **ret, Error *err)
{
    const char *end = NULL;
    const char *at = text;
    cJSON *item = cJSON_ParseWithLengthOpts(text, strlen(text) + 1, &end, 1);

    if (item == NULL)
        return error_set(err, STATUS_INVALID, "malformed JSON at byte %zu of %zu",
                         end != NULL ? (size_t)(end - text) : 0, strlen(text));
    restore_integers(item, &at);
    *ret = need(item);
    return STATUS_OK;
}

const Json *json_get(const Json *object, const char *key)
{
    return outer_const(cJSON_GetObjectItemCaseSensitive(inner_const(object), key));
}

const char *json_string(const Json *item)
{
    return cJSON_GetStringValue(inner_const(item));
}

const char *json_get_string(const Json *object, const char *key)
{
    return json_string(json_get(object, key));
}

int64_t json_integer(const Json *item, int64_t fallback)
{
    const cJSON *number = inner_const(item);
    char *end = NULL;
    int64_t value = 0;

    if (cJSON_IsNumber(number)) {
        double real = number->valuedouble;

        return real >= -0x1p63 && real < 0x1p63 && (double)(int64_t)real == real ? (int64_t)real
                                                                                 : fallback;
    }
    if (!cJSON_IsRaw(number))
        return fallback;
    errno = 0;
    value = strtoll(number->valuestring, &end, 10);
    return errno == 0 && *end == '\0' ? value : fallback;
}

int64_t json_get_integer(const Json *object, const char *key, int64_t fallback)
{
    return json_integer(json_get(object, key), fallback);
}

uint64_t json_get_unsigned(const Json *object, const char *key, uint64_t fallback)
{
    const Json *item = json_get(object, key);
    const cJSON *number = inner_const(item);
    int64_t small = json_integer(item, -1);
    uint64_t value = 0;

    if (small >= 0)
        return (uint64_t)small;
    if (cJSON_IsRaw(number) && parse_unsigned(number->valuestring, UINT64_MAX, &value))
        return value;
    return fallback;
}

double json_get_real(const Json *object, const char *key, double fallback)
{
    const cJSON *number = inner_const(json_get(object, key));

    if (cJSON_IsRaw(number))
        return strtod(number->valuestring, NULL);
    return cJSON_IsNumber(number) ? number->valuedouble : fallback;
}

bool json_get_bool(const Json *object, const char *key, bool fallback)
{
    const cJSON *item = inner_const(json_get(object, key));

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

size_t json_count(const Json *array)
{
    return array != NULL ? (size_t)cJSON_GetArraySize(inner_const(array)) : 0;
}

const Json *json_at(const Json *array, size_t index)
{
    if (index >= json_count(array))
        return NULL;
    return outer_const(cJSON_GetArrayItem(inner_const(array), (int)index));
}

const Json *json_next(const Json *item)
{
    return outer_const(inner_const(item)->next);
}

const char *json_key(const Json *item)
{
    return item != NULL ? inner_const(item)->string : NULL;
}
