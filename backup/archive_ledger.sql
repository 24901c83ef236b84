-- Of an archive that is being written: what in it is durable. See backup/archive_ledger.h.
create table run (
    one integer primary key check (one = 1),
    run text not null,
    epoch integer not null,
    claims integer not null -- how many processes have worked on it
) strict;

-- Bytes, entries and hash are those of the whole file once it is sealed; until then, bytes are those
-- that count, and what lies behind them does not.
create table part (
    number integer primary key,
    sealed integer not null default 0,
    bytes integer not null default 0,
    raw_bytes integer not null default 0,
    entries integer not null default 0,
    sha256 text
) strict;

create table chunk (
    table_id integer not null,
    number integer not null,
    rows integer not null,
    digest text not null,
    bytes integer not null,
    primary key (table_id, number)
) strict, without rowid;

create table segment (
    part integer not null,
    offset integer not null,
    table_id integer not null,
    chunk integer not null,
    number integer not null,
    kind integer not null,
    stored integer not null,
    raw integer not null,
    rows integer not null,
    sha256 blob not null,
    primary key (part, offset)
) strict, without rowid;

create index segment_by_table on segment (table_id, chunk, number);

-- Tables that were read again because their rows had changed between two snapshots.
create table read_again (table_id integer primary key) strict;
