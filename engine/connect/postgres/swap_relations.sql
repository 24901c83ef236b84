-- The relations of names $1 (a JSON array, as in SQL) that are there, with the sequences that belong to
-- them and are locked along with them. As one array.
with relation(oid) as (
    select pg_catalog.to_regclass(n.name)::oid
    from pg_catalog.json_array_elements_text($1::json) as n(name)
)
select coalesce(pg_catalog.array_agg(x.oid), '{}')
from (
    select r.oid from relation r where r.oid is not null
    union
    select c.oid
    from relation r
    join pg_catalog.pg_depend d
      on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = r.oid
     and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype in ('a', 'i')
    join pg_catalog.pg_class c on c.oid = d.objid and c.relkind = 'S'
) x
