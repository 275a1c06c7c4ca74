-- Which embeddings changed, and in which transaction. Each instance of the service has all short forms in its memory (FlatIndex); what it has not heard of yet, a search
-- finds here, in its own snapshot. What is older than every instance needs is deleted: the store knows from which transaction on all is there.
CREATE TABLE embedding_changes (
    xid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    space text NOT NULL,
    id    uuid NOT NULL
);

CREATE INDEX embedding_changes_by_xid ON embedding_changes (xid);

ALTER TABLE store ADD COLUMN embedding_changes_since xid8 NOT NULL DEFAULT '0';

CREATE OR REPLACE FUNCTION keep_short_form() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.embedding_short := short_form(NEW.embedding, NEW.space);
    IF TG_OP = 'UPDATE' OR NEW.embedding IS NOT NULL THEN
        INSERT INTO embedding_changes (space, id) VALUES (NEW.space, NEW.id);
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO embedding_changes (space, id) VALUES (OLD.space, OLD.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER events_deleted AFTER DELETE ON events FOR EACH ROW EXECUTE FUNCTION note_deletion();

-- As before, and for the changes of embeddings.
CREATE OR REPLACE FUNCTION secure_spaces() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['events', 'nodes', 'edges', 'words', 'idempotency_keys', 'embedding_changes'] LOOP
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
    FOREACH name IN ARRAY ARRAY['events', 'nodes', 'edges', 'words', 'idempotency_keys', 'embedding_changes'] LOOP
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

SELECT secure_spaces(); -- else a bound key could not write until it is called
