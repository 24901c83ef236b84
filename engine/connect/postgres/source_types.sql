-- What the types of columns are made of, as far as they are not the server's own: one row per type
-- that is reached from the columns of some tables. $1: OIDs of the tables as a JSON array.
--
-- name: as format_type() says it. known_as: the same, but of a member of an extension without its
-- schema, which may be another one in another database. made_of: a JSON object; two databases that
-- give the same one read each other's values alike, in text and in binary form. Left out are constraints
-- and defaults of domains: rows that come in are checked against those.
with recursive reach(oid) as (
    select distinct a.atttypid from pg_attribute a
     where a.attrelid in (select json_array_elements_text($1::json)::oid)
       and a.attnum > 0 and not a.attisdropped
    union
    select part.oid
      from reach r
      join pg_type t on t.oid = r.oid
      cross join lateral (
          select t.typelem where t.typelem <> 0 and t.typlen = -1
          union all
          select t.typbasetype where t.typtype = 'd'
          union all
          select g.rngsubtype from pg_range g where g.rngtypid = t.oid
          union all
          -- multiranges are of 14 on
          select g.rngtypid from pg_range g
           where t.typtype = 'm' and (to_jsonb(g) ->> 'rngmultitypid')::oid = t.oid
          union all
          select a.atttypid from pg_attribute a
           where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0
             and not a.attisdropped
      ) part(oid)
),
named as (
    select t.oid, t.typtype, t.typelem, t.typlen, t.typrelid, t.typbasetype, t.typtypmod,
           format_type(t.oid, null) as name,
           coalesce((select 'extension ' || e.extname || '.' || quote_ident(t.typname)
                       from pg_depend d
                       join pg_extension e on e.oid = d.refobjid
                      where d.classid = 'pg_type'::regclass and d.objid = t.oid
                        and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'),
                    format_type(t.oid, null)) as known_as
      from reach r
      join pg_type t on t.oid = r.oid
),
-- Arrays are told by their elements, so also their names.
part as (
    select n.*, coalesce(e.known_as || '[]', n.known_as) as part_name
      from named n
      left join named e on e.oid = n.typelem and n.typlen = -1 and n.typtype = 'b'
)
select p.name, p.known_as,
       case p.typtype
           when 'e' then json_build_object('enum',
               (select json_agg(x.enumlabel order by x.enumsortorder)
                  from pg_enum x where x.enumtypid = p.oid))
           when 'd' then (select json_build_object('domain',
                                 replace(format_type(p.typbasetype, p.typtypmod), b.name, b.part_name))
                            from part b where b.oid = p.typbasetype)
           when 'r' then (select json_build_object('range', b.part_name)
                            from pg_range g join part b on b.oid = g.rngsubtype
                           where g.rngtypid = p.oid)
           when 'm' then (select json_build_object('multirange', b.part_name)
                            from pg_range g join part b on b.oid = g.rngtypid
                           where (to_jsonb(g) ->> 'rngmultitypid')::oid = p.oid)
           when 'c' then json_build_object('row',
               (select json_agg(quote_ident(a.attname) || ' '
                                || replace(format_type(a.atttypid, a.atttypmod), b.name, b.part_name)
                                order by a.attnum)
                  from pg_attribute a
                  join part b on b.oid = a.atttypid
                 where a.attrelid = p.typrelid and a.attnum > 0 and not a.attisdropped))
           else json_build_object('base', p.typlen)
       end as made_of
  from part p
 where p.oid >= 16384 and not (p.typtype = 'b' and p.typelem <> 0 and p.typlen = -1)
 order by p.name collate "C"
