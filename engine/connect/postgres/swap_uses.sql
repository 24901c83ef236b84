-- Goes on from swap_gone.sql: columns that are used from outside, with their types, and keys that
-- foreign keys from outside need. For the time when what takes the place is not there yet.
select coalesce(case when w.rulename = '_RETURN'
                     then pg_describe_object('pg_class'::regclass, w.ev_class, 0) end,
                pg_describe_object(d.classid, d.objid, 0)),
       n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), null
  from dependency d
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
 where d.successor = 0 and c.relkind in ('r', 'p')
union
select pg_describe_object('pg_constraint'::regclass, k.oid, 0), n.nspname, c.relname, null, null,
       (select json_agg(quote_ident(a.attname))
          from pg_attribute a
         where a.attrelid = k.confrelid and a.attnum = any (k.confkey))::text
  from dependency d
  join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
  join pg_class c on c.oid = k.confrelid
  join pg_namespace n on n.oid = c.relnamespace
 where d.successor = 0 and k.contype = 'f' and k.conparentid = 0
 order by 1, 4
