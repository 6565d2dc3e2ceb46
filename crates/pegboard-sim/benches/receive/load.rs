//! Posts at a rate, over connections that are kept.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::route::Route;

/// How many posts are on their way at most.
const CONNECTIONS: u64 = 64;

/// The part at the beginning that is not counted: connections and caches are new then.
const WARM_UP: f64 = 0.2;

/// So many posts a second, for so long.
pub(crate) struct Load {
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
}

/// What came of it.
pub(crate) struct Taken {
    /// How long each answer took from when its post was due, in milliseconds, sorted.
    latencies: Vec<f64>,
    per_second: f64,
    refused: u64,
}

impl Load {
    pub(crate) fn put_on(&self, route: &Route) -> io::Result<Taken> {
        let posts = self.rate * self.seconds;
        let (next, refused, began) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
        let answered = std::thread::scope(|scope| {
            let posters: Vec<_> = (0..CONNECTIONS)
                .map(|_| scope.spawn(|| self.post_all(route, posts, (&next, &refused), began)))
                .collect();
            let ended = posters
                .into_iter()
                .map(|poster| poster.join().map_err(|_| io::Error::other("a poster panicked"))?);
            ended.collect::<io::Result<Vec<_>>>()
        })?;
        let took = began.elapsed();
        let mut latencies = answered.concat();
        latencies.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let per_second = posts as f64 / took.as_secs_f64();
        Ok(Taken { latencies, per_second, refused: refused.into_inner() })
    }

    /// Posts whatever is due next, until nothing is left. Answers the latencies that count.
    fn post_all(
        &self,
        route: &Route,
        posts: u64,
        (next, refused): (&AtomicU64, &AtomicU64),
        began: Instant,
    ) -> io::Result<Vec<f64>> {
        let stream = TcpStream::connect(route.address)?;
        stream.set_nodelay(true)?;
        let (mut answers, mut stream) = (BufReader::new(stream.try_clone()?), stream);
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= posts {
                return Ok(latencies);
            }
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            let (number_of_all, rate) = (number as f64, self.rate as f64);
            let due = began + Duration::from_secs_f64(number_of_all / rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            stream.write_all(&route.post(number))?;
            if !is_taken(&mut answers)? {
                refused.fetch_add(1, Ordering::Relaxed);
            }
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            if number_of_all >= posts as f64 * WARM_UP {
                latencies.push(due.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
}

/// Reads an answer; whether it says that the post is on disk.
fn is_taken(answers: &mut BufReader<TcpStream>) -> io::Result<bool> {
    let (mut status, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if status.is_empty() {
            line.clone_into(&mut status);
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    io::copy(&mut answers.take(length), &mut io::sink())?;
    Ok(status.split(' ').nth(1).is_some_and(|code| code.starts_with('2')))
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.latencies.len().saturating_sub(1);
        let at = |percent: usize| self.latencies.get(last * percent / 100).copied().unwrap_or_default();
        write!(
            f,
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms, {} refused",
            self.per_second,
            at(50),
            at(99),
            at(100),
            self.refused
        )
    }
}
