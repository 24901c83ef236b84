-- Takes the lock $1 if it is free, else tells who holds it in this database.
select t.is_ours,
       (select pg_catalog.array_agg(l.pid)
        from pg_catalog.pg_locks l
        join pg_catalog.pg_database d on d.oid = l.database
        where not t.is_ours and l.locktype = 'advisory' and l.objsubid = 1 and l.granted
          and d.datname = pg_catalog.current_database()
          and l.classid::bigint << 32 | l.objid::bigint = $1::bigint)
from (select pg_catalog.pg_try_advisory_lock($1::bigint) as is_ours) t
