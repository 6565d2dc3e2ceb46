-- Events of sources as they came, kept only of those of which a sink passes them on.
CREATE TABLE event_feeds (
    source text COLLATE "C" NOT NULL PRIMARY KEY,
    head   bigint           NOT NULL,     -- the number of the last event
    bytes  bigint           NOT NULL,     -- of all events up to that
    at     bigint           NOT NULL      -- when it was read; never goes back
) WITH (fillfactor = 10);

CREATE TABLE raw_events (
    source    text COLLATE "C" NOT NULL,
    number    bigint           NOT NULL,
    at        bigint           NOT NULL,
    before    bigint           NOT NULL,  -- bytes of all events before it
    partition text COLLATE "C" NOT NULL,
    position  text             NOT NULL,  -- JSON
    data      bytea            NOT NULL,
    PRIMARY KEY (source, number)
);

-- How far sinks have taken them.
CREATE TABLE sink_events (
    sink   text COLLATE "C" NOT NULL,
    lane   text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    done   bigint           NOT NULL,
    PRIMARY KEY (sink, lane, source)
);
