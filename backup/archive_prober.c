#include "backup/archive_prober.h"

#include "backup/archive_rows.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/flow/row_parts.h"

enum {
    RISK_ROWS = 3, /* of each kind */
    STOP_CHECK_ROWS = 4096,
};

typedef struct ArchiveProber {
    Prober base;
    const ArchivePlaces *places;
    void *context;
    char *folder;
} ArchiveProber;

/* The rows that are highest by some measure, so far. */
typedef struct Highest {
    uint32_t reason;
    size_t count;
    uint64_t measures[RISK_ROWS];
    ProbeEntry entries[RISK_ROWS];
} Highest;

typedef struct Probe {
    const ProbeRequest *request;
    size_t field_count;
    size_t *key; /* places of the key's parts, in order; the whole row where there are none */
    size_t key_count;
    bool has_rows; /* last is the row before */
    ProbeEntry last;
    size_t last_segment;
    Digest read; /* of all rows */
    Highest longest;
    Highest nulls;
    RowParts parts;
    Text key_bytes;
    ProbeResult result;
} Probe;

static void probe_release(Probe *probe)
{
    free(probe->key);
    row_parts_release(&probe->parts);
    text_release(&probe->key_bytes);
    probe_result_release(&probe->result);
}

/* Fields are the carried columns, behind the row's address where that is carried along. */
static Status find_key(Probe *probe, Error *err)
{
    const Table *table = probe->request->table;
    size_t address = table->key == KEY_HIDDEN;

    probe->field_count = address;
    probe->key = xcalloc(table->column_count + 1, sizeof(size_t));
    probe->key_count = address;
    for (size_t i = 0; i < table->column_count; i++) {
        unsigned position = table->columns[i].key_position;

        if (position > table->column_count || (position > 0 && table->columns[i].is_generated))
            return error_set(err, STATUS_INVALID, "its key cannot be read");
        if (position > 0 && address == 0) {
            probe->key[position - 1] = probe->field_count;
            probe->key_count++;
        }
        probe->field_count += !table->columns[i].is_generated;
    }
    return STATUS_OK;
}

/* ---- choosing ---- */

