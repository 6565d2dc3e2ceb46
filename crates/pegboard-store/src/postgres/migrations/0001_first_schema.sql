-- Instants are milliseconds since 1970-01-01T00:00:00Z. What somebody takes or leaves as a whole is JSON, kept as text so
-- that it comes back byte for byte. Text is compared byte by byte, whatever the database's language.

CREATE TABLE partitions (
    source     text COLLATE "C" NOT NULL,
    partition  text COLLATE "C" NOT NULL,
    epoch      bigint           NOT NULL,
    position   text COLLATE "C",          -- JSON: a number, or a sequence number as text
    watermark  bigint,
    behind     bigint,
    finished   boolean          NOT NULL,
    parents    text             NOT NULL, -- JSON: names of partitions
    records    bigint           NOT NULL,
    events     bigint           NOT NULL,
    contacts   bigint           NOT NULL,
    duplicates bigint           NOT NULL,
    foreigners bigint           NOT NULL,
    failed     bigint           NOT NULL,
    touched    bigint           NOT NULL, -- by the store's clock, for the sweep
    PRIMARY KEY (source, partition)
) WITH (fillfactor = 50);

CREATE TABLE agents (
    source        text COLLATE "C" NOT NULL,
    agent         text COLLATE "C" NOT NULL,
    heard         bigint           NOT NULL,
    now           text             NOT NULL,
    track         text             NOT NULL,
    -- The track up to which evidence is no longer kept; null while all of it is.
    base          text,
    -- Several nodes write agents of one source: a write names the version that it was derived from.
    version       bigint           NOT NULL,
    -- Where the timeline begins, and what stands before it; beside the track, so that any node can ask.
    begins_at     bigint,
    begins_before text,
    PRIMARY KEY (source, agent)
) WITH (fillfactor = 70);
CREATE INDEX agents_begins ON agents (source, begins_at);

CREATE TABLE evidence (
    source    text COLLATE "C" NOT NULL,
    agent     text COLLATE "C" NOT NULL,
    at        bigint           NOT NULL,
    id        text COLLATE "C" NOT NULL,
    partition text COLLATE "C" NOT NULL,
    position  text             NOT NULL,
    what      text             NOT NULL,
    PRIMARY KEY (source, agent, at, id)
);

-- A mark is a point and shares its start with the segment that follows it: it sorts before.
CREATE TABLE segments (
    source     text COLLATE "C" NOT NULL,
    agent      text COLLATE "C" NOT NULL,
    start      bigint           NOT NULL,
    is_segment boolean          NOT NULL,
    stop       bigint,                    -- nothing while it lasts
    mark       text,
    state      text             NOT NULL,
    PRIMARY KEY (source, agent, start, is_segment)
);

CREATE TABLE contacts (
    source  text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    pegged  bigint,
    updated bigint           NOT NULL,
    content bigint           NOT NULL,    -- order-preserving: unsigned minus 2^63
    body    text             NOT NULL,
    PRIMARY KEY (source, id)
);
CREATE INDEX contacts_pegged ON contacts (source, pegged);

CREATE TABLE dirty (
    source      text COLLATE "C" NOT NULL,
    of_contacts boolean          NOT NULL,
    agent       text COLLATE "C" NOT NULL, -- empty for contacts
    low         bigint           NOT NULL,
    high        bigint           NOT NULL,
    PRIMARY KEY (source, of_contacts, agent)
);

CREATE TABLE closers (
    source        text COLLATE "C" PRIMARY KEY,
    epoch         bigint NOT NULL,        -- 0 before the first
    closed_until  bigint,
    -- Up to where intervals are about to be closed: from then on every change before that leaves a mark.
    closing_until bigint,
    -- From when on segments and contacts are complete: what changed before that cannot be derived again.
    details_from  bigint
);

-- The latest revision. A row without a body is one that no longer exists: its revisions go on if it comes back.
CREATE TABLE rows (
    source         text COLLATE "C" NOT NULL,
    report         text COLLATE "C" NOT NULL,
    interval_start bigint           NOT NULL,
    key            text COLLATE "C" NOT NULL,
    revision       bigint           NOT NULL,
    at             bigint           NOT NULL,
    reason         text             NOT NULL,
    body           text,
    PRIMARY KEY (source, report, interval_start, key)
);

