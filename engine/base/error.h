/*
 * What happened, in words for a human: one line of message and a hint that tells the next action.
 * Filled once, where the failure is first seen; callers add context with error_prefix() and never
 * overwrite. An Error is a plain value: copy it freely, one per thread. Whatever does not fit is
 * cut at a character, and control characters (a server's line ends) become blanks: a message stays
 * on one line. Arguments may point into err itself. err is never NULL.
 */
#pragma once

#include "engine/base/status.h"

/* What kind of failure this is; the value is the program's exit code (README, "Exit codes"). */
typedef enum ErrorKind {
    ERROR_NONE = 0,
    ERROR_FAILED = 1,     /* failed */
    ERROR_USAGE = 2,      /* wrong command line */
    ERROR_WAITING = 3,    /* stopped, or waiting for the world: the same command resumes */
    ERROR_DIFFERENT = 4,  /* a verification found differences */
    ERROR_REFUSED = 5,    /* refused by preflight or a safety rule; nothing was changed */
    ERROR_NOT_FOUND = 10, /* no such migration or backup */
    ERROR_LOCKED = 11,    /* another run drives it */
} ErrorKind;

typedef struct Error {
    char message[768]; /* could not open journal "x": disk full */
    char hint[512];    /* a whole sentence, or empty */
    char sqlstate[6];  /* set by database connectors, else empty */
    ErrorKind kind;
} Error;

/*
 * Fills err and returns status, so that a failure is one line: return error_set(...). The kind
 * follows the status: RETRY and STOPPED are ERROR_WAITING, everything else ERROR_FAILED.
 */
Status error_set(Error *err, Status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set() with a kind of its own and STATUS_INVALID: usage, refused, not found, locked. */
Status error_kind(Error *err, ErrorKind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the hint: a whole sentence that tells the next action. Returns nothing; keeps the rest. */
void error_hint(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message, and " (remark)" behind it; keep the rest. */
void error_prefix(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void error_remark(Error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Back to "nothing happened". */
void error_clear(Error *err);
