create table public.people ();
