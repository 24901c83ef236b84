-- Goes on from swap_staged.sql or swap_planned.sql: the live objects that are replaced, and those that
-- go along: partitions and children, statistics, what a type has made. successor: what takes the place,
-- null when nothing does, 0 when it is not there yet.
, replaced(classid, oid) as (
    select l.classid, l.oid
      from thing l
      join coming c on c.schema = l.schema and c.name = l.name
     where not l.is_staged and l.root = l.oid and l.word <> 'index'
       and case when l.classid not in ('pg_class'::regclass, 'pg_type'::regclass)
                    then c.classid = l.classid and c.args = l.args
                when l.word = 'sequence' and c.word = 'sequence' then true
                when c.is_part or c.word = 'index' then false
                when l.word = 'sequence' or c.word = 'sequence' -- no types, in their name space
                    then l.classid = 'pg_class'::regclass and c.classid = 'pg_class'::regclass
                else c.classid in ('pg_class'::regclass, 'pg_type'::regclass) end
), link(classid, oid, refclassid, refoid) as (
    select 'pg_class'::regclass::oid, i.inhrelid, 'pg_class'::regclass::oid, i.inhparent
      from pg_inherits i
    union all
    select 'pg_statistic_ext'::regclass, s.oid, 'pg_class'::regclass, s.stxrelid
      from pg_statistic_ext s
    union all
    select d.classid, d.objid, d.refclassid, d.refobjid
      from pg_depend d
     where d.refclassid = 'pg_type'::regclass and d.deptype = 'i'
       and (d.classid = 'pg_proc'::regclass
            or d.classid = 'pg_type'::regclass
               and exists (select from pg_type t where t.oid = d.objid and t.typtype = 'm'))
), retiring(classid, oid) as (
    select r.classid, r.oid from replaced r
    union
    select k.classid, k.oid
      from retiring r
      join link k on k.refclassid = r.classid and k.refoid = r.oid
), going(classid, oid, is_part) as (
    select r.classid, r.oid, false from retiring r
    union all
    select t.classid, t.oid, true
      from retiring r
      join thing t on t.root_class = r.classid and t.root = r.oid
     where t.word = 'sequence' and t.oid <> t.root
), successor(classid, oid, by) as (
    select l.classid, l.oid, max(c.oid::bigint)
      from thing l
      join coming c on c.classid = l.classid and c.schema = l.schema and c.name = l.name
                       and c.args = l.args
      left join pg_proc p on l.classid = 'pg_proc'::regclass and p.oid = l.oid
      left join pg_proc q on l.classid = 'pg_proc'::regclass and q.oid = c.oid
      left join staged_type w on w.oid = q.prorettype
     where not l.is_staged
       and (l.word = c.word or l.word in ('table', 'view', 'materialized view', 'foreign table')
                               and c.word in ('table', 'view', 'materialized view'))
       and (q.oid is null
            or p.proretset = q.proretset
               and format_type(p.prorettype, null)
                   = coalesce(w.words, format_type(q.prorettype, null)))
     group by l.classid, l.oid
)
select g.classid, g.oid, g.is_part, s.by, coalesce(t.schema, n.nspname),
       case when t.word = 'operator' then t.name else quote_ident(t.name) end || t.args, t.word,
       o.rolname, coalesce(pg_has_role(t.owner, 'usage'), true), x.extname,
       c.relkind in ('r', 'p'), pg_describe_object(g.classid, g.oid, 0),
       exists (select from replaced r where r.classid = g.classid and r.oid = g.oid), above.words
  from going g
  left join thing t on t.classid = g.classid and t.oid = g.oid
  left join successor s on s.classid = g.classid and s.oid = g.oid
  left join pg_roles o on o.oid = t.owner
  left join pg_class c on g.classid = 'pg_class'::regclass and c.oid = g.oid
  left join pg_statistic_ext st on g.classid = 'pg_statistic_ext'::regclass and st.oid = g.oid
  left join pg_type ty on g.classid = 'pg_type'::regclass and ty.oid = g.oid
  left join pg_proc p on g.classid = 'pg_proc'::regclass and p.oid = g.oid
  left join pg_namespace n on n.oid = coalesce(c.relnamespace, st.stxnamespace, ty.typnamespace,
                                               p.pronamespace)
  left join pg_depend e on e.classid = g.classid and e.objid = g.oid and e.deptype = 'e'
                           and e.refclassid = 'pg_extension'::regclass
  left join pg_extension x on x.oid = e.refobjid
  left join (select i.inhrelid as oid, min(i.inhparent::regclass::text) as words
               from pg_inherits i
              where not exists (select from retiring r where r.classid = 'pg_class'::regclass
                                                         and r.oid = i.inhparent)
              group by i.inhrelid) above
         on g.classid = 'pg_class'::regclass and above.oid = g.oid
 order by 5, t.name collate "C", t.args collate "C", t.word, g.oid
