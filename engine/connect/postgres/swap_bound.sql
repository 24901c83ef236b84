-- Goes on from swap_gone.sql: the names of all that depends on what retires. The way back binds these.
select distinct i.type || ' ' || i.identity
  from (select distinct classid, objid, objsubid from dependency) d,
       lateral pg_identify_object(d.classid, d.objid, d.objsubid) i
 where i.identity is not null
 order by 1
