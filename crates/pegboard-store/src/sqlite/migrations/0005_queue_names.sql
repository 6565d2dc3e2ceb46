-- A queue is known by its id; what it was called, and when, is kept beside.
CREATE TABLE queue_names (
    source     TEXT    NOT NULL,
    queue      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    PRIMARY KEY (source, queue, name)
) STRICT, WITHOUT ROWID;
