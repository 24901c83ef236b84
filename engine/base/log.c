/*
 * One mutex guards the settings and the line that progress draws at the foot of the terminal, so
 * that a message first clears it. The level is atomic: a debug message that nobody wants costs no
 * lock.
 */
#include "engine/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

#define CLEAR_LINE   "\r\033[K"
#define FULL_PIPE_MS 1000

static atomic_int current_level = LOG_INFO;
static atomic_int current_format = LOG_FORMAT_TEXT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *stage;
    char *object;
    int file; /* -1: none */
    bool line_drawn;
} state = {.file = -1};

typedef struct Message {
    LogLevel level;
    const char *text;
    const char *hint; /* NULL or empty: none */
    Json *numbers;    /* NULL: none; taken by append_json_line() */
} Message;

void log_configure(LogLevel level, LogFormat format)
{
    atomic_store(&current_level, (int)level);
    atomic_store(&current_format, (int)format);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load(&current_level);
}

LogFormat log_format(void)
{
    return (LogFormat)atomic_load(&current_format);
}

static void replace_string(char **place, const char *value)
{
    free(*place);
    *place = xstrdup(value);
}

void log_context(const char *stage, const char *object)
{
    (void)pthread_mutex_lock(&lock); /* fails for wrong use only; so below */
    replace_string(&state.stage, stage);
    replace_string(&state.object, object);
    (void)pthread_mutex_unlock(&lock);
}

void log_to_file(const char *path)
{
    (void)pthread_mutex_lock(&lock);
    if (state.file >= 0)
        (void)close(state.file); /* see the header: the log's own failures are ignored */
    state.file = -1;
    if (path != NULL)
        state.file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    (void)pthread_mutex_unlock(&lock);
}

static const char *level_name(LogLevel level)
{
    switch (level) {
    case LOG_ERROR:
        return "error";
    case LOG_WARN:
        return "warning";
    case LOG_INFO:
        return "info";
    case LOG_DEBUG:
        return "debug";
    }
    return "unknown";
}

/* Tries to write all of it in one call. A reader that is gone or stuck must not end or hold us. */
static void write_all(int fd, const char *data, size_t size)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};

    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written > 0) {
            data += written;
            size -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            if (poll(&wait, 1, FULL_PIPE_MS) <= 0)
                return;
        } else if (written == 0 || errno != EINTR) {
            return;
        }
    }
}

static bool is_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
}

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");

    return (no_colour == NULL || *no_colour == '\0') && is_terminal();
}

/* A message is one line: what would break it, or steer the terminal, becomes a blank. */
static void append_clean(Text *line, const char *text)
{
    size_t start = line->size;

    text_append(line, text);
    for (size_t i = start; i < line->size; i++)
        if ((unsigned char)line->data[i] < 0x20 || line->data[i] == 0x7F)
            line->data[i] = ' ';
}

static void append_word(Text *line, LogLevel level, bool coloured)
{
    const char *colour = level == LOG_ERROR ? "\033[31m" : level == LOG_WARN ? "\033[33m" : NULL;

    if (level == LOG_INFO)
        return;
    if (coloured && colour != NULL)
        text_append_format(line, "%s%s\033[0m: ", colour, level_name(level));
    else
        text_append_format(line, "%s: ", level_name(level));
}

static void append_text_lines(Text *lines, const Message *message, const char *time, bool coloured)
{
    text_append(lines, time);
    append_word(lines, message->level, coloured);
    append_clean(lines, message->text);
    text_append(lines, "\n");
    if (message->hint == NULL || *message->hint == '\0')
        return;
    text_append(lines, time);
    text_append(lines, "hint: ");
    append_clean(lines, message->hint);
    text_append(lines, "\n");
}

