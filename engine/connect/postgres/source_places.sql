-- Where things that stand on a relation belong: class and OID of the thing, what it is, its
-- relation, the other relation of a foreign key, its name, and the index of a constraint.
select 'pg_class'::regclass::oid, i.indexrelid, 'i', i.indrelid, 0::oid, x.relname, i.indexrelid
  from pg_index i
  join pg_class x on x.oid = i.indexrelid
 where i.indexrelid >= 16384
union all
select 'pg_constraint'::regclass, c.oid, c.contype::text, c.conrelid, c.confrelid, c.conname,
       c.conindid
  from pg_constraint c
 where c.conrelid >= 16384 and c.contype <> 'n'
union all
select 'pg_trigger'::regclass, t.oid, 'T', t.tgrelid, 0, t.tgname, 0
  from pg_trigger t
 where t.tgrelid >= 16384 and not t.tgisinternal
union all
select 'pg_attrdef'::regclass, d.oid, case when a.attgenerated <> '' then 'G' else 'D' end,
       d.adrelid, 0, a.attname, 0
  from pg_attrdef d
  join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
 where d.adrelid >= 16384
union all
select 'pg_rewrite'::regclass, r.oid, 'R', r.ev_class, 0, r.rulename, 0
  from pg_rewrite r
 where r.ev_class >= 16384
union all
select 'pg_policy'::regclass, p.oid, 'P', p.polrelid, 0, p.polname, 0
  from pg_policy p
union all
select 'pg_statistic_ext'::regclass, s.oid, 'S', s.stxrelid, 0, s.stxname, 0
  from pg_statistic_ext s
 where s.stxrelid >= 16384
 order by 1, 2
