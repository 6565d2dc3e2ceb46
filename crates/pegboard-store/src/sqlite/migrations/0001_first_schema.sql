-- Instants are milliseconds since 1970-01-01T00:00:00Z. What somebody takes or leaves as a whole is JSON.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE partitions (
    source     TEXT    NOT NULL,
    partition  TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    position   TEXT,             -- JSON: a number, or a sequence number as text
    watermark  INTEGER,
    behind     INTEGER,
    finished   INTEGER NOT NULL,
    parents    TEXT    NOT NULL, -- JSON: names of partitions
    records    INTEGER NOT NULL,
    events     INTEGER NOT NULL,
    contacts   INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    foreigners INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    touched    INTEGER NOT NULL, -- by the store's clock, for the sweep
    PRIMARY KEY (source, partition)
) STRICT, WITHOUT ROWID;

-- Not clustered: a track can be larger than a page takes within a key.
CREATE TABLE agents (
    source TEXT    NOT NULL,
    agent  TEXT    NOT NULL,
    heard  INTEGER NOT NULL,
    now    TEXT    NOT NULL,
    track  TEXT    NOT NULL,
    -- The track up to which evidence is no longer kept; null while all of it is.
    base   TEXT,
    PRIMARY KEY (source, agent)
) STRICT;

-- Clustered by agent and time, the only way it is read.
CREATE TABLE evidence (
    source    TEXT    NOT NULL,
    agent     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    id        TEXT    NOT NULL,
    partition TEXT    NOT NULL,
    position  TEXT    NOT NULL,
    what      TEXT    NOT NULL,
    PRIMARY KEY (source, agent, at, id)
) STRICT, WITHOUT ROWID;

-- A mark is a point and shares its start with the segment that follows it: it sorts before.
CREATE TABLE segments (
    source     TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    start      INTEGER NOT NULL,
    is_segment INTEGER NOT NULL,
    stop       INTEGER,          -- nothing while it lasts
    mark       TEXT,
    state      TEXT    NOT NULL,
    PRIMARY KEY (source, agent, start, is_segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    source  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    pegged  INTEGER,
    updated INTEGER NOT NULL,
    content INTEGER NOT NULL,    -- order-preserving: unsigned minus 2^63
    body    TEXT    NOT NULL,
    PRIMARY KEY (source, id)
) STRICT;
CREATE INDEX contacts_pegged ON contacts (source, pegged);

CREATE TABLE dirty (
    source      TEXT    NOT NULL,
    of_contacts INTEGER NOT NULL,
    agent       TEXT    NOT NULL, -- empty for contacts
    low         INTEGER NOT NULL,
    high        INTEGER NOT NULL,
    PRIMARY KEY (source, of_contacts, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE closers (
    source       TEXT    PRIMARY KEY,
    epoch        INTEGER NOT NULL,
    closed_until INTEGER
) STRICT, WITHOUT ROWID;

-- The latest revision. A row without a body is one that no longer exists: its revisions go on if it comes back.
CREATE TABLE rows (
    source         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    body           TEXT,
    PRIMARY KEY (source, report, interval_start, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE row_history (
    source         TEXT    NOT NULL,
    report         TEXT    NOT NULL,
    interval_start INTEGER NOT NULL,
    key            TEXT    NOT NULL,
    revision       INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    body           TEXT,
    PRIMARY KEY (source, report, interval_start, key, revision)
) STRICT, WITHOUT ROWID;

-- The end of each feed, kept apart from its entries: those are swept.
CREATE TABLE feeds (
    source TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    head   INTEGER NOT NULL,
    PRIMARY KEY (source, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed_entries (
    source TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,     -- by the store's clock, for the sweep
    body   TEXT    NOT NULL,
    PRIMARY KEY (source, kind, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letters (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    source    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    partition TEXT    NOT NULL,
    position  TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    payload   BLOB    NOT NULL
) STRICT;
CREATE INDEX dead_letters_source ON dead_letters (source, id);

CREATE TABLE gaps (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    source    TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    partition TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    lost_from INTEGER,
    lost_to   INTEGER
) STRICT;
CREATE INDEX gaps_source ON gaps (source, id);

CREATE TABLE tokens (
    id      TEXT    PRIMARY KEY,
    hash    BLOB    NOT NULL UNIQUE,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    sources TEXT    NOT NULL,    -- JSON: names, none for all
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) STRICT, WITHOUT ROWID;