static void append_json_line(Text *line, Message *message, const char *time)
{
    AUTO_FREE(json_free) Json *object = json_object();
    AUTO_FREE_MEMORY char *printed = NULL;

    json_set_string(object, "time", time);
    json_set_string(object, "level", level_name(message->level));
    json_set_string(object, "stage", state.stage);
    json_set_string(object, "object", state.object);
    json_set_string(object, "message", message->text);
    if (message->hint != NULL && *message->hint != '\0')
        json_set_string(object, "hint", message->hint);
    if (message->numbers != NULL)
        json_set(object, "progress", TAKE(message->numbers));
    printed = json_print(object, false);
    text_append(line, printed);
    text_append(line, "\n");
}

/* Under the lock. */
static void write_to_file(const Message *message, const Text *json_line, const char *time)
{
    AUTO_TEXT Text lines = {0};
    char stamp[40];

    if (state.file < 0)
        return;
    if (log_format() == LOG_FORMAT_JSON) {
        write_all(state.file, text_string(json_line), json_line->size);
        return;
    }
    (void)snprintf(stamp, sizeof(stamp), "%s ", time);
    append_text_lines(&lines, message, stamp, false);
    write_all(state.file, text_string(&lines), lines.size);
}

static void write_to_terminal(const Message *message, const Text *json_line)
{
    AUTO_TEXT Text lines = {0};

    if (state.line_drawn)
        text_append(&lines, CLEAR_LINE);
    state.line_drawn = false;
    if (log_format() == LOG_FORMAT_JSON)
        text_append_bytes(&lines, text_string(json_line), json_line->size);
    else
        append_text_lines(&lines, message, "", wants_colour());
    write_all(STDERR_FILENO, text_string(&lines), lines.size);
}

static void emit(Message *message)
{
    AUTO_TEXT Text json_line = {0};
    char time[32];

    clock_format(clock_wall_us(), time, sizeof(time));
    (void)pthread_mutex_lock(&lock);
    if (log_format() == LOG_FORMAT_JSON)
        append_json_line(&json_line, message, time);
    if (message->level <= log_level())
        write_to_terminal(message, &json_line);
    write_to_file(message, &json_line, time);
    (void)pthread_mutex_unlock(&lock);
}

__attribute__((format(printf, 2, 0))) static void emit_format(LogLevel level, const char *format,
                                                              va_list arguments)
{
    AUTO_TEXT Text text = {0};

    if (level > log_level() && level > LOG_INFO)
        return;
    text_append_arguments(&text, format, arguments);
    emit(&(Message){.level = level, .text = text_string(&text)});
}

void log_debug(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    emit_format(LOG_DEBUG, format, arguments);
    va_end(arguments);
}

void log_info(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    emit_format(LOG_INFO, format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    emit_format(LOG_WARN, format, arguments);
    va_end(arguments);
}

void log_error(const Error *err)
{
    emit(&(Message){.level = LOG_ERROR, .text = err->message, .hint = err->hint});
}

bool log_can_redraw(void)
{
    pid_t foreground = tcgetpgrp(STDERR_FILENO);

    return log_format() == LOG_FORMAT_TEXT && is_terminal() &&
           (foreground < 0 || foreground == getpgrp());
}

/* A line that wraps could not be drawn over. Bytes are at least as many as columns. */
static size_t measure_terminal(void)
{
    struct winsize window = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 2)
        return 79;
    return window.ws_col - 1U;
}

void log_redraw(const char *line)
{
    AUTO_TEXT Text text = {0};
    size_t kept = utf8_cut(line, strlen(line), measure_terminal());
    AUTO_FREE_MEMORY char *cut = xstrndup(line, kept);

    if (log_level() < LOG_INFO)
        return;
    text_append(&text, CLEAR_LINE);
    append_clean(&text, cut);
    (void)pthread_mutex_lock(&lock);
    write_all(STDERR_FILENO, text_string(&text), text.size);
    state.line_drawn = true;
    (void)pthread_mutex_unlock(&lock);
}

void log_progress(const char *line, Json *numbers)
{
    Message message = {.level = LOG_INFO, .text = line, .numbers = numbers};

    emit(&message);
    json_free(message.numbers);
}
