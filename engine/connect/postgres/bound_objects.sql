-- What stands against the way back of :run and :attempt: what was promoted and is not what it was,
-- and what was bound to it since and would stay bound to it. Each with the reason.
--
-- What is bound to promoted objects by the promotion itself was bound in its transaction, whose number
-- the marker holds: before it nothing was (that is proven), and the way back knows these. Whatever
-- has been bound or bound anew since shows another number; but what is in the list :bound (a JSON array of
-- names), which the way back knows, may also show that of another promotion, or of its way back, that
-- came between.
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
), between_them(xid) as (
    select (m.xid % 4294967296)::text
      from stopover.marker m
     where m.kind in ('promoted', 'rolled back')
), known(name) as (
    select n from pg_catalog.json_array_elements_text(:bound::json) n
), named(class_oid, object_oid, name) as materialized ( -- what is moved by its name
    select p.*
      from promoted p
      left join pg_catalog.pg_class c
        on p.class_oid = 'pg_catalog.pg_class'::regclass and c.oid = p.object_oid
      left join pg_catalog.pg_type t
        on p.class_oid = 'pg_catalog.pg_type'::regclass and t.oid = p.object_oid
     where case p.class_oid
               when 'pg_catalog.pg_class'::regclass then c.relkind is distinct from 'i'
                                                         and c.relkind is distinct from 'I'
               when 'pg_catalog.pg_type'::regclass then t.typrelid = 0 and t.typelem = 0
               else p.class_oid = 'pg_catalog.pg_proc'::regclass end
), made(classid, objid) as materialized (
    select a.classid, a.objid
      from along a
      join pg_catalog.pg_class c
        on a.classid = 'pg_catalog.pg_class'::regclass and c.oid = a.objid
       and c.relkind in ('r', 'p', 'f', 'v', 'm')
      left join promoted p on p.class_oid = a.classid and p.object_oid = a.objid
     where p.class_oid is null
), bound(classid, objid, objsubid, refclassid, refobjid, is_between) as materialized (
    select distinct d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid,
           d.xmin::text in (select b.xid from between_them b)
      from along a
      join pg_catalog.pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid
      left join along b on b.classid = d.classid and b.objid = d.objid
      left join pg_catalog.pg_class c
        on d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid and c.relkind = 't'
     where b.classid is null and c.oid is null
       and d.xmin <> (select xid from swapped)
)
select coalesce(i.type, n.class_oid::regclass::text), n.name,
       case when i.identity is null then 'is gone'
            else 'is ' || i.identity || ' now' end
  from named n
  left join lateral pg_catalog.pg_identify_object(n.class_oid, n.object_oid, 0) i on true
 where i.identity is distinct from n.name
union all
select i.type, i.identity, 'was made since, as a part of what was promoted'
  from made m, lateral pg_catalog.pg_identify_object(m.classid, m.objid, 0) i
union all
select i.type, i.identity, 'was bound since to ' || r.identity
  from bound b,
       lateral pg_catalog.pg_identify_object(b.classid, b.objid, b.objsubid) i,
       lateral pg_catalog.pg_identify_object(b.refclassid, b.refobjid, 0) r
 where not (b.is_between and i.type || ' ' || i.identity in (select k.name from known k))
 order by 1, 2, 3
 limit 20
