-- Goes on from our_objects.sql: what is recorded but is not there any more, or lies elsewhere.
select r.kind, r.name
  from stopover.object r
 where r.run = :run and r.attempt = :attempt
   and r.class_oid not in ('pg_catalog.pg_namespace'::regclass,
                           'pg_catalog.pg_extension'::regclass)
   -- hashed, whatever the server takes the lists' lengths for
   and (r.class_oid, r.object_oid) not in (select o.classid, o.objid from ours o)
union all
select r.kind, r.name
  from stopover.object r
 where r.run = :run and r.attempt = :attempt
   and r.class_oid = 'pg_catalog.pg_namespace'::regclass
   and r.object_oid not in (select oid from space)
 order by 1, 2
