-- Goes on from a sample of a table, seen(key, leaf, place): the bounds of ranges of about the same
-- number of rows. $2: how many, $3: how many where the key does not go along with the place.
--
-- Each range but the first begins with the first key of its part of the sample; not with the smallest
-- one, which would leave nothing for the range before.
, ranked as (
    select rank() over (partition by leaf order by key) as by_key,
           rank() over (partition by leaf order by place) as by_place
      from seen
), wanted as (
    select case when coalesce(abs(corr(by_key, by_place)), 1) > 0.9 then $2::int4 else $3::int4 end
           as ranges
      from ranked
), part as (
    select key, ntile((select ranges from wanted)) over (order by key) as number from seen
), first as (
    select distinct on (number) number, key from part order by number, key
)
select key
  from (select distinct key from first
         where key > (select key from first where number = 1)) bound
 order by key
