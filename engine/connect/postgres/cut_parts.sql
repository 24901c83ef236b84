-- Begins a query with what would go and come if the promoted tables of chosen (oids) were taken back
-- alone: along, all of them and of what they replaced, with their partitions and all that lives and
-- dies with them. pairs is a JSON array of {"live", "retired"}: names of schemas.
with recursive pair(name, live, retired) as materialized (
    select p ->> 'live', l.oid, r.oid
      from json_array_elements(:pairs::json) p
      join pg_namespace l on l.nspname = p ->> 'live'
      left join pg_namespace r on r.nspname = p ->> 'retired'
), promoted(oid) as (
    select unnest(:chosen::oid[])
    union
    select i.inhrelid
      from promoted t
      join pg_inherits i on i.inhparent = t.oid
      join pg_class c on c.oid = i.inhrelid and c.relispartition
), retired(oid) as (
    select r.oid
      from promoted t
      join pg_class c on c.oid = t.oid
      join pair p on p.live = c.relnamespace
      join pg_class r on r.relnamespace = p.retired and r.relname = c.relname
     where r.relkind not in ('i', 'I', 't')
    union
    select i.inhrelid
      from retired t
      join pg_inherits i on i.inhparent = t.oid
      join pg_class c on c.oid = i.inhrelid and c.relispartition
), member(is_promoted, oid) as (
    select true, oid from promoted
    union all
    select false, oid from retired
), along(is_promoted, classid, objid) as (
    select is_promoted, 'pg_class'::regclass::oid, oid from member
    union
    select a.is_promoted, d.classid, d.objid
      from along a
      join pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid
     where d.deptype in ('a', 'i', 'P', 'S') and d.classid <> 'pg_publication_rel'::regclass
)
