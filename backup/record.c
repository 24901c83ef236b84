#include "backup/record.h"

#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

enum {
    RECORD_MAX = 16 * 1024 * 1024,
};

Status record_write(const char *path, Json *object, Error *err)
{
    AUTO_FREE_MEMORY char *text = NULL;

    json_set_integer(object, "format", RECORD_FORMAT);
    text = json_print(object, true);
    return file_replace(path, text, strlen(text), err);
}

static Status check_format(const char *path, const Json *object, Error *err)
{
    int64_t format = json_get_integer(object, "format", 0);

    if (format > RECORD_FORMAT) {
        (void)error_kind(err, ERROR_REFUSED, "\"%s\" was written by a newer version of stopover",
                         path);
        error_hint(err, "Use that version.");
        return STATUS_INVALID;
    }
    if (format < 1)
        return error_set(err, STATUS_INVALID, "\"%s\" is no record of stopover", path);
    return STATUS_OK;
}

Status record_read(const char *path, Json **ret, Error *err)
{
    AUTO_TEXT Text text = {0};
    AUTO_FREE(json_free) Json *object = NULL;

    TRY(file_read(path, RECORD_MAX, &text, err));
    if (json_parse(text_string(&text), &object, err) < 0) {
        error_prefix(err, "\"%s\"", path);
        return STATUS_INVALID;
    }
    TRY(check_format(path, object, err));
    *ret = TAKE(object);
    return STATUS_OK;
}

void record_set_time(Json *object, const char *key, int64_t time_us)
{
    AUTO_FREE_MEMORY char *exact = xasprintf("%s_us", key);
    char formatted[32];

    clock_format(time_us, formatted, sizeof(formatted));
    json_set_string(object, key, formatted);
    json_set_integer(object, exact, time_us);
}

int64_t record_get_time(const Json *object, const char *key)
{
    AUTO_FREE_MEMORY char *exact = xasprintf("%s_us", key);

    return json_get_integer(object, exact, 0);
}
