//! A folder of another machine, over SFTP. The connection is the host's own `ssh`, which the host's own updates keep safe; what
//! is said over it (version 3 of the protocol, that of OpenSSH and of nearly all others) is a library's.

mod server;
mod session;

use std::time::Duration;

use openssh_sftp_client::Error;
use openssh_sftp_client::error::SftpErrorKind;
use tokio::time::timeout;

pub use self::server::{InvalidSftpUrl, SftpServer, SftpUrl, SshFile};
use self::session::Session;
use super::{PlaceError, PlacePath};

/// How long a file may take from the connection to its name.
const LONGEST: Duration = Duration::from_mins(1);

/// A folder of another machine.
#[derive(Debug)]
pub struct SftpPlace {
    server: SftpServer,
}

impl SftpPlace {
    /// A folder; asks nobody yet.
    pub fn new(server: SftpServer) -> Self {
        Self { server }
    }

    /// Writes a file beside where it goes and renames it: whoever looks sees the old content or the new one, where the server can
    /// rename over a file that is there, as OpenSSH can; elsewhere there is a moment without either.
    pub(super) async fn put(&self, path: &PlacePath, body: &[u8]) -> Result<(), PlaceError> {
        self.connected(async |session| write(session, &self.server.url.folder, path, body).await).await
    }

    pub(super) async fn probe(&self) -> Result<String, PlaceError> {
        self.connected(async |session| {
            let file = temporary(&self.server.url.folder, "probe")?;
            session.sftp.options().write(true).create_new(true).open(&file).await?.close().await?;
            session.sftp.fs().remove_file(&file).await
        })
        .await?;
        Ok(format!("{} can be written by SFTP", self.server.url))
    }

    async fn connected(
        &self,
        work: impl AsyncFnOnce(&Session) -> Result<(), Error>,
    ) -> Result<(), PlaceError> {
        let whole = async {
            let session = Session::open(&self.server).await?;
            match work(&session).await {
                Ok(()) => session.close().await,
                Err(error) => return Err(session.failed(&self.server, &error).await),
            }
            Ok(())
        };
        timeout(LONGEST, whole).await.unwrap_or_else(|_| {
            let (url, seconds) = (&self.server.url, LONGEST.as_secs());
            Err(PlaceError::Passing(format!("{url} has not taken a file by SFTP within {seconds} s")))
        })
    }
}

async fn write(session: &Session, root: &str, path: &PlacePath, body: &[u8]) -> Result<(), Error> {
    let (folders, name) = path.parts();
    let mut folder = root.to_owned();
    for part in folders {
        folder = format!("{folder}/{part}");
        make(session, &folder).await?;
    }
    let temporary = temporary(&folder, name)?;
    let written = write_whole(session, &temporary, &format!("{folder}/{name}"), body).await;
    if written.is_err() {
        // That it could not be written is told; that it cannot be removed either says nothing more.
        session.sftp.fs().remove_file(&temporary).await.ok();
    }
    written
}

/// A folder that may be there already; servers say of one that they cannot make it, and not why.
async fn make(session: &Session, folder: &str) -> Result<(), Error> {
    let mut fs = session.sftp.fs();
    let Err(error) = fs.create_dir(folder).await else { return Ok(()) };
    let is_there = fs.metadata(folder).await.is_ok_and(|it| it.file_type().is_some_and(|kind| kind.is_dir()));
    if is_there { Ok(()) } else { Err(error) }
}

async fn write_whole(session: &Session, temporary: &str, target: &str, body: &[u8]) -> Result<(), Error> {
    let mut file = session.sftp.options().write(true).create_new(true).open(temporary).await?;
    file.write_all(body).await?;
    if session.sftp.support_fsync() {
        file.sync_all().await?;
    }
    file.close().await?;
    let mut fs = session.sftp.fs();
    let renamed = fs.rename(temporary, target).await;
    if session.sftp.support_posix_rename()
        || !matches!(renamed, Err(Error::SftpError(SftpErrorKind::Failure, _)))
    {
        return renamed;
    }
    // Version 3 of the protocol by itself renames to no name that is taken.
    fs.remove_file(target).await?;
    fs.rename(temporary, target).await
}

/// A name that no other writer has, on whatever machine it runs.
fn temporary(folder: &str, name: &str) -> Result<String, Error> {
    let number = getrandom::u64().map_err(std::io::Error::other)?;
    Ok(format!("{folder}/.{name}.{number:016x}.part"))
}
