-- What is there of the schemas of pairs, a JSON array of {"live", "retired", "undone"}.
select p ->> 'live', n.oid is not null, coalesce(has_schema_privilege(n.oid, 'create'), true),
       coalesce(pg_has_role(n.nspowner, 'usage'), true), obj_description(n.oid, 'pg_namespace'),
       exists (select from pg_namespace r where r.nspname = p ->> 'retired'),
       exists (select from pg_namespace u where u.nspname = p ->> 'undone'),
       has_database_privilege(current_database(), 'create'), current_user,
       (select rolsuper from pg_roles where rolname = current_user)
  from json_array_elements(:pairs::json) with ordinality x(p, place)
  left join pg_namespace n on n.nspname = p ->> 'live'
 order by x.place
