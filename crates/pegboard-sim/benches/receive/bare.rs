//! The least that a receiver can do: append the body to a file, `fsync` it, answer.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// Serves until the program ends, each connection on a thread of its own.
pub(crate) fn serve(folder: &Path) -> io::Result<SocketAddr> {
    let file = Arc::new(File::options().create(true).append(true).open(folder.join("bare"))?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let file = file.clone();
            std::thread::spawn(move || take(stream, &file));
        }
    });
    Ok(address)
}

fn take(stream: TcpStream, mut file: &File) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut answers) = (BufReader::new(stream.try_clone()?), stream);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        body.push(b'\n');
        file.write_all(&body)?;
        file.sync_data()?;
        answers.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
