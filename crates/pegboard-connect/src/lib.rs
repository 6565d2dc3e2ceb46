//! Sources and sinks: the formats of vendors to and from the model.
