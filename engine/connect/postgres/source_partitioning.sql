-- Partitioned tables whose rows must find their own partition again in the target: loaded leaf by
-- leaf, they could be refused there or, worse, stand where nobody looks for them (trap 15).
--  - by hash of something that hashes otherwise elsewhere: enums (by OID), nondeterministic
--    collations (by the version of ICU);
--  - by list of something whose equality depends on a collation, or that one computes;
--  - by range of text in the order of a collation that another machine may have otherwise.
with recursive part as (
    select p.partrelid, p.partstrat, k.place, p.partcollation[k.place - 1] as collation,
           a.atttypid, k.attnum
      from pg_partitioned_table p
      cross join lateral unnest(p.partattrs) with ordinality k(attnum, place)
      left join pg_attribute a on a.attrelid = p.partrelid and a.attnum = k.attnum and k.attnum > 0
),
-- The types of expressions show in their operator classes only.
typed as (
    select p.*, coalesce(p.atttypid, o.opcintype) as type
      from part p
      join pg_partitioned_table t on t.partrelid = p.partrelid
      left join pg_opclass o on o.oid = t.partclass[p.place - 1]
),
reach(root, oid) as (
    select distinct t.type, t.type from typed t
    union
    select r.root, x.oid
      from reach r
      join pg_type t on t.oid = r.oid
      cross join lateral (
          select t.typelem where t.typelem <> 0 and t.typlen = -1
          union all
          select t.typbasetype where t.typtype = 'd'
          union all
          select g.rngsubtype from pg_range g where g.rngtypid = t.oid
          union all
          select g.rngtypid from pg_range g
           where t.typtype = 'm' and (to_jsonb(g) ->> 'rngmultitypid')::oid = t.oid
          union all
          select a.atttypid from pg_attribute a
           where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0
             and not a.attisdropped
      ) x(oid)
),
-- Enums, and what stands for any of them: "anyenum", and records of unknown columns.
by_oid(root) as (
    select distinct r.root
      from reach r
      join pg_type t on t.oid = r.oid
     where t.typtype = 'e' or t.typtype = 'p'
)
select distinct t.partrelid
  from typed t
  cross join pg_database d
  left join pg_collation c on c.oid = t.collation
  cross join lateral (
      -- Is it the order of bytes, everywhere?
      select c.oid is null or case
                 when c.collname <> 'default' then coalesce(c.collcollate, '')
                 when to_jsonb(d) ->> 'datlocprovider' in ('i', 'b') then ''
                 else d.datcollate
             end in ('C', 'POSIX') as is_bytewise
  ) o
 where d.datname = current_database()
   and case t.partstrat
           when 'h' then t.type in (select b.root from by_oid b) or not c.collisdeterministic
           when 'l' then not c.collisdeterministic or (t.attnum = 0 and not o.is_bytewise)
           else not o.is_bytewise
       end
 order by 1
