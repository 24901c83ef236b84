-- Routines of the database itself, and the names by which bodies that are strings can reach them,
-- and tables and views: class, OID, schema, name, and of a routine its language, body, arguments,
-- whether it sets a search_path of its own, and the types of its arguments.
with member as materialized (
    select d.classid, d.objid from pg_depend d
     where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
)
select 'pg_proc'::regclass::oid, p.oid, n.nspname, p.proname, l.lanname, p.prosrc,
       pg_get_function_identity_arguments(p.oid),
       exists(select from unnest(p.proconfig) c where left(c, 12) = 'search_path='),
       (select string_agg(format_type(a.type, null), ', ' order by a.place)
          from unnest(p.proargtypes::oid[]) with ordinality a(type, place))
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_language l on l.oid = p.prolang
 where p.oid >= 16384 and left(n.nspname, 3) <> 'pg_'
   and not exists(select from member m
                   where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
union all
select 'pg_operator'::regclass, o.oid, n.nspname, o.oprname, null, null, null, null, null
  from pg_operator o
  join pg_namespace n on n.oid = o.oprnamespace
 where o.oid >= 16384 and left(n.nspname, 3) <> 'pg_'
   and not exists(select from member m
                   where m.classid = 'pg_operator'::regclass and m.objid = o.oid)
union all
select 'pg_class'::regclass, c.oid, n.nspname, c.relname, null, null, null, null, null
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm') and c.oid >= 16384 and left(n.nspname, 3) <> 'pg_'
   and not exists(select from member m
                   where m.classid = 'pg_class'::regclass and m.objid = c.oid)
 order by 1, 2
