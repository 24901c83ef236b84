/*
 * The program's entry: read the command line, do it, answer. Exit codes are those of ErrorKind.
 */
#include <stdio.h>

#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "tools/command.h"
#include "tools/help.h"
#include "tools/options.h"
#include "tools/reply.h"

static void configure_log(const Options *options)
{
    LogLevel level = options->verbose ? LOG_DEBUG : options->quiet ? LOG_WARN : LOG_INFO;

    log_configure(level, (LogFormat)options->log_format);
}

int main(int argc, char **argv)
{
    AUTO_OPTIONS Options options = {0};
    AUTO_REPLY Reply reply = {0};
    Error err = {0};
    Status status = STATUS_OK;

    memory_configure();
    stop_install();
    if (argc < 2) {
        help_write_short(stderr);
        return ERROR_USAGE;
    }
    reply_init(&reply);
    status = options_parse(argc, argv, &options, &err);
    configure_log(&options);
    if (status >= 0)
        status = command_dispatch(&options, &reply, &err);
    return reply_finish(&options, &reply, status, &err);
}
