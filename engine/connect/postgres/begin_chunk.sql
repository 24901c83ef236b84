-- The ledger's row of a chunk, before its rows: W1 and W2 in writer.c.
begin;
set local lock_timeout = '60s';
insert into stopover.chunk (run, attempt, table_id, number, relation, epoch, server_start)
select :run, :attempt, :table, :number, o.object_oid, r.epoch,
       (select pg_catalog.pg_postmaster_start_time()
        from (select o.object_oid as oid
              union
              select p.relid::pg_catalog.oid from pg_catalog.pg_partition_tree(o.object_oid) p) each
        join pg_catalog.pg_class c on c.oid = each.oid
        where c.relpersistence = 'u'
        limit 1)
from (select (select e.epoch from stopover.run e
              where e.run = :run and e.attempt = :attempt and e.epoch = :epoch
              for share) as epoch) r
left join stopover.object o
       on o.run = :run and o.attempt = :attempt
      and o.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and o.object_oid = pg_catalog.to_regclass(:relation);
