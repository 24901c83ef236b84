#include "engine/base/memory.h"
#include "journal/internal.h"

void verdicts_release(Verdicts *verdicts)
{
    for (size_t i = 0; i < verdicts->count; i++) {
        free(verdicts->items[i].table);
        free(verdicts->items[i].detail);
    }
    free(verdicts->items);
    *verdicts = (Verdicts){0};
}

Verdict *verdicts_add(Verdicts *verdicts)
{
    Verdict *verdict = NULL;

    GROW(verdicts->items, verdicts->count, verdicts->capacity);
    verdict = &verdicts->items[verdicts->count++];
    *verdict = (Verdict){0};
    return verdict;
}

static Status insert_verdict(Query *query, size_t position, const Verdict *verdict, Error *err)
{
    query_unsigned(query, position);
    query_integer(query, verdict->table_id);
    query_text(query, verdict->table);
    query_text(query, verify_level_name(verdict->level));
    query_unsigned(query, verdict->source_rows);
    query_unsigned(query, verdict->ledger_rows);
    query_unsigned(query, verdict->target_rows);
    query_integer(query, verdict->keys_compared);
    query_integer(query, verdict->keys_equal);
    query_unsigned(query, verdict->sampled);
    query_integer(query, verdict->sample_is_all);
    query_unsigned(query, verdict->risk_rows);
    query_unsigned(query, verdict->missing);
    query_unsigned(query, verdict->extra);
    query_unsigned(query, verdict->different);
    query_integer(query, verdict->equal);
    query_text(query, verdict->detail);
    return query_run(query, err);
}

static Status replace_verdicts(Journal *journal, const Verdicts *verdicts, Error *err)
{
    static const char action[] = "record the verification in";
    AUTO_QUERY Query query = {0};

    TRY(journal_execute(journal, "delete from verdict", action, err));
    TRY(query_prepare(journal,
                      "insert into verdict(position, table_id, name, level, source_rows,"
                      " ledger_rows, target_rows, keys_compared, keys_equal, sampled,"
                      " sample_is_all, risk_rows, missing, extra, different, equal, detail)"
                      " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      action, &query, err));
    for (size_t i = 0; i < verdicts->count; i++)
        TRY(insert_verdict(&query, i, &verdicts->items[i], err));
    return STATUS_OK;
}

Status journal_save_verdicts(Journal *journal, const Verdicts *verdicts, Error *err)
{
    TRY(transaction_begin(journal, err));
    return transaction_commit(journal, "journal.verdict", replace_verdicts(journal, verdicts, err),
                              err);
}

static bool read_verdict(const Query *query, Verdict *ret)
{
    const char *level = column_text(query, 2);

    ret->table_id = column_u32(query, 0);
    ret->table = column_copy(query, 1);
    ret->source_rows = column_unsigned(query, 3);
    ret->ledger_rows = column_unsigned(query, 4);
    ret->target_rows = column_unsigned(query, 5);
    ret->keys_compared = column_integer(query, 6) != 0;
    ret->keys_equal = column_integer(query, 7) != 0;
    ret->sampled = column_unsigned(query, 8);
    ret->sample_is_all = column_integer(query, 9) != 0;
    ret->risk_rows = column_unsigned(query, 10);
    ret->missing = column_unsigned(query, 11);
    ret->extra = column_unsigned(query, 12);
    ret->different = column_unsigned(query, 13);
    ret->equal = column_integer(query, 14) != 0;
    ret->detail = column_copy(query, 15);
    return level != NULL && verify_level_parse(level, &ret->level);
}

static Status read_verdicts(Journal *journal, Verdicts *ret, Error *err)
{
    AUTO_QUERY Query query = {0};
    Status status = STATUS_OK;

    TRY(query_prepare(journal,
                      "select table_id, name, level, source_rows, ledger_rows, target_rows,"
                      " keys_compared, keys_equal, sampled, sample_is_all, risk_rows, missing,"
                      " extra, different, equal, detail from verdict order by position",
                      "read the verification of", &query, err));
    while ((status = query_step(&query, err)) == STATUS_OK)
        if (!read_verdict(&query, verdicts_add(ret)))
            return journal_damaged(journal, "its verification cannot be read", err);
    return status < 0 ? status : STATUS_OK;
}

Status journal_load_verdicts(Journal *journal, Verdicts *ret, Error *err)
{
    Verdicts verdicts = {0};
    Status status = read_verdicts(journal, &verdicts, err);

    if (status < 0) {
        verdicts_release(&verdicts);
        return status;
    }
    verdicts_release(ret);
    *ret = verdicts;
    return STATUS_OK;
}
