-- A queue is known by its id; what it was called, and when, is kept beside.
CREATE TABLE queue_names (
    source     text COLLATE "C" NOT NULL,
    queue      text COLLATE "C" NOT NULL,
    name       text COLLATE "C" NOT NULL,
    first_seen bigint           NOT NULL,
    last_seen  bigint           NOT NULL,
    PRIMARY KEY (source, queue, name)
);
