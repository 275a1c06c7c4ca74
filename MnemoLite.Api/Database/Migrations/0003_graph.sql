-- Ids belong to a space: two spaces may hold the same graph, and no edge leads from one space into another.
CREATE TABLE nodes (
    space      text        NOT NULL DEFAULT 'default',
    id         uuid        NOT NULL,
    type       text        NOT NULL,
    label      text        NOT NULL,
    properties jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (space, id)
);

CREATE TABLE edges (
    space      text        NOT NULL DEFAULT 'default',
    id         uuid        NOT NULL,
    source     uuid        NOT NULL,
    target     uuid        NOT NULL,
    type       text        NOT NULL,
    properties jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (space, id),
    CONSTRAINT edges_source FOREIGN KEY (space, source) REFERENCES nodes (space, id) ON DELETE CASCADE,
    CONSTRAINT edges_target FOREIGN KEY (space, target) REFERENCES nodes (space, id) ON DELETE CASCADE
);

CREATE INDEX nodes_newest_first ON nodes (space, created_at DESC, id DESC);
CREATE INDEX nodes_of_type ON nodes (space, type, created_at DESC, id DESC);
CREATE INDEX nodes_of_event ON nodes (space, lower(properties ->> 'event_id')) WHERE properties ? 'event_id';

-- A walk reads these only, not the table; what else they carry is what an answer says of an edge.
CREATE INDEX edges_out ON edges (space, source, target) INCLUDE (type, id, created_at);
CREATE INDEX edges_in ON edges (space, target, source) INCLUDE (type);
