-- How many units of a sink stand how, and since when, without reading them.
CREATE INDEX deliveries_standing ON deliveries (sink, state, report, interval_start);
