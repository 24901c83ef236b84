/* Parts that somebody else made: nothing but ordinary files of the expected name and size is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/resource.h>

#include "backup/frame.h"
#include "tests/unit/part_fixture.h"

#define BLOCK 512

/* A header as POSIX ustar has it. */
typedef struct TarHead {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char rest[12];
} TarHead;
_Static_assert(sizeof(TarHead) == BLOCK, "a tar header is one block");

static void add_head(Text *tar, const char *name, char type, const char *link, uint64_t size)
{
    TarHead head = {.mode = "0000644", .uid = "0000000", .gid = "0000000", .type = type};
    unsigned sum = 0;

    memcpy(head.name, name, strnlen(name, sizeof(head.name)));
    memcpy(head.link, link, strnlen(link, sizeof(head.link)));
    memcpy(head.magic, "ustar", 6);
    memcpy(head.version, "00", 2);
    (void)snprintf(head.size, sizeof(head.size), "%011jo", (uintmax_t)size);
    (void)snprintf(head.mtime, sizeof(head.mtime), "%011o", 0U);
    memset(head.checksum, ' ', sizeof(head.checksum));
    for (size_t i = 0; i < sizeof(head); i++)
        sum += ((const unsigned char *)&head)[i];
    (void)snprintf(head.checksum, sizeof(head.checksum), "%06o", sum);
    text_append_bytes(tar, &head, sizeof(head));
}

static void add_content(Text *tar, const char *content, size_t size)
{
    static const char zeros[BLOCK];

    text_append_bytes(tar, content, size);
    if (size % BLOCK != 0)
        text_append_bytes(tar, zeros, BLOCK - size % BLOCK);
}

static void add_file(Text *tar, const char *name, const char *content)
{
    add_head(tar, name, '0', "", strlen(content));
    add_content(tar, content, strlen(content));
}

/* Writes the tar as one frame of part 1; ret says where, and what its content would be. */
static void write_frame(const char *folder, const Text *tar, const char *content, PartEntry *ret)
{
    AUTO_FREE_MEMORY char *path = path_in(folder, "data/0001.tar.zst");
    AUTO_FREE(new_file_free) NewFile *file = NULL;
    AUTO_FREE(frame_writer_free) FrameWriter *frame = NULL;
    AUTO_FREE(sha256_free) Sha256 *hash = sha256_new();
    Error err = {0};

    (void)unlink(path);
    assert_int_equal(new_file_create(path, &file, &err), STATUS_OK);
    frame = frame_writer_new(file);
    assert_int_equal(frame_writer_begin(frame, 1, FRAME_ANY, &err), STATUS_OK);
    assert_int_equal(frame_writer_write(frame, tar->data, tar->size, &err), STATUS_OK);
    assert_int_equal(frame_writer_end(frame, &err), STATUS_OK);
    *ret = (PartEntry){.stored = new_file_size(file), .raw = strlen(content)};
    sha256_update(hash, content, strlen(content));
    sha256_finish(hash, ret->sha256);
    assert_int_equal(new_file_publish(file, NULL, &err), STATUS_OK);
}

static Status read_entry(const char *folder, const PartEntry *entry, const char *name, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = open_reader(folder, "data/0001.tar.zst");
    AUTO_TEXT Text content = {0};

    return part_reader_content(reader, entry, name, 1 << 20, &content, err);
}

static Status walk(const char *folder, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = open_reader(folder, "data/0001.tar.zst");
    const char *name = NULL;
    const void *data = NULL;
    size_t size = 0;
    Status status = STATUS_OK;

    assert_int_equal(part_reader_limit(reader, part_reader_size(reader), err), STATUS_OK);
    while ((status = part_reader_next(reader, 1 << 20, &name, err)) == STATUS_OK) {
        while ((status = part_reader_read(reader, &data, &size, err)) == STATUS_OK)
            continue;
        TRY(status);
    }
    return status;
}

