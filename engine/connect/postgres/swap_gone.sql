-- Begins a query with what retires: gone, which holds the objects of classes and oids, one by one
-- with their successors, and all their parts; dependency: whatever else depends on it; and
-- lost_column: of that, a column that it uses and that does not come, or comes as another type.
-- pairs as in swap_things.sql.
with root(classid, oid, successor) as materialized (
    select * from unnest(:classes::oid[], :oids::oid[], :successors::oid[])
), relation(oid, root, successor) as materialized (
    select r.oid, r.oid, r.successor from root r where r.classid = 'pg_class'::regclass
    union all
    select i.indexrelid, r.oid, r.successor
      from root r
      join pg_index i on i.indrelid = r.oid
     where r.classid = 'pg_class'::regclass
    union all
    select c.reltoastrelid, r.oid, r.successor
      from root r
      join pg_class c on c.oid = r.oid
     where r.classid = 'pg_class'::regclass and c.reltoastrelid <> 0
    union all
    select i.indexrelid, r.oid, r.successor
      from root r
      join pg_class c on c.oid = r.oid
      join pg_index i on i.indrelid = c.reltoastrelid
     where r.classid = 'pg_class'::regclass
), basic_type(oid, successor) as materialized (
    select r.oid, r.successor from root r where r.classid = 'pg_type'::regclass
    union all
    select t.oid, r.successor
      from relation r
      join pg_type t on t.typrelid = r.oid
), any_type(oid, successor) as materialized (
    select b.oid, b.successor from basic_type b
    union all
    select t.typarray, b.successor
      from basic_type b
      join pg_type t on t.oid = b.oid
     where t.typarray <> 0
), gone_constraint(oid, successor) as materialized (
    select c.oid, r.successor
      from pg_constraint c
      join relation r on r.oid = c.conrelid
    union all
    select c.oid, b.successor
      from pg_constraint c
      join basic_type b on b.oid = c.contypid
     where c.contypid <> 0
), gone(classid, objid, root, successor) as materialized (
    select 'pg_class'::regclass::oid, r.oid, r.root, r.successor from relation r
    union all
    select 'pg_type'::regclass, t.oid, t.oid, t.successor from any_type t
    union all
    select r.classid, r.oid, r.oid, r.successor
      from root r
     where r.classid not in ('pg_class'::regclass, 'pg_type'::regclass)
    union all
    select 'pg_constraint'::regclass, c.oid, c.oid, c.successor from gone_constraint c
    union all
    select 'pg_attrdef'::regclass, a.oid, a.oid, r.successor
      from pg_attrdef a
      join relation r on r.oid = a.adrelid
    union all
    select 'pg_trigger'::regclass, t.oid, t.oid, r.successor
      from pg_trigger t
      join relation r on r.oid = t.tgrelid
    union all
    -- what a foreign key has on the other table
    select 'pg_trigger'::regclass, t.oid, t.oid, c.successor
      from pg_trigger t
      join gone_constraint c on c.oid = t.tgconstraint
     where not exists (select from relation r where r.oid = t.tgrelid)
    union all
    select 'pg_rewrite'::regclass, w.oid, w.oid, r.successor
      from pg_rewrite w
      join relation r on r.oid = w.ev_class
    union all
    select 'pg_policy'::regclass, p.oid, p.oid, r.successor
      from pg_policy p
      join relation r on r.oid = p.polrelid
    union all
    select 'pg_amop'::regclass, a.oid, a.oid, r.successor
      from pg_amop a
      join root r on r.oid = a.amopfamily and r.classid = 'pg_opfamily'::regclass
    union all
    select 'pg_amproc'::regclass, a.oid, a.oid, r.successor
      from pg_amproc a
      join root r on r.oid = a.amprocfamily and r.classid = 'pg_opfamily'::regclass
    union all
    -- a cast between one of these and what PostgreSQL brings along
    select 'pg_cast'::regclass, c.oid, c.oid, null
      from pg_cast c
      join pg_type s on s.oid = c.castsource
      join pg_type t on t.oid = c.casttarget
      left join any_type a on a.oid = s.oid
      left join any_type b on b.oid = t.oid
     where (a.oid is not null or b.oid is not null)
       and (a.oid is not null or s.typnamespace = 'pg_catalog'::regnamespace)
       and (b.oid is not null or t.typnamespace = 'pg_catalog'::regnamespace)
    union all
    select 'pg_transform'::regclass, f.oid, f.oid, null
      from pg_transform f
      join any_type t on t.oid = f.trftype
), dependency as materialized (
    select d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype,
           g.root, g.successor
      from pg_depend d
      join gone g on g.classid = d.refclassid and g.objid = d.refobjid
      left join gone x on x.classid = d.classid and x.objid = d.objid
     where x.objid is null
)
, staging(live, staged) as materialized (
    select l.oid, s.oid
      from json_array_elements(:pairs::json) p
      join pg_namespace l on l.nspname = p ->> 'live'
      join pg_namespace s on s.nspname = p ->> 'staging'
), lost_column(classid, objid, words) as materialized (
    select d.classid, d.objid,
           min(format('column %I of %s', a.attname, d.refobjid::regclass)
               || case when b.attname is null then ', which the source does not have'
                       else ', which is of another type in the source' end)
      from dependency d
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      join pg_type ta on ta.oid = a.atttypid
      left join pg_attribute b
             on b.attrelid = d.successor and b.attname = a.attname and not b.attisdropped
      left join pg_type tb on tb.oid = b.atttypid
      left join staging s on s.live = ta.typnamespace
      left join pg_collation ca on ca.oid = a.attcollation
      left join pg_collation cb on cb.oid = b.attcollation
     where d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.successor <> 0
       and (b.attname is null or a.atttypmod <> b.atttypmod
            or ca.collname is distinct from cb.collname
            or not (ta.oid = tb.oid or ta.typname = tb.typname and tb.typnamespace = s.staged))
     group by d.classid, d.objid
)
