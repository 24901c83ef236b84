-- Goes on from swap_things.sql: what comes, before it is there; the value coming is a JSON array of
-- {"class", "schema", "name", "args", "word", "part"}.
, coming(classid, oid, schema, name, args, word, owner, is_part) as materialized (
    select (c ->> 'class')::regclass::oid, 0::oid, c ->> 'schema', c ->> 'name', c ->> 'args',
           c ->> 'word', r.oid, (c ->> 'part')::boolean
      from json_array_elements(:coming::json) c
      cross join pg_roles r
     where r.rolname = current_user
)
