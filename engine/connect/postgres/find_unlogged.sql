-- Unlogged staging tables of this attempt with chunks that another server took: table, its name, what
-- to count in, and the rows of all its chunks. Only while they lie in a staging schema of ours: once
-- promoted they belong to their users.
select c.table_id, k.oid::pg_catalog.regclass::text,
       case k.relkind when 'p' then '' else 'only ' end || k.oid::pg_catalog.regclass::text,
       sum(c.rows)
from stopover.chunk c
join pg_catalog.pg_class k on k.oid = c.relation
join stopover.object o
  on o.run = c.run and o.attempt = c.attempt and o.object_oid = k.relnamespace
 and o.class_oid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
join pg_catalog.pg_namespace n on n.oid = k.relnamespace
where c.run = :run and c.attempt = :attempt
  and pg_catalog.right(n.nspname::text, pg_catalog.length(:id) + 9) = '_staging_' || :id
  and not exists (select 1 from stopover.marker m
                  where m.run = c.run and m.attempt = c.attempt and m.kind = 'promoted')
group by c.table_id, k.oid, k.relkind
having pg_catalog.bool_or(c.server_start <> pg_catalog.pg_postmaster_start_time())
order by c.table_id
