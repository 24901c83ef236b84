/*
 * One option's value: read, checked against its row, and put into its field.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/base/uri.h"
#include "tools/connectors.h"
#include "tools/options.h"

void hide_password(char *argument)
{
    AUTO_FREE_MEMORY char *redacted = uri_redact(argument);
    size_t size = strlen(argument);
    size_t redacted_size = strlen(redacted);
    size_t shorter = size < redacted_size ? size : redacted_size;
    size_t before = 0;
    size_t behind = 0;

    if (strcmp(redacted, argument) == 0)
        return;
    while (before < shorter && argument[before] == redacted[before])
        before++;
    while (behind < shorter - before &&
           argument[size - 1 - behind] == redacted[redacted_size - 1 - behind])
        behind++;
    for (size_t i = before; i < size - behind; i++)
        argument[i] = '*';
}

static void *field_of(Options *options, const OptionRow *row)
{
    return (char *)options + row->field;
}

static Status refuse_value(const OptionRow *row, const char *value, const char *wanted, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "--%s cannot be \"%s\"", row->name, value);
    error_hint(err, "It takes %s.", wanted);
    return STATUS_INVALID;
}

static Status set_uri(Options *options, const OptionRow *row, char *value, Error *err)
{
    AUTO_FREE(uri_free) Uri *uri = NULL;
    char **field = field_of(options, row);
    Status status = uri_parse(value, &uri, err);

    if (status >= 0)
        status = connectors_complete(uri, value, field, err);
    if (status >= 0)
        options->password_in_argument |= uri->password_in_argument;
    else
        error_prefix(err, "--%s", row->name);
    hide_password(value);
    return status;
}

/* The journal joins patterns at line breaks, so they hold none. */
static Status check_text(const OptionRow *row, const char *value, Error *err)
{
    if (*value == '\0')
        return error_kind(err, ERROR_USAGE, "--%s is empty", row->name);
    if (has_control_characters(value))
        return error_kind(err, ERROR_USAGE, "--%s holds a control character", row->name);
    return STATUS_OK;
}

static Status set_number(Options *options, const OptionRow *row, const char *value, Error *err)
{
    uint64_t number = 0;
    AUTO_TEXT Text wanted = {0};
    char least[32] = "";
    char most[32] = "";
    bool is_read = false;

    if (row->kind == OPTION_BYTES) {
        is_read = parse_bytes(value, &number);
        format_bytes(row->minimum, least, sizeof(least));
        format_bytes(row->maximum, most, sizeof(most));
        text_append_format(&wanted, "a size from %s to %s, for example 16MiB", least, most);
    } else if (row->kind == OPTION_DURATION) {
        is_read = parse_duration(value, &number);
        format_duration(row->maximum, most, sizeof(most));
        text_append_format(&wanted, "a time up to %s, for example 90s, 10m or 2h", most);
    } else {
        is_read = parse_unsigned(value, UINT64_MAX, &number);
        text_append_format(&wanted, "a number from %" PRIu64 " to %" PRIu64, row->minimum,
                           row->maximum);
    }
    if (!is_read || number < row->minimum || number > row->maximum)
        return refuse_value(row, value, text_string(&wanted), err);
    *(uint64_t *)field_of(options, row) = number;
    return STATUS_OK;
}

static Status set_choice(Options *options, const OptionRow *row, const char *value, Error *err)
{
    AUTO_TEXT Text wanted = {0};

    for (const OptionChoice *choice = row->choices; choice->word != NULL; choice++) {
        if (strcmp(choice->word, value) == 0) {
            *(unsigned *)field_of(options, row) = choice->value;
            if (!choice->not_yet)
                return STATUS_OK;
            (void)error_kind(err, ERROR_USAGE, "--%s %s is not supported yet", row->name, value);
        } else if (!choice->not_yet) {
            text_append_format(&wanted, "%s%s", wanted.size > 0 ? ", " : "", choice->word);
        }
    }
    if (err->kind == ERROR_NONE)
        return refuse_value(row, value, text_string(&wanted), err);
    error_hint(err, "It takes %s.", text_string(&wanted));
    return STATUS_INVALID;
}

Status option_set(Options *options, const OptionRow *row, char *value, Error *err)
{
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field_of(options, row) = true;
        return STATUS_OK;
    case OPTION_TEXT:
        TRY(check_text(row, value, err));
        *(char **)field_of(options, row) = xstrdup(value);
        return STATUS_OK;
    case OPTION_URI:
        return set_uri(options, row, value, err);
    case OPTION_LIST:
        TRY(check_text(row, value, err));
        text_list_add(field_of(options, row), value);
        return STATUS_OK;
    case OPTION_NUMBER:
    case OPTION_BYTES:
    case OPTION_DURATION:
        return set_number(options, row, value, err);
    case OPTION_CHOICE:
        return set_choice(options, row, value, err);
    case OPTION_NOT_YET:
        return error_kind(err, ERROR_USAGE, "--%s is not supported yet", row->name);
    }
    return STATUS_OK;
}
