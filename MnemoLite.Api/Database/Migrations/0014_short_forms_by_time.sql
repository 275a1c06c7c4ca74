-- In an empty store, two indexes of short forms: one gives the nearest of all; m is 12, as that many make an insert a third cheaper than 16, and what it
-- loses a search has back by looking at more (docs/performance.md). The other has the short forms of a space in the order of time, so that the nearest
-- of a time or of a space are found without reading the events themselves. Events that are there get the second one later (ShorteningWorker).
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
    CREATE TRIGGER events_shorten BEFORE INSERT OR UPDATE OF embedding ON events FOR EACH ROW EXECUTE FUNCTION keep_short_form();
    IF NOT EXISTS (SELECT FROM events) THEN
        DROP INDEX events_embedding;
        CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12);
        CREATE INDEX events_short_by_time ON events (space, timestamp) INCLUDE (id, embedding_short);
        EXECUTE format(
            'CREATE INDEX events_embedding_whole ON events USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE embedding_short IS NULL', dimension);
    END IF;
END
$$;
