/*
 * What a run writes down while it copies (the Recorder), the evidence among it, and what the last
 * verification found.
 */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "journal/internal.h"

enum {
    ENTRY_SIZE = 28, /* as schema.sql describes it */
};

static Journal *journal_of(Recorder *recorder)
{
    return (Journal *)recorder; /* its first member */
}

Recorder *journal_recorder(Journal *journal)
{
    return &journal->recorder;
}

static Status begin_group(Recorder *recorder, Error *err)
{
    Journal *journal = journal_of(recorder);

    TRY(transaction_begin(journal, err));
    journal->group = GROUP_OPEN;
    return STATUS_OK;
}

static Status refuse_broken_group(const Journal *journal, Error *err)
{
    return error_set(err, STATUS_FAILED,
                     "could not record in journal \"%s\": an earlier record of the group failed",
                     journal->path);
}

static Status end_group(Recorder *recorder, Error *err)
{
    Journal *journal = journal_of(recorder);
    Group group = journal->group;

    assert(group != GROUP_NONE);
    journal->group = GROUP_NONE;
    if (group == GROUP_BROKEN)
        return refuse_broken_group(journal, err);
    return transaction_commit(journal, "journal.record", STATUS_OK, err);
}

/* A record is begun and ended: in a transaction of its own, or as a part of the group. */
static Status begin_record(Journal *journal, Error *err)
{
    switch (journal->group) {
    case GROUP_NONE:
        return transaction_begin(journal, err);
    case GROUP_OPEN:
        return STATUS_OK;
    case GROUP_BROKEN:
        return refuse_broken_group(journal, err);
    }
    return STATUS_OK;
}

static Status end_record(Journal *journal, Status status, Error *err)
{
    if (journal->group != GROUP_OPEN)
        return transaction_commit(journal, "journal.record", status, err);
    if (status < 0) {
        journal->group = GROUP_BROKEN;
        return transaction_commit(journal, "journal.record", status, err); /* rolls back */
    }
    return STATUS_OK;
}

static Status expect_one_change(Journal *journal, const char *what, uint32_t table_id,
                                uint32_t number, Error *err)
{
    if (sqlite3_changes(journal->db) == 1)
        return STATUS_OK;
    return error_set(err, STATUS_FATAL, "journal \"%s\" plans no %s %u/%u", journal->path, what,
                     table_id, number);
}

static Status update_chunk(Journal *journal, const Chunk *chunk, Error *err)
{
    AUTO_QUERY Query query = {0};
    char digest[33];

    digest_format(&chunk->digest, digest);
    TRY(query_prepare(journal,
                      "update plan_chunk set done = 1, rows = ?, bytes = ?, digest = ?"
                      " where table_id = ? and number = ?",
                      "record a chunk in", &query, err));
    query_unsigned(&query, chunk->digest.rows);
    query_unsigned(&query, chunk->bytes);
    query_text(&query, digest);
    query_integer(&query, chunk->table_id);
    query_integer(&query, chunk->number);
    TRY(query_run(&query, err));
    return expect_one_change(journal, "chunk", chunk->table_id, chunk->number, err);
}

static Status record_chunk(Recorder *recorder, const Chunk *chunk, Error *err)
{
    Journal *journal = journal_of(recorder);

    TRY(begin_record(journal, err));
    return end_record(journal, update_chunk(journal, chunk, err), err);
}

static Status update_task(Journal *journal, const Task *task, Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal, "update plan_task set done = 1 where id = ?", "record a task in",
                      &query, err));
    query_integer(&query, task->id);
    TRY(query_run(&query, err));
    return expect_one_change(journal, "task", task->table_id, task->id, err);
}

static Status record_task(Recorder *recorder, const Task *task, Error *err)
{
    Journal *journal = journal_of(recorder);

    TRY(begin_record(journal, err));
    return end_record(journal, update_task(journal, task, err), err);
}

/* ---- evidence ---- */

