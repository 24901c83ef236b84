-- Goes on from swap_gone.sql: publications that name what retires, before 15.
select quote_ident(p.pubname), r.prrelid::regclass, null, null, g.successor is not null, null,
       o.rolname, pg_has_role(p.pubowner, 'usage'), p.pubname
  from pg_publication_rel r
  join pg_publication p on p.oid = r.prpubid
  join gone g on g.classid = 'pg_class'::regclass and g.objid = r.prrelid
  join pg_roles o on o.oid = p.pubowner
 order by 1, 2
