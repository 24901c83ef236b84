#include "tests/support/sqlite_tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/connect/sqlite/sqlite.h"
#include "tests/support/sqlite_files.h"

/* Not in one string: compilers need not take more than 4095 characters. */
static const char *const statements[] = {
    "create temp table n as"
    " with recursive r(i) as (select 1 union all select i + 1 from r limit 500) select i from r",
    "create table empty (a, b);"
    "create table empty_key (a primary key, b) without rowid;"
    "create table one (a); insert into one values ('only')",

    /* dense, sparse, negative and extreme rowids */
    "create table dense (id integer primary key, a text, b);"
    "insert into dense select i, printf('%.*c', i % 90, 'x'), i * 1.5 from n;"
    "create table sparse (a);"
    "insert into sparse (rowid, a) select i * i * i * 1000003 - 5000000000000, i from n;"
    "create table extreme (id integer primary key, a);"
    "insert into extreme values (-9223372036854775808, 'least'), (-1, 'minus'), (0, 'zero'),"
    " (1, null), (9223372036854775807, 'most');"
    "create table clustered (id integer primary key, a);"
    "insert into clustered select i, i from n union all select 900000 + i, i from n",

    /* names */
    "create table \"select\" (\"from\", \"a b\", \"x\"\"y\", \"[br]\", \"\xc3\xa9t\xc3\xa9\", \" "
    "\");"
    "insert into \"select\" values (1, 2, 3, 4, 5, 6), (null, null, null, null, null, 'x');"
    "create table \"x\"\"y\" (a); insert into \"x\"\"y\" values ('quote'), ('quote');"
    "create table \"\xc3\xa9t\xc3\xa9\" (\"rowid\"); insert into \"\xc3\xa9t\xc3\xa9\" values (7)",

    /* every type in every column; an index that holds the whole table must not answer for it */
    "create table kinds (a, b text, c integer, d real, e blob, f numeric);"
    "insert into kinds values (1, 1, 1, 1, 1, 1), (1.5, 1.5, 1.5, 1.5, 1.5, 1.5),"
    " ('t', 't', 't', 't', 't', 't'), (x'00ff', x'00ff', x'00ff', x'00ff', x'00ff', x'00ff'),"
    " (null, null, null, null, null, null), (9e999, -9e999, 9e999, 9e999, 9e999, 9e999),"
    " (-0.0, -0.0, -0.0, -0.0, -0.0, -0.0), ('', '', '', '', '', ''),"
    " (x'', x'', x'', x'', x'', x''),"
    " (9223372036854775807, -9223372036854775808, 9007199254740993, 9007199254740993, 1, 1e300),"
    " ('a' || char(0) || 'b', 'a' || char(0) || 'b', 'x', 'y', 'z', '0x10');"
    "create index kinds_all on kinds (a, b, c, d, e, f);"
    "create table odd (a); insert into odd values (cast(x'ff41feff4180' as text)),"
    " (cast(x'feff0041' as text)), (cast(x'fffe4100' as text)), (char(65279) || 'mark'),"
    " (cast(x'414243' as text)), (cast(x'41' as text));"
    "create table strict_one (id integer primary key, a any, t text, r real, b blob) strict;"
    "insert into strict_one values (1, 1, 'a', 1, x'01'), (2, '1', 'b', 2.5, null);"
    "create table made (a, s as (a * 2) stored, b, v as (a || b) virtual);"
    "insert into made select i, i * i from n",

    /* rowid names that columns take */
    "create table taken (rowid, oid, a); insert into taken (rowid, oid, a) values (5, 6, 7);"
    "create table nameless (rowid, oid, _rowid_);"
    "insert into nameless select i % 7, null, 'same' from n where i <= 30",

    /* keys without a rowid */
    "create table pair (a text, b integer, c, primary key (a, b)) without rowid;"
    "insert into pair select 'k' || (i % 7), i, printf('%.*c', i % 50, 'y') from n where i <= 400;"
    "create index pair_all on pair (c, b, a);"
    "create table falling (a, b, c, primary key (a desc, b desc)) without rowid;"
    "insert into falling select i % 11, i, 'v' || i from n where i <= 300;"
    "create table mixed (a, b, c, primary key (a, b desc, c)) without rowid;"
    "insert into mixed select i % 5, i % 17, i from n where i <= 300;"
    "create table folded (v, k text collate nocase, primary key (k)) without rowid;"
    "insert into folded select i, char(65 + i % 6 + 32 * (i % 2)) || i from n where i <= 60;"
    "create table foreign_order (k text, n, v, primary key (k collate nocase, n desc))"
    " without rowid;"
    "insert into foreign_order"
    " select char(65 + i % 6 + 32 * (i % 2)), i, i from n where i <= 120",

    "create table any_key (k primary key, v) without rowid;"
    "insert into any_key values (1, 1), (1.5, 2), ('1', 3), (x'31', 4), (-7, 5), ('', 6), (x'', 7),"
    " (9e999, 8), (-9e999, 9), ('a' || char(0), 10), ('a', 11), (9007199254740993, 12),"
    " (9007199254740992.0, 13), ('\xc3\xa9', 14);"
    "create table any_pair (k, l, v, primary key (k, l)) without rowid;"
    "insert into any_pair select a.k, b.k, 0 from any_key as a, any_key as b",

    /* rows longer than a block */
    "create table huge (id integer primary key, b blob);"
    "insert into huge values (1, randomblob(300000)), (2, null), (3, randomblob(131072)), (4, '')",
};

void set_tables(const char *path, const char *encoding)
{
    AUTO_TEXT Text sql = {0};
    text_append_format(&sql, "pragma encoding = '%s'; begin;", encoding);
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
        text_append_format(&sql, "%s;", statements[i]);
    text_append(&sql, "commit;");
    set_database(path, text_string(&sql));
}

static void expect_ok(Status status, const Error *err)
{
    if (status < 0)
        fail_msg("%s (%s)", err->message, err->hint);
}

void set_held(HeldSource *held, const char *path)
{
    Error err = {0};
    static const Selection all = {0};
    AUTO_FREE(uri_free) Uri *uri = NULL;
    AUTO_FREE_MEMORY char *text = xasprintf("sqlite:%s", path);
    AUTO_FINDINGS Findings findings = {0};
    *held = (HeldSource){0};
    expect_ok(uri_parse(text, &uri, &err), &err);
    expect_ok(sqlite_open_source(uri, &held->source, &err), &err);
    expect_ok(source_hold(held->source, NULL, 1, &held->snapshot, &err), &err);
    expect_ok(source_describe(held->source, &all, &held->plan.catalog, &findings, &err), &err);
    expect_ok(findings_refuse(&findings, &err), &err);
    expect_ok(source_open_reader(held->source, &held->reader, &err), &err);
}

void end_held(HeldSource *held)
{
    reader_free(held->reader);
    source_free(held->source);
    snapshot_release(&held->snapshot);
    plan_release(&held->plan);
}

size_t plan_again(HeldSource *held, uint32_t table_id, uint64_t chunk_bytes)
{
    Error err = {0};
    for (size_t i = 0; i < held->plan.chunk_count; i++) {
        bytes_release(&held->plan.chunks[i].lower);
        bytes_release(&held->plan.chunks[i].upper);
    }
    held->plan.chunk_count = 0;
    expect_ok(reader_plan(held->reader, catalog_table(&held->plan.catalog, table_id), chunk_bytes,
                          &held->plan, &err),
              &err);
    return held->plan.chunk_count;
}
