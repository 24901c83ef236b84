-- Other control sessions of the run $2 (its first 8 digits) of migration $1 that are in a transaction,
-- as an array of server processes; null: none. The names are those of pg_application_name().
select pg_catalog.array_agg(s.pid)
from (
    select a.pid, pg_catalog.string_to_array(a.application_name, ' ') as words
    from pg_catalog.pg_stat_activity a
    where a.datname = pg_catalog.current_database()
      and a.pid <> pg_catalog.pg_backend_pid()
      and a.application_name like 'stopover %'
      and a.xact_start is not null
) s
where pg_catalog.cardinality(s.words) = 5
  and s.words[3] = $2 and s.words[5] = 'control'
  and pg_catalog.starts_with($1, s.words[2])
