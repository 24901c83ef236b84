-- The journal, version 1. A later version is one more file of statements and one more entry in
-- journal/upgrade.c: a journal is made by all steps from version 0, so that a new one and an
-- upgraded one are the same. Never change this file once it is released.
--
-- Numbers of 64 bits without sign are integers where they count things, and 16 hex digits where
-- they are hashes or seeds. Sums of digests are 32 hex digits. Kinds, formats and classes are the
-- numbers of the enums in engine/flow. The short columns come first: readers of names do not touch
-- the pages that long statements overflow to.

create table migration(
    id                  integer primary key check (id = 1),
    name                text not null,
    run                 text not null check (length(run) = 32),
    attempt             integer not null check (attempt > 0),
    epoch               integer not null check (epoch >= 0),
    phase               text not null check (phase in ('initial', 'prepared', 'staged', 'verified',
                            'promoted', 'rolled_back', 'verification_failed')),
    finished            integer not null check (finished in (0, 1)),
    source_given        text not null,
    source_display      text not null,
    target_given        text not null,
    target_display      text not null,
    created_us          integer not null,
    tool_version        text not null,
    snapshot_token      text,
    snapshot_us         integer not null,
    seed                text not null check (length(seed) = 16),
    level               text not null check (level in ('none', 'count', 'sample', 'full')),
    backup_name         text,
    intent              text,
    catalog_fingerprint text,
    check (finished = 0 or (phase in ('promoted', 'rolled_back') and intent is null))
) strict;

create table option(
    name  text primary key,
    value text not null
) strict, without rowid;

-- What happened, for people and for support. Append only: see the triggers.
create table event(
    sequence integer primary key,
    at_us    integer not null,
    attempt  integer not null,
    epoch    integer not null,
    kind     text not null,
    object   text,
    message  text not null
) strict;

create trigger event_is_not_changed before update on event
begin
    select raise(abort, 'events are append-only');
end;

create trigger event_is_not_removed before delete on event
begin
    select raise(abort, 'events are append-only');
end;

-- "insert or replace" removes without a delete trigger.
create trigger event_is_not_replaced before insert on event
when exists (select 1 from event where sequence = new.sequence)
begin
    select raise(abort, 'events are append-only');
end;

-- The plan of the current attempt; there is one when this row is there.
create table plan(
    id                  integer primary key check (id = 1),
    catalog_fingerprint text not null
) strict;

create table plan_table(
    id            integer primary key check (id > 0),
    schema        text,
    name          text not null,
    staged_name   text,
    key           integer not null,
    format        integer not null,
    row_estimate  integer not null check (row_estimate >= 0),
    byte_estimate integer not null check (byte_estimate >= 0),
    fingerprint   text not null,
    load_late     integer not null check (load_late >= 0),
    private_data  text,
    definition    text
) strict;

create table plan_column(
    table_id     integer not null,
    position     integer not null,
    name         text not null,
    type         text,
    is_generated integer not null check (is_generated in (0, 1)),
    key_position integer not null check (key_position >= 0),
    primary key (table_id, position)
) strict, without rowid;

create table plan_object(
    id           integer primary key check (id > 0),
    kind         integer not null,
    table_id     integer not null,
    schema       text,
    name         text,
    private_data text,
    definition   text
) strict;

-- What was moved (rows, bytes, digest) is there exactly while the chunk is done. A bound that is
-- NULL is open.
create table plan_chunk(
    table_id      integer not null,
    number        integer not null check (number > 0),
    done          integer not null check (done in (0, 1)),
    rows          integer not null check (rows >= 0),
    bytes         integer not null check (bytes >= 0),
    byte_estimate integer not null check (byte_estimate >= 0),
    digest        text,
    lower         blob,
    upper         blob,
    primary key (table_id, number),
    check (case done when 1 then length(digest) = 32
                     else digest is null and rows = 0 and bytes = 0 end)
) strict, without rowid;

-- Running totals of each table's chunks, so that status never counts a million rows. Planned are
-- estimates; bytes_planned_done: those of the chunks that are done.
create table plan_total(
    table_id           integer primary key,
    chunks             integer not null,
    chunks_done        integer not null check (chunks_done between 0 and chunks),
    rows_done          integer not null check (rows_done >= 0),
    bytes_done         integer not null check (bytes_done >= 0),
    rows_planned       integer not null,
    bytes_planned      integer not null,
    bytes_planned_done integer not null check (bytes_planned_done between 0 and bytes_planned)
) strict;

create trigger plan_total_follows_chunk after update of done, rows, bytes on plan_chunk
begin
    update plan_total
       set chunks_done = chunks_done + new.done - old.done,
           rows_done = rows_done + new.rows - old.rows,
           bytes_done = bytes_done + new.bytes - old.bytes,
           bytes_planned_done = bytes_planned_done + (new.done - old.done) * new.byte_estimate
     where table_id = new.table_id;
end;

create table plan_task(
    id             integer primary key check (id > 0),
    done           integer not null check (done in (0, 1)),
    task_class     integer not null,
    table_id       integer not null,
    other_table_id integer not null,
    object_id      integer not null,
    after_lower    integer not null check (after_lower in (0, 1)),
    name           text,
    statement      text
) strict;

create index plan_task_done on plan_task(done);

create table plan_task_after(
    task_id  integer not null,
    position integer not null,
    after_id integer not null,
    primary key (task_id, position)
) strict, without rowid;

create table promotion(
    id          integer primary key check (id = 1),
    fingerprint text not null,
    forward     text,
    inverse     text
) strict;

create table promotion_step(
    position integer primary key,
    step     text not null
) strict;

-- What the source held; fingerprint is that of the table it was taken of. entries: per row looked
-- at 28 bytes, little-endian: hash of the key, low and high half of the row's hash (8 bytes each),
-- reasons (4 bytes).
create table evidence(
    table_id    integer primary key check (table_id > 0),
    level       text not null,
    seed        text not null check (length(seed) = 16),
    modulus     text not null check (length(modulus) = 16),
    rows        integer not null check (rows >= 0),
    keys_rows   integer not null check (keys_rows >= 0),
    keys        text not null check (length(keys) = 32),
    all_rows    integer not null check (all_rows >= 0),
    all_sum     text not null check (length(all_sum) = 32),
    fingerprint text not null,
    entries     blob not null check (length(entries) % 28 = 0)
) strict;

create table verdict(
    position      integer primary key,
    table_id      integer not null,
    name          text,
    level         text not null,
    source_rows   integer not null,
    ledger_rows   integer not null,
    target_rows   integer not null,
    keys_compared integer not null check (keys_compared in (0, 1)),
    keys_equal    integer not null check (keys_equal in (0, 1)),
    sampled       integer not null,
    sample_is_all integer not null check (sample_is_all in (0, 1)),
    risk_rows     integer not null,
    missing       integer not null,
    extra         integer not null,
    different     integer not null,
    equal         integer not null check (equal in (0, 1)),
    detail        text
) strict;
