-- Goes on from cut_parts.sql: what has to be moved by a statement of its own: from which side, its kind, its
-- live schema (null: none of ours), its name as in SQL, the schema it is in, its oid.
select a.is_promoted, case when c.oid is not null then 'table' else 'statistics' end,
       p.name, quote_ident(coalesce(c.relname, s.stxname)), n.nspname, a.objid
  from along a
  left join pg_class c on a.classid = 'pg_class'::regclass and c.oid = a.objid
                          and c.relkind in ('r', 'p')
  left join pg_statistic_ext s on a.classid = 'pg_statistic_ext'::regclass and s.oid = a.objid
  join pg_namespace n on n.oid = coalesce(c.relnamespace, s.stxnamespace)
  left join pair p on n.oid = case when a.is_promoted then p.live else p.retired end
 order by 1, 2, 3, 4
