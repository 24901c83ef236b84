-- The recorded epoch may be higher than ours when another process of the run drove it last, and
-- lower when the target was put back to an older state: it must be above both.
insert into stopover.run (run, migration, attempt, epoch, id)
values (:run, :migration, :attempt, :epoch + 1, :id)
on conflict (run) do update
set migration = excluded.migration, attempt = excluded.attempt, id = excluded.id,
    epoch = greatest(run.epoch + 1, excluded.epoch), server_start = excluded.server_start,
    claimed_at = excluded.claimed_at
returning epoch
