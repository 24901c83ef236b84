-- Goes on from our_objects.sql: of each schema that is kept, its role, name, tables, their bytes, their
-- names, their rows by the server's estimate, and how many views, routines, types and sequences of
-- their own lie there besides.
select r.role, n.nspname, pg_catalog.count(c.oid),
       coalesce(pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint,
       pg_catalog.string_agg(c.relname, ', ' order by c.relname),
       coalesce(pg_catalog.sum(greatest(c.reltuples, 0)) filter (where c.relkind <> 'p'), 0)::bigint,
       (select pg_catalog.count(*) from pg_catalog.pg_proc p where p.pronamespace = n.oid)
       + (select pg_catalog.count(*) from pg_catalog.pg_type t
           where t.typnamespace = n.oid and t.typrelid = 0 and t.typelem = 0 and t.typtype <> 'm')
       + (select pg_catalog.count(*) from pg_catalog.pg_class v
           where v.relnamespace = n.oid
             and (v.relkind in ('v', 'f', 'c')
                  or v.relkind = 'S'
                     and not exists (select from pg_catalog.pg_depend d
                                      where d.classid = 'pg_catalog.pg_class'::regclass
                                        and d.objid = v.oid and d.deptype in ('a', 'i'))))
 from space s
  join pg_catalog.pg_namespace n on n.oid = s.oid
  join stopover.object r on r.run = :run and :attempt in (0, r.attempt)
   and r.class_oid = 'pg_catalog.pg_namespace'::regclass and r.object_oid = n.oid
  left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'm')
 group by r.role, n.nspname, n.oid
 order by 2
