-- Names that bodies of routines can mean without a schema, when the search_path leads to one of the
-- schemas $1 (a JSON array): of relations, types, routines, operators, also of extensions.
with chosen as (
    select n.oid from pg_namespace n
     where n.nspname in (select json_array_elements_text($1::json))
)
select distinct name from (
    select c.relname from pg_class c
     where c.relnamespace in (select oid from chosen) and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all
    select t.typname from pg_type t
     where t.typnamespace in (select oid from chosen) and t.typcategory <> 'A'
    union all
    select p.proname from pg_proc p where p.pronamespace in (select oid from chosen)
    union all
    select o.oprname from pg_operator o where o.oprnamespace in (select oid from chosen)
    union all
    select d.dictname from pg_ts_dict d where d.dictnamespace in (select oid from chosen)
    union all
    select c.cfgname from pg_ts_config c where c.cfgnamespace in (select oid from chosen)
) named(name)
 order by 1
