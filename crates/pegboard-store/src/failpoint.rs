//! Named places at which a test has the process die, fail or wait.
//!
//! `failpoint!("name")` stands where something may go wrong between two steps that belong together. Without the
//! feature `failpoints`, which test builds alone have, it is nothing. With it, `PEGBOARD_FAILPOINTS` says what happens
//! where: `name=action` or `name=action@hit`, several of them parted by `;`. Without `@hit` it happens every time.
//!
//! | action | what happens |
//! |---|---|
//! | `kill` | the process ends at once, as by a signal that cannot be caught: nothing is flushed, nothing is dropped |
//! | `error` | the step fails (only at a point that says `fails`; elsewhere nothing happens) |
//! | `sleep(ms)` | the thread waits so many milliseconds; 0 only leaves a trace |
//!
//! Whatever happens is written, before it happens, as a line `name action hit` to the file that
//! `PEGBOARD_FAILPOINTS_LOG` names, so that a test can prove that its fault took place.

/// Here a test may have the process die, fail or wait; see the module of the same name.
///
/// `failpoint!("name", fails)` can fail: it returns a [`StoreError`](crate::StoreError) by `?`.
#[cfg(not(feature = "failpoints"))]
#[macro_export]
macro_rules! failpoint {
    ($name:literal $(, fails)?) => {};
}

/// Here a test may have the process die, fail or wait; see the module of the same name.
///
/// `failpoint!("name", fails)` can fail: it returns a [`StoreError`](crate::StoreError) by `?`.
#[cfg(feature = "failpoints")]
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::reach($name)
    };
    ($name:literal, fails) => {
        $crate::failpoint::reach_or_fail($name)?
    };
}

#[cfg(feature = "failpoints")]
pub use armed::{reach, reach_or_fail};

#[cfg(feature = "failpoints")]
mod armed {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use crate::StoreError;

    /// What happens at a point.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Action {
        Kill,
        Error,
        Sleep(Duration),
    }

    /// A line of the table.
    #[derive(Debug)]
    struct Point {
        name: String,
        action: Action,
        /// At which hit; nothing for each.
        at: Option<u64>,
        hits: AtomicU64,
    }

    static TABLE: LazyLock<Vec<Point>> = LazyLock::new(|| {
        let table = setting("PEGBOARD_FAILPOINTS").unwrap_or_default();
        table.split(';').filter(|point| !point.is_empty()).map(parse).collect()
    });

    #[expect(clippy::disallowed_methods, reason = "of test builds alone, and no setting of the program")]
    fn setting(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// Panics where the table cannot be read: a test that arms nothing must not pass.
    fn parse(point: &str) -> Point {
        let read = || {
            let (name, what) = point.trim().split_once('=')?;
            let (action, at) = match what.split_once('@') {
                Some((action, hit)) => (action, Some(hit.parse().ok()?)),
                None => (what, None),
            };
            let action = match action {
                "kill" => Action::Kill,
                "error" => Action::Error,
                other => Action::Sleep(Duration::from_millis(
                    other.strip_prefix("sleep(")?.strip_suffix(')')?.parse().ok()?,
                )),
            };
            Some(Point { name: name.to_string(), action, at, hits: AtomicU64::new(0) })
        };
        read().unwrap_or_else(|| panic!("PEGBOARD_FAILPOINTS: not name=action@hit: {point}"))
    }

    /// Does what the table says of a point that cannot fail.
    pub fn reach(name: &'static str) {
        for point in fired(name) {
            act(point);
        }
    }

    /// Does what the table says of a point that can fail.
    pub fn reach_or_fail(name: &'static str) -> crate::Result<()> {
        for point in fired(name) {
            act(point);
            if point.action == Action::Error {
                return Err(StoreError::Database { operation: "failpoint", cause: name.into() });
            }
        }
        Ok(())
    }

    /// The lines of the table whose turn it is, once they are in the log.
    fn fired(name: &str) -> impl Iterator<Item = &'static Point> {
        TABLE.iter().filter(move |point| point.name == name).filter(|point| {
            let hit = point.hits.fetch_add(1, Ordering::SeqCst) + 1;
            let due = point.at.is_none_or(|at| at == hit);
            if due {
                log(point, hit);
            }
            due
        })
    }

    fn act(point: &Point) {
        match point.action {
            Action::Kill => std::process::abort(),
            Action::Sleep(time) => std::thread::sleep(time),
            Action::Error => {}
        }
    }

    /// Panics where the line cannot be written: a fault without its trace proves nothing.
    fn log(point: &Point, hit: u64) {
        let Some(path) = setting("PEGBOARD_FAILPOINTS_LOG") else { return };
        let line = format!("{} {:?} {hit}\n", point.name, point.action);
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "{path}: {written:?}");
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_table_says_what_happens_where_and_when() {
            let read = |text| {
                let point = parse(text);
                (point.name, point.action, point.at)
            };
            assert_eq!(read("a.b=kill@3"), ("a.b".into(), Action::Kill, Some(3)));
            assert_eq!(read(" a=error"), ("a".into(), Action::Error, None));
            assert_eq!(read("a=sleep(20)"), ("a".into(), Action::Sleep(Duration::from_millis(20)), None));
        }

        #[test]
        #[should_panic(expected = "not name=action@hit: a=explode")]
        fn a_table_that_cannot_be_read_is_no_empty_one() {
            parse("a=explode");
        }
    }
}
