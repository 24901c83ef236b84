-- The tasks that must not stay done when table :table is emptied, and what waits for them in turn.
-- Classes as in engine/flow/plan.h. Plain indexes and unique constraints stay: loading goes through
-- them. What is after_lower may have been computed from any table's rows.
with recursive undone(task_id) as (
    select t.task_id
    from stopover.task t
    where t.run = :run and t.attempt = :attempt and t.class > :create
      and (t.after_lower
           or (t.class in (:fkey, :trigger) and :table in (t.table_id, t.other_table_id))
           or (t.class in (:sequence, :statistics) and t.table_id = :table)
           or (t.object_id = 0 and t.table_id = :table)) -- makes nothing: ANALYZE
    union
    select t.task_id
    from stopover.task t
    join undone u on u.task_id = any (t.waits_for)
    where t.run = :run and t.attempt = :attempt and t.class > :create
)
select coalesce(pg_catalog.array_agg(task_id order by task_id), '{}') from undone
