#include "tools/reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "tools/command.h"
#include "tools/options.h"

/* The fixed keys come first, whatever a command adds before the outcome is known. */
void reply_init(Reply *reply)
{
    *reply = (Reply){.document = json_object()};
    json_set_string(reply->document, "command", NULL);
    json_set_string(reply->document, "migration", NULL);
    json_set_bool(reply->document, "ok", true);
    json_set_integer(reply->document, "exit_code", 0);
    json_set_string(reply->document, "error", NULL);
    json_set_string(reply->document, "status", NULL);
}

void reply_release(Reply *reply)
{
    json_free(TAKE(reply->document));
    text_release(&reply->text);
}

int exit_code(Status status, const Error *err)
{
    if (status >= 0)
        return 0;
    if (status == STATUS_STOPPED)
        return ERROR_WAITING;
    return err->kind != ERROR_NONE ? (int)err->kind : ERROR_FAILED;
}

static Json *error_document(const Error *err)
{
    Json *document = json_object();

    json_set_string(document, "message", err->message);
    json_set_string(document, "hint", err->hint[0] != '\0' ? err->hint : NULL);
    return document;
}

static void write_document(const Options *options, Reply *reply, Status status, const Error *err)
{
    AUTO_FREE_MEMORY char *printed = NULL;

    json_set_string(reply->document, "command",
                    options->command != NULL ? options->command->name : NULL);
    json_set_string(reply->document, "migration", options->name);
    json_set_bool(reply->document, "ok", status >= 0);
    json_set_integer(reply->document, "exit_code", exit_code(status, err));
    if (status < 0)
        json_set(reply->document, "error", error_document(err));
    printed = json_print(reply->document, false);
    (void)puts(printed); /* flush_output() notices */
}

static Status flush_output(Error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return STATUS_OK;
    return error_set(err, STATUS_FAILED, "could not write the result to stdout: %s",
                     errno != 0 ? strerror(errno) : "an earlier write failed");
}

Status reply_flush(const Options *options, Reply *reply, Error *err)
{
    if (options->json)
        write_document(options, reply, STATUS_OK, err);
    else
        (void)fputs(text_string(&reply->text), stdout); /* flush_output() notices */
    text_clear(&reply->text);
    return flush_output(err);
}

int reply_finish(const Options *options, Reply *reply, Status status, const Error *err)
{
    Error output_error = {0};
    int code = exit_code(status, err);

    /* Help is for people, and answers also beside --json. */
    if (options->json && !options->help && !options->version)
        write_document(options, reply, status, err);
    else
        (void)fputs(text_string(&reply->text), stdout); /* flush_output() notices */
    if (flush_output(&output_error) < 0) {
        log_error(&output_error);
        code = code == 0 ? ERROR_FAILED : code;
    }
    if (status == STATUS_STOPPED)
        log_warn("%s", err->message);
    else if (status < 0)
        log_error(err);
    return code;
}
