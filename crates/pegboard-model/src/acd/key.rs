//! What makes a row the same row when it is told again.

use super::{AcdRow, Known};

impl AcdRow {
    /// What the row is about, besides our report and the start of its interval: the name of the ACD's report, the
    /// length of the interval and the groups, as `name=QR&interval_s=900&queue=Sales&channel=VOICE`. Two rows have
    /// one key only if they are the same row.
    pub fn key(&self) -> String {
        let mut key = Key(String::with_capacity(64));
        key.pair("name", &self.name);
        key.pair("interval_s", &self.interval_s.to_string());
        let groups = &self.grouping;
        match &groups.queue {
            Some(Known::Id(id)) => key.pair("queue_id", id.as_str()),
            Some(Known::Name(name)) => key.pair("queue", name),
            None => {}
        }
        match &groups.agent {
            Some(Known::Id(id)) => key.pair("agent_id", id.as_str()),
            Some(Known::Name(login)) => key.pair("agent", login),
            None => {}
        }
        if let Some(channel) = &groups.channel {
            key.pair("channel", channel.as_str());
        }
        if let Some(direction) = groups.direction {
            key.pair("direction", direction.as_str());
        }
        for (label, value) in &groups.further {
            key.pair(&format!("by {label}"), value);
        }
        key.0
    }
}

struct Key(String);

impl Key {
    fn pair(&mut self, label: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.escaped(label);
        self.0.push('=');
        self.escaped(value);
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '%' => self.0.push_str("%25"),
                '&' => self.0.push_str("%26"),
                '=' => self.0.push_str("%3D"),
                other => self.0.push(other),
            }
        }
    }
}
