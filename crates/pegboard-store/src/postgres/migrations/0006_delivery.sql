-- What was delivered to whom.
CREATE TABLE sinks (
    sink  text COLLATE "C" NOT NULL PRIMARY KEY,
    epoch bigint           NOT NULL
);
CREATE TABLE sink_cursors (
    sink   text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    cursor text             NOT NULL,
    PRIMARY KEY (sink, kind)
);
CREATE TABLE deliveries (
    sink           text COLLATE "C" NOT NULL,
    report         text COLLATE "C" NOT NULL,
    interval_start bigint           NOT NULL,
    state          text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'acknowledged', 'parked', 'dropped')),
    changes        bigint           NOT NULL,
    revision       bigint           NOT NULL,
    digest         text,
    acknowledged   bigint           NOT NULL,
    tries          bigint           NOT NULL,
    first_try      bigint,
    last_try       bigint,
    due            bigint           NOT NULL,
    reason         text,
    comment        text,
    PRIMARY KEY (sink, interval_start, report)
);
CREATE INDEX deliveries_due ON deliveries (sink, due) WHERE state = 'waiting';
CREATE TABLE refused_states (
    sink     text COLLATE "C" NOT NULL,
    source   text COLLATE "C" NOT NULL,
    agent    text COLLATE "C" NOT NULL,
    reason   text             NOT NULL,
    payload  text             NOT NULL,
    first_at bigint           NOT NULL,
    last_at  bigint           NOT NULL,
    count    bigint           NOT NULL,
    PRIMARY KEY (sink, source, agent)
);
