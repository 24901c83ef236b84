-- What lies in schemas and belongs to extensions, by the name spaces of retarget.h: 1 relation,
-- 2 type, 4 routine, 8 operator, 16 other.
with member(extension, classid, objid) as (
    select e.extname, d.classid, d.objid
      from pg_catalog.pg_depend d
      join pg_catalog.pg_extension e on e.oid = d.refobjid
     where d.refclassid = 'pg_catalog.pg_extension'::regclass and d.deptype = 'e'
), named(extension, classid, namespace, name, spaces) as (
    select m.extension, m.classid, c.relnamespace, c.relname, 3
      from member m join pg_catalog.pg_class c
        on m.classid = 'pg_catalog.pg_class'::regclass and c.oid = m.objid
    union all
    select m.extension, m.classid, t.typnamespace, t.typname, 2
      from member m join pg_catalog.pg_type t
        on m.classid = 'pg_catalog.pg_type'::regclass and t.oid = m.objid
    union all
    select m.extension, m.classid, p.pronamespace, p.proname, 4
      from member m join pg_catalog.pg_proc p
        on m.classid = 'pg_catalog.pg_proc'::regclass and p.oid = m.objid
    union all
    select m.extension, m.classid, o.oprnamespace, o.oprname, 8
      from member m join pg_catalog.pg_operator o
        on m.classid = 'pg_catalog.pg_operator'::regclass and o.oid = m.objid
    union all
    select m.extension, m.classid, o.opcnamespace, o.opcname, 16
      from member m join pg_catalog.pg_opclass o
        on m.classid = 'pg_catalog.pg_opclass'::regclass and o.oid = m.objid
    union all
    select m.extension, m.classid, o.opfnamespace, o.opfname, 16
      from member m join pg_catalog.pg_opfamily o
        on m.classid = 'pg_catalog.pg_opfamily'::regclass and o.oid = m.objid
    union all
    select m.extension, m.classid, c.collnamespace, c.collname, 16
      from member m join pg_catalog.pg_collation c
        on m.classid = 'pg_catalog.pg_collation'::regclass and c.oid = m.objid
    union all
    select m.extension, m.classid, c.cfgnamespace, c.cfgname, 16
      from member m join pg_catalog.pg_ts_config c
        on m.classid = 'pg_catalog.pg_ts_config'::regclass and c.oid = m.objid
    union all
    select m.extension, m.classid, d.dictnamespace, d.dictname, 16
      from member m join pg_catalog.pg_ts_dict d
        on m.classid = 'pg_catalog.pg_ts_dict'::regclass and d.oid = m.objid
    union all
    select m.extension, m.classid, p.prsnamespace, p.prsname, 16
      from member m join pg_catalog.pg_ts_parser p
        on m.classid = 'pg_catalog.pg_ts_parser'::regclass and p.oid = m.objid
    union all
    select m.extension, m.classid, t.tmplnamespace, t.tmplname, 16
      from member m join pg_catalog.pg_ts_template t
        on m.classid = 'pg_catalog.pg_ts_template'::regclass and t.oid = m.objid
)
select distinct m.extension, n.nspname, m.name, m.spaces
  from named m join pg_catalog.pg_namespace n on n.oid = m.namespace
 order by 1, 2, 3, 4;
