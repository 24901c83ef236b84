-- The tables that :run and :attempt promoted: oid, live name as recorded, role (staging: live; undone:
-- taken back since), and what it is called now.
select o.object_oid, o.name, o.role, i.identity
  from stopover.object o
  join pg_class c on c.oid = o.object_oid and c.relkind in ('r', 'p')
  cross join lateral pg_identify_object(o.class_oid, o.object_oid, 0) i
 where o.run = :run and o.attempt = :attempt and o.role in ('staging', 'undone')
   and o.class_oid = 'pg_class'::regclass
 order by 2, 1
