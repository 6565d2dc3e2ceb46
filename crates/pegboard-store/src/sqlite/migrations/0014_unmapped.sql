-- Names of an ACD that no row of a sink's mapping has.
CREATE TABLE unmapped (
    sink       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    count      INTEGER NOT NULL,
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    suggestion TEXT    NOT NULL,
    agents     TEXT    NOT NULL,
    PRIMARY KEY (sink, kind, source, id, detail)
) STRICT, WITHOUT ROWID;
