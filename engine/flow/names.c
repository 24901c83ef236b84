#include "engine/flow/names.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/sha256.h"

enum {
    ID_DIGITS = NAME_ID_SIZE - 1,
    MIGRATION_NAME_MAX = 64,
    SHOWN_MAX = 128, /* bytes of a refused name in its message */
};

const char *name_role_word(NameRole role)
{
    switch (role) {
    case NAME_STAGING:
        return "staging";
    case NAME_RETIRED:
        return "retired";
    case NAME_UNDONE:
        return "undone";
    }
    return "unknown";
}

void quote_identifier(Text *text, const char *name)
{
    text_append_bytes(text, "\"", 1);
    for (const char *quote = strchr(name, '"'); quote != NULL; quote = strchr(name, '"')) {
        text_append_bytes(text, name, (size_t)(quote - name) + 1);
        text_append_bytes(text, "\"", 1);
        name = quote + 1;
    }
    text_append(text, name);
    text_append_bytes(text, "\"", 1);
}

char *name_for_role(const char *name, NameRole role, const char *id, size_t max_bytes)
{
    AUTO_FREE_MEMORY char *suffix = xasprintf("_%s_%s", name_role_word(role), id);
    size_t kept = strlen(name);

    if (max_bytes > 0) {
        assert(max_bytes > strlen(suffix));
        kept = utf8_cut(name, kept, max_bytes - strlen(suffix));
    }
    return xasprintf("%.*s%s", (int)kept, name, suffix);
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Does text[0..size) end in "_ROLE_", with something before it? */
static bool ends_in_role(const char *text, size_t size, NameRole role)
{
    const char *word = name_role_word(role);
    size_t length = strlen(word);

    return size > length + 2 && text[size - 1] == '_' && text[size - length - 2] == '_' &&
           memcmp(text + size - length - 1, word, length) == 0;
}

bool name_is_ours(const char *name)
{
    size_t size = strlen(name);

    if (size <= ID_DIGITS)
        return false;
    for (size_t i = size - ID_DIGITS; i < size; i++) {
        if (!is_lower_hex(name[i]))
            return false;
    }
    size -= ID_DIGITS;
    return ends_in_role(name, size, NAME_STAGING) || ends_in_role(name, size, NAME_RETIRED) ||
           ends_in_role(name, size, NAME_UNDONE);
}

/* Appends name with its control characters as \xNN, so that a person sees where they are. */
static void append_visible(Text *text, const char *name)
{
    for (const uint8_t *byte = (const uint8_t *)name; *byte != '\0'; byte++) {
        bool is_c1 = byte[0] == 0xC2 && byte[1] >= 0x80 && byte[1] < 0xA0;

        if (*byte >= 0x20 && *byte != 0x7F && !is_c1) {
            text_append_bytes(text, byte, 1);
            continue;
        }
        text_append_format(text, "\\x%02x", *byte);
        if (is_c1)
            text_append_format(text, "\\x%02x", *++byte);
    }
}

Status name_check(const char *what, const char *name, Error *err)
{
    AUTO_TEXT Text visible = {0};

    if (name[0] != '\0' && !has_control_characters(name))
        return STATUS_OK;
    if (name[0] == '\0') {
        (void)error_kind(err, ERROR_REFUSED, "a %s has an empty name", what);
    } else {
        append_visible(&visible, name);
        (void)error_kind(err, ERROR_REFUSED, "the name of %s \"%s\" holds a control character",
                         what, text_string(&visible));
    }
    error_hint(err, "Give the %s another name where it is, or leave it out.", what);
    return STATUS_INVALID;
}

void name_id(const char *run, uint32_t attempt, char ret[NAME_ID_SIZE])
{
    AUTO_FREE_MEMORY char *text = xasprintf("%s:%" PRIu32, run, attempt);
    char hex[SHA256_HEX_SIZE];

    sha256_hex(text, strlen(text), hex);
    memcpy(ret, hex, ID_DIGITS);
    ret[ID_DIGITS] = '\0';
}

static bool is_ascii_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_migration_name(const char *name)
{
    size_t size = strlen(name);

    if (size > MIGRATION_NAME_MAX || !is_ascii_alnum(name[0]))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!is_ascii_alnum(name[i]) && strchr("._-", name[i]) == NULL)
            return false;
    }
    return true;
}

Status migration_name_check(const char *name, Error *err)
{
    AUTO_TEXT Text visible = {0};

    if (is_migration_name(name))
        return STATUS_OK;
    append_visible(&visible, name);
    (void)error_kind(err, ERROR_USAGE, "\"%.*s\" cannot be the name of a migration",
                     (int)utf8_cut(text_string(&visible), visible.size, SHOWN_MAX),
                     text_string(&visible));
    error_hint(err,
               "A name has 1 to %d letters, digits, dots, underscores or hyphens, and begins with "
               "a letter or a digit.",
               MIGRATION_NAME_MAX);
    return STATUS_INVALID;
}