static uint8_t *pack_entries(const ProbeResult *result)
{
    uint8_t *packed = xmalloc(result->entry_count * ENTRY_SIZE + 1);

    for (size_t i = 0; i < result->entry_count; i++) {
        const ProbeEntry *entry = &result->entries[i];
        uint64_t words[] = {htole64(entry->key_hash), htole64(entry->row_low),
                            htole64(entry->row_high)};
        uint32_t reasons = htole32(entry->reasons);

        memcpy(packed + i * ENTRY_SIZE, words, sizeof(words));
        memcpy(packed + i * ENTRY_SIZE + sizeof(words), &reasons, sizeof(reasons));
    }
    return packed;
}

static void unpack_entries(const uint8_t *packed, size_t size, ProbeResult *ret)
{
    for (size_t at = 0; at + ENTRY_SIZE <= size; at += ENTRY_SIZE) {
        uint64_t words[3];
        uint32_t reasons = 0;

        memcpy(words, packed + at, sizeof(words));
        memcpy(&reasons, packed + at + sizeof(words), sizeof(reasons));
        *probe_result_add(ret) = (ProbeEntry){
            .key_hash = le64toh(words[0]),
            .row_low = le64toh(words[1]),
            .row_high = le64toh(words[2]),
            .reasons = le32toh(reasons),
        };
    }
}

static Status replace_evidence(Journal *journal, const ProbeRequest *request,
                               const ProbeResult *result, Error *err)
{
    AUTO_QUERY Query query = {0};
    AUTO_FREE_MEMORY uint8_t *packed = pack_entries(result);
    char seed[17];
    char modulus[17];
    char keys[33];
    char all[33];

    digest_format(&result->keys, keys);
    digest_format(&result->all, all);
    TRY(query_prepare(journal,
                      "insert or replace into evidence(table_id, level, seed, modulus, rows,"
                      " keys_rows, keys, all_rows, all_sum, fingerprint, entries)"
                      " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "record evidence in", &query, err));
    query_integer(&query, request->table->id);
    query_text(&query, verify_level_name(request->level));
    query_hex(&query, request->seed, seed);
    query_hex(&query, request->modulus, modulus);
    query_unsigned(&query, result->rows);
    query_unsigned(&query, result->keys.rows);
    query_text(&query, keys);
    query_unsigned(&query, result->all.rows);
    query_text(&query, all);
    query_text(&query, request->table->fingerprint);
    query_blob(&query, packed, result->entry_count * ENTRY_SIZE);
    return query_run(&query, err);
}

static Status record_evidence(Recorder *recorder, const ProbeRequest *request,
                              const ProbeResult *result, Error *err)
{
    Journal *journal = journal_of(recorder);

    TRY(begin_record(journal, err));
    return end_record(journal, replace_evidence(journal, request, result, err), err);
}

const RecorderOps journal_recorder_ops = {
    .begin = begin_group,
    .end = end_group,
    .chunk_done = record_chunk,
    .task_done = record_task,
    .evidence = record_evidence,
};

static bool read_evidence(const Query *query, ProbeRequest *request, ProbeResult *ret)
{
    const char *level = column_text(query, 0);
    const char *keys = column_text(query, 5);
    const char *all = column_text(query, 7);
    Bytes packed = column_bytes(query, 8);

    ret->rows = column_unsigned(query, 3);
    unpack_entries(packed.data, packed.size, ret);
    bytes_release(&packed);
    return level != NULL && verify_level_parse(level, &request->level) &&
           column_hex(query, 1, &request->seed) && column_hex(query, 2, &request->modulus) &&
           keys != NULL && digest_parse(keys, column_unsigned(query, 4), &ret->keys) &&
           all != NULL && digest_parse(all, column_unsigned(query, 6), &ret->all);
}

Status journal_load_evidence(Journal *journal, uint32_t table_id, ProbeRequest *request,
                             ProbeResult *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    ProbeRequest found = *request;
    ProbeResult result = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select level, seed, modulus, rows, keys_rows, keys, all_rows, all_sum,"
                      " entries from evidence where table_id = ?",
                      "read the evidence of", &query, err));
    query_integer(&query, table_id);
    status = query_step(&query, err);
    if (status != STATUS_OK)
        return status;
    if (!read_evidence(&query, &found, &result)) {
        probe_result_release(&result);
        return journal_damaged(journal, "its evidence of a table cannot be read", err);
    }
    probe_result_release(ret);
    *ret = result;
    *request = found;
    return STATUS_OK;
}
