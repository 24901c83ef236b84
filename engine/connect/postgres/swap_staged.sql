-- Goes on from swap_things.sql: what comes, once it is there: everything in the staging schemas.
, coming(classid, oid, schema, name, args, word, owner, is_part) as materialized (
    select t.classid, t.oid, t.schema, t.name, t.args, t.word, t.owner, t.root <> t.oid
      from thing t
     where t.is_staged
)
