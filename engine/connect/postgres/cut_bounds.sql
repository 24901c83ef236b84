-- Goes on from cut_parts.sql: why these cannot go and come alone, each as an object and what it has to
-- do with another one. What else was promoted or retired is what the records say.
, recorded(is_promoted, classid, objid) as materialized (
    select o.role = 'staging', o.class_oid, o.object_oid
      from stopover.object o
     where o.run = :run and o.attempt = :attempt and o.role in ('staging', 'retired')
       and o.class_oid not in ('pg_namespace'::regclass, 'pg_extension'::regclass)
), used(is_promoted, classid, objid, refclassid, refobjid) as (
    select distinct a.is_promoted, d.classid, d.objid, d.refclassid, d.refobjid
      from along a
      join pg_depend d on d.classid = a.classid and d.objid = a.objid
      join recorded r on r.is_promoted = a.is_promoted and r.classid = d.refclassid
                         and r.objid = d.refobjid
      left join along b on b.is_promoted = a.is_promoted and b.classid = d.refclassid
                           and b.objid = d.refobjid
     where b.objid is null
), uses(classid, objid, refclassid, refobjid) as (
    select distinct case when w.rulename = '_RETURN' then 'pg_class'::regclass::oid
                         else d.classid end,
           case when w.rulename = '_RETURN' then w.ev_class else d.objid end,
           d.refclassid, d.refobjid
      from along a
      join pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid
      left join along b on b.is_promoted = a.is_promoted and b.classid = d.classid
                           and b.objid = d.objid
      left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
      left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
      left join pg_trigger t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
      left join recorded r on not r.is_promoted and r.classid = d.classid and r.objid = d.objid
      left join recorded h on not h.is_promoted and h.classid = 'pg_class'::regclass
                              and h.objid = coalesce(w.ev_class, f.adrelid, t.tgrelid)
     where b.objid is null and d.classid <> 'pg_publication_rel'::regclass
       and (a.is_promoted or r.objid is not null or h.objid is not null)
)
select pg_describe_object('pg_class'::regclass, c.oid, 0),
       'was live under that name before, and is no table'
  from retired t
  join pg_class c on c.oid = t.oid
 where c.relkind not in ('r', 'p')
union all
select pg_describe_object(u.classid, u.objid, 0),
       'uses ' || pg_describe_object(u.refclassid, u.refobjid, 0) || ', which '
       || case when u.is_promoted then 'stays promoted' else 'stays retired' end
  from used u
union all
select pg_describe_object(u.classid, u.objid, 0),
       'uses ' || pg_describe_object(u.refclassid, u.refobjid, 0) || ' and would stay behind'
  from uses u
 order by 1, 2
 limit 20
