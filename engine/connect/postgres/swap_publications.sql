-- Goes on from swap_gone.sql: publications that name what retires, on 15 and later.
select quote_ident(p.pubname), r.prrelid::regclass,
       (select ' (' || string_agg(quote_ident(a.attname), ', ' order by a.attnum) || ')'
          from unnest(r.prattrs) x(number)
          join pg_attribute a on a.attrelid = r.prrelid and a.attnum = x.number),
       ' where (' || pg_get_expr(r.prqual, r.prrelid) || ')',
       g.successor is not null, l.words, o.rolname, pg_has_role(p.pubowner, 'usage'), p.pubname
  from pg_publication_rel r
  join pg_publication p on p.oid = r.prpubid
  join gone g on g.classid = 'pg_class'::regclass and g.objid = r.prrelid
  join pg_roles o on o.oid = p.pubowner
  left join lost_column l on l.classid = 'pg_publication_rel'::regclass and l.objid = r.oid
 order by 1, 2
