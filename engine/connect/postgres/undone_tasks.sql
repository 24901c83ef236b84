-- The tasks that must not stay done when table :table is emptied, and what waits for them in turn.
-- Classes as in engine/flow/plan.h; but what comes after something of a higher class has that one, so
-- what a task has made counts too. Plain indexes and unique constraints stay: loading goes through
-- them. What is after_lower may have been computed from any table's rows; views and routines are not.
-- Rows that a CHECK would refuse may be there when it is not validated; and those that inherit it.
with recursive made as (
    select o.task,
           pg_catalog.bool_or(o.class_oid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
               or exists (select 1 from pg_catalog.pg_constraint c
                          where o.class_oid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                            and c.oid = o.object_oid and c.contype = 'f')) as guards_rows,
           pg_catalog.bool_or(exists (select 1 from pg_catalog.pg_constraint c
                          where o.class_oid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
                            and c.oid = o.object_oid and c.contype = 'c'
                            and not c.convalidated)) as refuses_rows,
           pg_catalog.bool_and(o.class_oid in ('pg_catalog.pg_proc'::pg_catalog.regclass,
                                               'pg_catalog.pg_type'::pg_catalog.regclass)
               or exists (select 1 from pg_catalog.pg_class c
                          where o.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            and c.oid = o.object_oid and c.relkind in ('v', 'm')))
               as only_defines
    from stopover.object o
    where o.run = :run and o.attempt = :attempt and o.task is not null
    group by o.task
),
undone(task_id) as (
    select t.task_id
    from stopover.task t
    left join made m on m.task = t.task_id
    where t.run = :run and t.attempt = :attempt and t.class > :create
      and ((t.after_lower and not coalesce(m.only_defines, false))
           or (:table in (t.table_id, t.other_table_id)
               and (t.class in (:fkey, :trigger) or coalesce(m.guards_rows, false)))
           or coalesce(m.refuses_rows, false)
           or (t.class in (:sequence, :statistics) and t.table_id = :table)
           or (t.object_id = 0 and t.table_id = :table)) -- ANALYZE, settings of indexes
    union
    select t.task_id
    from stopover.task t
    join undone u on u.task_id = any (t.waits_for)
    where t.run = :run and t.attempt = :attempt and t.class > :create
)
select coalesce(pg_catalog.array_agg(task_id order by task_id), '{}') from undone
