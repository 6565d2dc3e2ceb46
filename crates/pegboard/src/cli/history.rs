//! `pegboard history`: what a WFM can be told of the past of queues, for its import by hand.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;

use super::hub_client::{HubClient, TokenPlace};
use super::sinks::Sinks;
use super::{ConfigPath, Failure, block_on};

/// Write the history of queues as the WFM's import by hand takes it.
///
/// `pegboard history --from 2026-03-01 --to 2026-03-31 --out march.csv` writes a month, for a WFM whose name of the ACD or of a queue has
/// changed. The columns are settings of the sink's mapping. The hub is asked with a token.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    path: ConfigPath,
    #[command(flatten)]
    token: TokenPlace,
    /// The sink; it need not be named where there is only one.
    #[arg(long)]
    sink: Option<String>,
    /// The first day, by the clock of the sink's first source.
    #[arg(long, value_name = "DAY")]
    from: Date,
    /// The last day.
    #[arg(long, value_name = "DAY")]
    to: Date,
    /// The file that is written; without it, standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.from > arguments.to {
        return Err(Failure::Usage("--from must not lie after --to".to_owned()));
    }
    let config = arguments.path.load()?;
    let token = arguments.token.require(&arguments.path.config)?;
    let hub = HubClient::new(&config.server, &token)?;
    let sinks = Sinks(config.sinks.iter().map(|sink| sink.name.clone()).collect());
    let path = format!("{}/history", sinks.path(arguments.sink.as_deref())?);
    let mut out: Box<dyn Write> = match &arguments.out {
        None => Box::new(io::stdout().lock()),
        Some(file) => {
            let made = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
            Box::new(BufWriter::new(made))
        }
    };
    block_on(async {
        for day in arguments.from.series(jiff::Span::new().days(1)).take_while(|day| *day <= arguments.to) {
            let file = hub.get_text(&format!("{path}?day={day}")).await.with_context(|| format!("{day}"))?;
            let rows = if day == arguments.from { &file[..] } else { without_header(&file) };
            out.write_all(rows).context("cannot write the history")?;
        }
        out.flush().context("cannot write the history")?;
        Ok(())
    })
}

fn without_header(file: &[u8]) -> &[u8] {
    let end = file.iter().position(|byte| *byte == b'\n').map_or(file.len(), |end| end + 1);
    &file[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_header() {
        assert_eq!(without_header(b"a,b\r\n1,2\r\n"), b"1,2\r\n");
        assert_eq!(without_header(b"a,b\r\n"), b"");
        assert_eq!(without_header(b""), b"");
    }
}
