-- The model everything is being embedded with again, while the other's embeddings still answer.
ALTER TABLE store ADD COLUMN next_model text, ADD COLUMN next_dimension integer;

-- Stops a statement whose vectors are of another model than the store's: an instance that has not heard of a change of model yet.
CREATE FUNCTION check_model(model text, dimension integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM store WHERE embedding_model = model AND store.dimension = check_model.dimension) THEN
        RAISE EXCEPTION 'the embeddings of this store are not of %', model USING ERRCODE = 'ML001';
    END IF;
    RETURN true;
END
$$;

-- On events while they are embedded again: what changed is due once more.
CREATE FUNCTION embed_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.embedding_next := NULL;
    NEW.embedding_next_state := 'due';
    RETURN NEW;
END
$$;
