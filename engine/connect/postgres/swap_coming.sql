-- Goes on from swap_staged.sql or swap_planned.sql: what comes, as the statements call it, with who
-- owns it and who owns the live object of its name, and how many locks a change of owner takes.
select c.word, c.schema, case when c.word = 'operator' then c.name else quote_ident(c.name) end
                         || c.args, c.oid, c.is_part, l.oid is not null,
       case when l.owner <> c.owner then quote_ident(o.rolname) end,
       case when current_setting('server_version_num')::integer < 160000
                then pg_has_role(o.oid, 'member')
            else pg_has_role(o.oid, 'set') end,
       (select count(*) from pg_index i where i.indrelid = c.oid),
       o.rolname = current_user
  from coming c
  left join thing l on not l.is_staged and l.classid = c.classid and l.schema = c.schema
                       and l.name = c.name and l.args = c.args
  left join pg_roles o on o.oid = l.owner
 where c.word <> 'index' and (not c.is_part or c.word = 'sequence')
 order by c.schema collate "C", c.name collate "C", c.args collate "C", c.word
