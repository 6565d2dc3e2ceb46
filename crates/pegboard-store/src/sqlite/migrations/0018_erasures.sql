-- Persons who are to be forgotten. Once one is, nothing of it names him.
CREATE TABLE erasures (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    source   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    asked    TEXT    NOT NULL, -- JSON
    progress TEXT    NOT NULL  -- JSON
) STRICT;
CREATE INDEX erasures_source ON erasures (source, id);