CREATE TABLE row_history (
    source         text COLLATE "C" NOT NULL,
    report         text COLLATE "C" NOT NULL,
    interval_start bigint           NOT NULL,
    key            text COLLATE "C" NOT NULL,
    revision       bigint           NOT NULL,
    at             bigint           NOT NULL,
    reason         text             NOT NULL,
    body           text,
    PRIMARY KEY (source, report, interval_start, key, revision)
);

-- The end of each feed, kept apart from its entries: those are swept. Every commit that adds to a feed updates its row:
-- room on its page keeps the old versions in place.
CREATE TABLE feeds (
    source text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    head   bigint           NOT NULL,
    PRIMARY KEY (source, kind)
) WITH (fillfactor = 10);

CREATE TABLE feed_entries (
    source text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,
    number bigint           NOT NULL,
    at     bigint           NOT NULL,     -- by the store's clock, for the sweep
    body   text             NOT NULL,
    PRIMARY KEY (source, kind, number)
);

CREATE TABLE dead_letters (
    id        bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    source    text COLLATE "C" NOT NULL,
    at        bigint           NOT NULL,
    partition text COLLATE "C" NOT NULL,
    position  text             NOT NULL,
    reason    text             NOT NULL,
    payload   bytea            NOT NULL
);
CREATE INDEX dead_letters_source ON dead_letters (source, id);

CREATE TABLE gaps (
    id        bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    source    text COLLATE "C" NOT NULL,
    at        bigint           NOT NULL,
    partition text COLLATE "C" NOT NULL,
    reason    text             NOT NULL,
    lost_from bigint,
    lost_to   bigint
);
CREATE INDEX gaps_source ON gaps (source, id);

CREATE TABLE tokens (
    id      text COLLATE "C" PRIMARY KEY,
    hash    bytea  NOT NULL UNIQUE,
    name    text   NOT NULL,
    role    text   NOT NULL,
    sources text   NOT NULL,              -- JSON: names, none for all
    created bigint NOT NULL,
    expires bigint,
    revoked bigint
);

-- Who lives, by the database's clock, and works on what.
CREATE TABLE nodes (
    node    text COLLATE "C" PRIMARY KEY,
    name    text   NOT NULL,
    started bigint NOT NULL,
    expires bigint NOT NULL,
    report  text   NOT NULL
);

CREATE TABLE leases (
    source text COLLATE "C" NOT NULL,
    kind   text COLLATE "C" NOT NULL,     -- partition or closer
    name   text COLLATE "C" NOT NULL,     -- of the partition, empty for the closer
    node   text COLLATE "C" NOT NULL REFERENCES nodes ON DELETE CASCADE,
    PRIMARY KEY (source, kind, name)
);
CREATE INDEX leases_node ON leases (node);

-- Who did what. Only ever added to: an entry is chained to the one before by its hash, and goes, the oldest first, when it
-- is 400 days older than the newest.
CREATE TABLE audit (
    number   bigint PRIMARY KEY,
    at       bigint NOT NULL,
    by       text   NOT NULL,
    name     text   NOT NULL,
    via      text   NOT NULL,
    origin   text,
    action   text   NOT NULL,
    subject  text   NOT NULL,
    before   text,                        -- JSON
    after    text,                        -- JSON
    previous bytea  NOT NULL,
    hash     bytea  NOT NULL
);

CREATE FUNCTION audit_is_not_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only added to';
END
$$;

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_not_changed();

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest bigint := (SELECT at FROM audit ORDER BY number DESC LIMIT 1);
BEGIN
    IF EXISTS (SELECT FROM gone WHERE number > (SELECT min(number) FROM audit)
                                   OR at >= newest - 34560000000
                                   OR newest IS NULL)
    THEN
        RAISE EXCEPTION 'the audit log keeps its entries for 400 days';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_is_kept AFTER DELETE ON audit REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();
