/*
 * What a stage does when the snapshot of its source dies on the way: it goes on by itself with a
 * new one, keeps what is proven unchanged and copies the rest again (invariant I5). The source is a
 * SQLite file behind a wrapper that loses what it holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/connect/sqlite/sqlite.h"
#include "stages/stages.h"
#include "stages/workflow.h"
#include "tests/support/capture.h"
#include "tests/support/sqlite_files.h"
#include "tests/support/sqlite_migration.h"

enum {
    ROWS = 60,
    NEVER = 1000000,
};

/* What happens to the source; counts fall with each call. */
typedef struct Fate {
    int reads;         /* blocks until the snapshot is lost; again after each hold() */
    int losses;        /* how often that happens */
    bool is_silent;    /* readers do not notice */
    bool at_describe;  /* it is lost when it is described, too */
    const char *write; /* what somebody writes to the source meanwhile, or NULL */
    unsigned holds;
    unsigned introductions;
    uint64_t epoch; /* as told last */
} Fate;

static Fate fate;

typedef struct LosingSource {
    Source base;
    Source *inner;
    bool is_held;
    bool is_used; /* held, so that a loss counts */
    int reads_left;
} LosingSource;

typedef struct LosingReader {
    Reader base;
    Reader *inner;
    LosingSource *source;
} LosingReader;

static Status fail_lost(Error *err)
{
    return error_set(err, STATUS_FAILED, "server closed the connection");
}

static Status read_until_lost(Reader *reader, Block *ret, Error *err)
{
    LosingReader *own = (LosingReader *)reader;
    LosingSource *source = own->source;

    if (source->is_held && fate.losses > 0 && --source->reads_left <= 0) {
        source->is_held = false;
        fate.losses--;
    }
    if (!source->is_held && !fate.is_silent)
        return fail_lost(err);
    return reader_read(own->inner, ret, err);
}

static Status plan_table(Reader *reader, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err)
{
    return reader_plan(((LosingReader *)reader)->inner, table, chunk_bytes, plan, err);
}

static Status begin_chunk(Reader *reader, const Table *table, const Chunk *chunk, Error *err)
{
    return reader_begin(((LosingReader *)reader)->inner, table, chunk, err);
}

static void end_chunk(Reader *reader)
{
    reader_end(((LosingReader *)reader)->inner);
}

static void free_reader(Reader *reader)
{
    reader_free(((LosingReader *)reader)->inner);
    free(reader);
}

static const ReaderOps reader_ops = {.plan = plan_table,
                                     .begin = begin_chunk,
                                     .read = read_until_lost,
                                     .end = end_chunk,
                                     .free = free_reader};

static Source *inner_of(Source *source)
{
    return ((LosingSource *)source)->inner;
}

static void note_introduction(Source *source, const RunIdentity *identity)
{
    (void)source;
    fate.introductions++;
    fate.epoch = identity->epoch;
    assert_string_equal(identity->migration, "m");
}

static Status describe(Source *source, const Selection *selection, Catalog *ret, Findings *findings,
                       Error *err)
{
    LosingSource *own = (LosingSource *)source;

    if (own->is_used && fate.at_describe && fate.losses > 0) {
        own->is_held = false;
        fate.losses--;
    }
    if (own->is_used && !own->is_held)
        return fail_lost(err);
    return source_describe(own->inner, selection, ret, findings, err);
}

static Status hold(Source *source, const Selection *selection, unsigned readers, Snapshot *ret,
                   Error *err)
{
    LosingSource *own = (LosingSource *)source;

    assert_non_null(selection);
    assert_false(own->is_used); /* released before it is held again */
    if (fate.holds++ > 0 && fate.write != NULL) {
        set_sql("a.db", fate.write);
        fate.write = NULL;
    }
    own->is_held = own->is_used = true;
    own->reads_left = fate.reads;
    return source_hold(own->inner, selection, readers, ret, err);
}

static void release(Source *source)
{
    ((LosingSource *)source)->is_used = false;
    source_release(inner_of(source));
}

static bool is_held(Source *source)
{
    return ((LosingSource *)source)->is_held;
}

static Status has_changed(Source *source, const char *token, bool *ret_changed, Error *err)
{
    return source_changed(inner_of(source), token, ret_changed, err);
}

