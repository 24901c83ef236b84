-- Goes on from swap_staged.sql or swap_planned.sql: what comes under the name of a live object that
-- stays, also as a part of another: indexes, array types. What goes is in classes and oids.
, gone(classid, oid) as (
    select * from unnest(:classes::oid[], :oids::oid[])
)
select pg_describe_object(l.classid, l.oid, 0), c.word, c.schema, c.name || c.args,
       pg_describe_object(l.root_class, l.root, 0), l.root <> l.oid
  from coming c
  join thing l on not l.is_staged and l.classid = c.classid and l.schema = c.schema
                  and l.name = c.name and l.args = c.args
 where not exists (select from gone g where g.classid = l.root_class and g.oid = l.root)
   and not exists (select from gone g where g.classid = l.classid and g.oid = l.oid)
 order by 1
