-- Goes on from our_objects.sql: statements that drop what is recorded and still there: views, tables
-- with none below them first, then sequences and the rest; with each how many relations it locks at
-- least, and whether it is a table without children.
, object(classid, objid) as (
    select o.classid, o.objid
      from ours o
      join stopover.object r on r.class_oid = o.classid and r.object_oid = o.objid
     where r.run = :run and :attempt in (0, r.attempt) and not o.is_part
), step(place, is_parent, classid, objid, weight, words) as (
    select case when c.relkind in ('v', 'm') then 1 when c.relkind = 'S' then 3 else 2 end,
           exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid),
           o.classid, o.objid,
           3 + (select pg_catalog.count(*) from pg_catalog.pg_index i where i.indrelid = c.oid),
           case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                          when 'S' then 'sequence' when 'f' then 'foreign table'
                          else 'table' end
      from object o
      join pg_catalog.pg_class c
        on o.classid = 'pg_catalog.pg_class'::regclass and c.oid = o.objid
     where c.relkind in ('v', 'm', 'r', 'p', 'f')
        or c.relkind = 'S' and not exists (
               select from pg_catalog.pg_depend d
                where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                  and d.refclassid = 'pg_catalog.pg_class'::regclass
                  and d.deptype in ('a', 'i'))
    union all
    select 4, false, o.classid, o.objid, 1,
           case o.classid
               when 'pg_catalog.pg_cast'::regclass then 'cast'
               when 'pg_catalog.pg_transform'::regclass then 'transform'
               when 'pg_catalog.pg_opclass'::regclass then 'operator class'
               when 'pg_catalog.pg_opfamily'::regclass then 'operator family'
               when 'pg_catalog.pg_operator'::regclass then 'operator'
               when 'pg_catalog.pg_proc'::regclass then 'routine'
               when 'pg_catalog.pg_type'::regclass then 'type'
               when 'pg_catalog.pg_collation'::regclass then 'collation'
               when 'pg_catalog.pg_conversion'::regclass then 'conversion'
               when 'pg_catalog.pg_ts_config'::regclass then 'text search configuration'
               when 'pg_catalog.pg_ts_dict'::regclass then 'text search dictionary'
               when 'pg_catalog.pg_ts_parser'::regclass then 'text search parser'
               when 'pg_catalog.pg_ts_template'::regclass then 'text search template'
           end
      from object o
)
select pg_catalog.format('drop %s if exists %s cascade', s.words,
                         case s.words when 'transform' -- named: for TYPE on language NAME
                                      then pg_catalog.replace(i.identity, ' on language ', ' language ')
                                      else i.identity end), s.weight,
       s.place = 2 and not s.is_parent, i.identity
  from step s, lateral pg_catalog.pg_identify_object(s.classid, s.objid, 0) i
 where s.words is not null
 order by s.place, s.is_parent, s.weight, s.objid desc
 limit 1000
