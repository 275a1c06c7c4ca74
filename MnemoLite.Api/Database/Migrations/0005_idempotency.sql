-- The answers to requests that came with an Idempotency-Key, for 24 hours: the same request gets the same answer again.
CREATE TABLE idempotency_keys (
    space text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    answer bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (space, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
