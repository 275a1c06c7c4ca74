-- Who may come in. A key is mnemo_ID_SECRET; of the whole only its SHA-256 is here.
CREATE TABLE api_keys (
    id           text        PRIMARY KEY,
    name         text        NOT NULL,
    scope        text        NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    hash         bytea       NOT NULL CHECK (octet_length(hash) = 32),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,                       -- to the minute
    expires_at   timestamptz,
    revoked_at   timestamptz
);