static Status open_reader(Source *source, Reader **ret, Error *err)
{
    LosingReader *reader = xcalloc(1, sizeof(*reader));
    Status status = source_open_reader(inner_of(source), &reader->inner, err);

    if (status < 0) {
        free(reader);
        return status;
    }
    reader->base = (Reader){.ops = &reader_ops, .prober = reader->inner->prober};
    reader->source = (LosingSource *)source;
    *ret = &reader->base;
    return STATUS_OK;
}

static Status identify(Source *source, char **ret, Error *err)
{
    return source_identity(inner_of(source), ret, err);
}

static void free_source(Source *source)
{
    source_free(inner_of(source));
    free(source);
}

static const SourceOps source_ops = {
    .name = "losing",
    .introduce = note_introduction,
    .describe = describe,
    .hold = hold,
    .release = release,
    .is_held = is_held,
    .changed = has_changed,
    .open_reader = open_reader,
    .identity = identify,
    .free = free_source,
};

static Status open_losing_source(const Uri *uri, Source **ret, Error *err)
{
    LosingSource *source = xcalloc(1, sizeof(*source));

    source->base.ops = &source_ops;
    expect_status_ok(sqlite_open_source(uri, &source->inner, err), err);
    *ret = &source->base;
    return STATUS_OK;
}

static const Connector connectors[] = {{"sqlite", open_losing_source, sqlite_open_target}, {0}};

/* ---- a migration in a folder of its own ---- */

typedef struct Scene {
    char *folder;
    char *before;
    MigrationOptions options;
    Migration *migration;
    Capture capture;
} Scene;

static void set_scene(Scene *scene, Fate given, uint64_t retry_for_ms)
{
    Error err = {0};
    AUTO_FREE_MEMORY char *fill =
        xasprintf("pragma journal_mode = wal; create table one(id integer primary key, t);"
                  "create table two(id integer primary key, t);"
                  "create table three(id integer primary key, t);"
                  "create index two_t on two(t);"
                  "with recursive n(i) as (select 1 union all select i + 1 from n where i < %d)"
                  " insert into one select i, hex(randomblob(200)) from n;"
                  "insert into two select id, t from one; insert into three select id, t from one;",
                  ROWS);

    *scene = (Scene){.folder = temporary_pattern("lost"), .before = getcwd(NULL, 0)};
    assert_non_null(mkdtemp(scene->folder));
    assert_int_equal(chdir(scene->folder), 0);
    fate = given;
    set_database("a.db", fill);
    set_database("b.db", "create table other(x)");
    scene->options = (MigrationOptions){
        .from = "sqlite:a.db",
        .to = "sqlite:b.db",
        .jobs = 1,
        .chunk_bytes = 4096,
        .retry_for_ms = retry_for_ms,
        .retry_for_given = true,
        .quiet = true,
    };
    expect_status_ok(
        migration_open("home", "m", connectors, &scene->options, "test", &scene->migration, &err),
        &err);
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    scene->capture = capture_begin();
}

/* The caller frees what was said. */
static char *end_scene(Scene *scene)
{
    char *said = capture_end(&scene->capture);
    Error err = {0};

    migration_free(scene->migration);
    assert_int_equal(chdir(scene->before), 0);
    (void)directory_remove(scene->folder, &err);
    free(scene->folder);
    free(scene->before);
    return said;
}

static void expect_said(const char *said, const char *words)
{
    if (strstr(said, words) == NULL)
        fail_msg("\"%s\" is not in:\n%s", words, said);
}

static void expect_silent(const char *said, const char *words)
{
    if (strstr(said, words) != NULL)
        fail_msg("\"%s\" is in:\n%s", words, said);
}

/* Verified against its own evidence, promoted, and equal to the source as it is now. */
static void expect_promoted(Scene *scene)
{
    static const char *const tables[] = {"one", "two", "three"};
    Error err = {0};

    expect_status_ok(workflow_run(scene->migration, PHASE_PROMOTED, &err), &err);
    for (size_t i = 0; i < 3; i++) {
        AUTO_FREE_MEMORY char *sum =
            xasprintf("select sum(id * unicode(t) + length(t) + unicode(substr(t, id, 1)) * 7)"
                      " from %s",
                      tables[i]);

        assert_int_equal(ask_integer("b.db", sum), ask_integer("a.db", sum));
    }
}

static void goes_on_with_another_snapshot_when_one_is_lost(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene, (Fate){.reads = 20, .losses = 1}, 60000);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_int_equal(fate.holds, 2);
    assert_true(fate.introductions >= 2);
    assert_int_equal(fate.epoch, 1);
    expect_promoted(&scene);
    said = end_scene(&scene);
    expect_said(said, "the snapshot of the source was lost: table");
    expect_said(said, "was not written to since its snapshot: what was copied stays");
    expect_silent(said, "emptied");
}

