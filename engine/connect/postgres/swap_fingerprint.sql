-- Goes on from swap_gone.sql: SHA-256 over what retires and what depends on it, as it is: whatever
-- was renamed, moved, altered, granted or bound to it since shows.
, line(words) as (
    select concat_ws(' ', 'o', g.classid, g.objid, c.relname, c.relnamespace, c.relowner,
                     c.relkind, c.relacl, t.xmin, p.xmin)
      from gone g
      left join pg_class c on g.classid = 'pg_class'::regclass and c.oid = g.objid
      left join pg_type t on g.classid = 'pg_type'::regclass and t.oid = g.objid
      left join pg_proc p on g.classid = 'pg_proc'::regclass and p.oid = g.objid
    union all
    select concat_ws(' ', 'a', a.attrelid, a.attname, a.attacl)
      from relation r
      join pg_attribute a on a.attrelid = r.oid
     where a.attacl is not null
    union all
    select concat_ws(' ', 'd', d.classid, d.objid, d.objsubid, d.refobjid,
               d.refobjsubid, d.deptype,
               (select concat_ws(' ', c.relname, c.relnamespace)
                  from pg_class c where d.classid = 'pg_class'::regclass and c.oid = d.objid),
               (select concat_ws(' ', w.xmin, w.ev_class::regclass, c.reloptions)
                  from pg_rewrite w
                  join pg_class c on c.oid = w.ev_class
                 where d.classid = 'pg_rewrite'::regclass and w.oid = d.objid),
               (select p.xmin from pg_policy p where d.classid = 'pg_policy'::regclass
                                                 and p.oid = d.objid),
               (select e.xmin from pg_attrdef e where d.classid = 'pg_attrdef'::regclass
                                                  and e.oid = d.objid),
               (select p.xmin from pg_proc p where d.classid = 'pg_proc'::regclass
                                               and p.oid = d.objid),
               (select concat_ws(' ', k.xmin, k.conrelid::regclass)
                  from pg_constraint k where d.classid = 'pg_constraint'::regclass
                                         and k.oid = d.objid),
               (select concat_ws(' ', t.xmin, t.tgrelid::regclass)
                  from pg_trigger t where d.classid = 'pg_trigger'::regclass
                                      and t.oid = d.objid),
               (select r.xmin from pg_publication_rel r
                 where d.classid = 'pg_publication_rel'::regclass and r.oid = d.objid))
      from dependency d
)
select encode(sha256(convert_to(coalesce(string_agg(words, E'\n' order by words collate "C"), ''),
                                'UTF8')), 'hex')
  from line
