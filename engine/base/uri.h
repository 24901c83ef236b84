/*
 * Where data comes from or goes to: SCHEME:REST, for example sqlite:PATH or postgresql://HOST/DB.
 * env:VARIABLE stands for the text in that environment variable, so that a secret needs no
 * argument.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"

typedef struct Uri {
    char *scheme;  /* "sqlite", lower case; "postgresql" also for postgres: */
    char *rest;    /* what follows the first ':', with env: resolved; may hold a secret */
    char *given;   /* as given, for example "env:SOURCE_URL", but a password is left out:
                      what may be recorded and, with the password from elsewhere, used again */
    char *display; /* redacted: no password, for messages and records */
    bool password_in_argument; /* a password stood in the text itself, not behind env: */
} Uri;

/*
 * ERROR_USAGE when there is no scheme, nothing behind it, a variable that is not set or names
 * another one, a control character in it, or an address in which the password cannot be told from
 * the rest (a bare @ or / in it, for example).
 */
Status uri_parse(const char *text, Uri **ret, Error *err);
void uri_free(Uri *uri);
DEFINE_AUTO_FREE(Uri, uri_free);

/* Do two displays name the same place? Whether a password stood there does not count, nor whether
 * postgres: or postgresql: was written. */
bool uri_same_place(const char *display, const char *other);

/* A copy of text without its password: user:secret@ becomes user:***@, and so do password= and
 * other secrets in a query or keyword string. Text that does not parse is reduced to its scheme, as
 * postgresql:***. Paths (sqlite:PATH and the like, or without a scheme) stay. The caller frees. */
char *uri_redact(const char *text);
