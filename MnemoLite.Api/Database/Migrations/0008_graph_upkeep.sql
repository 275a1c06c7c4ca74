-- A walk reads the indexes alone only where a vacuum has been since the last writes: it comes after a fiftieth of new rows, not a fifth.
ALTER TABLE edges SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
