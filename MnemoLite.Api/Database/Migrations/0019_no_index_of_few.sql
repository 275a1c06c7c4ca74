-- A store of not too many events is searched by meaning in the memory of each instance (FlatIndex), so it has no HNSW index of their short forms: to keep it took most of
-- the time of a write. One that grows gets it while it is used (ShorteningWorker); one that has it keeps it.
CREATE OR REPLACE FUNCTION begin_short_forms(directions real[], dimension integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.directions) THEN
        RETURN;
    END IF;
    LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM public.directions) THEN
        RETURN; -- another instance was first
    END IF;
    INSERT INTO public.directions (place, direction)
    SELECT place, (directions[place * dimension + 1 : (place + 1) * dimension])::vector
    FROM generate_series(0, cardinality(directions) / dimension - 1) AS place;
    CREATE TRIGGER events_shorten BEFORE INSERT OR UPDATE OF embedding, space ON events FOR EACH ROW EXECUTE FUNCTION keep_short_form();
    IF NOT EXISTS (SELECT FROM events) THEN
        DROP INDEX events_embedding;
        CREATE INDEX events_short_by_time ON events (space, timestamp) INCLUDE (id, embedding_short);
        EXECUTE format(
            'CREATE INDEX events_embedding_whole ON events USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE embedding_short IS NULL', dimension);
    END IF;
END
$$;