static void expect_refused(const char *folder, const PartEntry *entry, const char *name)
{
    Error err = {0};

    assert_int_equal(read_entry(folder, entry, name, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_non_null(strstr(err.message, "0001.tar.zst\" is damaged at byte 0: "));
    err = (Error){0};
    assert_int_equal(walk(folder, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
}

/* The frames made here are read when nothing is wrong with them: else the tests would prove nothing. */
static void an_ordinary_file_is_read(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;
    Error err = {0};

    add_file(&tar, "a", "content");
    write_frame(*state, &tar, "content", &entry);
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_OK);
    assert_int_equal(walk(*state, &err), STATUS_DONE);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const names[] = {"/etc/cron.d/x", "../x", "a/../../x", "./x",
                                        "a//x",          "..",   "a/",        "x/.."};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO_TEXT Text tar = {0};
        PartEntry entry;

        add_file(&tar, names[i], "content");
        write_frame(*state, &tar, "content", &entry);
        expect_refused(*state, &entry, names[i]);
    }
}

static void only_ordinary_files_are_read(void **state)
{
    /* hard link, symbolic link, character and block device, folder, pipe */
    static const char types[] = "123456";

    for (size_t i = 0; types[i] != '\0'; i++) {
        AUTO_TEXT Text tar = {0};
        PartEntry entry;

        add_head(&tar, "a", types[i], types[i] < '3' ? "/etc/passwd" : "", 0);
        write_frame(*state, &tar, "", &entry);
        expect_refused(*state, &entry, "a");
    }
}

static void another_name_or_size_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;
    Error err = {0};

    add_file(&tar, "a", "content");
    write_frame(*state, &tar, "content", &entry);
    assert_int_equal(read_entry(*state, &entry, "b", &err), STATUS_INVALID);
    entry.raw--;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_INVALID);
    entry.raw += 2;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_INVALID);
    entry.raw--;
    entry.sha256[0]++;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_INVALID);
    entry.sha256[0]--;
    entry.stored--;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_INVALID);
    entry.stored += 2;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_INVALID);
    entry.stored--;
    assert_int_equal(read_entry(*state, &entry, "a", &err), STATUS_OK);
}

static void more_than_one_entry_in_a_frame_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;

    add_file(&tar, "a", "content");
    add_file(&tar, "b", "smuggled");
    write_frame(*state, &tar, "content", &entry);
    expect_refused(*state, &entry, "a");
}

static void a_header_that_promises_more_than_there_is_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;

    add_head(&tar, "a", '0', "", 1 << 20);
    add_content(&tar, "content", 7);
    write_frame(*state, &tar, "content", &entry);
    entry.raw = 1 << 20;
    expect_refused(*state, &entry, "a");
}

static void no_tar_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;

    add_content(&tar, "this is no tar, whatever it says", 32);
    write_frame(*state, &tar, "", &entry);
    expect_refused(*state, &entry, "a");
}

/* pax says that the name, the size or the kind is another than the header says. */
static void records_that_change_what_a_header_says_are_seen(void **state)
{
    static const char *const records[] = {
        "20 path=/etc/passwd\n", "11 size=99\n", "19 path=/etc/passwd\n", /* its length is wrong */
    };

    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        AUTO_TEXT Text tar = {0};
        PartEntry entry;
        Error err = {0};

        add_head(&tar, "pax", 'x', "", strlen(records[i]));
        add_content(&tar, records[i], strlen(records[i]));
        add_file(&tar, "a", "content");
        write_frame(*state, &tar, "content", &entry);
        if (read_entry(*state, &entry, "a", &err) >= 0)
            fail_msg("record %zu went unseen", i);
        assert_int_equal(err.kind, ERROR_DIFFERENT);
    }
}

/* GNU's old sparse file: seven bytes, and the rest up to a megabyte is a hole. */
static void a_file_with_holes_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;
    TarHead *head = NULL;
    unsigned sum = 0;

    add_head(&tar, "a", 'S', "", 7);
    head = (TarHead *)(void *)tar.data;
    memcpy(head->magic, "ustar  ", 8); /* and the version */
    memcpy(head->prefix + 41, "00000000000\00000000000007", 24);
    memcpy(head->prefix + 138, "00004000000", 12);
    memset(head->checksum, ' ', sizeof(head->checksum));
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)tar.data[i];
    (void)snprintf(head->checksum, sizeof(head->checksum), "%06o", sum);
    add_content(&tar, "content", 7);
    write_frame(*state, &tar, "content", &entry);
    entry.raw = 1 << 20;
    expect_refused(*state, &entry, "a");
    entry.raw = 7;
    expect_refused(*state, &entry, "a");
}

