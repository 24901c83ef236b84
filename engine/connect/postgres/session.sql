-- The one list of settings of a session, and in the same round trip who serves us and the known
-- answers: see session.c. $1 is default_transaction_read_only. Nothing is set in a process of the
-- server other than $2: it may belong to a pooler and serve somebody else next; 0: any will do.
--
-- A setting that this server does not know is passed over; so is one that this user may not make
-- (lc_messages). Those that must hold are proven by the answers.
SELECT (SELECT pg_catalog.count(pg_catalog.set_config(known.name, wanted.value, false))
          FROM (VALUES
              -- No limit that a role or database sets ends us.
              ('statement_timeout', '0'),
              ('lock_timeout', '0'),
              ('idle_in_transaction_session_timeout', '0'),
              ('idle_session_timeout', '0'),
              ('transaction_timeout', '0'),
              -- The server notices that we are gone: idle, sending, or busy.
              ('tcp_keepalives_idle', '30'),
              ('tcp_keepalives_interval', '10'),
              ('tcp_keepalives_count', '3'),
              ('tcp_user_timeout', '120000'),
              ('client_connection_check_interval', '10000'),
              -- What we write is read as we mean it.
              ('search_path', ''),
              ('standard_conforming_strings', 'on'),
              ('transform_null_equals', 'off'),
              ('array_nulls', 'on'),
              ('xmloption', 'content'),
              ('check_function_bodies', 'off'),
              -- What was committed is there for good: we record it, and do not ask for it again.
              ('synchronous_commit', pg_catalog.replace(
                  pg_catalog.current_setting('synchronous_commit'), 'off', 'on')),
              -- What we read is the same from every server.
              ('client_encoding', 'UTF8'),
              ('DateStyle', 'ISO, YMD'),
              ('IntervalStyle', 'postgres'),
              ('TimeZone', 'UTC'),
              ('extra_float_digits', '1'),
              ('bytea_output', 'hex'),
              ('lc_monetary', 'C'),
              ('lc_messages', 'C'),
              ('quote_all_identifiers', 'off'),
              ('xmlbinary', 'base64'),
              -- All rows, in the order of the disk, at a predictable price.
              ('row_security', 'off'),
              ('synchronize_seqscans', 'off'),
              ('jit', 'off'),
              ('default_transaction_isolation', 'read committed'),
              ('default_transaction_deferrable', 'off'),
              ('default_transaction_read_only', $1)
          ) AS wanted (name, value)
          JOIN pg_catalog.pg_settings AS known
            ON known.name OPERATOR(pg_catalog.=) wanted.name
         WHERE $2::pg_catalog.int4 OPERATOR(pg_catalog.=) ANY (ARRAY[0, pg_catalog.pg_backend_pid()])
           AND (known.context OPERATOR(pg_catalog.=) 'user'
                OR (known.context OPERATOR(pg_catalog.=) 'superuser'
                    AND pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on'))),
       pg_catalog.pg_backend_pid(),
       pg_catalog.current_setting('server_version_num'),
       pg_catalog.getdatabaseencoding(),
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('statement_timeout'),
       pg_catalog.current_setting('search_path'),
       pg_catalog.current_setting('client_encoding'),
       pg_catalog.current_setting('default_transaction_read_only'),
       '2001-02-03 04:05:06.789012+00'::pg_catalog.timestamptz,
       '1 year 2 mons 3 days 04:05:06'::pg_catalog.interval,
       '0.1'::pg_catalog.float8 OPERATOR(pg_catalog.+) '0.2'::pg_catalog.float8,
       pg_catalog.decode('00ff', 'hex')
