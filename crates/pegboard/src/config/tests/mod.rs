//! What must hold of the configuration as a whole.

mod documents;
mod faults;
mod nats;
mod outlets;
mod secrets;
mod sheets;
mod twilio;
mod valid;

use std::io;
use std::path::Path;

use super::document::parse;
use super::{Config, ConfigErrors};

/// A source with nothing but what it must have.
const LEAST: &str = "[[source]]\nname = \"a\"\nkind = \"file\"\nfile.path = \"events\"\n";

/// Reads a file that lies in `/etc/pegboard`, without tables beside it.
fn read(text: &str) -> Result<Config, ConfigErrors> {
    read_beside(text, |_| Err(io::ErrorKind::NotFound.into()))
}

fn read_beside(text: &str, fetch: impl Fn(&Path) -> io::Result<Vec<u8>>) -> Result<Config, ConfigErrors> {
    parse(Path::new("/etc/pegboard/pegboard.toml"), text.as_bytes(), &fetch).map(|(config, _)| config)
}

/// What is wrong with a file, as it is written out; the folder is left out.
fn faults(text: &str) -> String {
    shown(&read(text).expect_err("something is wrong"))
}

fn shown(errors: &ConfigErrors) -> String {
    errors.to_string().replace("/etc/pegboard/", "")
}
