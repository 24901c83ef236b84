#include "backup/pin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/record.h"
#include "engine/base/fault.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/flow/names.h"

#define USER_PREFIX "user-"
#define RUN_PREFIX  "run-"
#define SUFFIX      ".json"

static void pin_release(Pin *pin)
{
    free(pin->token);
    free(pin->migration);
    free(pin->reason);
    free(pin->problem);
}

void pin_list_release(PinList *list)
{
    for (size_t i = 0; i < list->count; i++)
        pin_release(&list->items[i]);
    free(list->items);
    *list = (PinList){0};
}

static char *folder_of(const char *directory)
{
    return xasprintf("%s/pins", directory);
}

static char *path_of(const char *directory, const char *token)
{
    return xasprintf("%s/pins/%s" SUFFIX, directory, token);
}

static bool is_pin(const char *name)
{
    size_t size = strlen(name);

    return size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* Whose it is must be known although it cannot be read. */
static void take_migration(const char *token, Pin *pin)
{
    size_t size = strlen(RUN_PREFIX);

    if (pin->migration == NULL && strncmp(token, RUN_PREFIX, size) == 0)
        pin->migration = xstrdup(token + size);
}

/* STATUS_DONE when it was removed meanwhile. */
static Status read_pin(const char *directory, const char *token, Pin *ret, Error *err)
{
    AUTO_FREE_MEMORY char *path = path_of(directory, token);
    AUTO_FREE(json_free) Json *record = NULL;

    ret->token = xstrdup(token);
    if (record_read(path, &record, err) < 0) {
        if (err->kind == ERROR_NOT_FOUND)
            return STATUS_DONE;
        ret->problem = xstrdup(err->message);
        take_migration(token, ret);
        return STATUS_OK;
    }
    ret->migration = xstrdup(json_get_string(record, "migration"));
    take_migration(token, ret);
    ret->reason = xstrdup(json_get_string(record, "reason"));
    ret->created_us = record_get_time(record, "created");
    ret->expires_us = record_get_time(record, "expires");
    return STATUS_OK;
}

Status pin_list_read(const char *directory, PinList *ret, Error *err)
{
    AUTO_FREE_MEMORY char *folder = folder_of(directory);
    AUTO_TEXT_LIST TextList names = {0};

    TRY(directory_list(folder, &names, err));
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE_MEMORY char *token = NULL;
        Error problem = {0};
        Pin pin = {0};

        if (!is_pin(names.items[i]))
            continue;
        token = xstrndup(names.items[i], strlen(names.items[i]) - strlen(SUFFIX));
        if (read_pin(directory, token, &pin, &problem) == STATUS_DONE) {
            pin_release(&pin);
            continue;
        }
        GROW(ret->items, ret->count, ret->capacity);
        ret->items[ret->count++] = pin;
    }
    return STATUS_OK;
}

bool pin_holds(const Pin *pin, int64_t now_us)
{
    return pin->problem != NULL || pin->expires_us == 0 || pin->expires_us > now_us;
}

void pin_describe(const Pin *pin, Text *ret)
{
    if (pin->migration != NULL)
        text_append_format(ret, "run:%s", pin->migration);
    else if (pin->reason != NULL)
        text_append_format(ret, "%s (%s)", pin->token, pin->reason);
    else
        text_append(ret, pin->token);
    if (pin->problem != NULL)
        text_append(ret, " (cannot be read)");
}

const Pin *pin_list_first(const PinList *list, int64_t now_us)
{
    for (size_t i = 0; i < list->count; i++)
        if (pin_holds(&list->items[i], now_us))
            return &list->items[i];
    return NULL;
}

/* One more than the largest number in use, whatever was removed in between. */
static char *next_token(const PinList *pins)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < pins->count; i++) {
        const char *token = pins->items[i].token;
        uint64_t number = 0;

        if (strncmp(token, USER_PREFIX, strlen(USER_PREFIX)) == 0 &&
            parse_unsigned(token + strlen(USER_PREFIX), INT64_MAX, &number) && number > largest)
            largest = number;
    }
    return xasprintf(USER_PREFIX "%" PRIu64, largest + 1);
}

static Status write_pin(const char *directory, const char *token, Json *record, Error *err)
{
    AUTO_FREE_MEMORY char *folder = folder_of(directory);
    AUTO_FREE_MEMORY char *path = path_of(directory, token);

    TRY(directory_create(folder, err));
    return record_write(path, record, err);
}

Status pin_add(const char *directory, const char *reason, int64_t expires_us, int64_t now_us,
               char **ret_token, Error *err)
{
    AUTO_FREE(json_free) Json *record = json_object();
    AUTO_PIN_LIST PinList pins = {0};
    AUTO_FREE_MEMORY char *token = NULL;

    TRY(pin_list_read(directory, &pins, err));
    token = next_token(&pins);
    json_set_string(record, "reason", reason);
    record_set_time(record, "created", now_us);
    if (expires_us != 0)
        record_set_time(record, "expires", expires_us);
    TRY(write_pin(directory, token, record, err));
    *ret_token = TAKE(token);
    return STATUS_OK;
}

char *pin_run_token(const char *migration)
{
    return xasprintf(RUN_PREFIX "%s", migration);
}

Status pin_add_run(const char *directory, const char *migration, int64_t now_us, Error *err)
{
    AUTO_FREE(json_free) Json *record = json_object();
    AUTO_FREE_MEMORY char *token = pin_run_token(migration);

    TRY(migration_name_check(migration, err));
    json_set_string(record, "migration", migration);
    record_set_time(record, "created", now_us);
    return write_pin(directory, token, record, err);
}

Status pin_remove(const char *directory, const char *token, Error *err)
{
    AUTO_FREE_MEMORY char *folder = folder_of(directory);
    AUTO_FREE_MEMORY char *path = path_of(directory, token);

    if (!file_exists(folder))
        return STATUS_OK;
    TRY(fault_before("pin.remove", err));
    if (unlink(path) != 0 && errno != ENOENT)
        return file_error(err, errno, "remove", path);
    TRY(fault_after("pin.remove", err));
    return directory_sync(folder, err);
}
