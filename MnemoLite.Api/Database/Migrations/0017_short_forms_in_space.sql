-- A short form tells the space, too: beside 120 numbers of the meaning, brought to length 1, eight that are the same in a space and point elsewhere in
-- each other, of half that length. So what the index gives is of one space first, without being taken apart by it: in a space they leave the order as it
-- is. Stores whose short forms have 128 numbers of the meaning keep these.

CREATE FUNCTION space_direction(space text) RETURNS vector IMMUTABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    drawn bytea := decode(md5(space), 'hex');
BEGIN
    RETURN l2_normalize(ARRAY[
        get_byte(drawn, 0) - 127.5, get_byte(drawn, 1) - 127.5, get_byte(drawn, 2) - 127.5, get_byte(drawn, 3) - 127.5,
        get_byte(drawn, 4) - 127.5, get_byte(drawn, 5) - 127.5, get_byte(drawn, 6) - 127.5, get_byte(drawn, 7) - 127.5]::real[]::vector)
        * array_fill(0.5::real, ARRAY[8])::vector;
END
$$;

-- An embedding, brought to length 1, along the directions; for a role that row-level security holds for, too.
CREATE FUNCTION along_directions(embedding vector) RETURNS vector STABLE STRICT LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    embedding := l2_normalize(embedding);
    RETURN (SELECT array_agg(-(direction <#> embedding) ORDER BY place)::real[]::vector FROM directions);
END
$$;

CREATE FUNCTION in_space(meaning vector, space text) RETURNS halfvec IMMUTABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RETURN CASE vector_dims(meaning) WHEN 128 THEN meaning ELSE l2_normalize(meaning) || space_direction(space) END::halfvec;
END
$$;

CREATE FUNCTION shorten(embedding vector, space text) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    RETURN in_space(along_directions(embedding), space);
END
$$;

-- As before, nothing of an embedding that has less than half of its squared length along the directions.
CREATE FUNCTION short_form(embedding vector, space text) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    meaning vector := along_directions(embedding);
BEGIN
    RETURN CASE WHEN vector_norm(meaning) ^ 2 >= 0.5 THEN in_space(meaning, space) END;
END
$$;

CREATE OR REPLACE FUNCTION keep_short_form() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.embedding_short := short_form(NEW.embedding, NEW.space);
    RETURN NEW;
END
$$;

-- The former release asks without a space, and finds the same as it did; what it would fill in without one it leaves out.
CREATE OR REPLACE FUNCTION shorten(embedding vector) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    meaning vector := along_directions(embedding);
BEGIN
    RETURN CASE vector_dims(meaning) WHEN 128 THEN meaning ELSE meaning || array_fill(0::real, ARRAY[8])::vector END::halfvec;
END
$$;

CREATE OR REPLACE FUNCTION short_form(embedding vector) RETURNS halfvec STABLE STRICT LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    meaning vector := along_directions(embedding);
BEGIN
    RETURN CASE WHEN vector_norm(meaning) ^ 2 >= 0.5 AND vector_dims(meaning) = 128 THEN meaning::halfvec END;
END
$$;

-- As it was, but for an event that goes to another space.
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
        CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12);
        CREATE INDEX events_short_by_time ON events (space, timestamp) INCLUDE (id, embedding_short);
        EXECUTE format(
            'CREATE INDEX events_embedding_whole ON events USING hnsw ((embedding::halfvec(%s)) halfvec_cosine_ops) WHERE embedding_short IS NULL', dimension);
    END IF;
END
$$;
