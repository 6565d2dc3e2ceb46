-- What needs somebody. At most one alarm about the same is open.
CREATE TABLE alarms (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    condition       TEXT    NOT NULL,
    severity        TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    source          TEXT,
    text            TEXT    NOT NULL,
    since           INTEGER NOT NULL,
    seen            INTEGER NOT NULL,
    ended           INTEGER,
    acknowledged_by TEXT,
    acknowledged_at INTEGER,
    comment         TEXT
) STRICT;
CREATE UNIQUE INDEX alarms_open ON alarms (condition, subject) WHERE ended IS NULL;
CREATE TABLE alarm_silences (
    condition TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    until     INTEGER NOT NULL,
    who       TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    comment   TEXT,
    PRIMARY KEY (condition, subject)
) STRICT, WITHOUT ROWID;
-- Who was told, and what.
CREATE TABLE alarm_outlets (
    outlet TEXT    NOT NULL PRIMARY KEY,
    since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm_told (
    outlet TEXT    NOT NULL,
    alarm  INTEGER NOT NULL,
    ended  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (outlet, alarm)
) STRICT, WITHOUT ROWID;
