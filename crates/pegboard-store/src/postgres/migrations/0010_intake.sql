-- Lanes into which others hand records: how many there ever were, and up to which they were let go of.
CREATE TABLE intake_lanes (
    source text COLLATE "C" NOT NULL,
    lane   text COLLATE "C" NOT NULL,
    last   bigint           NOT NULL,
    gone   bigint           NOT NULL,
    PRIMARY KEY (source, lane)
);

-- Records that wait to be read.
CREATE TABLE intake (
    source text COLLATE "C" NOT NULL,
    lane   text COLLATE "C" NOT NULL,
    number bigint           NOT NULL,
    at     bigint           NOT NULL,
    body   bytea            NOT NULL,
    PRIMARY KEY (source, lane, number)
);

-- What was handed in under a key, and what was answered.
CREATE TABLE intake_keys (
    source text COLLATE "C" NOT NULL,
    lane   text COLLATE "C" NOT NULL,
    key    text COLLATE "C" NOT NULL,
    at     bigint           NOT NULL,
    answer text             NOT NULL,
    PRIMARY KEY (source, lane, key)
);
CREATE INDEX intake_keys_at ON intake_keys (at);
