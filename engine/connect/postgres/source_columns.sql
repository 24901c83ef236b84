-- The columns of some tables, in order; what their types are made of says how rows can travel.
-- $1: OIDs of the tables as a JSON array.
--
-- is_text: some part of the type has no binary form that means the same in another database or
-- major version: arrays and composites carry OIDs of types, and only what stands here is known to be
-- the same from 12 to 18.
with recursive col as (
    select a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated
      from pg_attribute a
     where a.attrelid in (select json_array_elements_text($1::json)::oid)
       and a.attnum > 0 and not a.attisdropped
),
reach(root, oid) as (
    select distinct c.atttypid, c.atttypid from col c
    union
    select r.root, part.oid
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
node as (
    select distinct r.oid from reach r
),
known as (
    select t.oid,
           t.oid < 16384 and t.typname like 'reg%' and t.typname in
               ('regclass', 'regcollation', 'regconfig', 'regdictionary', 'regnamespace', 'regoper',
                'regoperator', 'regproc', 'regprocedure', 'regrole', 'regtype') as is_reg,
           t.typtype = 'e' as is_enum,
           case
               when t.typtype in ('e', 'd', 'r', 'm') then true
               when t.typtype <> 'b' or t.typsend = 0 or t.typreceive = 0 then false
               when t.typelem <> 0 and t.typlen = -1 then t.typelem < 16384
               when t.oid < 16384 then t.typname in
                   ('bool', 'bytea', 'char', 'name', 'int8', 'int2', 'int4', 'text', 'oid', 'tid',
                    'xid', 'xid8', 'cid', 'json', 'jsonb', 'jsonpath', 'point', 'lseg', 'path',
                    'box', 'polygon', 'line', 'circle', 'float4', 'float8', 'money', 'macaddr',
                    'macaddr8', 'inet', 'cidr', 'bpchar', 'varchar', 'date', 'time', 'timestamp',
                    'timestamptz', 'timetz', 'interval', 'bit', 'varbit', 'numeric', 'uuid',
                    'pg_lsn', 'txid_snapshot', 'pg_snapshot', 'refcursor')
               else exists(
                   select from pg_depend d
                     join pg_extension e on e.oid = d.refobjid
                    where d.classid = 'pg_type'::regclass and d.objid = t.oid
                      and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
                      and (e.extname::text, t.typname::text) in
                          (('citext', 'citext'), ('hstore', 'hstore'), ('ltree', 'ltree'),
                           ('ltree', 'lquery'), ('ltree', 'ltxtquery'), ('cube', 'cube'),
                           ('isn', 'ean13'), ('isn', 'isbn13'), ('isn', 'ismn13'),
                           ('isn', 'issn13'), ('isn', 'isbn'), ('isn', 'ismn'), ('isn', 'issn'),
                           ('isn', 'upc'), ('vector', 'vector'), ('vector', 'halfvec'),
                           ('vector', 'sparsevec'), ('postgis', 'geometry'),
                           ('postgis', 'geography')))
           end as is_binary
      from node n
      join pg_type t on t.oid = n.oid
),
verdict as (
    select r.root, bool_or(k.is_reg) as has_reg, bool_or(k.is_enum) as has_enum,
           bool_or(not k.is_binary) as is_text
      from reach r
      join known k on k.oid = r.oid
     group by r.root
),
-- The key: the primary one, else the smallest unique index that identifies each row.
candidate as (
    select distinct on (i.indrelid) i.indrelid, i.indkey, i.indnkeyatts
      from pg_index i
      join pg_class x on x.oid = i.indexrelid
     where i.indrelid in (select json_array_elements_text($1::json)::oid)
       and i.indisunique and i.indisvalid and (i.indimmediate or i.indisprimary)
       and i.indpred is null and i.indexprs is null
       and not exists(select from unnest(i.indkey) with ordinality k(attnum, place)
                        left join pg_attribute a on a.attrelid = i.indrelid
                                                and a.attnum = k.attnum and k.attnum > 0
                       where k.place <= i.indnkeyatts
                         and (a.attnum is null or not a.attnotnull or a.attgenerated <> ''))
     order by i.indrelid, i.indisprimary desc, i.indnkeyatts, x.relname collate "C"
),
place as materialized (
    select x.indrelid, k.attnum, min(k.place) as place
      from candidate x, unnest(x.indkey) with ordinality k(attnum, place)
     where k.place <= x.indnkeyatts
     group by x.indrelid, k.attnum
)
select c.attrelid, c.attname, format_type(c.atttypid, c.atttypmod), c.attgenerated <> '',
       coalesce(p.place, 0), v.is_text, v.has_reg
  from col c
  left join verdict v on v.root = c.atttypid
  left join place p on p.indrelid = c.attrelid and p.attnum = c.attnum
 order by c.attrelid, c.attnum
