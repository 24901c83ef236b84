-- Goes on from swap_gone.sql: every object outside that depends on what retires (trap 10), with the
-- statement that binds it to what has the names then, or with why there is none. The same statement
-- serves after the swap and after the way back: it names what is live. What cannot be named here is
-- refused: the list is closed.
, dependent(classid, objid, objsubid, on_what, is_followed) as materialized (
    select d.classid, d.objid, case d.classid when 'pg_class'::regclass then d.objsubid else 0 end,
           min(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)),
           bool_and(d.successor is not null)
      from dependency d
     where not (d.classid = 'pg_publication_rel'::regclass) -- swap_publications*.sql
     group by 1, 2, 3
), relation_of(classid, objid, oid) as materialized (
    select distinct d.classid, d.objid,
           case d.classid
               when 'pg_class'::regclass then coalesce(i.indrelid, d.objid)
               when 'pg_rewrite'::regclass then w.ev_class
               when 'pg_attrdef'::regclass then a.adrelid
               when 'pg_constraint'::regclass then nullif(k.conrelid, 0)
               when 'pg_trigger'::regclass then t.tgrelid
               when 'pg_policy'::regclass then p.polrelid
           end
      from dependent d
      left join pg_index i on d.classid = 'pg_class'::regclass and i.indexrelid = d.objid
      left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
      left join pg_attrdef a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
      left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
      left join pg_trigger t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
      left join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
), handled(classid, objid, statement, validate, place, problem) as (
    select d.classid, d.objid,
           format('create or replace view %s %s as %s', c.oid::regclass,
                  (select 'with (' || string_agg(format('%s=%L', split_part(o, '=', 1),
                                                        substr(o, strpos(o, '=') + 1)), ', ')
                          || ')' from unnest(c.reloptions) o),
                  rtrim(pg_get_viewdef(c.oid), ';')), null, 3,
           case when exists (select from dependency k
                              where k.classid = d.classid and k.objid = d.objid
                                and k.refclassid = 'pg_constraint'::regclass and k.successor <> 0
                                and not exists (select from pg_index i
                                                  join pg_constraint p on p.oid = k.refobjid
                                                  join gone g on g.successor = i.indrelid
                                                                 and g.objid = p.conrelid
                                                 where i.indisprimary))
               then 'it groups by a primary key, which the source does not have' end
      from dependent d
      join pg_rewrite w on w.oid = d.objid
      join pg_class c on c.oid = w.ev_class
     where d.classid = 'pg_rewrite'::regclass and w.rulename = '_RETURN' and c.relkind = 'v'
    union all
    select d.classid, d.objid,
           rtrim(regexp_replace(pg_get_ruledef(w.oid), '^CREATE RULE', 'create or replace rule'),
                 ';'), null, 4, null
      from dependent d
      join pg_rewrite w on w.oid = d.objid
     where d.classid = 'pg_rewrite'::regclass and w.rulename <> '_RETURN'
    union all
    select d.classid, d.objid,
           format('alter table only %s alter column %I set default %s', c.oid::regclass, a.attname,
                  pg_get_expr(e.adbin, e.adrelid)), null, 2,
           case when a.attgenerated <> '' then 'a generated column cannot be given another function'
           end
      from dependent d
      join pg_attrdef e on e.oid = d.objid
      join pg_class c on c.oid = e.adrelid
      join pg_attribute a on a.attrelid = e.adrelid and a.attnum = e.adnum
     where d.classid = 'pg_attrdef'::regclass
    union all
    select d.classid, d.objid, rtrim(pg_get_functiondef(p.oid), E'\n'), null, 1,
           case when exists (select from any_type t
                              where t.oid = p.prorettype or t.oid = any (p.proargtypes)
                                 or t.oid = any (p.proallargtypes))
               then 'the type of an argument or result cannot be replaced' end
      from dependent d
      join pg_proc p on p.oid = d.objid
     where d.classid = 'pg_proc'::regclass and p.prokind in ('f', 'p', 'w')
    union all
    select d.classid, d.objid,
           format('drop trigger %I on %s; %s', t.tgname, t.tgrelid::regclass,
                  pg_get_triggerdef(t.oid))
           || case t.tgenabled
                  when 'D' then format('; alter table %s disable trigger %I',
                                       t.tgrelid::regclass, t.tgname)
                  when 'R' then format('; alter table %s enable replica trigger %I',
                                       t.tgrelid::regclass, t.tgname)
                  when 'A' then format('; alter table %s enable always trigger %I',
                                       t.tgrelid::regclass, t.tgname)
                  else '' end
           || coalesce(format('; comment on trigger %I on %s is ', t.tgname, t.tgrelid::regclass)
                       || quote_literal(obj_description(t.oid, 'pg_trigger')), ''),
           null, 5, null
      from dependent d
      join pg_trigger t on t.oid = d.objid
     where d.classid = 'pg_trigger'::regclass and not t.tgisinternal
    union all
    select d.classid, d.objid,
           format('alter policy %I on %s%s%s', p.polname, p.polrelid::regclass,
                  ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                  ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'), null, 6, null
      from dependent d
      join pg_policy p on p.oid = d.objid
     where d.classid = 'pg_policy'::regclass
    union all
    select d.classid, d.objid,
           format('alter table %s drop constraint %I, add constraint %I %s%s', k.conrelid::regclass,
                  k.conname, k.conname, pg_get_constraintdef(k.oid),
                  case when k.convalidated then ' not valid' else '' end)
           || coalesce(format('; comment on constraint %I on %s is ', k.conname,
                              k.conrelid::regclass)
                       || quote_literal(obj_description(k.oid, 'pg_constraint')), ''),
           case when k.convalidated
               then format('alter table %s validate constraint %I', k.conrelid::regclass, k.conname)
           end, 7,
           case when c.relkind = 'p'
                    then 'a foreign key of a partitioned table cannot be made without a scan'
                when exists (select from pg_trigger t
                              where t.tgconstraint = k.oid and t.tgenabled <> 'O')
                    then 'triggers of this foreign key are disabled'
                when not exists (
                         select from gone g where g.classid = 'pg_class'::regclass
                                              and g.objid = k.confrelid and g.successor = 0)
                     and not exists (
                         select from pg_index i
                           join gone g on g.classid = 'pg_class'::regclass
                                          and g.objid = k.confrelid
                          where i.indrelid = g.successor and i.indisunique and i.indimmediate
                            and i.indpred is null and i.indexprs is null
                            and (select array_agg(a.attname order by a.attname)
                                   from unnest(k.confkey) x(number)
                                   join pg_attribute a on a.attrelid = k.confrelid
                                                          and a.attnum = x.number)
                                = (select array_agg(a.attname order by a.attname)
                                     from unnest(i.indkey) with ordinality x(number, place)
                                     join pg_attribute a on a.attrelid = i.indrelid
                                                            and a.attnum = x.number
                                    where x.place <= i.indnkeyatts))
                    then 'the source has no unique key over the columns it refers to'
           end
      from dependent d
      join pg_constraint k on k.oid = d.objid
      join pg_class c on c.oid = k.conrelid
     where d.classid = 'pg_constraint'::regclass and k.contype = 'f' and k.conparentid = 0
), part(classid, objid) as (
    -- follows another one that is in the list: what a partition has of its parent's
    select d.classid, d.objid
      from dependent d
      join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
     where k.contype = 'f' and k.conparentid <> 0
    union all
    select d.classid, d.objid
      from dependent d
      join pg_trigger t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
      join pg_class c on c.oid = t.tgrelid
     where coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) <> 0
        or t.tgisinternal and c.relispartition -- said so before 13
)
select coalesce(case when w.rulename = '_RETURN' then pg_describe_object('pg_class'::regclass,
                                                                         w.ev_class, 0) end,
                pg_describe_object(d.classid, d.objid, d.objsubid)),
       h.statement, h.validate,
       case when exists (select from staging s where s.staged = n.oid) then 'what is staged depends on it'
            when x.extname is not null then 'it belongs to extension ' || quote_ident(x.extname)
            when c.relkind = 'm' then 'a materialized view cannot be bound to another table'
            when h.classid is null then 'it cannot be bound to what takes the place'
            when not d.is_followed then 'the source has nothing that takes the place'
            when h.problem is not null then h.problem
            when l.words is not null then 'it uses ' || l.words end,
       d.on_what, case when c.relkind in ('r', 'p') then c.oid::regclass::text end,
       o.rolname, coalesce(pg_has_role(o.oid, 'usage'), true),
       n.nspname, h.place in (1, 3) and not has_schema_privilege(n.oid, 'create'),
       (select json_agg(json_build_object('schema', s.nspname, 'name', t.typname,
                                          'words', format_type(t.oid, null)))
          from pg_type t
          join pg_namespace s on s.oid = t.typnamespace
         where t.typtype = 'e'
           and exists (select from dependency k
                        where k.classid = d.classid and k.objid = d.objid
                          and k.refclassid = 'pg_type'::regclass
                          and k.refobjid in (t.oid, t.typarray)))::text
  from dependent d
  left join handled h on h.classid = d.classid and h.objid = d.objid
  left join part f on f.classid = d.classid and f.objid = d.objid
  left join lost_column l on l.classid = d.classid and l.objid = d.objid
  left join relation_of r on r.classid = d.classid and r.objid = d.objid
  left join pg_class c on c.oid = r.oid
  left join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
  left join pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace)
  left join pg_roles o on o.oid = coalesce(c.relowner, p.proowner)
  left join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
  left join pg_depend e on e.deptype = 'e' and e.refclassid = 'pg_extension'::regclass
                           and e.classid = case when r.oid is not null then 'pg_class'::regclass::oid
                                                else d.classid end
                           and e.objid = coalesce(r.oid, d.objid)
  left join pg_extension x on x.oid = e.refobjid
 where f.objid is null
 order by h.place, 1
