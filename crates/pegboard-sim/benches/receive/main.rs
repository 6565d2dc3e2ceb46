//! What a receiver of posts takes, each answered once it is on disk: posts at a given rate, and how long the answers take.
//!
//! `cargo bench -p pegboard-sim --bench receive -- ROUTE RATE SECONDS URL KEY`, where `ROUTE` is `push` (`URL` is that of the source,
//! `KEY` its `id:secret`), `twilio` (`KEY` is `token@PUBLIC-URL`), or `bare` (`URL` is a folder, and `KEY` is not needed): a server
//! that does nothing but append each body to a file and `fsync` it. Prints the figures, one line.
//!
//! A post is due at its time, however late those before it were answered, and its latency counts from then on.
#![expect(clippy::print_stdout, reason = "a measuring program prints what it measured")]

mod bare;
mod load;
mod route;

use std::error::Error;

use self::load::Load;
use self::route::Route;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (rate, seconds, route) = match words[..] {
        ["bare", rate, seconds, folder] => (rate, seconds, Route::bare(bare::serve(folder.as_ref())?)),
        ["push", rate, seconds, url, key] => (rate, seconds, Route::push(url, key)?),
        ["twilio", rate, seconds, url, key] => (rate, seconds, Route::twilio(url, key)?),
        _ => return Err("say: push|twilio RATE SECONDS URL KEY, or bare RATE SECONDS FOLDER".into()),
    };
    println!("{}", Load { rate: rate.parse()?, seconds: seconds.parse()? }.put_on(&route)?);
    Ok(())
}
