-- What stands against the way back of :run and :attempt: what was promoted and is not what it was,
-- and what was bound to it since and would stay bound to it. Each with the reason.
--
-- What is bound to promoted objects by the promotion itself was bound in its transaction, whose number
-- the marker holds: before it nothing was (that is proven), and the way back knows these. Whatever
-- has been bound or bound anew since shows another number.
with recursive promoted(class_oid, object_oid, name) as (
    select o.class_oid, o.object_oid, o.name
      from stopover.object o
     where o.run = :run and o.attempt = :attempt and o.role = 'staging'
       and o.class_oid not in ('pg_catalog.pg_namespace'::regclass,
                               'pg_catalog.pg_extension'::regclass)
), along(classid, objid) as (
    select class_oid, object_oid from promoted
    union
    select d.classid, d.objid
      from along a
      join pg_catalog.pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid
     where d.deptype in ('a', 'i', 'P', 'S')
       and d.classid <> 'pg_catalog.pg_publication_rel'::regclass
), swapped(xid) as (
    select (m.xid % 4294967296)::text::pg_catalog.xid
      from stopover.marker m
     where m.run = :run and m.attempt = :attempt and m.kind = 'promoted'
)
select coalesce(i.type, p.class_oid::regclass::text), p.name,
       case when i.identity is null then 'is gone'
            else 'is ' || i.identity || ' now' end
  from promoted p
  left join lateral pg_catalog.pg_identify_object(p.class_oid, p.object_oid, 0) i on true
 where p.class_oid in ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass,
                       'pg_catalog.pg_proc'::regclass)
   and i.identity is distinct from p.name
   and not exists (select from pg_catalog.pg_class c
                    where p.class_oid = 'pg_catalog.pg_class'::regclass and c.oid = p.object_oid
                      and c.relkind in ('i', 'I'))
   and (i.identity is not null or p.class_oid <> 'pg_catalog.pg_type'::regclass)
union all
select i.type, i.identity, 'was made since, as a part of what was promoted'
  from along a
  join pg_catalog.pg_class c
    on a.classid = 'pg_catalog.pg_class'::regclass and c.oid = a.objid
   and c.relkind in ('r', 'p', 'f', 'v', 'm'),
       lateral pg_catalog.pg_identify_object(a.classid, a.objid, 0) i
 where not exists (select from promoted p
                    where p.class_oid = a.classid and p.object_oid = a.objid)
union all
select distinct i.type, i.identity, 'was bound since to ' || r.identity
  from along a
  join pg_catalog.pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid,
       lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i,
       lateral pg_catalog.pg_identify_object(d.refclassid, d.refobjid, 0) r
 where d.xmin <> (select xid from swapped)
   and not exists (select from along b where b.classid = d.classid and b.objid = d.objid)
   and not exists (select from pg_catalog.pg_class c
                    where d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid
                      and c.relkind = 't')
 order by 1, 2, 3
 limit 20
