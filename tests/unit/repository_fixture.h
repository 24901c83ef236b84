/*
 * A repository in a directory of its own, for the tests of what is done in one.
 */
#pragma once

#include "tests/unit/journal_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "backup/removal.h"
#include "engine/base/fault.h"
#include "tests/support/backup_files.h"

#define NOW_US  (INT64_C(1795185065) * 1000000) /* 2026-11-20T14:31:05Z */
#define MINUTE  (INT64_C(60) * 1000000)
#define HOUR    (60 * MINUTE)
#define DAY     (24 * HOUR)
#define WAIT_MS 60000

typedef struct World {
    char *directory;
    char *path;
    Repository *repository;
    BackupList list;
    TextList unknown;
} World;

static inline void set_world(World *world)
{
    Error err = {0};

    *world = (World){.directory = make_directory()};
    world->path = xasprintf("%s/repository", world->directory);
    expect_ok(repository_create(world->path, &world->repository, &err));
}

static inline void world_release(World *world)
{
    repository_free(world->repository);
    backup_list_release(&world->list);
    text_list_release(&world->unknown);
    free(world->path);
    remove_directory(world->directory);
}
#define AUTO_WORLD __attribute__((cleanup(world_release)))

static inline void set_backup(World *world, const char *name, int64_t at_us)
{
    SampleBackup sample = {.name = name, .started_us = at_us, .took_us = MINUTE};
    Error err = {0};

    expect_ok(sample_backup(world->repository, &sample, &err));
}

static inline const BackupList *look(World *world)
{
    Error err = {0};

    expect_ok(repository_list(world->repository, &world->list, &world->unknown, &err));
    return &world->list;
}

/* Borrowed until the next look. */
static inline const Backup *find(World *world, const char *wanted)
{
    const Backup *found = NULL;
    Error err = {0};

    expect_ok(backup_list_find(look(world), wanted, &found, &err));
    return found;
}

static inline void set_file(const char *directory, const char *name, const char *content)
{
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", directory, name);
    Error err = {0};

    expect_ok(file_replace(path, content, strlen(content), &err));
}

#ifdef FAULT_POINTS
/* Runs it in a process of its own with the n-th point armed (NONE: none): 0 when it succeeded, 1
 * when it failed, 137 when it was killed, -1 when the point was not reached. */
static inline int run_armed(const char *path, Status (*run)(const char *), FaultMode mode,
                            unsigned nth)
{
    int code = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        Status status = STATUS_OK;

        fault_arm(mode, nth, NULL);
        status = run(path);
        _exit(mode != FAULT_NONE && !fault_fired() ? 100 : status < 0 ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code) == 100 ? -1 : WEXITSTATUS(code);
}
#endif
