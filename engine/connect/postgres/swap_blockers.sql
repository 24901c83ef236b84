-- Who holds locks on the relations $1 (an array of OIDs), the oldest transaction first: process,
-- name, state, since when, for how many ms, on what, whether it is a worker of autovacuum that gives
-- way. Of other roles' sessions one may not be told more than their locks.
select l.pid, a.application_name, case when a.backend_type <> 'autovacuum worker'
                                           then coalesce(a.state, a.backend_type)
                                       when a.query like '%(to prevent wraparound)%'
                                           then 'autovacuum that prevents wraparound'
                                       else a.backend_type end,
       pg_catalog.to_char(a.xact_start, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       (extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) * 1000)::bigint,
       pg_catalog.min(l.relation::pg_catalog.regclass::text),
       case when a.backend_type is null then pg_catalog.bool_and(l.mode = 'ShareUpdateExclusiveLock')
            else a.backend_type = 'autovacuum worker'
                 and a.query not like '%(to prevent wraparound)%' end
from pg_catalog.pg_locks l
left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation' and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database d
                    where d.datname = pg_catalog.current_database())
  and l.relation = any ($1::oid[])
  and l.pid is distinct from pg_catalog.pg_backend_pid()
group by l.pid, l.virtualtransaction, a.application_name, a.state, a.backend_type, a.xact_start,
         a.query
order by a.xact_start nulls last, l.pid
