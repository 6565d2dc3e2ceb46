-- Events of sources as they came, kept only of those of which a sink passes them on.
CREATE TABLE event_feeds (
    source TEXT    NOT NULL PRIMARY KEY,
    head   INTEGER NOT NULL,     -- the number of the last event
    bytes  INTEGER NOT NULL,     -- of all events up to that
    at     INTEGER NOT NULL      -- when it was read; never goes back
) STRICT, WITHOUT ROWID;

CREATE TABLE raw_events (
    source    TEXT    NOT NULL,
    number    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    before    INTEGER NOT NULL,  -- bytes of all events before it
    partition TEXT    NOT NULL,
    position  TEXT    NOT NULL,  -- JSON
    data      BLOB    NOT NULL,
    PRIMARY KEY (source, number)
) STRICT;

-- How far sinks have taken them.
CREATE TABLE sink_events (
    sink   TEXT    NOT NULL,
    lane   TEXT    NOT NULL,
    source TEXT    NOT NULL,
    done   INTEGER NOT NULL,
    PRIMARY KEY (sink, lane, source)
) STRICT, WITHOUT ROWID;
