-- Events that contacts are put together from, where the platform tells of them piece by piece.
CREATE TABLE contact_events (
    source  text COLLATE "C" NOT NULL,
    contact text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    at      bigint           NOT NULL,
    body    text             NOT NULL,
    PRIMARY KEY (source, contact, id)
);
CREATE INDEX contact_events_at ON contact_events (at);
