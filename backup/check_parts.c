#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backup/check_inside.h"
#include "backup/part_reader.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"

static void release_job(PartJob *job)
{
    free(job->items);
    text_release(&job->path);
    text_release(&job->content);
    table_set_release(&job->hits);
    *job = (PartJob){0};
}
#define AUTO_JOB __attribute__((cleanup(release_job)))

/*
 * Taking work, under the mutex: lines of the index come in the order of the parts.
 */
static void end_index(Check *check)
{
    index_reader_free(TAKE(check->index));
    check->has_ahead = false;
}

/* A table's entries are all in one folder, and the manifest knows the table. */
static const char *wrong_table(Check *check, const Segment *segment, const char *name)
{
    TableCount *table = NULL;
    size_t size = 0;

    if (segment->table_id > check->manifest.object_count)
        return "it names a table that the manifest does not have";
    table = &check->tables[segment->table_id - 1];
    (void)segment_name_is(segment, name, &size); /* the reader has asked before */
    if (table->folder == NULL)
        table->folder = xstrndup(name, size);
    else if (strlen(table->folder) != size || strncmp(table->folder, name, size) != 0)
        return "it names two folders of one table";
    return NULL;
}

/* Reads one line ahead; says what is wrong with the index, if anything. The caller frees. */
static char *read_ahead(Check *check)
{
    const char *name = NULL;
    const char *wrong = NULL;
    Error err = {0};
    Status status = STATUS_DONE;

    if (check->has_ahead || check->index == NULL)
        return NULL;
    status = index_reader_next(check->index, &check->ahead, &name, &err);
    check->has_ahead = status == STATUS_OK;
    if (check->has_ahead)
        wrong = wrong_table(check, &check->ahead, name);
    if (status == STATUS_OK && wrong == NULL)
        return NULL;
    if (status != STATUS_DONE)
        check->is_index_good = false;
    end_index(check);
    if (status == STATUS_DONE)
        return NULL;
    return xstrdup(wrong != NULL ? wrong : err.message);
}

/* All lines of the job's part; lines of parts before it are of none that the manifest has. */
static char *take_lines(Check *check, PartJob *job, uint32_t number)
{
    for (;;) {
        char *wrong = read_ahead(check);

        if (wrong != NULL)
            return wrong;
        if (!check->has_ahead || check->ahead.part > number)
            return NULL;
        check->has_ahead = false;
        if (check->ahead.part < number) {
            check->is_index_good = false;
            end_index(check);
            return xasprintf("it names part %" PRIu32 ", which the manifest does not have",
                             check->ahead.part);
        }
        GROW(job->items, job->count, job->capacity);
        job->items[job->count++] = check->ahead;
        table_set_add(&job->hits, check, check->ahead.table_id);
    }
}

/* False when there is no more work. */
static bool take_part(Check *check, PartJob *job)
{
    AUTO_FREE_MEMORY char *wrong = NULL;
    bool is_taken = false;

    job->count = 0;
    job->is_damaged = false;
    table_set_release(&job->hits);
    text_clear(&job->path);
    (void)pthread_mutex_lock(&check->mutex);
    is_taken = check->next_part < check->manifest.part_count;
    if (is_taken) {
        job->position = check->next_part++;
        part_path(check->manifest.parts[job->position].number, &job->path);
        wrong = take_lines(check, job, check->manifest.parts[job->position].number);
        job->is_indexed = check->is_index_good;
    }
    (void)pthread_mutex_unlock(&check->mutex);
    if (wrong != NULL)
        check_note(check, INDEX_NAME, NULL, wrong);
    return is_taken;
}

/*
 * One part.
 */
static void note_damage(Check *check, PartJob *job, const TableSet *hits, const char *what)
{
    job->is_damaged = true;
    check_note(check, text_string(&job->path), hits, what);
}

void check_note_segment(Check *check, PartJob *job, const Segment *segment, const Error *err)
{
    TableSet hits = {0};

    job->is_damaged = true;
    table_set_add(&hits, check, segment->table_id);
    check_note_error(check, text_string(&job->path), &hits, err);
    table_set_release(&hits);
}

static const char *kind_of(const Segment *segment)
{
    return segment->kind == SEGMENT_HEAD ? "head" : "tail";
}

