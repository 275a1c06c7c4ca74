-- Functions that a column or an index calls name what they call with its schema: pg_restore, which sets no search path, could not make them again.
CREATE OR REPLACE FUNCTION event_keywords(content jsonb) RETURNS tsvector IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT to_tsvector('simple', words) || to_tsvector('english', public.split_names(words))
    FROM (SELECT public.plain_text(coalesce(left(string_agg(string #>> '{}', E'\n'), 100000), '')) AS words
          FROM jsonb_path_query(content, 'strict $.** ? (@.type() == "string")') AS string) AS text
$$;

CREATE OR REPLACE FUNCTION is_stray(id uuid, "time" timestamptz) RETURNS boolean IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT id NOT BETWEEN public.first_id("time") AND public.last_id("time")
$$;
