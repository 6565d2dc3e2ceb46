-- Names of an ACD that no row of a sink's mapping has.
CREATE TABLE unmapped (
    sink       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    source     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    count      BIGINT  NOT NULL,
    first_at   BIGINT  NOT NULL,
    last_at    BIGINT  NOT NULL,
    suggestion TEXT    NOT NULL,
    agents     TEXT    NOT NULL,
    PRIMARY KEY (sink, kind, source, id, detail)
);
