-- For the oracle: everything in the schemas of :schemas (an array literal) as lines, one object
-- each (with "\n" for ends of lines). Run with an empty search_path, so that every name is qualified. The server's own mark pg_attver
-- among the options of columns (15.20) differs from table to table.
WITH chosen AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (:'schemas'::name[])),
relations AS (
    SELECT c.*, c.oid::regclass::text AS label FROM pg_class c JOIN chosen n ON n.oid = c.relnamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')),
routines AS (
    SELECT p.* FROM pg_proc p JOIN chosen n ON n.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')),
types AS (
    SELECT t.* FROM pg_type t JOIN chosen n ON n.oid = t.typnamespace
    WHERE t.typcategory <> 'A' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'))
SELECT replace(line, E'\n', '\n') FROM (
SELECT concat_ws('|', 'relation', label, relkind, relpersistence, reloptions, relreplident, relispartition, pg_get_partkeydef(oid),
    pg_get_expr(relpartbound, oid), CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END, relispopulated) AS line FROM relations
UNION ALL
SELECT concat_ws('|', 'column', r.label, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_get_expr(d.adbin, d.adrelid), CASE WHEN NOT r.relispartition THEN a.attidentity END, a.attgenerated, pg_describe_object('pg_collation'::regclass, nullif(nullif(a.attcollation, 100), 0), 0), nullif(a.attstattarget, -1), (SELECT array_agg(o) FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver='), a.attstorage,
    a.attislocal, a.attinhcount)
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT concat_ws('|', 'inherits', i.inhrelid::regclass, i.inhparent::regclass, i.inhseqno) FROM pg_inherits i JOIN relations r ON r.oid = i.inhrelid
UNION ALL
SELECT concat_ws('|', 'constraint', coalesce(r.label, format_type(c.contypid, NULL)), c.conname, pg_get_constraintdef(c.oid), c.convalidated, c.connoinherit, c.conindid::regclass)
FROM pg_constraint c LEFT JOIN relations r ON r.oid = c.conrelid JOIN chosen n ON n.oid = c.connamespace WHERE c.contype <> 'n'
UNION ALL
SELECT concat_ws('|', 'index', r.label, pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready, i.indislive, i.indisprimary, i.indisclustered, i.indisreplident)
FROM pg_index i JOIN relations r ON r.oid = i.indexrelid
UNION ALL
SELECT concat_ws('|', 'trigger', r.label, pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT concat_ws('|', 'rule', r.label, pg_get_ruledef(w.oid), w.ev_enabled) FROM pg_rewrite w JOIN relations r ON r.oid = w.ev_class
UNION ALL
SELECT concat_ws('|', 'policy', r.label, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT concat_ws('|', 'sequence', r.label, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
    (SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) || d.deptype::text FROM pg_depend d
     WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
FROM pg_sequence s JOIN relations r ON r.oid = s.seqrelid
UNION ALL
SELECT concat_ws('|', 'statistics', pg_get_statisticsobjdef(s.oid), nullif((to_jsonb(s) ->> 'stxstattarget')::integer, -1)) FROM pg_statistic_ext s JOIN chosen n ON n.oid = s.stxnamespace
UNION ALL
SELECT concat_ws('|', 'routine', p.oid::regprocedure, p.prokind, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END) FROM routines p
UNION ALL
SELECT concat_ws('|', 'aggregate', p.oid::regprocedure, a.aggtransfn, a.aggfinalfn, a.aggtranstype::regtype, a.agginitval) FROM routines p JOIN pg_aggregate a ON a.aggfnoid = p.oid
UNION ALL
SELECT concat_ws('|', 'type', t.oid::regtype, t.typtype, t.typcategory, nullif(t.typbasetype, 0)::regtype, t.typnotnull, t.typdefault,
    (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
    (SELECT concat_ws(',', g.rngsubtype::regtype, g.rngsubopc, g.rngsubdiff) FROM pg_range g WHERE g.rngtypid = t.oid AND g.rngsubopc < 16384)) FROM types t
UNION ALL
SELECT concat_ws('|', 'operator', o.oid::regoperator, o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator) FROM pg_operator o JOIN chosen n ON n.oid = o.oprnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL
SELECT concat_ws('|', 'operator class', n.nspname, o.opcname, o.opcintype::regtype, o.opcdefault,
    (SELECT string_agg(concat_ws(' ', m.amopstrategy, m.amopopr::regoperator), ',' ORDER BY m.amopstrategy) FROM pg_amop m WHERE m.amopfamily = o.opcfamily))
FROM pg_opclass o JOIN chosen n ON n.oid = o.opcnamespace
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_opclass'::regclass AND d.objid = o.oid AND d.deptype = 'e')
UNION ALL
SELECT concat_ws('|', 'collation', n.nspname, c.collname, c.collprovider, c.collisdeterministic) FROM pg_collation c JOIN chosen n ON n.oid = c.collnamespace
UNION ALL
SELECT concat_ws('|', 'text search', c.oid::regconfig, m.maptokentype, m.mapseqno, m.mapdict::regdictionary)
FROM pg_ts_config c JOIN chosen n ON n.oid = c.cfgnamespace LEFT JOIN pg_ts_config_map m ON m.mapcfg = c.oid
UNION ALL
SELECT concat_ws('|', 'dictionary', d.oid::regdictionary, d.dictinitoption) FROM pg_ts_dict d JOIN chosen n ON n.oid = d.dictnamespace
UNION ALL
SELECT concat_ws('|', 'cast', c.castsource::regtype, c.casttarget::regtype, c.castcontext, c.castmethod, nullif(c.castfunc, 0)::regprocedure)
FROM pg_cast c WHERE c.castsource IN (SELECT oid FROM types) OR c.casttarget IN (SELECT oid FROM types)
UNION ALL
SELECT concat_ws('|', 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description)
FROM pg_description d JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i ON true
WHERE d.objoid >= 16384 AND (i.schema IN (SELECT quote_ident(nspname) FROM chosen)
    OR i.schema IS NULL AND d.classoid IN ('pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass)
        AND EXISTS (SELECT FROM chosen WHERE position(quote_ident(nspname) || '.' IN i.identity) > 0))) AS all_of_them;
