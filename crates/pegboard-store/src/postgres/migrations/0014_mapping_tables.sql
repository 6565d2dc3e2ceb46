-- The tables of mappings as people have edited them. The newest version of each holds; one without content gives the table back to the
-- configuration.
CREATE TABLE mapping_tables (
    sink    text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    version bigint           NOT NULL,
    at      bigint           NOT NULL,
    who     text             NOT NULL,
    length  bigint,
    content text,
    PRIMARY KEY (sink, name, version)
);
