-- Begins a query with what lies in the schemas of :run and :attempt (0: all of them) that are recorded,
-- be they for staging or keep what was retired or undone: space(oid), and ours(classid, objid,
-- is_part). A part lives and dies with another object and needs no record.
with space(oid) as (
    select n.oid
      from stopover.object o
      join pg_catalog.pg_namespace n on n.oid = o.object_oid
     where o.run = :run and :attempt in (0, o.attempt)
       and o.class_oid = 'pg_catalog.pg_namespace'::regclass
), relation(oid) as (
    select c.oid from pg_catalog.pg_class c where c.relnamespace in (select oid from space)
), ours(classid, objid, is_part) as (
    select 'pg_catalog.pg_class'::regclass::oid, r.oid, false from relation r
    union all
    select 'pg_catalog.pg_type'::regclass::oid, t.oid,
           t.typelem <> 0 and t.typcategory = 'A' or t.typtype = 'm'
               or t.typrelid <> 0 and not exists (select from pg_catalog.pg_class c
                                                   where c.oid = t.typrelid and c.relkind = 'c')
      from pg_catalog.pg_type t where t.typnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_proc'::regclass::oid, p.oid,
           exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                      and d.deptype = 'i')
      from pg_catalog.pg_proc p where p.pronamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_constraint'::regclass::oid, c.oid, c.contype in ('n', 't')
      from pg_catalog.pg_constraint c where c.connamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_attrdef'::regclass::oid, a.oid, true
      from pg_catalog.pg_attrdef a where a.adrelid in (select oid from relation)
    union all
    select 'pg_catalog.pg_trigger'::regclass::oid, t.oid, t.tgisinternal
      from pg_catalog.pg_trigger t where t.tgrelid in (select oid from relation)
    union all
    select 'pg_catalog.pg_rewrite'::regclass::oid, w.oid, w.rulename = '_RETURN'
      from pg_catalog.pg_rewrite w where w.ev_class in (select oid from relation)
    union all
    select 'pg_catalog.pg_policy'::regclass::oid, p.oid, false
      from pg_catalog.pg_policy p where p.polrelid in (select oid from relation)
    union all
    select 'pg_catalog.pg_statistic_ext'::regclass::oid, s.oid, false
      from pg_catalog.pg_statistic_ext s where s.stxnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_operator'::regclass::oid, o.oid, false
      from pg_catalog.pg_operator o where o.oprnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_opclass'::regclass::oid, o.oid, false
      from pg_catalog.pg_opclass o where o.opcnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_opfamily'::regclass::oid, o.oid, false
      from pg_catalog.pg_opfamily o where o.opfnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_amop'::regclass::oid, a.oid, true
      from pg_catalog.pg_amop a join pg_catalog.pg_opfamily f on f.oid = a.amopfamily
     where f.opfnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_amproc'::regclass::oid, a.oid, true
      from pg_catalog.pg_amproc a join pg_catalog.pg_opfamily f on f.oid = a.amprocfamily
     where f.opfnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_collation'::regclass::oid, c.oid, false
      from pg_catalog.pg_collation c where c.collnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_conversion'::regclass::oid, c.oid, false
      from pg_catalog.pg_conversion c where c.connamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_ts_config'::regclass::oid, c.oid, false
      from pg_catalog.pg_ts_config c where c.cfgnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_ts_dict'::regclass::oid, d.oid, false
      from pg_catalog.pg_ts_dict d where d.dictnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_ts_parser'::regclass::oid, p.oid, false
      from pg_catalog.pg_ts_parser p where p.prsnamespace in (select oid from space)
    union all
    select 'pg_catalog.pg_ts_template'::regclass::oid, t.oid, false
      from pg_catalog.pg_ts_template t where t.tmplnamespace in (select oid from space)
    union all
    -- casts and transforms lie in no schema: ours are those that are recorded, until they are live
    -- (a promotion under way is not there yet)
    select 'pg_catalog.pg_transform'::regclass::oid, f.oid, false
      from stopover.object o join pg_catalog.pg_transform f on f.oid = o.object_oid
     where o.run = :run and :attempt in (0, o.attempt)
       and o.class_oid = 'pg_catalog.pg_transform'::regclass
       and (o.role <> 'staging' or not exists (select from stopover.marker m
                                                where m.run = o.run and m.attempt = o.attempt
                                                  and m.kind = 'promoted'
                                                  and m.xid is distinct from
                                                      pg_catalog.txid_current_if_assigned()))
    union all
    select 'pg_catalog.pg_cast'::regclass::oid, c.oid,
           exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_cast'::regclass and d.objid = c.oid
                      and d.deptype = 'i')
      from stopover.object o join pg_catalog.pg_cast c on c.oid = o.object_oid
     where o.run = :run and :attempt in (0, o.attempt)
       and o.class_oid = 'pg_catalog.pg_cast'::regclass
       and (o.role <> 'staging' or not exists (select from stopover.marker m
                                                where m.run = o.run and m.attempt = o.attempt
                                                  and m.kind = 'promoted'
                                                  and m.xid is distinct from
                                                      pg_catalog.txid_current_if_assigned()))
)
