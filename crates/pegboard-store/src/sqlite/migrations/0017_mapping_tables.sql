-- The tables of mappings as people have edited them. The newest version of each holds; one without content gives the table back to the
-- configuration.
CREATE TABLE mapping_tables (
    sink    TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    length  INTEGER,
    content TEXT,
    PRIMARY KEY (sink, name, version)
) STRICT;
