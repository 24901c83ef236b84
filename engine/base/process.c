#include "engine/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

#define LOOK_MS     100
#define PATIENCE_NS (5 * UINT64_C(1000000000)) /* from SIGTERM to SIGKILL */
#define READ_BYTES  65536

typedef struct Child {
    pid_t pid;
    int output; /* what it writes; -1 once at its end */
    int errors;
    uint64_t asked_ns; /* to end; 0: not yet */
} Child;

void process_outcome_release(ProcessOutcome *outcome)
{
    text_release(&outcome->output);
    text_release(&outcome->errors);
}

/* ---- environment ---- */

static bool is_replaced(const char *entry, const TextList *ours)
{
    size_t size = strcspn(entry, "=") + 1; /* with the '=' */

    for (size_t i = 0; ours != NULL && i < ours->count; i++)
        if (strncmp(ours->items[i], entry, size) == 0)
            return true;
    return false;
}

/* An array for the child; the strings stay where they are. */
static char **make_environment(const TextList *ours)
{
    char **entries = NULL;
    size_t count = 0;
    size_t capacity = 0;

    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (is_replaced(*entry, ours))
            continue;
        GROW(entries, count, capacity);
        entries[count++] = *entry;
    }
    for (size_t i = 0; ours != NULL && i < ours->count; i++) {
        GROW(entries, count, capacity);
        entries[count++] = ours->items[i];
    }
    GROW(entries, count, capacity);
    entries[count] = NULL;
    return entries;
}

/* ---- starting ---- */

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t ignored;
    sigset_t none;

    /* These fail for wrong arguments only. Handlers end with exec(); what is ignored stays so, and
     * of that only SIGPIPE is our doing. */
    (void)sigemptyset(&ignored);
    (void)sigaddset(&ignored, SIGPIPE);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(attributes);
    (void)posix_spawnattr_setsigdefault(attributes, &ignored);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETPGROUP);
}

static int spawn(const Process *process, int output, int errors, pid_t *ret)
{
    AUTO_FREE_MEMORY char **environment = make_environment(process->environment);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);

    if (failure != 0)
        return failure;
    failure = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    set_attributes(&attributes);
    if (failure == 0) {
        /* posix_spawn() changes none of the strings. */
        char *const *arguments = (char *const *)(uintptr_t)process->arguments;

        failure =
            posix_spawnp(ret, process->arguments[0], &actions, &attributes, arguments, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failure;
}

static Status fail_to_run(const char *program, int reason, Error *err)
{
    if (reason == ENOENT || reason == ENOTDIR)
        return error_kind(err, ERROR_NOT_FOUND, "could not run \"%s\": %s", program,
                          strerror(reason));
    return error_set(err, STATUS_FAILED, "could not run \"%s\": %s", program, strerror(reason));
}

static void close_at(int *descriptor)
{
    if (*descriptor >= 0)
        (void)close(*descriptor); /* a pipe: nothing can be lost */
    *descriptor = -1;
}

/* dup2() onto itself would leave O_CLOEXEC on: with stdout or stderr closed in this process, a
 * pipe could get their numbers. */
static int make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    for (int i = 0; i < 2; i++) {
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        int reason = errno;

        if (moved < 0) {
            close_at(&ends[0]);
            close_at(&ends[1]);
            return reason;
        }
        close_at(&ends[i]);
        ends[i] = moved;
    }
    return 0;
}

static Status start(const Process *process, Child *ret, Error *err)
{
    int output[2] = {-1, -1};
    int errors[2] = {-1, -1};
    int failure = make_pipe(output);

    if (failure == 0)
        failure = make_pipe(errors);
    if (failure == 0)
        failure = spawn(process, output[1], errors[1], &ret->pid);
    close_at(&output[1]);
    close_at(&errors[1]);
    if (failure != 0) {
        close_at(&output[0]);
        close_at(&errors[0]);
        return fail_to_run(process->arguments[0], failure, err);
    }
    ret->output = output[0];
    ret->errors = errors[0];
    return STATUS_OK;
}

/* ---- while it runs ---- */

/* Keeps the end: that is where a program says why it gave up. */
static void keep_end(Text *text)
{
    size_t surplus = text->size > PROCESS_ERRORS_MAX ? text->size - PROCESS_ERRORS_MAX : 0;
    const char *line_end = NULL;

    if (surplus == 0)
        return;
    line_end = memchr(text->data + surplus - 1, '\n', text->size - surplus + 1);
    if (line_end != NULL)
        surplus = (size_t)(line_end + 1 - text->data);
    memmove(text->data, text->data + surplus, text->size - surplus + 1);
    text->size -= surplus;
}

static void read_some(int *descriptor, Text *into)
{
    char piece[READ_BYTES];
    ssize_t got = read(*descriptor, piece, sizeof(piece));

    if (got > 0)
        text_append_bytes(into, piece, (size_t)got);
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        close_at(descriptor);
}

/* The whole group: what it has started itself must not hold our pipes open. */
static void ask_to_end(Child *child)
{
    uint64_t now_ns = clock_monotonic_ns();

    if (child->asked_ns == 0) {
        (void)kill(-child->pid, SIGTERM);
        child->asked_ns = now_ns;
    } else if (now_ns - child->asked_ns > PATIENCE_NS) {
        (void)kill(-child->pid, SIGKILL);
    }
}

/* Reads until both pipes are at their end. */
static void collect(const Process *process, Child *child, ProcessOutcome *ret, bool *ret_too_much)
{
    while (child->output >= 0 || child->errors >= 0) {
        /* poll() passes over a negative descriptor. */
        struct pollfd waits[] = {{.fd = child->output, .events = POLLIN},
                                 {.fd = child->errors, .events = POLLIN}};

        if (poll(waits, 2, LOOK_MS) > 0) {
            if (waits[0].revents != 0)
                read_some(&child->output, &ret->output);
            if (waits[1].revents != 0)
                read_some(&child->errors, &ret->errors);
            keep_end(&ret->errors);
        }
        if (process->output_max > 0 && ret->output.size > process->output_max) {
            *ret_too_much = true;
            text_clear(&ret->output);
        }
        if (*ret_too_much || stop_requested())
            ask_to_end(child);
    }
}

/* It may live on after it has closed both of them. */
static int reap(Child *child)
{
    int status = 0;

    for (;;) {
        pid_t ended = waitpid(child->pid, &status, WNOHANG);

        if (ended == child->pid)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        if (ended < 0 && errno != EINTR)
            return 255; /* somebody else has waited for it: its end is not known */
        if (stop_requested())
            ask_to_end(child);
        (void)poll(NULL, 0, 5);
    }
}

Status process_run(const Process *process, ProcessOutcome *ret, Error *err)
{
    Child child = {.output = -1, .errors = -1};
    bool has_too_much = false;

    TRY(stop_check(err));
    TRY(start(process, &child, err));
    collect(process, &child, ret, &has_too_much);
    ret->exit_code = reap(&child);
    if (has_too_much)
        return error_set(err, STATUS_FAILED, "\"%s\" wrote more than %zu bytes",
                         process->arguments[0], process->output_max);
    /* What ended by itself in spite of the wish is whole; its caller stops soon enough. */
    return child.asked_ns != 0 ? stop_check(err) : STATUS_OK;
}
