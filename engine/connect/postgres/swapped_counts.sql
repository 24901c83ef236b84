-- Of each table that was loaded, is promoted still, and among relations (null: all): its name, rows
-- then, bytes now with its partitions, estimated rows.
select c.oid::regclass::text, l.rows, s.bytes, s.rows
  from (select k.relation, pg_catalog.sum(k.rows)::bigint as rows
          from stopover.chunk k
         where k.run = :run and k.attempt = :attempt
           and (nullif(:relations, '') is null
                or k.relation = any (nullif(:relations, '')::oid[]))
           and exists (select from stopover.object o
                        where o.run = :run and o.attempt = :attempt and o.role = 'staging'
                          and o.class_oid = 'pg_catalog.pg_class'::regclass
                          and o.object_oid = k.relation)
         group by k.relation) l
  join pg_catalog.pg_class c on c.oid = l.relation,
       lateral (with recursive part(oid) as (
                    select c.oid
                    union all
                    select i.inhrelid
                      from part p join pg_catalog.pg_inherits i on i.inhparent = p.oid
                     where c.relkind = 'p')
                select pg_catalog.sum(pg_catalog.pg_relation_size(p.oid))::bigint as bytes,
                       pg_catalog.sum(greatest(r.reltuples, 0))::bigint as rows
                  from part p join pg_catalog.pg_class r on r.oid = p.oid) s
 order by 1
