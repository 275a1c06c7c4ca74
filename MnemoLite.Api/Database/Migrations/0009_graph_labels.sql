-- Finds nodes by a part of their label.
CREATE INDEX nodes_by_label ON nodes USING gin (label gin_trgm_ops);
