//! A folder of this machine, or one that is mounted there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::{PlaceError, PlacePath};

/// A folder. It is there already: one that is made where a mount is missing would fill the wrong disk.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A folder of this machine.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Writes a file beside where it goes, has it reach the disk, and moves it there: whoever looks sees the old content or the
    /// new one. A crash leaves at most a file whose name begins with a dot and ends with `.part`.
    pub(super) async fn put(&self, path: &PlacePath, body: &[u8]) -> Result<(), PlaceError> {
        let (root, path, body) = (self.root.clone(), path.clone(), body.to_vec());
        self.blocking(move || {
            let folder = below(&root, &path.parts().0)?;
            write(&folder, path.parts().1, &body)
        })
        .await
    }

    pub(super) async fn probe(&self) -> Result<String, PlaceError> {
        let root = self.root.clone();
        self.blocking(move || {
            let temporary = temporary(&below(&root, &[])?, "probe")?;
            OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            fs::remove_file(&temporary)
        })
        .await?;
        Ok(format!("{} can be written", self.root.display()))
    }

    async fn blocking(
        &self,
        write: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> Result<(), PlaceError> {
        let written = spawn_blocking(write).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        written.map_err(|error| {
            let told = format!("cannot write to the folder {}: {error}", self.root.display());
            match error.kind() {
                ErrorKind::NotFound => {
                    PlaceError::Lasting(format!("{told}; make the folder, or mount what belongs there"))
                }
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    PlaceError::Lasting(format!("{told}; let the hub's user write there"))
                }
                ErrorKind::NotADirectory | ErrorKind::InvalidInput => PlaceError::Lasting(told),
                _ => PlaceError::Passing(told),
            }
        })
    }
}

/// The folder `parts` below `root`, made where it is missing. None of them is a link: it could lead out.
fn below(root: &Path, parts: &[&str]) -> io::Result<PathBuf> {
    let mut folder = root.to_owned();
    if !fs::metadata(&folder)?.is_dir() {
        return Err(io::Error::new(ErrorKind::NotADirectory, "it is no folder"));
    }
    for part in parts {
        let above = folder.clone();
        folder.push(part);
        match fs::create_dir(&folder) {
            Ok(()) => File::open(&above)?.sync_all()?,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if !fs::symlink_metadata(&folder)?.is_dir() {
            let told = format!("{} is a link or a file, and should be a folder", folder.display());
            return Err(io::Error::new(ErrorKind::NotADirectory, told));
        }
    }
    Ok(folder)
}

fn write(folder: &Path, name: &str, body: &[u8]) -> io::Result<()> {
    let temporary = temporary(folder, name)?;
    let written = write_whole(&temporary, &folder.join(name), body);
    if written.is_err() {
        // That it could not be written is told; that it cannot be removed either says nothing more.
        fs::remove_file(&temporary).ok();
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_whole(temporary: &Path, target: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(temporary)?;
    file.write_all(body)?;
    file.sync_all()?;
    fs::rename(temporary, target)
}

/// A name that no other writer has, on whatever machine it runs.
fn temporary(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let number = getrandom::u64().map_err(io::Error::other)?;
    Ok(folder.join(format!(".{name}.{number:016x}.part")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::Outcome;
    use crate::place::Place;

    fn place(folder: &Path) -> Place {
        Place::Folder(Folder::new(folder.to_owned()))
    }

    #[tokio::test]
    async fn a_file_is_written_and_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        assert_eq!(place.probe().await, Ok(format!("{} can be written", folder.path().display())));
        for body in [&b"one"[..], b"two, and longer"] {
            assert_eq!(place.deliver("a/b/c.csv", body).await, Outcome::Accepted);
            assert_eq!(fs::read(folder.path().join("a/b/c.csv")).unwrap(), body);
        }
        assert_eq!(fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn whoever_looks_sees_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let bodies = [vec![b'a'; 300_000], vec![b'b'; 200_000]];
        let (path, ends) = (folder.path().join("file"), AtomicBool::new(false));
        write(folder.path(), "file", &bodies[0]).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut seen = 0;
                while seen == 0 || !ends.load(Ordering::Relaxed) {
                    let read = fs::read(&path).unwrap();
                    assert!(bodies.contains(&read), "a torn file of {} bytes", read.len());
                    seen += 1;
                }
            });
            for turn in 0..40 {
                write(folder.path(), "file", &bodies[turn % 2]).unwrap();
            }
            ends.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }

    #[tokio::test]
    async fn s36_a_link_in_the_folder_leads_nowhere() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out")).unwrap();
        let place = place(folder.path());
        for name in ["out/a.csv", "out/deeper/a.csv"] {
            let outcome = place.deliver(name, b"x").await;
            assert!(
                matches!(&outcome, Outcome::Shut { reason } if reason.contains("is a link")),
                "{outcome:?}"
            );
        }
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert!(matches!(place.deliver("../a.csv", b"x").await, Outcome::Refused { .. }));
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("mount");
        let outcome = place(&missing).deliver("a.csv", b"x").await;
        assert!(
            matches!(&outcome, Outcome::Shut { reason } if reason.contains("make the folder")),
            "{outcome:?}"
        );
        assert!(place(&missing).probe().await.is_err() && !missing.exists());
    }
}
