-- What a database holds that has rows or looks as if: tables, views, sequences, foreign tables,
-- without the server's own, without members of extensions, without temporary ones of others.
select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition,
       -- what it inherits from, or is a partition of
       (select string_agg(i.inhparent::text, ' ' order by i.inhseqno)
          from pg_inherits i where i.inhrelid = c.oid) as parents,
       c.relkind = 'r' and exists(select from pg_inherits i where i.inhparent = c.oid)
           as has_children,
       o.refobjid as owner,
       has_schema_privilege(n.oid, 'USAGE')
           and case c.relkind when 'S' then has_sequence_privilege(c.oid, 'SELECT')
                              else has_table_privilege(c.oid, 'SELECT') end as is_readable,
       c.relkind in ('r', 'p') and row_security_active(c.oid) as is_filtered,
       c.relrowsecurity, o.attname as owner_column
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  -- of a sequence: the table whose column it belongs to
  left join lateral (
      select d.refobjid, a.attname from pg_depend d
        join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
       where c.relkind = 'S' and d.classid = 'pg_class'::regclass and d.objid = c.oid
         and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
         and d.refobjsubid > 0
       limit 1
  ) o on true
 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't'
   and left(n.nspname, 3) <> 'pg_' and n.nspname not in ('information_schema', 'stopover')
   and not exists(select from pg_depend e
                   where e.classid = 'pg_class'::regclass and e.objid = c.oid
                     and e.deptype = 'e')
 order by c.oid
