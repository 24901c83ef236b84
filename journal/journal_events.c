#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "journal/internal.h"

enum {
    BATCH = 256, /* events read at once: the view ends before they are handed on */
};

Status event_insert(Journal *journal, const char *kind, const char *object, const char *message,
                    Error *err)
{
    AUTO_QUERY Query query = {0};

    TRY(query_prepare(journal,
                      "insert into event(at_us, attempt, epoch, kind, object, message)"
                      " select ?1, attempt, epoch, ?2, ?3, ?4 from migration",
                      "record an event in", &query, err));
    query_integer(&query, clock_wall_us());
    query_text(&query, kind);
    query_text(&query, object);
    query_text(&query, message);
    return query_run(&query, err);
}

Status journal_add_event(Journal *journal, const char *kind, const char *object,
                         const char *message, Error *err)
{
    TRY(transaction_begin(journal, err));
    return transaction_commit(journal, "journal.event",
                              event_insert(journal, kind, object, message, err), err);
}

typedef struct Batch {
    Event items[BATCH];
    size_t count;
} Batch;

static void release_batch(Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->items[i].kind);
        free(batch->items[i].object);
        free(batch->items[i].message);
    }
    batch->count = 0;
}
#define AUTO_BATCH __attribute__((cleanup(release_batch)))

static Status read_batch(Query *query, int64_t after, Batch *ret, Error *err)
{
    Status status = STATUS_OK;

    query_integer(query, after);
    query_integer(query, BATCH);
    while (ret->count < BATCH && (status = query_step(query, err)) == STATUS_OK) {
        Event *event = &ret->items[ret->count++];

        event->sequence = column_integer(query, 0);
        event->at_us = column_integer(query, 1);
        event->attempt = column_u32(query, 2);
        event->epoch = column_unsigned(query, 3);
        event->kind = column_copy(query, 4);
        event->object = column_copy(query, 5);
        event->message = column_copy(query, 6);
    }
    query_reset(query);
    return status < 0 ? status : STATUS_OK;
}

/* The sequence before the newest `limit` events: sequences have no gaps, for nothing is removed. */
static Status find_start(Journal *journal, uint64_t limit, int64_t *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    int64_t last = 0;

    TRY(query_prepare(journal, "select coalesce(max(sequence), 0) from event", "read the events of",
                      &query, err));
    TRY(query_step(&query, err));
    last = column_integer(&query, 0);
    *ret = limit == 0 || limit > (uint64_t)last ? 0 : last - (int64_t)limit;
    return STATUS_OK;
}

Status journal_events(Journal *journal, uint64_t limit, JournalEventSink sink, void *context,
                      Error *err)
{
    AUTO_QUERY Query query = {0};
    size_t got = BATCH;
    int64_t after = 0;

    TRY(find_start(journal, limit, &after, err));
    TRY(query_prepare(journal,
                      "select sequence, at_us, attempt, epoch, kind, object, message from event"
                      " where sequence > ?1 order by sequence limit ?2",
                      "read the events of", &query, err));
    while (got == BATCH) {
        AUTO_BATCH Batch batch = {.count = 0};

        TRY(read_batch(&query, after, &batch, err));
        got = batch.count;
        for (size_t i = 0; i < got; i++) {
            after = batch.items[i].sequence;
            TRY(sink(context, &batch.items[i], err));
        }
    }
    return STATUS_OK;
}
