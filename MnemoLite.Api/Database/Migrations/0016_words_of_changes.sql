-- A change gives the store words only where it changed the event's: metadata alone never does.
CREATE FUNCTION add_words_of_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO words (space, word)
    SELECT NEW.space, lexeme
    FROM unnest(tsvector_to_array(NEW.keywords)) AS lexeme
    WHERE is_word(lexeme) AND NOT EXISTS (SELECT FROM words WHERE words.space = NEW.space AND word = lexeme)
    ORDER BY 2 -- two writers of the same new words wait for each other in one order only
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

DROP TRIGGER events_updated ON events;
CREATE TRIGGER events_updated AFTER UPDATE ON events
FOR EACH ROW WHEN (NEW.keywords IS DISTINCT FROM OLD.keywords OR NEW.space <> OLD.space) EXECUTE FUNCTION add_words_of_change();
