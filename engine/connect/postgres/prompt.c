/*
 * A password, typed in on the terminal of this process: /dev/tty, whatever stdin and stdout are.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/address_use.h"

#define PASSWORD_MAX     4096
#define LOOK_FOR_STOP_MS 200

static Status refuse_to_ask(Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "the server wants a password and none was given");
    error_hint(err, "Set PGPASSWORD, or keep the password in the file that PGPASSFILE names (or "
                    "~/.pgpass) or in a service file, or put the whole address into a variable and "
                    "give env:VARIABLE.");
    return STATUS_INVALID;
}

/* One line, as far as it was typed; the terminal itself handles erasing. */
static Status read_line(int terminal, char *line, size_t room, Error *err)
{
    size_t size = 0;

    for (;;) {
        struct pollfd wait = {.fd = terminal, .events = POLLIN};
        int ready = poll(&wait, 1, LOOK_FOR_STOP_MS);
        ssize_t got = 0;

        TRY(stop_check(err));
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        got = ready < 0 ? -1 : read(terminal, line + size, room - 1 - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return refuse_to_ask(err);
        size += (size_t)got;
        line[size] = '\0';
        if (line[size - 1] == '\n' || size == room - 1) {
            line[strcspn(line, "\r\n")] = '\0';
            return STATUS_OK;
        }
    }
}

static void say(int terminal, const char *words)
{
    (void)!write(terminal, words, strlen(words)); /* who cannot read it can still type */
}

static Status ask_on(int terminal, const char *question, char **ret, Error *err)
{
    struct termios before;
    struct termios hidden;
    char line[PASSWORD_MAX] = "";
    Status status = STATUS_OK;

    if (tcgetattr(terminal, &before) != 0)
        return refuse_to_ask(err);
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ICANON | ISIG;
    if (tcsetattr(terminal, TCSAFLUSH, &hidden) != 0)
        return refuse_to_ask(err);
    say(terminal, question);
    status = read_line(terminal, line, sizeof(line), err);
    (void)tcsetattr(terminal, TCSAFLUSH, &before); /* it could be changed: it can be changed back */
    say(terminal, "\n");
    if (status == STATUS_OK && *line == '\0')
        status = refuse_to_ask(err);
    if (status == STATUS_OK)
        *ret = xstrdup(line);
    explicit_bzero(line, sizeof(line));
    return status;
}

Status pg_prompt_password(const char *question, char **ret, Error *err)
{
    int terminal = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    Status status = STATUS_OK;

    /* In the background, reading would stop the whole process. */
    if (terminal < 0 || tcgetpgrp(terminal) != getpgrp())
        status = refuse_to_ask(err);
    else
        status = ask_on(terminal, question, ret, err);
    if (terminal >= 0)
        (void)close(terminal);
    return status;
}
