/*
 * The state is kept under one mutex: counting, the log and the firing of a point are one step, so
 * that the order of the log is the order of the count, whatever the threads do.
 */
#include "engine/base/fault.h"

#ifdef FAULT_POINTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/text.h"

#define POINT_SIZE 64

static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    FaultMode mode;
    uint64_t countdown;     /* matches until it fires; 0: fired or not armed */
    char point[POINT_SIZE]; /* empty: any */
    char last_point[POINT_SIZE];
    bool fired;
    int log_fd;
} state = {.last_point = "none", .log_fd = -1};

_Noreturn static void refuse_setting(const char *variable, const char *value, const char *reason)
{
    (void)dprintf(STDERR_FILENO, "error: %s=%s: %s\n", variable, value, reason);
    _exit(2);
}

static FaultMode read_mode(const char *name, size_t size)
{
    static const char *const names[] = {[FAULT_FAIL] = "fail",
                                        [FAULT_FATAL] = "fatal",
                                        [FAULT_KILL] = "kill",
                                        [FAULT_LOSE] = "lose"};

    for (size_t i = FAULT_FAIL; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return (FaultMode)i;
    return FAULT_NONE;
}

static bool load_setting(const char *value) /* MODE:N[:POINT] */
{
    char number[24];
    size_t mode_size = strcspn(value, ":");
    const char *digits = value + mode_size + (value[mode_size] == ':');
    size_t digits_size = strcspn(digits, ":");
    const char *point = digits[digits_size] == ':' ? digits + digits_size + 1 : NULL;

    if (digits_size >= sizeof(number) || (point != NULL && strlen(point) >= POINT_SIZE))
        return false;
    memcpy(number, digits, digits_size);
    number[digits_size] = '\0';
    state.mode = read_mode(value, mode_size);
    if (point != NULL)
        (void)snprintf(state.point, sizeof(state.point), "%s", point);
    return state.mode != FAULT_NONE && parse_unsigned(number, UINT64_MAX, &state.countdown) &&
           state.countdown > 0 && (point == NULL || *point != '\0');
}

static void load_environment(void)
{
    const char *setting = getenv("STOPOVER_FAULT");
    const char *log_path = getenv("STOPOVER_FAULT_LOG");

    if (setting != NULL && !load_setting(setting))
        refuse_setting("STOPOVER_FAULT", setting, "must be MODE:N[:POINT], fail|fatal|kill|lose");
    if (log_path == NULL)
        return;
    state.log_fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (state.log_fd < 0)
        refuse_setting("STOPOVER_FAULT_LOG", log_path, "could not open it");
}

/* Before main(), so that a wrong setting is seen even by a process that meets no point. */
__attribute__((constructor)) static void load_early(void)
{
    (void)pthread_once(&loaded, load_environment); /* fails for wrong arguments only */
}

static void write_log(const char *what, const char *point)
{
    char line[POINT_SIZE + 16];
    int size = snprintf(line, sizeof(line), "%s %s\n", what, point);

    if (state.log_fd < 0)
        return;
    if (size >= (int)sizeof(line) || write(state.log_fd, line, (size_t)size) != size)
        refuse_setting("STOPOVER_FAULT_LOG", point, "could not write it");
}

static bool matches(const char *point, bool is_after)
{
    switch (state.mode) {
    case FAULT_NONE:
        return false;
    case FAULT_FAIL:
    case FAULT_FATAL:
        if (is_after)
            return false;
        break;
    case FAULT_LOSE:
        if (!is_after)
            return false;
        break;
    case FAULT_KILL:
        break;
    }
    return state.countdown > 0 && (state.point[0] == '\0' || strcmp(state.point, point) == 0);
}

/* Counts the hit; the mode when the armed point fires here and the process is to live on. */
static FaultMode hit(const char *point, bool is_after)
{
    FaultMode mode = FAULT_NONE;

    (void)pthread_once(&loaded, load_environment);
    (void)pthread_mutex_lock(&lock); /* as above */
    write_log(is_after ? "after" : "before", point);
    if (matches(point, is_after) && --state.countdown == 0) {
        mode = state.mode;
        state.fired = true;
        (void)snprintf(state.last_point, sizeof(state.last_point), "%s", point);
        write_log("fired", point);
        if (mode == FAULT_KILL)
            _exit(137);
    }
    (void)pthread_mutex_unlock(&lock);
    return mode;
}

Status fault_before(const char *point, Error *err)
{
    FaultMode mode = hit(point, false);

    if (mode == FAULT_NONE)
        return STATUS_OK;
    return error_set(err, mode == FAULT_FATAL ? STATUS_FATAL : STATUS_RETRY,
                     "injected failure before %s", point);
}

Status fault_after(const char *point, Error *err)
{
    if (hit(point, true) == FAULT_NONE)
        return STATUS_OK;
    return error_set(err, STATUS_RETRY, "injected loss of the answer to %s", point);
}

void fault_arm(FaultMode mode, unsigned nth, const char *point)
{
    (void)pthread_once(&loaded, load_environment); /* or it would undo this later */
    (void)pthread_mutex_lock(&lock);
    state.mode = mode;
    state.countdown = nth;
    state.fired = false;
    (void)snprintf(state.point, sizeof(state.point), "%s", point != NULL ? point : "");
    (void)pthread_mutex_unlock(&lock);
}

bool fault_fired(void)
{
    bool fired = false;

    (void)pthread_mutex_lock(&lock);
    fired = state.fired;
    (void)pthread_mutex_unlock(&lock);
    return fired;
}

const char *fault_last_point(void)
{
    return state.last_point;
}

#else
typedef int fault_points_are_off; /* an empty translation unit is not C */
#endif