static bool is_requested(const ProbeRequest *request, uint64_t hash)
{
    size_t low = 0;
    size_t high = request->also_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (request->also[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < request->also_count && request->also[low] == hash;
}

static void offer(Highest *highest, uint64_t measure, const ProbeEntry *entry)
{
    size_t place = highest->count;

    if (measure == 0)
        return;
    if (place == RISK_ROWS) {
        place = 0;
        for (size_t i = 1; i < RISK_ROWS; i++)
            if (highest->measures[i] < highest->measures[place])
                place = i;
        if (measure <= highest->measures[place])
            return;
    } else {
        highest->count++;
    }
    highest->measures[place] = measure;
    highest->entries[place] = *entry;
    highest->entries[place].reasons = highest->reason;
}

static void add_entry(Probe *probe, const ProbeEntry *entry, uint32_t reasons)
{
    ProbeEntry *added = probe_result_add(&probe->result);

    *added = *entry;
    added->reasons = reasons;
}

/* First and last row of each segment: there a boundary could lose a row or have it twice. */
static void add_edges(Probe *probe, const ProbeEntry *entry, size_t segment)
{
    bool is_first = !probe->has_rows || probe->last_segment != segment;

    if (is_first && probe->has_rows)
        add_entry(probe, &probe->last, CHOSEN_EDGE);
    if (is_first)
        add_entry(probe, entry, CHOSEN_EDGE);
    probe->has_rows = true;
    probe->last = *entry;
    probe->last_segment = segment;
}

static void add_highest(Probe *probe, const Highest *highest)
{
    for (size_t i = 0; i < highest->count; i++)
        *probe_result_add(&probe->result) = highest->entries[i];
}

/* ---- rows ---- */

static void take_risk(Probe *probe, const ProbeEntry *entry, size_t size, size_t segment)
{
    uint64_t nulls = 0;

    for (size_t i = 0; i < probe->field_count; i++)
        nulls += row_parts_is_null(&probe->parts, i);
    offer(&probe->longest, size, entry);
    offer(&probe->nulls, nulls, entry);
    add_edges(probe, entry, segment);
}

static Status take_row(Probe *probe, const uint8_t *row, size_t size, size_t segment, Error *err)
{
    const ProbeRequest *request = probe->request;
    const void *key = row;
    size_t key_size = size;
    Digest digest = {0};
    ProbeEntry entry = {0};

    TRY(row_parts_read(&probe->parts, request->table->format, row, size, probe->field_count, err));
    if (probe->key_count > 0) {
        text_clear(&probe->key_bytes);
        row_parts_append(&probe->parts, probe->key, probe->key_count, &probe->key_bytes);
        key = probe->key_bytes.data;
        key_size = probe->key_bytes.size;
    }
    digest_add(&probe->result.keys, key, key_size);
    digest_add(&digest, row, size);
    entry = (ProbeEntry){.key_hash = key_hash(key, key_size, request->seed),
                         .row_low = digest.low,
                         .row_high = digest.high};
    if (entry.key_hash % request->modulus == 0)
        entry.reasons |= CHOSEN_RANDOM;
    if (is_requested(request, entry.key_hash))
        entry.reasons |= CHOSEN_REQUESTED;
    if (entry.reasons != 0)
        add_entry(probe, &entry, entry.reasons);
    if (request->pick_risk)
        take_risk(probe, &entry, size, segment);
    return STATUS_OK;
}

static Status take_block(Probe *probe, const Block *block, size_t segment, Error *err)
{
    size_t at = 0;

    if (probe->request->level < VERIFY_SAMPLE)
        return STATUS_OK;
    while (at < block->size) {
        size_t size = 0;

        TRY(row_next(probe->request->table->format, block->data + at, block->size - at, &size,
                     err));
        TRY(take_row(probe, block->data + at, size, segment, err));
        at += size;
    }
    return STATUS_OK;
}

static Status read_all(Probe *probe, ArchiveRows *rows, Error *err)
{
    uint64_t checked = 0;

    for (;;) {
        Block block = {0};
        size_t segment = 0;
        Status status = archive_rows_next(rows, &block, &segment, err);

        TRY(status);
        if (status == STATUS_DONE)
            return STATUS_OK;
        TRY(digest_add_block(&probe->read, probe->request->table->format, &block, err));
        TRY(take_block(probe, &block, segment, err));
        probe->result.rows += block.rows;
        if (probe->result.rows - checked < STOP_CHECK_ROWS)
            continue;
        checked = probe->result.rows;
        TRY(stop_check(err));
    }
}

static Status run_probe(ArchiveProber *prober, Probe *probe, Error *err)
{
    const Table *table = probe->request->table;
    AUTO_FREE(archive_rows_free) ArchiveRows *rows = archive_rows_new(prober->folder);
    ArchivePlace place = {0};

    TRY(find_key(probe, err));
    TRY(prober->places->find(prober->context, table, &place, err));
    archive_rows_begin(rows, table->format, place.folder, place.segments, place.count);
    TRY(read_all(probe, rows, err));
    if (!digest_equal(&probe->read, &place.digest))
        return error_kind(err, ERROR_DIFFERENT, "the rows of \"%s\" are not those that were stored",
                          place.folder);
    if (probe->request->level == VERIFY_FULL)
        probe->result.all = probe->read;
    add_highest(probe, &probe->longest);
    add_highest(probe, &probe->nulls);
    if (probe->has_rows)
        add_entry(probe, &probe->last, CHOSEN_EDGE);
    probe_result_sort(&probe->result);
    return STATUS_OK;
}

static Status archive_probe(Prober *base, const ProbeRequest *request, ProbeResult *ret, Error *err)
{
    __attribute__((cleanup(probe_release))) Probe probe = {
        .request = request,
        .longest = {.reason = CHOSEN_LONGEST},
        .nulls = {.reason = CHOSEN_NULLS},
    };

    TRY(fault_before("archive.probe", err));
    TRY(run_probe((ArchiveProber *)base, &probe, err));
    *ret = probe.result;
    probe.result = (ProbeResult){0};
    return STATUS_OK;
}

static void free_prober(Prober *base)
{
    ArchiveProber *prober = (ArchiveProber *)base;

    if (prober->places->free != NULL)
        prober->places->free(prober->context);
    free(prober->folder);
    free(prober);
}

static const ProberOps prober_ops = {.probe = archive_probe, .free = free_prober};

Prober *archive_prober_new(const char *folder, const ArchivePlaces *places, void *context)
{
    ArchiveProber *prober = xcalloc(1, sizeof(*prober));

    *prober = (ArchiveProber){.base = {.ops = &prober_ops},
                              .places = places,
                              .context = context,
                              .folder = xstrdup(folder)};
    return &prober->base;
}
