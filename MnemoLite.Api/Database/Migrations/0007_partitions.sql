-- Events may be partitioned by month, by ranges of their ids, which begin with the milliseconds of their time (partition_events).
-- Ids of another kind, and those of far months, stand in events_others.

CREATE FUNCTION first_id("time" timestamptz) RETURNS uuid IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM "time") * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION last_id("time" timestamptz) RETURNS uuid IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM "time") * 1000)::bigint), 12, '0') || repeat('f', 20))::uuid
$$;

-- Whether an event's id does not tell its time: it stands in another partition than its time would say.
CREATE FUNCTION is_stray(id uuid, "time" timestamptz) RETURNS boolean IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
    SELECT id NOT BETWEEN first_id("time") AND last_id("time")
$$;

-- When a month begins that is so many after this one, in UTC.
CREATE FUNCTION month_ahead(months integer) RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') + months * interval '1 month') AT TIME ZONE 'UTC'
$$;

-- The columns a row is copied by.
CREATE FUNCTION stored_columns("table" regclass) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = "table" AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
$$;

-- Makes the partition of a month, unless it is there, and moves what stands in events_others into it.
CREATE FUNCTION add_partition(month timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := 'events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
    first uuid := first_id(month);
    after uuid := first_id((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
    columns text := stored_columns('events');
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN false;
    END IF;
    LOCK TABLE events_others IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', part);
    EXECUTE format('ALTER TABLE %I SET (toast_tuple_target = 8160)', part);
    EXECUTE format(
        'WITH moved AS (DELETE FROM events_others WHERE id >= %L AND id < %L RETURNING %s) INSERT INTO %I (%s) SELECT %s FROM moved',
        first, after, columns, part, columns, columns);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, first, after);
    RETURN true;
END
$$;

-- Makes the partitions of this month and the next ones, and of the months of events that came before their partition; returns how many.
CREATE FUNCTION add_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz;
    added integer := 0;
BEGIN
    FOREACH month IN ARRAY ARRAY(
        SELECT month_ahead(ahead) FROM generate_series(0, months_ahead) AS ahead
        UNION
        SELECT date_trunc('month', timestamp, 'UTC') FROM events_others
        WHERE timestamp < month_ahead(months_ahead + 1) AND NOT is_stray(id, timestamp)
    ) LOOP
        IF add_partition(month) THEN
            added := added + 1;
        END IF;
    END LOOP;
    RETURN added;
END
$$;

-- Makes events a partitioned table, with all it holds, its indexes and triggers; in one transaction, in which nobody else reads or writes them.
CREATE FUNCTION partition_events(months_ahead integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text;
    indexes text[];
    definitions text[];
    triggers text[];
    statement text;
BEGIN
    LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
    IF (SELECT relkind FROM pg_class WHERE oid = 'events'::regclass) = 'p' THEN
        RETURN;
    END IF;
    SELECT array_agg(indexrelid::regclass::text), array_agg(pg_get_indexdef(indexrelid)) FILTER (WHERE NOT indisprimary)
        INTO indexes, definitions FROM pg_index WHERE indrelid = 'events'::regclass;
    triggers := ARRAY(SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal);

    ALTER TABLE events RENAME TO events_whole;
    FOREACH statement IN ARRAY indexes LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %s_whole', statement, statement);
    END LOOP;
    CREATE TABLE events (LIKE events_whole INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE) PARTITION BY RANGE (id);
    CREATE TABLE events_others PARTITION OF events DEFAULT WITH (toast_tuple_target = 8160);
    PERFORM add_partition(month)
    FROM (SELECT DISTINCT date_trunc('month', timestamp, 'UTC') AS month FROM events_whole
          WHERE timestamp < month_ahead(months_ahead + 1) AND NOT is_stray(id, timestamp)) AS filled;
    columns := stored_columns('events');
    EXECUTE format('INSERT INTO events (%s) SELECT %s FROM events_whole ORDER BY id', columns, columns);

    ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (id);
    FOREACH statement IN ARRAY definitions || ARRAY['CREATE INDEX events_strays ON events (timestamp, id) WHERE is_stray(id, timestamp)'] || triggers LOOP
        EXECUTE statement;
    END LOOP;
    DROP TABLE events_whole;
    PERFORM add_partitions(months_ahead);
END
$$;

-- Drops the partitions of the months before a time, which begins a month, and events elsewhere that are as old; returns how many events went.
CREATE FUNCTION drop_events_before(cut timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    part text;
    columns text := stored_columns('events');
    gone bigint := 0;
    counted bigint;
BEGIN
    FOR part IN
        SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'events'::regclass AND inhrelid::regclass::text ~ '^events_[0-9]{4}_[0-9]{2}$'
            AND inhrelid::regclass::text < 'events_' || to_char(cut AT TIME ZONE 'UTC', 'YYYY_MM')
    LOOP
        EXECUTE format('ALTER TABLE events DETACH PARTITION %I', part);
        EXECUTE format('INSERT INTO events (%s) SELECT %s FROM %I WHERE timestamp >= %L', columns, columns, part, cut); -- of another time than their id says
        EXECUTE format('SELECT count(*) FROM %I WHERE timestamp < %L', part, cut) INTO counted;
        EXECUTE format('DROP TABLE %I', part);
        gone := gone + counted;
    END LOOP;
    DELETE FROM events WHERE timestamp < cut AND is_stray(id, timestamp);
    GET DIAGNOSTICS counted = ROW_COUNT;
    RETURN gone + counted;
END
$$;
