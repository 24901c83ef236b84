-- The extensions: OID, schema, version, and whether something that is selected needs it: one of the
-- relations whose OIDs $1 lists (a JSON array), or what stands on them or is in their schemas.
with wanted as materialized (
    select c.oid, c.relnamespace
      from pg_class c
     where c.oid in (select json_array_elements_text($1::json)::oid)
),
thing(classid, objid) as (
    select 'pg_class'::regclass, w.oid from wanted w
    union all
    select 'pg_class'::regclass, i.indexrelid from pg_index i join wanted w on w.oid = i.indrelid
    union all
    select 'pg_constraint'::regclass, c.oid from pg_constraint c join wanted w on w.oid = c.conrelid
    union all
    select 'pg_attrdef'::regclass, d.oid from pg_attrdef d join wanted w on w.oid = d.adrelid
    union all
    select 'pg_rewrite'::regclass, r.oid from pg_rewrite r join wanted w on w.oid = r.ev_class
    union all
    select 'pg_trigger'::regclass, t.oid from pg_trigger t join wanted w on w.oid = t.tgrelid
    union all
    select 'pg_type'::regclass, t.oid from pg_type t
     where t.typnamespace in (select w.relnamespace from wanted w)
    union all
    select 'pg_proc'::regclass, p.oid from pg_proc p
     where p.pronamespace in (select w.relnamespace from wanted w)
),
needed(oid) as (
    select distinct m.refobjid
      from thing t
      join pg_depend d on d.classid = t.classid and d.objid = t.objid and d.deptype <> 'e'
      join pg_depend m on m.classid = d.refclassid and m.objid = d.refobjid
     where m.refclassid = 'pg_extension'::regclass and m.deptype = 'e'
       and not exists(select from pg_depend e
                       where e.classid = t.classid and e.objid = t.objid and e.deptype = 'e')
)
select e.oid, n.nspname, e.extversion, e.oid in (select needed.oid from needed)
  from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace
 order by e.oid
