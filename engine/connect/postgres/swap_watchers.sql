-- Goes on from swap_gone.sql: what names no table but follows tables by name or place, or keeps rows of
-- theirs, for notes; and subscriptions, which write into what retires, for refusals.
, reader(oid) as materialized (
    select w.ev_class
      from dependency d
      join pg_rewrite w on w.oid = d.objid
     where d.classid = 'pg_rewrite'::regclass
), above(reader, oid) as materialized (
    select distinct w.ev_class, d.refobjid
      from pg_depend d
      join pg_rewrite w on w.oid = d.objid
     where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
       and w.ev_class <> d.refobjid
), reached(oid) as (
    with recursive r(oid) as (
        select oid from reader
        union
        select a.reader from r join above a on a.oid = r.oid
    )
    select oid from r
)
select 'publication ' || quote_ident(p.pubname), 'all', null
  from pg_publication p
 where p.puballtables and exists (select from root)
union all
-- of whole schemas: since 15
select 'publication ' || quote_ident(p.pubname), 'all', null
  from pg_depend d
  join pg_publication p on d.refclassid = 'pg_publication'::regclass and p.oid = d.refobjid
  join pg_depend e on e.classid = d.classid and e.objid = d.objid
                      and e.refclassid = 'pg_namespace'::regclass
  join pg_namespace n on n.oid = e.refobjid
 where d.classid = to_regclass('pg_catalog.pg_publication_namespace')
   and n.nspname in (select w ->> 'live' from json_array_elements(:pairs::json) w)
union all
select 'subscription to ' || s.srrelid::regclass, 'subscription', null
  from pg_subscription_rel s
  join relation r on r.oid = s.srrelid
union all
select 'materialized view ' || c.oid::regclass, 'content', null
  from reached r
  join pg_class c on c.oid = r.oid and c.relkind = 'm'
 where not exists (select from gone g where g.objid = c.oid)
   and not exists (select from reader d where d.oid = c.oid)
 order by 1
