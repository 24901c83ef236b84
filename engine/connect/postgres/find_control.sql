-- The control schema: is there one, is it ours? A role of lesser rights could have set a trap in a
-- schema of that name: so an administrator only takes one that an administrator made.
select pg_catalog.pg_get_userbyid(n.nspowner),
       pg_catalog.pg_has_role(n.nspowner, 'usage') and (owner.rolsuper or not me.rolsuper),
       (select count(*) = 2
        from pg_catalog.pg_attribute a
        where a.attrelid = pg_catalog.to_regclass('stopover.meta')
          and a.attname in ('application', 'version') and not a.attisdropped)
from pg_catalog.pg_namespace n
join pg_catalog.pg_roles owner on owner.oid = n.nspowner
join pg_catalog.pg_roles me on me.rolname = current_user
where n.nspname = 'stopover'
