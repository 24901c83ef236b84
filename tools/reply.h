/*
 * What a command answers: the result on stdout as text for people or, with --json, as one JSON
 * document on one line, also on failure:
 *   {"command", "migration", "ok", "exit_code", "error": {"message", "hint"} or null, "status",
 * ...} Everything else goes to stderr.
 */
#pragma once

#include "engine/base/error.h"
#include "engine/base/json.h"
#include "engine/base/text.h"

typedef struct Options Options;

typedef struct Reply {
    Json *document; /* commands add keys of their own, such as "status" */
    Text text;      /* what people get */
} Reply;

void reply_init(Reply *reply);
void reply_release(Reply *reply);
#define AUTO_REPLY __attribute__((cleanup(reply_release)))

/* The program's exit code for an outcome: see README, "Exit codes". */
int exit_code(Status status, const Error *err);

/* Prints one reply of several (status --watch) now, and empties it for the next. */
Status reply_flush(const Options *options, Reply *reply, Error *err);

/* Prints the reply and, on stderr, the error; returns the exit code. What cannot be written (full
 * disk, closed pipe) makes a success a failure. */
int reply_finish(const Options *options, Reply *reply, Status status, const Error *err);