Status check_count(const Check *check, const Segment *segment, const Text *content, TableCount *ret,
                   Error *err)
{
    const ManifestObject *object = &check->manifest.objects[segment->table_id - 1];
    Block block = {(const uint8_t *)content->data, content->size, segment->rows};

    *ret = (TableCount){0};
    if (segment->kind == SEGMENT_ROWS) {
        ret->segments = 1;
        ret->raw_bytes = content->size;
        if (digest_add_block(&ret->digest, object->format, &block, err) == STATUS_OK)
            return STATUS_OK;
        err->kind = ERROR_DIFFERENT;
        return STATUS_INVALID;
    }
    block = segment->kind == SEGMENT_HEAD ? segment_head() : segment_tail();
    ret->heads = segment->kind == SEGMENT_HEAD;
    ret->tails = segment->kind == SEGMENT_TAIL;
    if (content->size != block.size || memcmp(content->data, block.data, block.size) != 0)
        return error_kind(err, ERROR_DIFFERENT, "the %s is not what COPY reads", kind_of(segment));
    return STATUS_OK;
}

/* Reads and proves one segment; its rows are counted in ret. */
static Status read_segment(const Check *check, PartReader *reader, const Segment *segment,
                           Text *content, TableCount *ret, Error *err)
{
    PartEntry entry = {.offset = segment->offset, .stored = segment->stored, .raw = segment->raw};
    AUTO_TEXT Text name = {0};

    memcpy(entry.sha256, segment->sha256, sizeof(entry.sha256));
    segment_name(check->tables[segment->table_id - 1].folder, segment, &name);
    TRY(part_reader_content(reader, &entry, text_string(&name), SEGMENT_LIMIT, content, err));
    return check_count(check, segment, content, ret, err);
}

void check_add_count(Check *check, const Segment *segment, const TableCount *count)
{
    TableCount *table = &check->tables[segment->table_id - 1];

    (void)pthread_mutex_lock(&check->mutex);
    digest_merge(&table->digest, &count->digest);
    table->raw_bytes += count->raw_bytes;
    table->segments += count->segments;
    table->heads += count->heads;
    table->tails += count->tails;
    check->report->segments++;
    check->report->rows += count->digest.rows;
    (void)pthread_mutex_unlock(&check->mutex);
}

/* What fails once is tried again: a disk or memory that errs now and then is worth knowing. */
static void check_segment(Check *check, PartReader *reader, PartJob *job, const Segment *segment)
{
    TableCount count = {0};
    Error err = {0};
    Error again = {0};

    if (read_segment(check, reader, segment, &job->content, &count, &err) < 0) {
        if (read_segment(check, reader, segment, &job->content, &count, &again) < 0) {
            check_note_segment(check, job, segment, &err);
            return;
        }
        error_remark(&err, "right when it was read again: suspect the disk or the memory");
        check_note_segment(check, job, segment, &err);
    }
    check_add_count(check, segment, &count);
}

static uint64_t raw_sum(const PartJob *job)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < job->count; i++)
        sum += job->items[i].raw;
    return sum;
}

static uint64_t end_of(const PartJob *job)
{
    return job->count == 0 ? 0
                           : job->items[job->count - 1].offset + job->items[job->count - 1].stored;
}

/* Behind the segments: the end of the archive, and the numbers of the whole. */
static void check_whole(Check *check, PartReader *reader, PartJob *job)
{
    const PartSummary *part = &check->manifest.parts[job->position];
    char hash[SHA256_HEX_SIZE];
    Error err = {0};
    Status status = STATUS_OK;

    if (job->is_indexed && (job->count != part->entries || raw_sum(job) != part->raw_bytes))
        note_damage(check, job, &job->hits, "the index and the manifest name other entries of it");
    else if (job->is_indexed && part_reader_end(reader, end_of(job), &err) < 0) {
        job->is_damaged = true;
        check_note_error(check, text_string(&job->path), &job->hits, &err);
    }
    status = part_reader_hash(reader, hash, &err);
    if (status >= 0 && strcmp(hash, part->sha256) == 0)
        return;
    if (status < 0)
        note_damage(check, job, &job->hits, err.message);
    else if (!job->is_damaged) /* what differs was named more exactly otherwise */
        note_damage(check, job, &job->hits, "its SHA-256 differs from the manifest");
}

