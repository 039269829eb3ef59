//! Log lines: JSON for machines, short coloured text on a terminal.
//!
//! Every JSON line carries `timestamp`, `level`, `service`, `version`, `env`,
//! `correlation_id`, `trace_id` and `message`; the fields of the event and of
//! the spans around it stand beside them, not nested, so that one `jq` filter
//! fits all. Lines go to standard error: standard output belongs to commands.

mod access;
mod call;
mod field;
mod json;
mod layer;
mod line;
mod panics;
mod pretty;
mod sink;

use std::io::{IsTerminal, Write};
use std::sync::{Arc, OnceLock};

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use access::AccessLine;
pub use call::{CallIds, Within, within};
use layer::{Lines, Style};
use line::Constants;
pub use panics::log_panics;
use sink::{Gathering, Sink};

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes; colours only on a terminal.
    Pretty,
}

/// What [`init`] needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// How lines look.
    pub format: Format,
    /// A level (`debug`), or full directives (`info,order=debug`).
    pub filter: String,
    /// The `service` of lines outside any request, such as `stoa` or `order`.
    pub service: String,
    /// The `version` of the binary.
    pub version: String,
    /// The `env`: the configuration profile, such as `dev`.
    pub env: String,
}

/// Why logging could not start.
#[derive(Debug)]
pub enum InitError {
    /// The filter does not parse; the text names the directive.
    Filter(String),
    /// The thread that writes did not start.
    Thread(std::io::Error),
    /// A subscriber is installed already.
    Installed,
}

impl std::fmt::Display for InitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Filter(reason) => write!(f, "log filter is not valid: {reason}"),
            Self::Thread(error) => write!(f, "log thread did not start: {error}"),
            Self::Installed => f.write_str("a log subscriber is installed already"),
        }
    }
}

impl std::error::Error for InitError {}

static GATHERED: OnceLock<Arc<Gathering>> = OnceLock::new();

/// Installs the log subscriber of this process, writing to standard error; panics are logged too. On a terminal
/// each line is there at once; for a machine, lines below a warning wait up to 10 ms for
/// others, so a process calls [`flush`] before it ends.
///
/// # Errors
///
/// A filter that does not parse, no thread to be had, or a second call.
pub fn init(config: &Config) -> Result<(), InitError> {
    let out = Box::new(std::io::stderr());
    let terminal = std::io::stderr().is_terminal();
    let filter = filter(&config.filter)?;
    let sink = match terminal {
        true => Sink::direct(out),
        false => Sink::gathering(out).map_err(InitError::Thread)?,
    };
    if let Sink::Gathering(gathering) = &sink {
        let _ = GATHERED.set(gathering.clone()); // a second call fails below
    }
    tracing_subscriber::registry()
        .with(filter)
        .with(lines(config, terminal, sink))
        // Said for all, not for the log alone, what nobody else listens to costs nothing. A layer that listens to
        // calls goes in beside the log, in the place of this line.
        .with(filter_fn(access::is_for_the_log))
        .try_init()
        .map_err(|_installed| InitError::Installed)?;
    log_panics();
    Ok(())
}

/// The layer that writes lines.
fn lines(config: &Config, terminal: bool, sink: Sink) -> Lines {
    let style = match config.format {
        Format::Json => Style::Json,
        Format::Auto if !terminal => Style::Json,
        Format::Auto | Format::Pretty => Style::Pretty { colours: terminal },
    };
    let constants = Constants {
        service: config.service.clone(),
        json: json::constants(&config.version, &config.env),
    };
    Lines::new(style, constants, sink)
}

/// Writes the lines that are still waiting for others.
pub fn flush() {
    if let Some(gathering) = GATHERED.get() {
        gathering.flush();
    }
}

/// A subscriber that writes into `out`, for tests of what is logged.
///
/// # Errors
///
/// A filter that does not parse.
pub fn subscriber(
    config: &Config,
    out: Box<dyn Write + Send>,
) -> Result<impl tracing::Subscriber + Send + Sync + 'static, InitError> {
    Ok(tracing_subscriber::registry()
        .with(filter(&config.filter)?)
        .with(
            lines(config, false, Sink::direct(out)).with_filter(filter_fn(access::is_for_the_log)),
        ))
}

/// Libraries whose `debug` output drowns ours: a bare level never lowers them
/// below `info`. Full directives are taken as they are.
const QUIET: [&str; 10] = [
    "async_nats",
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "rustls",
    "sea_orm",
    "sqlx",
    "tonic",
    "tower",
];

fn filter(text: &str) -> Result<EnvFilter, InitError> {
    let directives = match text.trim() {
        "" | "info" => "info,async_nats=warn,sea_orm_migration=warn".to_owned(),
        "debug" | "trace" => {
            let level = text.trim();
            QUIET.iter().fold(level.to_owned(), |all, library| {
                format!("{all},{library}=info")
            })
        }
        other => other.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|error| InitError::Filter(error.to_string()))
}
