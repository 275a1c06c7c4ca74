-- Like ids_with_words, with what a search by words goes by, so that the events need not be read once more. Nothing of another space comes out.
CREATE FUNCTION events_with_words(query tsquery) RETURNS TABLE (id uuid, keywords tsvector)
STABLE STRICT LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT events.id, events.keywords FROM events
    WHERE space = current_setting('mnemolite.space') AND events.keywords @@ query;
END
$$;
REVOKE EXECUTE ON FUNCTION events_with_words(tsquery) FROM PUBLIC;

-- As it was, with the function above.
CREATE OR REPLACE FUNCTION secure_spaces() RETURNS boolean LANGUAGE plpgsql AS $$
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
    FOREACH name IN ARRAY ARRAY['ids_with_words(tsquery)', 'events_with_words(tsquery)', 'ids_with_metadata(jsonb)', 'common_words()'] LOOP
        IF has_function_privilege('public', name, 'EXECUTE') OR NOT has_function_privilege('mnemolite_bound', name, 'EXECUTE') THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO mnemolite_bound', name);
        END IF;
    END LOOP;
    RETURN true;
END
$$;
