create index people_body on public.people (body);
