-- For the oracle: owners, privileges, publications and what else of the live schemas lies in no
-- structure, as lines; ours and members of extensions are left out. Run with an empty search_path.
WITH space AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_|_(staging|retired|undone)_[0-9a-f]{6}$' AND nspname NOT IN ('information_schema', 'stopover')),
member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
SELECT line FROM (
SELECT concat_ws('|', 'relation', c.oid::regclass, c.relowner::regrole, (SELECT array_agg(a ORDER BY a::text) FROM unnest(c.relacl) a), c.relrowsecurity, c.relforcerowsecurity, c.relhasindex, c.relpersistence) AS line
FROM pg_class c JOIN space s ON s.oid = c.relnamespace WHERE ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM member)
UNION ALL
SELECT concat_ws('|', 'column', c.oid::regclass, a.attname, (SELECT array_agg(x ORDER BY x::text) FROM unnest(a.attacl) x))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN space s ON s.oid = c.relnamespace WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT concat_ws('|', 'routine', p.oid::regprocedure, p.proowner::regrole, (SELECT array_agg(x ORDER BY x::text) FROM unnest(p.proacl) x), p.prosecdef)
FROM pg_proc p JOIN space s ON s.oid = p.pronamespace WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM member)
UNION ALL
SELECT concat_ws('|', 'type', t.oid::regtype, t.typowner::regrole, (SELECT array_agg(x ORDER BY x::text) FROM unnest(t.typacl) x))
FROM pg_type t JOIN space s ON s.oid = t.typnamespace WHERE ('pg_type'::regclass, coalesce((SELECT e.oid FROM pg_type e WHERE e.typarray = t.oid), t.oid)) NOT IN (SELECT * FROM member)
UNION ALL
SELECT concat_ws('|', 'schema', s.nspname, n.nspowner::regrole, (SELECT array_agg(x ORDER BY x::text) FROM unnest(n.nspacl) x), obj_description(n.oid, 'pg_namespace'))
FROM space s JOIN pg_namespace n ON n.oid = s.oid
UNION ALL
SELECT concat_ws('|', 'default', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype, (SELECT array_agg(x ORDER BY x::text) FROM unnest(d.defaclacl) x))
FROM pg_default_acl d
UNION ALL
SELECT concat_ws('|', 'publication', p.pubname, p.pubowner::regrole, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, obj_description(p.oid, 'pg_publication'))
FROM pg_publication p
UNION ALL
SELECT concat_ws('|', 'published', p.pubname, r.prrelid::regclass, r.prattrs, pg_get_expr(r.prqual, r.prrelid))
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
UNION ALL
SELECT concat_ws('|', 'depends', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid), d.deptype)
FROM pg_depend d JOIN pg_namespace n ON n.nspname = 'outside'
WHERE d.objid >= 16384 AND pg_describe_object(d.classid, d.objid, d.objsubid) ~ '(outside|"Out Side")[.]' AND d.refobjid >= 16384
    AND pg_describe_object(d.classid, d.objid, d.objsubid) !~ 'RI_Constraint|pg_toast'
) all_of_them
ORDER BY line COLLATE "C";
