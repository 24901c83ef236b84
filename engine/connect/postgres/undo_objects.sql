-- Statements that drop what the tasks :tasks have made and what is still there. Tasks are numbered in
-- an order in which they can be done: so the last one first, and an index after its constraint, with
-- which it goes. Only what belongs to a partition comes after what it belongs to, for the same reason.
-- The parts of a foreign key, one for each partition that it refers to, go with the key alone; a CHECK
-- that is inherited goes with its parent's, and one of the child's own can only be dropped after that.
select case o.class_oid
    when 'pg_catalog.pg_trigger'::pg_catalog.regclass then
        (select pg_catalog.format('drop trigger if exists %I on %s', c.tgname,
                                  c.tgrelid::pg_catalog.regclass)
         from pg_catalog.pg_trigger c where c.oid = o.object_oid)
    when 'pg_catalog.pg_rewrite'::pg_catalog.regclass then
        (select pg_catalog.format('drop rule if exists %I on %s', c.rulename,
                                  c.ev_class::pg_catalog.regclass)
         from pg_catalog.pg_rewrite c where c.oid = o.object_oid)
    when 'pg_catalog.pg_policy'::pg_catalog.regclass then
        (select pg_catalog.format('drop policy if exists %I on %s', c.polname,
                                  c.polrelid::pg_catalog.regclass)
         from pg_catalog.pg_policy c where c.oid = o.object_oid)
    when 'pg_catalog.pg_constraint'::pg_catalog.regclass then
        (select case when c.conrelid <> 0
                     then pg_catalog.format('alter table %s drop constraint if exists %I',
                                            c.conrelid::pg_catalog.regclass, c.conname)
                     else pg_catalog.format('alter domain %s drop constraint if exists %I',
                                            c.contypid::pg_catalog.regtype, c.conname) end
         from pg_catalog.pg_constraint c where c.oid = o.object_oid
           and (c.contype <> 'f' or c.conparentid = 0)
           and (c.contype <> 'c' or c.conislocal))
    when 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass then
        (select pg_catalog.format('drop statistics if exists %I.%I', n.nspname, c.stxname)
         from pg_catalog.pg_statistic_ext c
         join pg_catalog.pg_namespace n on n.oid = c.stxnamespace
         where c.oid = o.object_oid)
    when 'pg_catalog.pg_proc'::pg_catalog.regclass then
        (select pg_catalog.format('drop routine if exists %s', c.oid::pg_catalog.regprocedure)
         from pg_catalog.pg_proc c where c.oid = o.object_oid)
    when 'pg_catalog.pg_class'::pg_catalog.regclass then
        (select pg_catalog.format('drop %s if exists %s',
                                  case c.relkind when 'v' then 'view'
                                                 when 'm' then 'materialized view'
                                                 else 'index' end,
                                  c.oid::pg_catalog.regclass)
         from pg_catalog.pg_class c where c.oid = o.object_oid and c.relkind in ('i', 'I', 'v', 'm'))
    end as statement
from stopover.object o
where o.run = :run and o.attempt = :attempt and o.task = any (:tasks::bigint[])
order by exists (select 1 from pg_catalog.pg_depend d
                 where d.classid = o.class_oid and d.objid = o.object_oid
                   and d.deptype in ('P', 'S'))
         or exists (select 1 from pg_catalog.pg_constraint c
                    where o.class_oid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                      and c.oid = o.object_oid and c.contype = 'c' and c.coninhcount > 0),
         o.task desc,
         o.class_oid <> 'pg_catalog.pg_constraint'::pg_catalog.regclass
