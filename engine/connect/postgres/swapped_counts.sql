-- Of each table that was loaded, is promoted still, and among relations (null: all): its name, rows
-- then, bytes now with its partitions, estimated rows. In steps: with thousands of tables the server
-- would else begin with all relations there are.
with loaded(relation, rows) as materialized (
    select k.relation, pg_catalog.sum(k.rows)::bigint
      from stopover.chunk k
     where k.run = :run and k.attempt = :attempt
       and (nullif(:relations, '') is null or k.relation = any (nullif(:relations, '')::oid[]))
     group by k.relation
), promoted(oid) as materialized (
    select o.object_oid
      from stopover.object o
     where o.run = :run and o.attempt = :attempt and o.role = 'staging'
       and o.class_oid = 'pg_catalog.pg_class'::regclass
), counted(oid, kind, rows) as materialized (
    select c.oid, c.relkind, l.rows
      from loaded l
      join promoted p on p.oid = l.relation
      join pg_catalog.pg_class c on c.oid = l.relation
)
select l.oid::regclass::text, l.rows, s.bytes, s.rows
  from counted l,
       lateral (with recursive part(oid) as (
                    select l.oid
                    union all
                    select i.inhrelid
                      from part p join pg_catalog.pg_inherits i on i.inhparent = p.oid
                     where l.kind = 'p')
                select pg_catalog.sum(pg_catalog.pg_relation_size(p.oid))::bigint as bytes,
                       pg_catalog.sum(greatest(r.reltuples, 0))::bigint as rows
                  from part p join pg_catalog.pg_class r on r.oid = p.oid) s
 order by 1
