-- Event triggers that fire on what our sessions do to the target's schema: name, event, only for these
-- commands (null: all), function, extension that it belongs to (null: none).
select e.evtname, e.evtevent, pg_catalog.array_to_string(e.evttags, ', '),
       e.evtfoid::pg_catalog.regprocedure::text, x.extname
  from pg_catalog.pg_event_trigger e
  left join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass and d.objid = e.oid
   and d.deptype = 'e'
  left join pg_catalog.pg_extension x on x.oid = d.refobjid
 where e.evtenabled in ('O', 'A') and e.evtevent <> 'login'
 order by 1
