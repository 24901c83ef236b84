-- How many locks the server has for all together: it guarantees so many, and has a few more.
select current_setting('max_locks_per_transaction')::bigint,
       current_setting('max_connections')::bigint
           + current_setting('max_prepared_transactions')::bigint
