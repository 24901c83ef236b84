-- pgvector: columns of its types, indexes of its two methods with several operator classes. Needs the
-- extension vector to be installed on the server.
SET client_min_messages = warning;
CREATE EXTENSION vector SCHEMA public;
CREATE SCHEMA kb;
CREATE TABLE kb.chunks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content text, embedding public.vector(64) NOT NULL, average public.vector);
INSERT INTO kb.chunks (content, embedding, average)
SELECT 'chunk ' || n, (SELECT array_agg(sin(n * m)) FROM generate_series(1, 64) m)::real[]::public.vector, CASE n % 3 WHEN 0 THEN NULL ELSE '[1.5,-2e-10,0]'::public.vector END
FROM generate_series(1, 2000) n;
CREATE INDEX chunks_cosine ON kb.chunks USING hnsw (embedding public.vector_cosine_ops) WITH (m = 8, ef_construction = 32);
CREATE INDEX chunks_l2 ON kb.chunks USING ivfflat (embedding) WITH (lists = 10);
CREATE INDEX chunks_ip ON kb.chunks USING ivfflat (embedding public.vector_ip_ops) WITH (lists = 5);
CREATE TABLE public.entities (name text PRIMARY KEY, vectors public.vector[], near text GENERATED ALWAYS AS (lower(name)) STORED);
INSERT INTO public.entities (name, vectors) SELECT 'Entity ' || n, ARRAY['[1,2,3]'::public.vector, '[0.1,0.2]'] FROM generate_series(1, 100) n;
CREATE VIEW kb.nearest AS SELECT c.id, c.embedding OPERATOR(public.<=>) o.embedding AS distance FROM kb.chunks c, kb.chunks o WHERE o.id = 1 ORDER BY c.embedding OPERATOR(public.<=>) o.embedding LIMIT 10;
CREATE FUNCTION kb.search(wanted public.vector, n integer DEFAULT 5) RETURNS SETOF bigint LANGUAGE sql STABLE
    AS 'SELECT id FROM kb.chunks ORDER BY embedding OPERATOR(public.<=>) wanted LIMIT n';
CREATE MATERIALIZED VIEW kb.centre AS SELECT public.avg(embedding) AS centre FROM kb.chunks;
