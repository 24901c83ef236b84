-- Of tables with the first column of their key ($1: [[schema, table, column], ...]), which are in order
-- by a healthy index over that column, and of a type whose text is read back as the same value.
--
-- An index in the order of a collation is healthy as long as its library stays the same, which nobody
-- tells us: so "C" only, by name or as the database's own.
select t.schema, t.name
  from (select k ->> 0 as schema, k ->> 1 as name, k ->> 2 as key
          from json_array_elements($1::json) k) t
  join pg_namespace n on n.nspname = t.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = t.name
  join pg_attribute a on a.attrelid = c.oid and a.attname = t.key and a.attnum > 0
                     and a.attnotnull
  left join pg_collation l on l.oid = a.attcollation
 where a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype,
                      'numeric'::regtype, 'uuid'::regtype, 'date'::regtype, 'timestamp'::regtype,
                      'timestamptz'::regtype, 'text'::regtype, 'varchar'::regtype,
                      'bpchar'::regtype, 'name'::regtype)
   and (l.oid is null
        or l.collprovider = 'c' and l.collcollate in ('C', 'POSIX')
        or l.collprovider = 'd' and exists(
               select from pg_database d where d.datname = current_database()
                                           and d.datcollate in ('C', 'POSIX')))
   and exists(select from pg_index i join pg_opclass o on o.oid = i.indclass[0]
               where i.indrelid = c.oid and i.indisvalid and i.indpred is null
                 and i.indkey[0] = a.attnum and i.indcollation[0] = a.attcollation
                 and o.opcdefault and o.opcmethod = (select m.oid from pg_am m
                                                      where m.amname = 'btree'))
 order by t.schema collate "C", t.name collate "C"
