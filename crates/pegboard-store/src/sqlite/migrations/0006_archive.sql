-- What waits to be written to the archive.
CREATE TABLE archive (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    source    TEXT    NOT NULL,
    partition TEXT    NOT NULL,
    read      INTEGER NOT NULL,
    frame     BLOB    NOT NULL
) STRICT;
CREATE INDEX archive_hours ON archive (source, partition, read);
