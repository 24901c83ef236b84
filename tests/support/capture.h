/*
 * What code under test writes to stderr, and a folder of its own for each test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"

#define CAPTURE_SIZE 65536

/* A path below $TMPDIR for mkstemp() and mkdtemp(); the caller frees it. */
static inline char *temporary_pattern(const char *name)
{
    const char *folder = getenv("TMPDIR");

    return xasprintf("%s/%s_XXXXXX", folder != NULL ? folder : "/tmp", name);
}

/* stderr goes to a file until capture_end(). */
typedef struct Capture {
    int saved;
    int file;
} Capture;

static inline Capture capture_begin(void)
{
    AUTO_FREE_MEMORY char *path = temporary_pattern("capture");
    Capture capture = {.saved = dup(STDERR_FILENO), .file = mkostemp(path, O_CLOEXEC)};

    assert_true(capture.saved >= 0 && capture.file >= 0);
    assert_int_equal(unlink(path), 0);
    assert_true(dup2(capture.file, STDERR_FILENO) >= 0);
    return capture;
}

/* What was written since; the caller frees it. */
static inline char *capture_end(Capture *capture)
{
    char *text = xcalloc(1, CAPTURE_SIZE);

    assert_true(dup2(capture->saved, STDERR_FILENO) >= 0);
    assert_true(pread(capture->file, text, CAPTURE_SIZE - 1, 0) >= 0);
    assert_int_equal(close(capture->saved), 0);
    assert_int_equal(close(capture->file), 0);
    return text;
}

/* Runs the action in a child; its exit code, or 128 + signal. */
static inline int exit_code_of(void (*action)(void))
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        action();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A new folder; the caller removes it with remove_folder(). */
static inline char *make_folder(void)
{
    char *path = temporary_pattern("unit");

    assert_non_null(mkdtemp(path));
    return path;
}

static inline void remove_folder(char *path)
{
    Error err = {0};

    assert_int_equal(directory_remove(path, &err), STATUS_OK);
    free(path);
}

static inline char *path_in(const char *folder, const char *name)
{
    return xasprintf("%s/%s", folder, name);
}
