/*
 * Messages for people on stderr. Only stages/workflow and tools/ log above debug; everything below
 * returns an Error. With LOG_FORMAT_JSON each message is one JSON object on one line with the keys
 * time, level, stage, object, message (and hint). Any thread may log: a message is one write().
 * A terminal or pipe that is gone is ignored (SIGPIPE: see stop_install()).
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/json.h"

typedef enum LogLevel {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
} LogLevel;

typedef enum LogFormat {
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON,
} LogFormat;

void log_configure(LogLevel level, LogFormat format);
LogLevel log_level(void);
LogFormat log_format(void);

/* The stage ("copy", "promote") and object (a table) that JSON lines carry, of all threads; copied;
 * NULL for none. */
void log_context(const char *stage, const char *object);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "error: MESSAGE" and, when there is one, "hint: HINT". */
void log_error(const Error *err);

/* Also append every line, with its time, to this file (NULL: stop); lines of LOG_INFO and worse
 * even when log_configure() keeps them off stderr. Failing to write it is ignored on purpose: a
 * full disk must not end a migration because of its log. */
void log_to_file(const char *path);

/*
 * For engine/base/progress.c only. log_redraw() draws one line at the foot of the terminal, over
 * the one drawn before; the next message clears it. log_progress() is a message of its own, with
 * the numbers (taken; may be NULL) under the key "progress" in JSON.
 */
bool log_can_redraw(void); /* text on a terminal that has us in its foreground */
void log_redraw(const char *line);
void log_progress(const char *line, Json *numbers);