static void copies_again_what_changed_before_the_new_snapshot(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene,
              (Fate){.reads = 25,
                     .losses = 1,
                     .write = "update one set t = 'changed' where id = 3;"
                              "update two set t = 'changed' where id < 7"},
              60000);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_int_equal(fate.holds, 2);
    expect_promoted(&scene);
    assert_int_equal(ask_integer("b.db", "select count(*) from two where t = 'changed'"), 6);
    said = end_scene(&scene);
    expect_said(said, "one changed in the source: it is emptied and copied again");
}

static void is_not_staged_with_a_snapshot_that_was_lost_unseen(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene, (Fate){.reads = 2, .losses = 1, .is_silent = true}, 60000);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_int_equal(fate.holds, 2);
    expect_promoted(&scene);
    said = end_scene(&scene);
    expect_said(said, "the snapshot of the source was lost");
}

static void holds_again_when_it_is_lost_before_the_copy(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene, (Fate){.reads = NEVER, .losses = 3, .at_describe = true}, 60000);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_int_equal(fate.holds, 4);
    expect_promoted(&scene);
    said = end_scene(&scene);
}

static void gives_up_when_no_snapshot_lives_long_enough(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene, (Fate){.reads = 1, .losses = NEVER}, 200);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    assert_int_equal(stage_stage(scene.migration, &err), STATUS_FAILED);
    assert_int_equal(err.kind, ERROR_WAITING);
    expect_said(err.message, "the snapshot of the source was lost: ");
    expect_said(err.message, "gave up after");
    assert_int_equal(journal_record(scene.migration->journal)->phase, PHASE_PREPARED);
    fate.losses = 0;
    expect_promoted(&scene);
    said = end_scene(&scene);
}

/* The time to retry begins anew with each snapshot in which something is done. */
static void gets_there_in_small_steps(void **state)
{
    Scene scene;
    Error err = {0};
    AUTO_FREE_MEMORY char *said = NULL;

    (void)state;
    set_scene(&scene, (Fate){.reads = 4, .losses = NEVER}, 1);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_true(fate.holds > 5);
    expect_promoted(&scene);
    said = end_scene(&scene);
}

/* Fails at the nth task; the source is written to; goes on. Was the source needed for that? */
static bool resume_after_failed_task(unsigned nth, bool *ret_fired)
{
    Scene scene;
    Error err = {0};
    JournalProgress progress = {0};
    bool is_read = false;

    set_scene(&scene, (Fate){.reads = NEVER}, 0);
    expect_status_ok(stage_prepare(scene.migration, &err), &err);
    fault_arm(FAULT_FAIL, nth, "run.task");
    *ret_fired = stage_stage(scene.migration, &err) < 0;
    assert_int_equal(fault_fired(), *ret_fired);
    fault_arm(FAULT_NONE, 0, NULL);
    expect_status_ok(journal_progress(scene.migration->journal, &progress, &err), &err);
    is_read = progress.chunks_done == progress.chunks && progress.evidence_tables == 3;
    set_sql("a.db", "update two set t = 'changed'");
    error_clear(&err);
    expect_status_ok(stage_stage(scene.migration, &err), &err);
    assert_int_equal(fate.holds, is_read ? 1 : 2);
    expect_status_ok(stage_verify(scene.migration, &err), &err);
    free(end_scene(&scene));
    return !is_read;
}

static void needs_no_source_when_all_is_read(void **state)
{
    bool has_fired = true;
    unsigned with_source = 0;
    unsigned without = 0;

    (void)state;
    for (unsigned nth = 1; has_fired; nth++) {
        bool is_needed = resume_after_failed_task(nth, &has_fired);

        with_source += has_fired && is_needed;
        without += has_fired && !is_needed;
    }
    assert_true(with_source > 0);
    assert_true(without > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_with_another_snapshot_when_one_is_lost),
        cmocka_unit_test(copies_again_what_changed_before_the_new_snapshot),
        cmocka_unit_test(is_not_staged_with_a_snapshot_that_was_lost_unseen),
        cmocka_unit_test(holds_again_when_it_is_lost_before_the_copy),
        cmocka_unit_test(gives_up_when_no_snapshot_lives_long_enough),
        cmocka_unit_test(gets_there_in_small_steps),
        cmocka_unit_test(needs_no_source_when_all_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
