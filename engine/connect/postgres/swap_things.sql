-- Begins a query with what lies in the live schemas of pairs (a JSON array of {"live", "staging"}) and in
-- their staging schemas, as one list: thing. Names of schemas are the live ones on both sides,
-- also within arguments, so that what replaces what is seen by comparing them. A part is moved with
-- its root: indexes, owned sequences, row types, array types.
with recursive pair(live, staging, live_oid, staging_oid) as materialized (
    select p ->> 'live', p ->> 'staging', l.oid, s.oid
      from json_array_elements(:pairs::json) p
      left join pg_namespace l on l.nspname = p ->> 'live'
      left join pg_namespace s on s.nspname = p ->> 'staging'
), space(oid, schema, is_staged) as materialized (
    select live_oid, live, false from pair where live_oid is not null
    union all
    select staging_oid, live, true from pair where staging_oid is not null
), staged_type(oid, words) as materialized (
    select t.oid, quote_ident(s.schema) || '.' || quote_ident(coalesce(e.typname, t.typname))
                  || case when e.oid is null then '' else '[]' end
      from pg_type t
      join space s on s.oid = t.typnamespace and s.is_staged
      left join pg_type e on e.typarray = t.oid
), owned(oid, root) as materialized (
    select d.objid, min(d.refobjid::bigint)::oid
      from pg_depend d
      join pg_class c on c.oid = d.objid and c.relkind = 'S'
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and d.deptype in ('a', 'i') and d.refobjsubid > 0
     group by d.objid
), argument(oid, words) as materialized (
    select p.oid, string_agg(coalesce(w.words, format_type(a.type, null)), ', ' order by a.place)
      from pg_proc p
      join space s on s.oid = p.pronamespace
      cross join lateral unnest(p.proargtypes) with ordinality a(type, place)
      left join staged_type w on w.oid = a.type
     group by p.oid
), thing(classid, oid, schema, is_staged, name, args, word, owner, root_class, root) as materialized (
    select 'pg_class'::regclass::oid, c.oid, s.schema, s.is_staged, c.relname::text, '',
           case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                          when 'S' then 'sequence' when 'f' then 'foreign table'
                          when 'c' then 'type' when 'i' then 'index' when 'I' then 'index'
                          else 'table' end,
           c.relowner, 'pg_class'::regclass::oid, coalesce(i.indrelid, o.root, c.oid)
      from pg_class c
      join space s on s.oid = c.relnamespace
      left join pg_index i on i.indexrelid = c.oid
      left join owned o on o.oid = c.oid
     where c.relkind <> 't'
    union all
    select 'pg_type'::regclass, t.oid, s.schema, s.is_staged, t.typname::text, '',
           case t.typtype when 'd' then 'domain' else 'type' end, t.typowner,
           case when coalesce(e.typrelid, t.typrelid) <> 0 then 'pg_class'::regclass::oid
                else 'pg_type'::regclass::oid end,
           coalesce(nullif(e.typrelid, 0), e.oid, nullif(t.typrelid, 0), t.oid)
      from pg_type t
      join space s on s.oid = t.typnamespace
      left join pg_type e on e.typarray = t.oid
    union all
    select 'pg_proc'::regclass, p.oid, s.schema, s.is_staged, p.proname::text,
           '(' || coalesce(a.words, '') || ')', 'routine', p.proowner, 'pg_proc'::regclass, p.oid
      from pg_proc p
      join space s on s.oid = p.pronamespace
      left join argument a on a.oid = p.oid
    union all
    select 'pg_operator'::regclass, o.oid, s.schema, s.is_staged, o.oprname::text,
           '(' || case when o.oprleft = 0 then 'NONE'
                       else coalesce(l.words, format_type(o.oprleft, null)) end
           || ', ' || case when o.oprright = 0 then 'NONE'
                           else coalesce(r.words, format_type(o.oprright, null)) end || ')',
           'operator', o.oprowner, 'pg_operator'::regclass, o.oid
      from pg_operator o
      join space s on s.oid = o.oprnamespace
      left join staged_type l on l.oid = o.oprleft
      left join staged_type r on r.oid = o.oprright
    union all
    select 'pg_opclass'::regclass, o.oid, s.schema, s.is_staged, o.opcname::text,
           ' using ' || quote_ident(a.amname), 'operator class', o.opcowner,
           'pg_opclass'::regclass, o.oid
      from pg_opclass o
      join space s on s.oid = o.opcnamespace
      join pg_am a on a.oid = o.opcmethod
    union all
    select 'pg_opfamily'::regclass, o.oid, s.schema, s.is_staged, o.opfname::text,
           ' using ' || quote_ident(a.amname), 'operator family', o.opfowner,
           'pg_opfamily'::regclass, o.oid
      from pg_opfamily o
      join space s on s.oid = o.opfnamespace
      join pg_am a on a.oid = o.opfmethod
    union all
    select x.classid, x.oid, s.schema, s.is_staged, x.name::text, '', x.word, x.owner, x.classid,
           x.oid
      from (select 'pg_collation'::regclass::oid, c.oid, c.collnamespace, c.collname, 'collation',
                   c.collowner
              from pg_collation c
            union all
            select 'pg_conversion'::regclass, c.oid, c.connamespace, c.conname, 'conversion',
                   c.conowner
              from pg_conversion c
            union all
            select 'pg_ts_config'::regclass, c.oid, c.cfgnamespace, c.cfgname,
                   'text search configuration', c.cfgowner
              from pg_ts_config c
            union all
            select 'pg_ts_dict'::regclass, d.oid, d.dictnamespace, d.dictname,
                   'text search dictionary', d.dictowner
              from pg_ts_dict d
            union all
            -- these two have no owner: only superusers make and move them
            select 'pg_ts_parser'::regclass, p.oid, p.prsnamespace, p.prsname,
                   'text search parser', 10
              from pg_ts_parser p
            union all
            select 'pg_ts_template'::regclass, t.oid, t.tmplnamespace, t.tmplname,
                   'text search template', 10
              from pg_ts_template t
            union all
            select 'pg_statistic_ext'::regclass, t.oid, t.stxnamespace, t.stxname, 'statistics',
                   t.stxowner
              from pg_statistic_ext t) x(classid, oid, namespace, name, word, owner)
      join space s on s.oid = x.namespace
)
