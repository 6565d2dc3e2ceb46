-- Whole pictures of who is in which state that sinks are not sent yet.
CREATE TABLE sink_holds (
    sink     text COLLATE "C" NOT NULL PRIMARY KEY,
    since    bigint           NOT NULL,
    reason   text             NOT NULL,
    released bigint
);

-- How many agents sinks know as signed in, and which sources they were told are stale.
CREATE TABLE sink_present (
    sink   text COLLATE "C" NOT NULL PRIMARY KEY,
    agents bigint           NOT NULL,
    at     bigint           NOT NULL
);
CREATE TABLE sink_stale (
    sink   text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    since  bigint           NOT NULL,
    PRIMARY KEY (sink, source)
);
