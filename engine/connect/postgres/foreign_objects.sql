-- Goes on from our_objects.sql: what is not ours and would be dropped with our staging, or lies in
-- it. TOAST tables and default privileges of a schema belong to what they are for.
select pg_catalog.pg_describe_object(o.classid, o.objid, 0), null
  from ours o
 where not o.is_part
   and not exists (select from stopover.object r
                    where r.run = :run and :attempt in (0, r.attempt)
                      and r.class_oid = o.classid and r.object_oid = o.objid)
union all
select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid),
       pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
  from pg_catalog.pg_depend d
  join ours o on o.classid = d.refclassid and o.objid = d.refobjid
 where not exists (select from ours p where p.classid = d.classid and p.objid = d.objid)
   and not (d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'i'
            and exists (select from pg_catalog.pg_class c
                         where c.oid = d.objid and c.relkind = 't'))
 order by 1, 2
 limit 20
