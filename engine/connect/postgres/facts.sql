-- The structure of all ordinary and partitioned tables of some schemas, as evidence: one row per
-- fact. $1: names of schemas as a JSON array. Must run on PostgreSQL 12 to 18 and mean the same on
-- each: columns of a catalog that an older server lacks are asked for through to_jsonb(). Left out is
-- pg_attver, which newer minor releases keep among the options of a column for themselves: a dump
-- does not carry it either.
with relation as (
    select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relispartition,
           c.relpartbound, c.reloptions, c.relreplident, c.reltoastrelid, c.relam, c.reloftype,
           exists(select from pg_inherits i where i.inhrelid = c.oid)
               and not c.relispartition as is_child
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 't'
       and n.nspname in (select json_array_elements_text($1::json))
),
fact(oid, kind, name, words) as (
    select r.oid, 'table', r.relname::text,
           concat_ws(' | ', r.relkind, r.relpersistence,
               'by ' || pg_get_partkeydef(r.oid),
               'bound ' || pg_get_expr(r.relpartbound, r.oid),
               (select 'under ' || string_agg(i.inhparent::regclass::text,
                                                         ', ' order by i.inhseqno)
                  from pg_inherits i where i.inhrelid = r.oid),
               'identity ' || r.relreplident::text,
               (select 'identity index ' || quote_ident(x.relname) from pg_index i
                  join pg_class x on x.oid = i.indexrelid
                 where i.indrelid = r.oid and i.indisreplident),
               'of ' || format_type(nullif(r.reloftype, 0), null),
               (select 'method ' || a.amname from pg_am a where a.oid = r.relam),
               'with ' || (select string_agg(o, ', ' order by o collate "C")
                             from unnest(r.reloptions) o),
               'toast with ' || (select string_agg(o, ', ' order by o collate "C")
                                   from pg_class t, unnest(t.reloptions) o
                                  where t.oid = r.reltoastrelid))
      from relation r

    union all
    -- The place of a child's column follows from its parents, which a dump does not repeat. Since 17 a
    -- partition shows its parent's identity as its own.
    select r.oid, 'column', a.attname::text,
           concat_ws(' | ',
               case when not r.is_child
                   then 'at ' || row_number()
                                     over (partition by a.attrelid order by a.attnum) end,
               format_type(a.atttypid, a.atttypmod),
               case when a.attnotnull then 'not null' end,
               case when not r.relispartition
                   then 'identity ' || nullif(a.attidentity::text, '') end,
               (select concat_ws(' ', 'sequence', s.seqstart, s.seqincrement, s.seqmin,
                                            s.seqmax, s.seqcache, s.seqcycle)
                  from pg_depend d
                  join pg_sequence s on s.seqrelid = d.objid
                 where d.classid = 'pg_class'::regclass
                   and d.refclassid = 'pg_class'::regclass
                   and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype = 'i'),
               'generated ' || nullif(a.attgenerated::text, ''),
               'default ' || pg_get_expr(e.adbin, e.adrelid),
               'collate ' || case when a.attcollation <> t.typcollation
                   then (select quote_ident(cn.nspname) || '.'
                                || quote_ident(co.collname)
                           from pg_collation co
                           join pg_namespace cn on cn.oid = co.collnamespace
                          where co.oid = a.attcollation) end,
               'storage ' || a.attstorage::text,
               'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
               -- no wish of one's own is -1 before 17, null since
               'statistics ' || nullif(a.attstattarget, -1),
               'with ' || (select string_agg(o, ', ' order by o collate "C")
                             from unnest(a.attoptions) o
                            where left(o, 10) <> 'pg_attver='))
      from relation r
      join pg_attribute a on a.attrelid = r.oid
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef e on e.adrelid = a.attrelid and e.adnum = a.attnum
     where a.attnum > 0 and not a.attisdropped

    union all
    -- What is left of a CREATE INDEX CONCURRENTLY that failed is in no dump. (Of partitioned tables an
    -- index is invalid as long as a partition has none.)
    select r.oid, 'index', x.relname::text,
           concat_ws(' | ', pg_get_indexdef(i.indexrelid),
               case when not i.indisvalid then 'invalid' end,
               case when not i.indisready then 'not ready' end,
               case when i.indisclustered then 'clustered' end,
               (select 'under ' || u.inhparent::regclass::text
                  from pg_inherits u where u.inhrelid = i.indexrelid))
      from relation r
      join pg_index i on i.indrelid = r.oid
      join pg_class x on x.oid = i.indexrelid
     where i.indisvalid or r.relkind = 'p'

    union all
    -- Not null ones are rows of their own only since 18, and are said of the column. The server
    -- chooses the names of the parts of a foreign key that spans partitions.
    select r.oid, 'constraint', c.conname::text,
           concat_ws(' | ', c.contype, pg_get_constraintdef(c.oid),
               case when not c.convalidated then 'not validated' end,
               case when c.condeferrable then 'deferrable' end,
               case when c.condeferred then 'deferred' end)
      from relation r
      join pg_constraint c on c.conrelid = r.oid
     where c.contype not in ('n', 't') and (c.contype <> 'f' or c.conparentid = 0)

    union all
    -- A partition's copies of its parent's triggers come with the parent's.
    select r.oid, 'trigger', t.tgname::text,
           concat_ws(' | ', pg_get_triggerdef(t.oid), 'enabled ' || t.tgenabled::text)
      from relation r
      join pg_trigger t on t.tgrelid = r.oid
     where not t.tgisinternal
       and coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0

    union all
    select r.oid, 'rule', w.rulename::text,
           concat_ws(' | ', pg_get_ruledef(w.oid), 'enabled ' || w.ev_enabled::text)
      from relation r
      join pg_rewrite w on w.ev_class = r.oid

    union all
    select r.oid, 'policy', p.polname::text,
           concat_ws(' | ', p.polcmd,
               case when p.polpermissive then 'permissive' else 'restrictive' end,
               (select 'to ' || string_agg(coalesce(quote_ident(u.rolname), 'public'), ', '
                                                      order by u.rolname)
                  from unnest(p.polroles) g
                  left join pg_roles u on u.oid = g),
               'using ' || pg_get_expr(p.polqual, p.polrelid),
               'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
      from relation r
      join pg_policy p on p.polrelid = r.oid

    union all
    select r.oid, 'statistics', s.stxname::text,
           concat_ws(' | ', pg_get_statisticsobjdef(s.oid),
               'target ' || nullif((to_jsonb(s) ->> 'stxstattarget')::int, -1))
      from relation r
      join pg_statistic_ext s on s.stxrelid = r.oid
)
select r.nspname, r.relname, f.kind, f.name, f.words
  from relation r
  join fact f on f.oid = r.oid
 order by r.nspname collate "C", r.relname collate "C"
