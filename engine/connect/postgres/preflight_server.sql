-- The target's server and database, in one row.
select pg_catalog.pg_is_in_recovery(),
       pg_catalog.has_database_privilege(d.oid, 'create'),
       pg_catalog.current_database(),
       current_user,
       (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user),
       pg_catalog.pg_encoding_to_char(d.encoding),
       case pg_catalog.to_jsonb(d) ->> 'datlocprovider'
           when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end
           || pg_catalog.format(' "%s" "%s" "%s"', d.datcollate, d.datctype,
                  coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale',
                           pg_catalog.to_jsonb(d) ->> 'daticulocale')),
       pg_catalog.current_setting('max_connections')::integer
           - pg_catalog.current_setting('superuser_reserved_connections')::integer
           - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::integer
           - (select pg_catalog.count(*) from pg_catalog.pg_stat_activity a
               where a.backend_type = 'client backend'),
       pg_catalog.current_setting('max_locks_per_transaction')::bigint
           * (pg_catalog.current_setting('max_connections')::bigint
              + pg_catalog.current_setting('max_prepared_transactions')::bigint),
       exists (select from pg_catalog.pg_collation c where c.collprovider = 'i')
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
