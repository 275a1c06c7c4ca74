CREATE EXTENSION IF NOT EXISTS vector;

-- One row: what this store was made with.
CREATE TABLE store (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    embedding_model text    NOT NULL,
    dimension       integer NOT NULL
);

CREATE TABLE events (
    id         uuid PRIMARY KEY,                    -- version 7, made from the timestamp
    space      text        NOT NULL DEFAULT 'default',
    timestamp  timestamptz NOT NULL,
    content    jsonb       NOT NULL,
    metadata   jsonb       NOT NULL DEFAULT '{}',
    embedding  vector($dimension$)                  -- null where the content has no text
);

CREATE INDEX events_newest_first ON events (space, timestamp DESC, id DESC);
CREATE INDEX events_metadata ON events USING gin (metadata jsonb_path_ops);
CREATE INDEX events_embedding ON events USING hnsw (embedding vector_cosine_ops);
