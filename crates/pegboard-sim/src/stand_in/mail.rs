//! A server of mails ([RFC 5321]) that takes what is said in the right order and in the right form, and refuses the rest; with
//! faults on demand.
//!
//! [RFC 5321]: https://www.rfc-editor.org/rfc/rfc5321

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The longest line ([RFC 5321], 4.5.3.1.6), with its end.
const MOST_LINE_BYTES: u64 = 1000;

/// The most lines of a mail.
const MOST_LINES: usize = 100_000;

/// The most mails that are kept; the oldest go.
const MOST_KEPT: usize = 1000;

/// How long a connection may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    /// From whom, by its envelope.
    pub from: String,
    /// To whom, by its envelope.
    pub to: Vec<String>,
    /// Its headers and its text, without the dots of the protocol.
    pub data: String,
}

/// What goes wrong with the next mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFault {
    /// It is answered with this code when all of it is there.
    Refuse(u16),
    /// It is taken, and nobody is told: the connection stays open and silent.
    Hang,
    /// It is taken, and the connection is cut before anybody is told.
    Cut,
    /// It is answered without end.
    Flood,
}

/// A server until it is dropped.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    taken: VecDeque<TakenMail>,
    faults: VecDeque<MailFault>,
    fired: usize,
    misspoken: Vec<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MailServer {
    /// Listens on a free port of this machine.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = serving.clone();
                // Who breaks a connection off has ended it.
                thread::spawn(move || Session::new(stream, shared).and_then(Session::serve));
            }
        });
        Ok(Self { address, shared })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Goes wrong with the next mail for which nothing is planned yet.
    pub fn fail_next(&self, fault: MailFault) {
        self.shared.lock().faults.push_back(fault);
    }

    /// How many faults have happened.
    pub fn fired(&self) -> usize {
        self.shared.lock().fired
    }

    /// The mails that were taken, the oldest first.
    pub fn taken(&self) -> Vec<TakenMail> {
        self.shared.lock().taken.iter().cloned().collect()
    }

    /// What was said that is not in the protocol, or not in that order.
    pub fn misspoken(&self) -> Vec<String> {
        self.shared.lock().misspoken.clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the one that listens.
        let _woken = TcpStream::connect(self.address);
    }
}

/// One connection.
struct Session {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    shared: Arc<Shared>,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let writer = stream.try_clone()?;
        let (reader, to) = (BufReader::new(stream), Vec::new());
        Ok(Self { reader, writer, shared, greeted: false, from: None, to })
    }

    fn serve(mut self) -> io::Result<()> {
        self.say("220 mail.example ESMTP")?;
        loop {
            let line = self.line()?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" if !rest.is_empty() => {
                    self.greeted = true;
                    self.say("250-mail.example\r\n250 8BITMIME")?;
                }
                "MAIL" if self.greeted && self.from.is_none() => match path(rest, "FROM:") {
                    Some(from) => {
                        self.from = Some(from);
                        self.say("250 go on")?;
                    }
                    None => self.misspoken(&line, 501)?,
                },
                "RCPT" if self.from.is_some() => match path(rest, "TO:") {
                    Some(to) => {
                        self.to.push(to);
                        self.say("250 go on")?;
                    }
                    None => self.misspoken(&line, 501)?,
                },
                "DATA" if !self.to.is_empty() => {
                    self.say("354 end with a dot")?;
                    let data = self.data()?;
                    if !self.take(data)? {
                        return Ok(());
                    }
                }
                "RSET" | "NOOP" => self.say("250 as you like")?,
                "QUIT" => return self.say("221 good-bye"),
                _ => self.misspoken(&line, 503)?,
            }
        }
    }

    /// Takes a mail, or does as the plan says. False if the connection is over.
    fn take(&mut self, data: String) -> io::Result<bool> {
        let mail =
            TakenMail { from: self.from.take().unwrap_or_default(), to: std::mem::take(&mut self.to), data };
        let fault = {
            let mut inner = self.shared.lock();
            let fault = inner.faults.pop_front();
            inner.fired += usize::from(fault.is_some());
            if !matches!(fault, Some(MailFault::Refuse(_) | MailFault::Flood)) {
                inner.taken.push_back(mail);
                if inner.taken.len() > MOST_KEPT {
                    inner.taken.pop_front();
                }
            }
            fault
        };
        match fault {
            None => self.say("250 taken")?,
            Some(MailFault::Refuse(code)) => self.say(&format!("{code} not now"))?,
            Some(MailFault::Cut) => return Ok(false),
            Some(MailFault::Hang) => {
                let _until_the_other_side_ends = self.reader.read(&mut [0]);
                return Ok(false);
            }
            Some(MailFault::Flood) => loop {
                self.say("250-and one thing more")?;
            },
        }
        Ok(true)
    }

    /// The lines of a mail up to the dot, without the dots of the protocol.
    fn data(&mut self) -> io::Result<String> {
        let mut data = String::new();
        for _ in 0..MOST_LINES {
            let line = self.line()?;
            if line == "." {
                return Ok(data);
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        Err(io::Error::other("a mail without an end"))
    }

    /// A line without its end, which is nothing but CR and LF.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.reader.by_ref().take(MOST_LINE_BYTES).read_until(b'\n', &mut line)?;
        let line = String::from_utf8(line).map_err(io::Error::other)?;
        match line.strip_suffix("\r\n") {
            Some(line) if !line.contains('\r') => Ok(line.to_owned()),
            _ if line.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {
                self.misspoken(&line, 500)?;
                Err(io::Error::other("a line that does not end as lines do"))
            }
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        // In one piece: a second one would wait for the answer to the first.
        self.writer.write_all(format!("{line}\r\n").as_bytes())
    }

    fn misspoken(&mut self, line: &str, code: u16) -> io::Result<()> {
        self.shared.lock().misspoken.push(line.to_owned());
        self.say(&format!("{code} what?"))
    }
}

/// The address of `FROM:<...>`; parameters after it are taken as they are.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let (word, path) = rest.split_at_checked(keyword.len())?;
    let (address, _parameters) = path.strip_prefix('<')?.split_once('>')?;
    (word.eq_ignore_ascii_case(keyword) && address.contains('@')).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_order_is_refused_and_told() {
        let server = MailServer::start().unwrap();
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"EHLO a\r\nRCPT TO:<b@c.example>\r\nMAIL FROM:b\r\nQUIT\r\n").unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        let codes: Vec<_> = said.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["220", "250", "250", "503", "501", "221"]);
        assert_eq!(server.misspoken(), ["RCPT TO:<b@c.example>", "MAIL FROM:b"]);
        assert_eq!(server.taken(), []);
    }
}
