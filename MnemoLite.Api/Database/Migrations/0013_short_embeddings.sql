-- Where the store's model has directions that its embeddings have most of, an embedding is kept along these, too: its short form, which the index holds.
ALTER TABLE events ADD COLUMN embedding_short halfvec(128);

CREATE TABLE directions (place integer PRIMARY KEY, direction vector NOT NULL);
ALTER TABLE directions ALTER COLUMN direction SET STORAGE MAIN;

-- An embedding, brought to length 1, along the directions; for a role that row-level security holds for, too.
CREATE FUNCTION shorten(embedding vector) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    embedding := l2_normalize(embedding);
    RETURN (SELECT array_agg(-(direction <#> embedding) ORDER BY place)::real[]::vector::halfvec FROM directions);
END
$$;

-- What is kept of an event's embedding; nothing of one that has less than half of its squared length along the directions. Such a one is of another
-- kind than the model's (which have 63 % and more, where vectors at random have 25), and would not be found by its short form.
CREATE FUNCTION short_form(embedding vector) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    short halfvec := shorten(embedding);
BEGIN
    RETURN CASE WHEN l2_norm(short) ^ 2 >= 0.5 THEN short END;
END
$$;

CREATE FUNCTION keep_short_form() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.embedding_short := short_form(NEW.embedding);
    RETURN NEW;
END
$$;

-- From now on what is written gets a short form. In an empty store the indexes are of short forms at once, and of embeddings that have none; events
-- that are there already stay in the index that they are in, which the former release reads, too (ShorteningWorker).
CREATE FUNCTION begin_short_forms(directions real[], dimension integer) RETURNS void LANGUAGE plpgsql AS $$
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
        CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops);
        EXECUTE format(
            'CREATE INDEX events_embedding_whole ON events USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE embedding_short IS NULL', dimension);
    END IF;
END
$$;
