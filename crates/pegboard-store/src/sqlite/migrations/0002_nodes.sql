-- Several nodes write agents of one source: a write names the version that it was derived from.
ALTER TABLE agents ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- Where the timeline of an agent begins, and what stands before it; beside the track, so that any node can ask.
ALTER TABLE agents ADD COLUMN begins_at INTEGER;
ALTER TABLE agents ADD COLUMN begins_before TEXT;
UPDATE agents
SET begins_at = CAST(round(unixepoch(json_extract(track, '$.begins.at'), 'subsec') * 1000) AS INTEGER),
    begins_before = json_extract(track, '$.begins.before')
WHERE json_valid(track);
CREATE INDEX agents_begins ON agents (source, begins_at);

-- Up to where intervals are about to be closed: from then on every change before that leaves a mark.
ALTER TABLE closers ADD COLUMN closing_until INTEGER;
