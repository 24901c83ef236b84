-- Goes on from swap_gone.sql: what names no table but follows tables by name or place, for notes;
-- and subscriptions, which write into what retires, for refusals.
select 'publication ' || quote_ident(p.pubname), 'all', null
  from pg_publication p
 where p.puballtables and exists (select from root)
union all
select 'subscription to ' || s.srrelid::regclass, 'subscription', null
  from pg_subscription_rel s
  join relation r on r.oid = s.srrelid
 order by 1
