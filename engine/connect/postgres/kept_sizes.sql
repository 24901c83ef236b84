-- Goes on from our_objects.sql: of each schema that is kept, its role, name, tables, their bytes.
select r.role, n.nspname, pg_catalog.count(c.oid),
       coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint,
       pg_catalog.string_agg(c.relname, ', ' order by c.relname)
  from space s
  join pg_catalog.pg_namespace n on n.oid = s.oid
  join stopover.object r on r.run = :run and :attempt in (0, r.attempt)
   and r.class_oid = 'pg_catalog.pg_namespace'::regclass and r.object_oid = n.oid
  left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'm')
 group by r.role, n.nspname
 order by 2
