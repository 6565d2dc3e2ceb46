-- Whole pictures of who is in which state that sinks are not sent yet.
CREATE TABLE sink_holds (
    sink     TEXT    NOT NULL PRIMARY KEY,
    since    INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    released INTEGER
) STRICT, WITHOUT ROWID;

-- How many agents sinks know as signed in, and which sources they were told are stale.
CREATE TABLE sink_present (
    sink   TEXT    NOT NULL PRIMARY KEY,
    agents INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sink_stale (
    sink   TEXT    NOT NULL,
    source TEXT    NOT NULL,
    since  INTEGER NOT NULL,
    PRIMARY KEY (sink, source)
) STRICT, WITHOUT ROWID;
