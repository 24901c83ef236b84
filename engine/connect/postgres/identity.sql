-- The database, and whether this role may ask for the identifier of the whole server.
select d.oid, pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')
from pg_catalog.pg_database d
where d.datname = pg_catalog.current_database()
