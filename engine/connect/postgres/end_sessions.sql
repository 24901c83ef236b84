-- Asks sessions of ours to end; the answer is how many there are still. The names are those of
-- pg_application_name(): stopover NAME RUN8 EPOCH ROLE, with NAME cut.
-- $1 migration, $2 run, $3 last epoch, $4 server processes (null: all)
select count(pg_catalog.pg_terminate_backend(s.pid))
from (
    select a.pid, pg_catalog.string_to_array(a.application_name, ' ') as words
    from pg_catalog.pg_stat_activity a
    where a.datname = pg_catalog.current_database()
      and a.pid <> pg_catalog.pg_backend_pid()
      and a.application_name like 'stopover %'
      and ($4::text is null or a.pid = any ($4::integer[]))
) s
where pg_catalog.cardinality(s.words) = 5
  and s.words[3] = $2
  and pg_catalog.starts_with($1, s.words[2])
  and case when s.words[4] ~ '^[0-9]{1,18}$' then s.words[4]::bigint <= $3::bigint else false end
