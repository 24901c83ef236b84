-- Goes on from swap_gone.sql: columns that are used from outside, with their types, and keys that
-- foreign keys from outside need, and routines with their results. For the time when what takes the
-- place is not there yet.
, used(classid, objid, words) as (
    select d.classid, d.objid,
           coalesce(case when w.rulename = '_RETURN'
                         then pg_describe_object('pg_class'::regclass, w.ev_class, 0) end,
                    pg_describe_object(d.classid, d.objid, 0))
      from (select distinct classid, objid from dependency) d
      left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
)
select u.words, n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
       case when a.attcollation <> t.typcollation then o.collname end, null, null
  from dependency d
  join used u on u.classid = d.classid and u.objid = d.objid
  join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
  join pg_type t on t.oid = a.atttypid
  left join pg_collation o on o.oid = a.attcollation
 where d.successor = 0 and c.relkind in ('r', 'p', 'v', 'm', 'c')
union
select pg_describe_object('pg_constraint'::regclass, k.oid, 0), n.nspname, c.relname, null, null,
       null,
       (select json_agg(quote_ident(a.attname))
          from pg_attribute a
         where a.attrelid = k.confrelid and a.attnum = any (k.confkey))::text, null
  from dependency d
  join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
  join pg_class c on c.oid = k.confrelid
  join pg_namespace n on n.oid = c.relnamespace
 where d.successor = 0 and k.contype = 'f' and k.conparentid = 0
union
-- a view that groups by a primary key has its columns
select u.words, n.nspname, c.relname, 'primary key', null, null,
       (select json_agg(quote_ident(a.attname))
          from pg_attribute a
         where a.attrelid = k.conrelid and a.attnum = any (k.conkey))::text, null
  from dependency d
  join used u on u.classid = d.classid and u.objid = d.objid
  join pg_constraint k on d.refclassid = 'pg_constraint'::regclass and k.oid = d.refobjid
  join pg_class c on c.oid = k.conrelid
  join pg_namespace n on n.oid = c.relnamespace
 where d.successor = 0 and k.contype = 'p' and d.classid = 'pg_rewrite'::regclass
union
select u.words, n.nspname, p.proname, null, format_type(p.prorettype, null),
       case when p.proretset then 'set' end, null,
       '(' || coalesce((select string_agg(format_type(a.type, null), ', ' order by a.place)
                          from unnest(p.proargtypes) with ordinality a(type, place)), '') || ')'
  from dependency d
  join used u on u.classid = d.classid and u.objid = d.objid
  join pg_proc p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
  join pg_namespace n on n.oid = p.pronamespace
 where d.successor = 0 and p.prokind in ('f', 'w')
 order by 1, 4
