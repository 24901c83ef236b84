-- The control schema; the invariants are in target.h. What changes here needs a new version.
create schema stopover;
revoke all on schema stopover from public;
comment on schema stopover is 'Records of Stopover migrations. Dropped with the last of them.';

create table stopover.meta (
    application text primary key,
    version integer not null
);

create table stopover.run (
    run text primary key,
    migration text not null,
    attempt integer not null,
    epoch bigint not null, -- the driver of this epoch may write, no other
    id text not null,
    source text, -- its identity, where known
    tool_version text,
    server_start timestamptz not null default pg_catalog.pg_postmaster_start_time(),
    claimed_at timestamptz not null default pg_catalog.now()
);

-- What has arrived. Written first in its transaction, so that a duplicate fails before rows are
-- sent: rows, bytes, digest and done_at are known at its end.
create table stopover.chunk (
    run text not null,
    attempt integer not null,
    table_id bigint not null,
    number bigint not null,
    relation oid not null,
    rows bigint,
    bytes bigint,
    digest text,
    epoch bigint not null,
    server_start timestamptz, -- of the server that took it, when rows are unlogged
    done_at timestamptz,
    primary key (run, attempt, table_id, number)
);

create table stopover.task (
    run text not null,
    attempt integer not null,
    task_id bigint not null,
    class integer not null,
    name text,
    table_id bigint not null,       -- or 0, like the next two
    other_table_id bigint not null,
    object_id bigint not null,
    after_lower boolean not null,
    waits_for bigint[] not null,    -- tasks
    epoch bigint not null,
    begun_at timestamptz not null default pg_catalog.now(),
    primary key (run, attempt, task_id)
);

create table stopover.object (
    run text not null,
    attempt integer not null,
    class_oid oid not null,
    object_oid oid not null,
    kind text not null,
    name text not null,
    task bigint,
    role text not null default 'staging', -- retired, undone; staging is live once it is promoted
    primary key (run, attempt, class_oid, object_oid)
);

create table stopover.marker (
    run text not null,
    attempt integer not null,
    kind text not null, -- promoted, rolled_back, dropped, finished
    at timestamptz not null default pg_catalog.now(),
    xid bigint not null default pg_catalog.txid_current(),
    epoch bigint,
    inverse text,   -- of promoted: the way back, as a swap
    remaining text, -- statements still to be run after its transaction: a JSON array
    primary key (run, attempt, kind)
);

insert into stopover.meta values ('stopover', 1);
