-- Goes on from swap_gone.sql: foreign keys of what retires to what stays. Left in place, rows that
-- nobody sees any more would stand in the way of deletes there.
select format('table %s', k.conrelid::regclass), k.confrelid::regclass, quote_ident(k.conname),
       k.conrelid::regclass, pg_get_constraintdef(k.oid),
       k.convalidated, c.relkind = 'p', quote_literal(obj_description(k.oid, 'pg_constraint'))
  from pg_constraint k
  join relation r on r.oid = k.conrelid
  join pg_class c on c.oid = k.conrelid
 where k.contype = 'f'
   and not exists (select from relation f where f.oid = k.confrelid)
   and not exists (select from relation f
                     join pg_constraint u on u.conrelid = f.oid
                    where u.oid = k.conparentid)
 order by 1, 3
