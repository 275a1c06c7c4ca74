-- When to make an event's embedding, where that is still to be done; 'infinity' where it was given up.
ALTER TABLE events ADD COLUMN embedding_due timestamptz, ADD COLUMN embedding_attempts smallint NOT NULL DEFAULT 0;
CREATE INDEX events_embedding_due ON events (embedding_due) WHERE embedding_due IS NOT NULL;
