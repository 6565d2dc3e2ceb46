-- Events that contacts are put together from, where the platform tells of them piece by piece.
CREATE TABLE contact_events (
    source  TEXT    NOT NULL,
    contact TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    PRIMARY KEY (source, contact, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_events_at ON contact_events (at);
