-- What a writer has to know of its session: would index builds get less memory than ours; and has an
-- unlogged table of this attempt seen another server than this one (trap 20)?
select (select s.setting::bigint < 131072 from pg_catalog.pg_settings s
        where s.name = 'maintenance_work_mem'),
       (select c.relation::pg_catalog.regclass::text
        from stopover.chunk c
        where c.run = :run and c.attempt = :attempt
          and c.server_start <> pg_catalog.pg_postmaster_start_time()
        limit 1)
