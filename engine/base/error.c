#include "engine/base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"

/* Copies through a buffer of its own, because the arguments may point into field. */
__attribute__((format(printf, 3, 0))) static void fill_field(char *field, size_t size,
                                                             const char *format, va_list arguments)
{
    char text[sizeof(((Error *)NULL)->message) + 1];
    size_t length = 0;

    text[0] = '\0';
    (void)vsnprintf(text, sizeof(text), format, arguments);
    length = utf8_cut(text, strlen(text), size - 1);
    for (size_t i = 0; i < length; i++)
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7F)
            text[i] = ' ';
    memcpy(field, text, length);
    field[length] = '\0';
}

static ErrorKind kind_of_status(Status status)
{
    return status == STATUS_RETRY || status == STATUS_STOPPED ? ERROR_WAITING : ERROR_FAILED;
}

Status error_set(Error *err, Status status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill_field(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    err->hint[0] = '\0';
    err->sqlstate[0] = '\0';
    err->kind = kind_of_status(status);
    return status;
}

Status error_kind(Error *err, ErrorKind kind, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill_field(err->message, sizeof(err->message), format, arguments);
    va_end(arguments);
    err->hint[0] = '\0';
    err->sqlstate[0] = '\0';
    err->kind = kind;
    return STATUS_INVALID;
}

void error_hint(Error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill_field(err->hint, sizeof(err->hint), format, arguments);
    va_end(arguments);
}

/* message = before + separator + after, of which `kept` gives way when there is no room. */
static void join_message(Error *err, const char *before, const char *separator, const char *after)
{
    char joined[2 * sizeof(err->message) + 8];
    int length = snprintf(joined, sizeof(joined), "%s%s%s", before, separator, after);
    size_t kept = utf8_cut(joined, (size_t)length, sizeof(err->message) - 1);

    memcpy(err->message, joined, kept);
    err->message[kept] = '\0';
}

void error_prefix(Error *err, const char *format, ...)
{
    char context[256];
    char old[sizeof(err->message)];
    va_list arguments;

    va_start(arguments, format);
    fill_field(context, sizeof(context), format, arguments);
    va_end(arguments);
    memcpy(old, err->message, sizeof(old));
    join_message(err, context, ": ", old);
}

void error_remark(Error *err, const char *format, ...)
{
    char remark[256];
    char behind[sizeof(remark) + 4];
    char old[sizeof(err->message)];
    va_list arguments;
    size_t room = 0;

    va_start(arguments, format);
    fill_field(remark, sizeof(remark), format, arguments);
    va_end(arguments);
    (void)snprintf(behind, sizeof(behind), " (%s)", remark);
    room = sizeof(err->message) - 1 - strlen(behind);
    memcpy(old, err->message, sizeof(old));
    old[utf8_cut(old, strlen(old), room)] = '\0'; /* the message gives way to the remark */
    join_message(err, old, "", behind);
}

void error_clear(Error *err)
{
    *err = (Error){0};
}
