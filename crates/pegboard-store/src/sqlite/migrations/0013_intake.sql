-- Lanes into which others hand records: how many there ever were, and up to which they were let go of.
CREATE TABLE intake_lanes (
    source TEXT    NOT NULL,
    lane   TEXT    NOT NULL,
    last   INTEGER NOT NULL,
    gone   INTEGER NOT NULL,
    PRIMARY KEY (source, lane)
) STRICT, WITHOUT ROWID;

-- Records that wait to be read.
CREATE TABLE intake (
    source TEXT    NOT NULL,
    lane   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (source, lane, number)
) STRICT, WITHOUT ROWID;

-- What was handed in under a key, and what was answered.
CREATE TABLE intake_keys (
    source TEXT    NOT NULL,
    lane   TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    answer TEXT    NOT NULL,
    PRIMARY KEY (source, lane, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX intake_keys_at ON intake_keys (at);