static Status check_part(Check *check, PartJob *job, Error *err)
{
    AUTO_FREE(part_reader_free) PartReader *reader = NULL;
    AUTO_FREE_MEMORY char *path = xasprintf("%s/%s", check->folder, text_string(&job->path));
    uint64_t bytes = check->manifest.parts[job->position].bytes;
    uint64_t shown = 0;
    Error cause = {0};

    if (check->bad_parts[job->position])
        return STATUS_OK; /* said already */
    if (part_reader_open(path, &reader, &cause) < 0) {
        check_note_error(check, text_string(&job->path), &job->hits, &cause);
        return STATUS_OK;
    }
    part_reader_hash_all(reader);
    if (!job->is_indexed)
        TRY(check_walk(check, reader, job, err));
    for (size_t i = 0; job->is_indexed && i < job->count; i++) {
        TRY(stop_check(err));
        check_segment(check, reader, job, &job->items[i]);
        check_progress(check, job->items[i].stored);
        shown += job->items[i].stored;
    }
    TRY(stop_check(err));
    check_whole(check, reader, job);
    check_progress(check, bytes > shown ? bytes - shown : 0);
    return STATUS_OK;
}

/*
 * Threads: each takes the next part until there is none.
 */
typedef struct PartWorker {
    Check *check;
    pthread_t thread;
    bool is_started;
    Status status;
    Error err;
} PartWorker;

static void *work(void *context)
{
    PartWorker *worker = context;
    AUTO_JOB PartJob job = {0};

    while (worker->status >= 0 && take_part(worker->check, &job))
        worker->status = check_part(worker->check, &job, &worker->err);
    return NULL;
}

/* Lines behind the last part, and an index that ends too early, are found when all is taken. */
static void finish_index(Check *check)
{
    AUTO_FREE_MEMORY char *wrong = read_ahead(check);

    if (wrong == NULL && check->has_ahead)
        wrong = xstrdup("it names parts that the manifest does not have");
    if (wrong != NULL)
        check_note(check, INDEX_NAME, NULL, wrong);
    end_index(check);
}

static Status run_workers(Check *check, PartWorker *workers, size_t count, Error *err)
{
    for (size_t i = 1; i < count; i++) {
        workers[i].check = check;
        workers[i].is_started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    }
    workers[0].check = check;
    (void)work(&workers[0]); /* this thread works, too: all gets done even when no other starts */
    for (size_t i = 1; i < count; i++)
        if (workers[i].is_started)
            (void)pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < count; i++) {
        if (workers[i].status < 0) {
            *err = workers[i].err;
            return workers[i].status;
        }
    }
    return STATUS_OK;
}

Status check_parts(Check *check, Error *err)
{
    unsigned jobs = check->options->jobs > 0 ? check->options->jobs : 1;
    AUTO_FREE_MEMORY PartWorker *workers = xcalloc(jobs, sizeof(*workers));
    Error cause = {0};
    Status status = STATUS_OK;

    check->is_index_good = index_reader_open(check->folder, &check->index, &cause) >= 0;
    if (!check->is_index_good && cause.kind != ERROR_DIFFERENT)
        check_note_error(check, INDEX_NAME, NULL, &cause); /* missing was said already */
    status = run_workers(check, workers, jobs, err);
    if (status >= 0)
        finish_index(check);
    end_index(check);
    return status;
}

static const char *wrong_count(const ManifestObject *object, const TableCount *count)
{
    uint32_t ends = object->format == ROW_PG_BINARY ? 1 : 0;

    if (count->digest.rows != object->digest.rows)
        return "the number of its rows differs from the manifest";
    if (!digest_equal(&count->digest, &object->digest))
        return "the digest of its rows differs from the manifest";
    if (count->segments != object->segments || count->raw_bytes != object->raw_bytes)
        return "the number of its segments or bytes differs from the manifest";
    if (count->heads != ends || count->tails != ends)
        return "its head or tail is missing, or too much";
    return NULL;
}

void check_tables(Check *check)
{
    for (size_t i = 0; i < check->manifest.object_count; i++) {
        const char *wrong = wrong_count(&check->manifest.objects[i], &check->tables[i]);
        TableSet hits = {0};

        if (wrong == NULL || check->tables[i].is_damaged)
            continue;
        table_set_add(&hits, check, (uint32_t)i + 1);
        check_note(check, MANIFEST_NAME, &hits, wrong);
        table_set_release(&hits);
    }
}
