/*
 * A backup that tests damage, and what its check must say then.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/catalog_file.h"
#include "backup/check.h"
#include "engine/base/stop.h"
#include "tests/support/archive_files.h"
#include "tests/support/capture.h"

#define LABEL "20251120T143105Z-0001-appdb"

static inline int make_archive(void **state)
{
    ArchiveFiles *files = xcalloc(1, sizeof(*files));
    AUTO_FREE_MEMORY char *folder = make_folder();

    archive_files_make(files, folder, LABEL, "appdb");
    *state = files;
    return 0;
}

static inline int remove_archive(void **state)
{
    ArchiveFiles *files = *state;
    char *folder = xstrdup(files->folder);

    stop_reset();
    archive_files_release(files);
    free(files);
    remove_folder(folder);
    return 0;
}

static inline Status check(const ArchiveFiles *files, CheckLevel level, unsigned jobs,
                           CheckReport *report, Error *err)
{
    CheckOptions options = {.level = level, .jobs = jobs};

    return check_backup(files->folder, &options, report, NULL, err);
}

static inline void expect_whole(const ArchiveFiles *files)
{
    for (CheckLevel level = CHECK_QUICK; level <= CHECK_DATA; level++) {
        AUTO_CHECK_REPORT CheckReport report = {0};
        Error err = {0};

        if (check(files, level, 1, &report, &err) < 0)
            fail_msg("%s: %s", check_level_name(level), err.message);
        assert_int_equal(report.damage_total, 0);
    }
}

/* Is there a damage of that path and, unless NULL, that object? */
static inline bool has_damage(const CheckReport *report, const char *path, const char *object)
{
    for (size_t i = 0; i < report->damage_count; i++) {
        const Damage *damage = &report->damages[i];

        if (strcmp(damage->path, path) == 0 &&
            (object == NULL || (damage->object != NULL && strstr(damage->object, object) != NULL)))
            return true;
    }
    return false;
}

static inline void print_damages(const CheckReport *report)
{
    for (size_t i = 0; i < report->damage_count; i++)
        print_message("  %s (%s): %s\n", report->damages[i].path,
                      report->damages[i].object != NULL ? report->damages[i].object : "-",
                      report->damages[i].what);
}

static inline void expect_damage(const ArchiveFiles *files, CheckLevel level, const char *path,
                                 const char *object)
{
    for (unsigned jobs = 1; jobs <= 3; jobs += 2) {
        AUTO_CHECK_REPORT CheckReport report = {0};
        Error err = {0};
        Status status = check(files, level, jobs, &report, &err);

        if (status != STATUS_INVALID || err.kind != ERROR_DIFFERENT ||
            !has_damage(&report, path, object)) {
            print_damages(&report);
            fail_msg("%s: %s %s is not among them; %s", check_level_name(level), path,
                     object != NULL ? object : "", err.message);
        }
        assert_true(err.hint[0] != '\0');
    }
}

/*
 * Files, damaged and mended.
 */
static inline void read_whole(const char *path, Text *ret)
{
    Error err = {0};

    assert_int_equal(file_read(path, 1 << 24, ret, &err), STATUS_OK);
}

static inline void put(const char *path, const void *data, size_t size)
{
    Error err = {0};

    assert_int_equal(file_replace(path, data, size, &err), STATUS_OK);
}

static inline void flip(const char *path, uint64_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte = 0;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    assert_int_equal(close(fd), 0);
}

static inline const char *part_name(uint32_t number)
{
    return number == 1 ? "data/0001.tar.zst" : "data/0003.tar.zst";
}

static inline const char *table_of(const Segment *segment)
{
    static const char *const names[] = {"public.people", "public.vectors", "notes"};

    return names[segment->table_id - 1];
}

#define DAMAGE_TEST(name) cmocka_unit_test_setup_teardown(name, make_archive, remove_archive)
