-- For the oracle: whatever in the staging schemas of :schemas depends on something outside that is
-- neither the system's nor an extension's; and the other way round.
WITH chosen AS (SELECT oid FROM pg_namespace WHERE nspname = ANY (:'schemas'::name[])),
members AS (
    SELECT 'pg_class'::regclass AS classid, oid AS objid, relnamespace IN (SELECT oid FROM chosen) AS staged FROM pg_class WHERE relkind <> 't'
    UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace IN (SELECT oid FROM chosen) FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace IN (SELECT oid FROM chosen) FROM pg_type
    UNION ALL SELECT 'pg_operator'::regclass, oid, oprnamespace IN (SELECT oid FROM chosen) FROM pg_operator
    UNION ALL SELECT 'pg_opclass'::regclass, oid, opcnamespace IN (SELECT oid FROM chosen) FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily'::regclass, oid, opfnamespace IN (SELECT oid FROM chosen) FROM pg_opfamily
    UNION ALL SELECT 'pg_collation'::regclass, oid, collnamespace IN (SELECT oid FROM chosen) FROM pg_collation
    UNION ALL SELECT 'pg_ts_config'::regclass, oid, cfgnamespace IN (SELECT oid FROM chosen) FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictnamespace IN (SELECT oid FROM chosen) FROM pg_ts_dict
    UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, stxnamespace IN (SELECT oid FROM chosen) FROM pg_statistic_ext
    UNION ALL SELECT 'pg_constraint'::regclass, oid, connamespace IN (SELECT oid FROM chosen) FROM pg_constraint
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, relnamespace IN (SELECT oid FROM chosen) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    UNION ALL SELECT 'pg_rewrite'::regclass, t.oid, relnamespace IN (SELECT oid FROM chosen) FROM pg_rewrite t JOIN pg_class c ON c.oid = ev_class
    UNION ALL SELECT 'pg_policy'::regclass, t.oid, relnamespace IN (SELECT oid FROM chosen) FROM pg_policy t JOIN pg_class c ON c.oid = polrelid
    UNION ALL SELECT 'pg_attrdef'::regclass, t.oid, relnamespace IN (SELECT oid FROM chosen) FROM pg_attrdef t JOIN pg_class c ON c.oid = adrelid)
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
FROM pg_depend d JOIN members m ON m.classid = d.classid AND m.objid = d.objid
    JOIN members r ON r.classid = d.refclassid AND r.objid = d.refobjid
WHERE m.staged <> r.staged AND d.refobjid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.deptype = 'e' AND (e.classid = d.refclassid AND e.objid = d.refobjid
        OR e.classid = 'pg_type'::regclass AND e.objid = (SELECT t.typelem FROM pg_type t WHERE d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid)))
ORDER BY 1;
