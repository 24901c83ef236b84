-- The target's relations that have the names of the source's tables, one row for each name, in order.
-- $1: [["schema", "name"], ...]
--
-- must_be_given: names of columns, as a JSON array, that a row cannot do without: not null, with
-- nothing that fills them. has_rows: its files are not empty; what is in them may be dead.
select w.place, c.relkind, c.relispartition,
       coalesce(pg_relation_size(c.oid), 0) > 0
           or exists(select from pg_partition_tree(c.oid) t
                      where c.relkind = 'p' and t.isleaf and pg_relation_size(t.relid) > 0)
           as has_rows,
       coalesce((select json_agg(a.attname order by a.attnum)
                   from pg_attribute a
                   join pg_type t on t.oid = a.atttypid
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                    and (a.attnotnull or t.typnotnull)
                    and not a.atthasdef and a.attidentity = '' and t.typdefault is null), '[]')
           as must_be_given
  from json_array_elements($1::json) with ordinality w(names, place)
  left join pg_namespace n on n.nspname = w.names ->> 0
  left join pg_class c on c.relnamespace = n.oid and c.relname = w.names ->> 1
   and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
 order by w.place
