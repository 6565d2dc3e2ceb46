-- Rows that the ACD computed itself, beside those of the hub: the latest revision.
CREATE TABLE acd_rows (
    source         text COLLATE "C" NOT NULL,
    report         text COLLATE "C" NOT NULL,
    interval_start bigint           NOT NULL,
    key            text COLLATE "C" NOT NULL,
    revision       bigint           NOT NULL,
    at             bigint           NOT NULL,
    reason         text             NOT NULL,
    file           text             NOT NULL, -- what told this revision
    told           bigint           NOT NULL, -- as of when it was last told the same
    body           text             NOT NULL,
    PRIMARY KEY (source, report, interval_start, key)
);

CREATE TABLE acd_row_history (
    source         text COLLATE "C" NOT NULL,
    report         text COLLATE "C" NOT NULL,
    interval_start bigint           NOT NULL,
    key            text COLLATE "C" NOT NULL,
    revision       bigint           NOT NULL,
    at             bigint           NOT NULL,
    reason         text             NOT NULL,
    file           text             NOT NULL,
    told           bigint           NOT NULL,
    body           text             NOT NULL,
    PRIMARY KEY (source, report, interval_start, key, revision)
);
