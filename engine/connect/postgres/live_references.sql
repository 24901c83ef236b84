-- Goes on from our_objects.sql: on what, in the live schemas of names :schemas (a JSON array), our
-- staging depends. With the relation that the dependent is a part of. Name spaces as in retarget.h.
, live(classid, objid, spaces, namespace, name) as (
    select 'pg_catalog.pg_class'::regclass::oid, c.oid, 1, c.relnamespace, c.relname::text
      from pg_catalog.pg_class c
    union all
    select 'pg_catalog.pg_type'::regclass::oid, t.oid, 2, t.typnamespace, t.typname::text
      from pg_catalog.pg_type t
    union all
    select 'pg_catalog.pg_proc'::regclass::oid, p.oid, 4, p.pronamespace, p.proname::text
      from pg_catalog.pg_proc p
    union all
    select 'pg_catalog.pg_operator'::regclass::oid, o.oid, 8, o.oprnamespace, o.oprname::text
      from pg_catalog.pg_operator o
    union all
    select 'pg_catalog.pg_opclass'::regclass::oid, o.oid, 16, o.opcnamespace, o.opcname::text
      from pg_catalog.pg_opclass o
    union all
    select 'pg_catalog.pg_opfamily'::regclass::oid, o.oid, 16, o.opfnamespace, o.opfname::text
      from pg_catalog.pg_opfamily o
    union all
    select 'pg_catalog.pg_collation'::regclass::oid, c.oid, 16, c.collnamespace, c.collname::text
      from pg_catalog.pg_collation c
    union all
    select 'pg_catalog.pg_ts_config'::regclass::oid, c.oid, 16, c.cfgnamespace, c.cfgname::text
      from pg_catalog.pg_ts_config c
    union all
    select 'pg_catalog.pg_ts_dict'::regclass::oid, d.oid, 16, d.dictnamespace, d.dictname::text
      from pg_catalog.pg_ts_dict d
), dependent(classid, objid, schema, name, spaces, relation) as (
    select d.classid, d.objid, n.nspname, l.name, l.spaces,
           case d.classid
               when 'pg_catalog.pg_class'::regclass then
                   coalesce((select i.indrelid from pg_catalog.pg_index i
                              where i.indexrelid = d.objid), d.objid)
               when 'pg_catalog.pg_attrdef'::regclass then
                   (select a.adrelid from pg_catalog.pg_attrdef a where a.oid = d.objid)
               when 'pg_catalog.pg_constraint'::regclass then
                   (select c.conrelid from pg_catalog.pg_constraint c where c.oid = d.objid)
               when 'pg_catalog.pg_trigger'::regclass then
                   (select t.tgrelid from pg_catalog.pg_trigger t where t.oid = d.objid)
               when 'pg_catalog.pg_rewrite'::regclass then
                   (select w.ev_class from pg_catalog.pg_rewrite w where w.oid = d.objid)
               when 'pg_catalog.pg_policy'::regclass then
                   (select p.polrelid from pg_catalog.pg_policy p where p.oid = d.objid)
               when 'pg_catalog.pg_statistic_ext'::regclass then
                   (select s.stxrelid from pg_catalog.pg_statistic_ext s where s.oid = d.objid)
           end
      from pg_catalog.pg_depend d
      join ours o on o.classid = d.classid and o.objid = d.objid
      join live l on l.classid = d.refclassid and l.objid = d.refobjid
      join pg_catalog.pg_namespace n on n.oid = l.namespace
     where n.oid not in (select oid from space)
       and n.nspname in (select pg_catalog.json_array_elements_text(:schemas::json))
)
select distinct d.schema, d.name, d.spaces, pg_catalog.pg_describe_object(d.classid, d.objid, 0),
       n.nspname, c.relname
  from dependent d
  left join pg_catalog.pg_class c on c.oid = d.relation
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 order by 4, 1, 2