/* A few bytes that decode to a gigabyte: refused by what is expected, in little memory. */
static void a_bomb_is_refused(void **state)
{
    AUTO_TEXT Text tar = {0};
    AUTO_FREE_MEMORY char *path = path_in(*state, "data/0001.tar.zst");
    AUTO_FREE(new_file_free) NewFile *file = NULL;
    AUTO_FREE(frame_writer_free) FrameWriter *frame = NULL;
    AUTO_FREE_MEMORY char *zeros = xcalloc(1, 1 << 20);
    struct rusage before;
    struct rusage after;
    PartEntry entry = {.raw = 7};
    Error err = {0};

    add_head(&tar, "a", '0', "", UINT64_C(1) << 30);
    for (int known = 0; known < 2; known++) {
        uint64_t size = known ? (UINT64_C(1) << 30) + BLOCK : FRAME_ANY;

        (void)unlink(path);
        assert_int_equal(new_file_create(path, &file, &err), STATUS_OK);
        frame = frame_writer_new(file);
        assert_int_equal(frame_writer_begin(frame, 1, size, &err), STATUS_OK);
        assert_int_equal(frame_writer_write(frame, tar.data, tar.size, &err), STATUS_OK);
        for (int i = 0; i < 1024; i++)
            assert_int_equal(frame_writer_write(frame, zeros, 1 << 20, &err), STATUS_OK);
        assert_int_equal(frame_writer_end(frame, &err), STATUS_OK);
        entry.stored = new_file_size(file);
        assert_int_equal(new_file_publish(file, NULL, &err), STATUS_OK);
        frame_writer_free(TAKE(frame));
        new_file_free(TAKE(file));

        assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        expect_refused(*state, &entry, "a");
        assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
        assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
    }
}

/* A frame that wants a window of 128 MiB and more is none of ours: RFC 8878, 3.1.1.1. */
static void a_huge_window_is_refused(void **state)
{
    static const uint8_t frame[] = {0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x90 /* 2^28 */,
                                    0x01, 0x00, 0x00};
    AUTO_FREE_MEMORY char *path = path_in(*state, "data/0001.tar.zst");
    PartEntry entry = {.stored = sizeof(frame)};
    Error err = {0};

    assert_int_equal(file_replace(path, frame, sizeof(frame), &err), STATUS_OK);
    expect_refused(*state, &entry, "a");
}

static void links_pipes_and_folders_are_no_parts(void **state)
{
    AUTO_FREE_MEMORY char *path = path_in(*state, "data/0001.tar.zst");
    AUTO_FREE_MEMORY char *other = path_in(*state, "other");
    PartReader *reader = NULL;
    Error err = {0};

    assert_int_equal(part_reader_open(path, &reader, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
    assert_int_equal(file_replace(other, "x", 1, &err), STATUS_OK);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(part_reader_open(path, &reader, &err), STATUS_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(part_reader_open(path, &reader, &err), STATUS_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(part_reader_open(path, &reader, &err), STATUS_INVALID);
    assert_int_equal(err.kind, ERROR_DIFFERENT);
}

/* Any byte changed in the tar, behind an intact frame: read as it was, or refused; never otherwise. */
static void no_changed_byte_passes_for_another_content(void **state)
{
    AUTO_TEXT Text tar = {0};
    PartEntry entry;

    add_file(&tar, "a", "content");
    for (size_t i = 0; i < tar.size; i++) {
        PartReader *reader = NULL;
        AUTO_TEXT Text content = {0};
        Error err = {0};

        tar.data[i] ^= 0x11;
        write_frame(*state, &tar, "content", &entry);
        tar.data[i] ^= 0x11;
        reader = open_reader(*state, "data/0001.tar.zst");
        if (part_reader_content(reader, &entry, "a", 100, &content, &err) >= 0)
            assert_string_equal(text_string(&content), "content");
        else
            assert_int_equal(err.kind, ERROR_DIFFERENT);
        part_reader_free(reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PART_TEST(an_ordinary_file_is_read),
        PART_TEST(names_that_lead_elsewhere_are_refused),
        PART_TEST(only_ordinary_files_are_read),
        PART_TEST(another_name_or_size_is_refused),
        PART_TEST(more_than_one_entry_in_a_frame_is_refused),
        PART_TEST(a_header_that_promises_more_than_there_is_is_refused),
        PART_TEST(no_tar_is_refused),
        PART_TEST(records_that_change_what_a_header_says_are_seen),
        PART_TEST(a_file_with_holes_is_refused),
        PART_TEST(a_bomb_is_refused),
        PART_TEST(a_huge_window_is_refused),
        PART_TEST(links_pipes_and_folders_are_no_parts),
        PART_TEST(no_changed_byte_passes_for_another_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
