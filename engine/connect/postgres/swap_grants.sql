-- Goes on from swap_staged.sql or swap_planned.sql: the privileges of what comes. What replaces a live
-- object has that one's owner and grants (trap 11), the rest what the schema gives by default (trap 13).
, acl(classid, oid, kind, owner, acl) as materialized (
    select 'pg_class'::regclass::oid, c.oid, case c.relkind when 'S' then 's' else 'r' end,
           c.relowner, c.relacl
      from pg_class c
      join thing t on t.classid = 'pg_class'::regclass and t.oid = c.oid
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select 'pg_class'::regclass, c.oid, 'T', y.typowner, y.typacl
      from pg_class c
      join thing t on t.classid = 'pg_class'::regclass and t.oid = c.oid
      join pg_type y on y.oid = c.reltype
     where c.relkind = 'c'
    union all
    select 'pg_proc'::regclass, p.oid, 'f', p.proowner, p.proacl
      from pg_proc p
      join thing t on t.classid = 'pg_proc'::regclass and t.oid = p.oid
    union all
    select 'pg_type'::regclass, y.oid, 'T', y.typowner, y.typacl
      from pg_type y
      join thing t on t.classid = 'pg_type'::regclass and t.oid = y.oid and t.root = t.oid
), pairing as materialized (
    select c.classid, c.oid, c.schema, c.name, c.args, c.word, c.owner, l.oid as live,
           a.kind as live_kind, a.owner as live_owner, a.acl as live_acl, b.kind, b.acl,
           case when c.word = 'routine' then 'routine'
                when c.word in ('type', 'domain') then 'type'
                when c.word = 'sequence' then 'sequence' else 'table' end
           || format(' %I.%I', c.schema, c.name) || c.args as target
      from coming c
      left join thing l on not l.is_staged and l.classid = c.classid and l.schema = c.schema
                           and l.name = c.name and l.args = c.args
                           and (c.word = 'sequence') = (l.word = 'sequence')
                           and (c.word in ('type', 'domain')) = (l.word in ('type', 'domain'))
      left join acl a on a.classid = l.classid and a.oid = l.oid
      left join acl b on b.classid = c.classid and b.oid = c.oid
     where c.word in ('table', 'view', 'materialized view', 'foreign table', 'sequence', 'routine',
                      'type', 'domain')
       and (not c.is_part or c.word = 'sequence')
), granted(classid, schema, name, args, side, grantee, privilege, can_grant) as materialized (
    -- the staged owner's own rights are those of the owner that it is going to have
    select p.classid, p.schema, p.name, p.args, 'live', x.grantee, x.privilege_type, x.is_grantable
      from pairing p
      cross join lateral aclexplode(coalesce(p.live_acl,
                                             acldefault(p.live_kind::"char", p.live_owner))) x
     where p.live_kind is not null
    union
    select p.classid, p.schema, p.name, p.args, 'staged',
           case when x.grantee = p.owner then p.live_owner else x.grantee end, x.privilege_type,
           x.is_grantable
      from pairing p
      cross join lateral aclexplode(coalesce(p.acl, acldefault(p.kind::"char", p.owner))) x
     where p.live_kind is not null and p.kind is not null
), differing as materialized (
    select g.classid, g.schema, g.name, g.args
      from granted g
     group by g.classid, g.schema, g.name, g.args, g.grantee, g.privilege, g.can_grant
    having count(*) < 2
), changed as materialized (
    select p.*
      from pairing p
     where p.live_kind is not null
       and (p.oid <> 0 or p.live_acl is not null)
       and exists (select from differing d
                    where d.classid = p.classid and d.schema = p.schema and d.name = p.name
                      and d.args = p.args)
), statement(schema, name, args, word, place, sql, is_opened) as (
    select p.schema, p.name, p.args, p.word, 1,
           format('revoke all on %s from public%s', p.target,
                  (select string_agg(', ' || quote_ident(r.rolname), '' order by r.rolname)
                     from pg_roles r
                    where r.oid = p.live_owner
                       or r.oid in (select g.grantee from granted g
                                     where g.side = 'staged' and g.classid = p.classid
                                       and g.schema = p.schema and g.name = p.name
                                       and g.args = p.args))),
           exists (select from granted g
                    where g.side = 'live' and g.grantee = 0 and g.classid = p.classid
                      and g.schema = p.schema and g.name = p.name and g.args = p.args)
           and p.oid <> 0
           and not exists (select from granted g
                            where g.side = 'staged' and g.grantee = 0 and g.classid = p.classid
                              and g.schema = p.schema and g.name = p.name and g.args = p.args)
      from changed p
    union all
    select p.schema, p.name, p.args, p.word, 2,
           format('grant %s on %s to %s%s', string_agg(g.privilege, ', ' order by g.privilege),
                  p.target, case when g.grantee = 0 then 'public' else quote_ident(r.rolname) end,
                  case when g.can_grant then ' with grant option' else '' end), false
      from changed p
      join granted g on g.side = 'live' and g.classid = p.classid and g.schema = p.schema
                        and g.name = p.name and g.args = p.args
      left join pg_roles r on r.oid = g.grantee
     where g.grantee = 0 or r.oid is not null
     group by p.schema, p.name, p.args, p.word, p.target, g.grantee, r.rolname, g.can_grant
    union all
    -- of columns: those that come
    select p.schema, p.name, p.args, p.word, 3,
           format('grant %s (%I) on %s to %s%s',
                  string_agg(x.privilege_type, format(' (%I), ', a.attname)
                             order by x.privilege_type),
                  a.attname, p.target,
                  case when x.grantee = 0 then 'public' else quote_ident(r.rolname) end,
                  case when x.is_grantable then ' with grant option' else '' end), false
      from pairing p
      join pg_attribute a on a.attrelid = p.live and a.attnum > 0 and not a.attisdropped
                             and a.attacl is not null
      left join pg_attribute b on b.attrelid = p.oid and b.attname = a.attname
                                  and not b.attisdropped
      cross join lateral aclexplode(a.attacl) x
      left join pg_roles r on r.oid = x.grantee
     where p.classid = 'pg_class'::regclass and p.live_kind = 'r'
       and (p.oid = 0 or b.attname is not null) and (x.grantee = 0 or r.oid is not null)
     group by p.schema, p.name, p.args, p.word, p.target, a.attname, x.grantee, r.rolname,
              x.is_grantable
    union all
    select p.schema, p.name, p.args, p.word, 4,
           format('grant %s on %s to %s%s',
                  string_agg(x.privilege_type, ', ' order by x.privilege_type), p.target,
                  case when x.grantee = 0 then 'public' else quote_ident(r.rolname) end,
                  case when x.is_grantable then ' with grant option' else '' end), false
      from pairing p
      join pair s on s.live = p.schema
      join pg_default_acl d on d.defaclnamespace = s.live_oid and d.defaclrole = p.owner
                               and d.defaclobjtype = case p.word when 'routine' then 'f'
                                                          when 'type' then 'T' when 'domain' then 'T'
                                                          when 'sequence' then 'S' else 'r' end
      cross join lateral aclexplode(d.defaclacl) x
      left join pg_roles r on r.oid = x.grantee
     where p.live is null and (x.grantee = 0 or r.oid is not null)
     group by p.schema, p.name, p.args, p.word, p.target, x.grantee, r.rolname, x.is_grantable
)
select word, format('%I.%I', schema, name) || args, sql, is_opened
  from statement
 order by schema collate "C", name collate "C", args collate "C", word, place, sql
