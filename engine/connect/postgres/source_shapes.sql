-- What others can depend on in what has a shape: class, OID, and an array of name, type and collation of
-- each column of partitioned tables, views and composite types; of ordinary tables only columns of a
-- collation that is not their type's; of a routine an empty name, the type of the result and whether it
-- is a set. The server's own are left out.
with member as materialized (
    select d.classid, d.objid from pg_depend d
     where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
)
select case c.relkind when 'c' then 'pg_type'::regclass else 'pg_class'::regclass end::oid as class,
       case c.relkind when 'c' then c.reltype else c.oid end as oid,
       json_build_array(a.attname, format_type(a.atttypid, a.atttypmod),
                        case when a.attcollation <> t.typcollation then o.collname end)::text
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_collation o on o.oid = a.attcollation
 where c.oid >= 16384 and left(n.nspname, 3) <> 'pg_'
   and n.nspname not in ('information_schema', 'stopover')
   and (c.relkind in ('p', 'v', 'm', 'c')
        or c.relkind = 'r' and a.attcollation <> t.typcollation)
   and not exists (select from member m
                    where m.classid = 'pg_class'::regclass and m.objid = c.oid)
union all
select 'pg_proc'::regclass, p.oid,
       json_build_array('', format_type(p.prorettype, null),
                        case when p.proretset then 'set' end)::text
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 where p.oid >= 16384 and left(n.nspname, 3) <> 'pg_'
   and n.nspname not in ('information_schema', 'stopover') and p.prokind in ('f', 'w')
   and not exists (select from member m
                    where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
 order by 1, 2
