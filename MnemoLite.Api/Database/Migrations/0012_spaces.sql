-- Keys may be bound to spaces, which row-level security keeps apart. The owner of the tables and superusers are not subject to it: it holds for
-- the role mnemolite_bound, which a connection takes for a request that is bound, with the space in the setting mnemolite.space.
ALTER TABLE api_keys ADD COLUMN spaces text[] CHECK (spaces IS NULL OR (cardinality(spaces) > 0 AND scope <> 'admin'));

-- The words of one space do not tell what is in another.
ALTER TABLE words ADD COLUMN space text NOT NULL DEFAULT 'default';
ALTER TABLE words DROP CONSTRAINT words_pkey, ADD PRIMARY KEY (space, word);
ANALYZE words;

CREATE OR REPLACE FUNCTION add_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO words (space, word)
    SELECT DISTINCT written.space, lexeme
    FROM written, unnest(tsvector_to_array(written.keywords)) AS lexeme
    WHERE is_word(lexeme) AND NOT EXISTS (SELECT FROM words WHERE words.space = written.space AND word = lexeme)
    ORDER BY 1, 2 -- two writers of the same new words wait for each other in one order only
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

-- Which events of the space of this connection have words, or hold metadata: found by the indexes, which row-level security would keep from being
-- used (the operators could tell of a row before the policy does). Only ids come out, and none of another space; the events are read under the policy.
CREATE FUNCTION ids_with_words(query tsquery) RETURNS SETOF uuid STABLE STRICT LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM events WHERE space = current_setting('mnemolite.space') AND keywords @@ query
$$;

CREATE FUNCTION ids_with_metadata(part jsonb) RETURNS SETOF uuid STABLE STRICT LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT id FROM events WHERE space = current_setting('mnemolite.space') AND metadata @> part
$$;

-- What PostgreSQL knows of the words of all events, which it does not tell a role that row-level security holds for. For a store of one space.
CREATE FUNCTION common_words() RETURNS TABLE (lexemes text[], shares real[]) STABLE LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT most_common_elems::text::text[], most_common_elem_freqs
    FROM pg_stats WHERE schemaname = 'public' AND tablename = 'events' AND attname = 'keywords'
$$;

-- Does what is not done yet; false where this user may not make the role, or not take it. Called at every start, as a restored database may come
-- without the role, and after events became another table.
CREATE FUNCTION secure_spaces() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'nodes', 'edges', 'words', 'idempotency_keys'] LOOP
        IF NOT (SELECT relrowsecurity FROM pg_class WHERE oid = name::regclass) THEN
            EXECUTE format('CREATE POLICY one_space ON %I USING (space = current_setting(''mnemolite.space'', true))', name);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        END IF;
    END LOOP;
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mnemolite_bound') THEN
            CREATE ROLE mnemolite_bound NOLOGIN;
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL; -- for another database of this server, just now
        WHEN insufficient_privilege THEN RETURN false;
    END;
    BEGIN
        IF NOT pg_has_role('mnemolite_bound', 'MEMBER') THEN
            EXECUTE format('GRANT mnemolite_bound TO %I', current_user);
        END IF;
    EXCEPTION
        WHEN insufficient_privilege THEN RETURN false;
    END;
    FOREACH name IN ARRAY ARRAY['events', 'nodes', 'edges', 'words', 'idempotency_keys'] LOOP
        IF NOT (has_table_privilege('mnemolite_bound', name, 'SELECT') AND has_table_privilege('mnemolite_bound', name, 'INSERT')
            AND has_table_privilege('mnemolite_bound', name, 'UPDATE') AND has_table_privilege('mnemolite_bound', name, 'DELETE')) THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO mnemolite_bound', name);
        END IF;
    END LOOP;
    IF NOT has_table_privilege('mnemolite_bound', 'store', 'SELECT') THEN
        GRANT SELECT ON store TO mnemolite_bound;
    END IF;
    FOREACH name IN ARRAY ARRAY['ids_with_words(tsquery)', 'ids_with_metadata(jsonb)', 'common_words()'] LOOP
        IF has_function_privilege('public', name, 'EXECUTE') OR NOT has_function_privilege('mnemolite_bound', name, 'EXECUTE') THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO mnemolite_bound', name);
        END IF;
    END LOOP;
    RETURN true;
END
$$;
