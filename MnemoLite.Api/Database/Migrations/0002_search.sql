CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The words of a text in any language, apart from each other: signs become spaces (OrderService.cs is "OrderService cs"), and scripts that
-- put no space between words (Han, kana, Thai) are taken a character at a time.
CREATE FUNCTION plain_text(text text) RETURNS text IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT regexp_replace(
        regexp_replace(text, '([\u0E00-\u0E7F\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF])', ' \1 ', 'g'),
        '[\x01-\x2F\x3A-\x40\x5B-\x60\x7B-\x7F]+', ' ', 'g')
$$;

-- The same for a query, in which quotes, and a minus before a word, mean something.
CREATE FUNCTION plain_query(text text) RETURNS text IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT regexp_replace(
        regexp_replace(text, '([\u0E00-\u0E7F\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF])', ' \1 ', 'g'),
        '[\x01-\x21\x23-\x2C\x2E\x2F\x3A-\x40\x5B-\x60\x7B-\x7F]|(?<=[^\s"])-|-(?![^\s])', ' ', 'g')
$$;

-- Names taken apart: "OrderService cs" is "Order Service cs".
CREATE FUNCTION split_names(text text) RETURNS text IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(text, '([a-z0-9])([A-Z])', '\1 \2', 'g'), '([A-Z])([A-Z][a-z])', '\1 \2', 'g')
$$;

-- What an event can be found by: every string in its content (the first 100,000 characters), once as written, once taken apart and
-- stemmed.
CREATE FUNCTION event_keywords(content jsonb) RETURNS tsvector IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT to_tsvector('simple', words) || to_tsvector('english', split_names(words))
    FROM (SELECT plain_text(coalesce(left(string_agg(string #>> '{}', E'\n'), 100000), '')) AS words
          FROM jsonb_path_query(content, 'strict $.** ? (@.type() == "string")') AS string) AS text
$$;

-- Whether a lexeme is a word that can be mistyped; numbers and hashes are none.
CREATE FUNCTION is_word(lexeme text) RETURNS boolean IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT length(lexeme) BETWEEN 4 AND 40 AND (lexeme !~ '[0-9]' OR lexeme ~ '[^0-9a-f]')
$$;

-- A vector stands in the row itself: comparing it with another takes no second look-up. The index holds it in half precision: half the size.
ALTER TABLE events ALTER COLUMN embedding SET STORAGE MAIN, SET (toast_tuple_target = 8160);
DROP INDEX events_embedding;

ALTER TABLE events ADD COLUMN keywords tsvector NOT NULL GENERATED ALWAYS AS (event_keywords(content)) STORED;
CREATE INDEX events_keywords ON events USING gin (keywords);
CREATE INDEX events_embedding ON events USING hnsw ((embedding::halfvec($dimension$)) halfvec_cosine_ops);

-- Every word that was ever stored, to find the one that was meant by a mistyped one.
CREATE TABLE words (word text PRIMARY KEY);
CREATE INDEX words_similar ON words USING gin (word gin_trgm_ops);

CREATE FUNCTION add_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO words
    SELECT DISTINCT lexeme
    FROM written, unnest(tsvector_to_array(written.keywords)) AS lexeme
    WHERE is_word(lexeme) AND NOT EXISTS (SELECT FROM words WHERE word = lexeme)
    ORDER BY lexeme -- two writers of the same new words wait for each other in one order only
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER events_inserted AFTER INSERT ON events
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION add_words();
CREATE TRIGGER events_updated AFTER UPDATE ON events
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION add_words();
