-- What leads to what, as (class, OID) to (class, OID), among things that are not the server's own:
-- what a thing needs and, where the parts of a thing are things of their own, what it is made of: a
-- view of its rule, an operator class of its functions, a domain of its checks, a composite type of
-- its relation. Extensions are taken as they are: nothing leads into them.
with member as materialized (
    select d.classid, d.objid from pg_depend d
     where d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
),
edge as materialized (
    select d.classid, d.objid, d.refclassid, d.refobjid, d.deptype
      from pg_depend d
     where d.objid >= 16384 and d.refobjid >= 16384
       and d.refclassid not in ('pg_namespace'::regclass, 'pg_extension'::regclass)
       -- row types and storage of tables lead nowhere
       and not (d.deptype = 'i' and d.refclassid = 'pg_class'::regclass
                and (d.classid = 'pg_type'::regclass
                     or d.classid = 'pg_class'::regclass
                        and d.objid in (select c.reltoastrelid from pg_class c)))
)
select e.classid, e.objid, e.refclassid, e.refobjid
  from edge e
 where not exists(select from member m
                   where m.classid = e.refclassid and m.objid = e.refobjid)
   and not exists(select from member m where m.classid = e.classid and m.objid = e.objid)
union
select e.refclassid, e.refobjid, e.classid, e.objid
  from edge e
 where e.deptype in ('a', 'i')
   and not exists(select from member m where m.classid = e.classid and m.objid = e.objid)
   and (e.classid = 'pg_rewrite'::regclass and e.refclassid = 'pg_class'::regclass
        or e.classid in ('pg_amop'::regclass, 'pg_amproc'::regclass)
           and e.refclassid in ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
        or e.classid = 'pg_constraint'::regclass and e.refclassid = 'pg_type'::regclass
        or e.classid = 'pg_class'::regclass and e.refclassid = 'pg_type'::regclass)
 order by 1, 2, 3, 4
