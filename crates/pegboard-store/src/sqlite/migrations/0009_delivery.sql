-- What was delivered to whom.
CREATE TABLE sinks (
    sink  TEXT    NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sink_cursors (
    sink   TEXT NOT NULL,
    kind   TEXT NOT NULL,
    cursor TEXT NOT NULL,
    PRIMARY KEY (sink, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
    sink           TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'acknowledged', 'parked', 'dropped')),
    changes        INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    digest         TEXT,
    acknowledged   INTEGER NOT NULL,
    tries          INTEGER NOT NULL,
    first_try      INTEGER,
    last_try       INTEGER,
    due            INTEGER NOT NULL,
    reason         TEXT,
    comment        TEXT,
    PRIMARY KEY (sink, interval_start, report)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (sink, due) WHERE state = 'waiting';
CREATE TABLE refused_states (
    sink     TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    agent    TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (sink, source, agent)
) STRICT, WITHOUT ROWID;
