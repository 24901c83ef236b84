-- A standby, read-only, with the right to create schemas?
select pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only') = 'on',
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')
