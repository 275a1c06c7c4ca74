-- What :events events take, how long their index takes to build, and how fast and how well it is searched (scale.md):
--   psql CONNECTION -v events=500000 -f docs/scale.sql
-- Begins with what is stored. The events that are added have the content of one and the metadata of another, and a vector between theirs, two
-- thirds of the way to the first; so are the questions.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET max_parallel_maintenance_workers = 0; -- as the AppHost has it
SET maintenance_work_mem = '2GB';         -- the graph of the index is built in it
SET jit = off;
SET hnsw.ef_search = 150;
SET hnsw.iterative_scan = relaxed_order;
SET session_replication_role = replica;   -- no triggers: there are no new words

CREATE FUNCTION pg_temp.between(a vector, b vector) RETURNS vector LANGUAGE sql IMMUTABLE RETURN l2_normalize(a + a + b);

CREATE FUNCTION pg_temp.id_at("time" timestamptz) RETURNS uuid LANGUAGE sql VOLATILE RETURN
    overlay(first_id("time")::text placing right(gen_random_uuid()::text, 22) from 15)::uuid;

DROP INDEX IF EXISTS events_embedding_short;
CREATE TEMP TABLE real AS
    SELECT row_number() OVER (ORDER BY id) AS place, row_number() OVER (ORDER BY md5(id::text)) AS other, space, timestamp, content, metadata, embedding
    FROM events WHERE embedding IS NOT NULL;
CREATE INDEX ON real (place);
ANALYZE real;

\timing on
\echo Adding events
INSERT INTO events (id, space, timestamp, content, metadata, embedding, embedding_short)
SELECT pg_temp.id_at(one.timestamp - round * interval '90 days'), one.space, one.timestamp - round * interval '90 days',
       one.content, other.metadata, made, short_form(made, one.space)
FROM (SELECT count(*) AS total FROM real) AS all_of_them,
     generate_series(1, (:events - 1) / total) AS round, real AS one
     JOIN LATERAL (SELECT metadata, embedding FROM real WHERE place = (one.other + round * 7919) % total + 1) AS other ON true,
     LATERAL pg_temp.between(one.embedding, other.embedding) AS made
WHERE total * round + one.place <= :events;
\echo Building the index
CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12);
\timing off
VACUUM ANALYZE events;

SELECT part, bytes, round(bytes::numeric / (SELECT count(*) FROM events)) AS bytes_per_event
FROM (SELECT 'events' AS part, pg_table_size('events') AS bytes
      UNION ALL SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = 'events'::regclass
      UNION ALL SELECT 'all', pg_total_relation_size('events')) AS parts
ORDER BY bytes DESC;

CREATE FUNCTION pg_temp.search(questions integer, nearest integer) RETURNS TABLE (p50_ms numeric, p95_ms numeric, recall_at_10 numeric) LANGUAGE plpgsql AS $$
DECLARE
    question vector;
    short halfvec;
    start timestamptz;
    milliseconds float[] := '{}';
    found uuid[];
    right_ones uuid[];
    hits integer := 0;
BEGIN
    FOR question IN
        SELECT pg_temp.between(one.embedding, other.embedding)
        FROM real AS one JOIN real AS other ON other.place = (one.place * 104729) % (SELECT count(*) FROM real) + 1
        WHERE one.other % 97 = 5 ORDER BY one.other LIMIT 2 * questions -- the first half warms up
    LOOP
        start := clock_timestamp();
        short := shorten(question, 'default');
        found := ARRAY(
            SELECT id FROM (SELECT id, embedding FROM events ORDER BY embedding_short <=> short LIMIT 100) AS by_index ORDER BY embedding <=> question LIMIT nearest);
        milliseconds := milliseconds || 1000 * extract(epoch FROM clock_timestamp() - start)::float;
        CONTINUE WHEN nearest > 10 OR cardinality(milliseconds) <= questions;
        right_ones := ARRAY(SELECT id FROM events ORDER BY (embedding <=> question) + 0 LIMIT 10);
        hits := hits + (SELECT count(*) FROM unnest(found) AS id WHERE id = ANY (right_ones));
    END LOOP;
    RETURN QUERY
    SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY time))::numeric, 1), round((percentile_cont(0.95) WITHIN GROUP (ORDER BY time))::numeric, 1),
           CASE WHEN nearest = 10 THEN round(hits / (10.0 * questions), 3) END
    FROM unnest(milliseconds[questions + 1:]) AS time;
END
$$;

\echo The nearest 100, as a search asks for
SELECT p50_ms, p95_ms FROM pg_temp.search(200, 100);
\echo The nearest 10, and how many of them are the right ones
SELECT * FROM pg_temp.search(50, 10);
