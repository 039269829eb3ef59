//! The command line: what a user can type, explained where it is typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use slice::Slice;
use uuid::Uuid;

use crate::faults::{AFTER_COMMIT, FaultWish};
use crate::services::{SERVICES, Target, service};
use crate::typed;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "stoa",
    version,
    about = "A commerce back end: one program, run as one process or as one per service",
    long_about = "A commerce back end: one program, run as one process or as one per service.\n\n\
        `stoa up` needs nothing else: it keeps one SQLite file per service under ./stoa-data, \
        fills an empty folder with a demo shop and serves it at http://localhost:8080.\n\
        `stoa serve TARGET` runs one service, for many processes or machines.",
    after_help = "Configuration: defaults < stoa.toml < STOA_* < flags. Every flag has a key \
        of the same name (--admin-port is STOA_ADMIN_PORT and `admin_port`); nested keys take \
        two underscores (STOA_PEERS__INVENTORY). A wrong key or value ends with exit code 78 \
        and names the key."
)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Configuration file; ./stoa.toml is read when it is there
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// `dev`, or `production`, which refuses insecure values [default: dev]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Folder for SQLite files and keys [default: stoa-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<String>,
    /// Address to listen on [default: 127.0.0.1 in dev, 0.0.0.0 in production]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub bind: Option<String>,
    /// Public port [default: 8080; of a service its own, 5001 to 5009]
    #[arg(long, global = true, value_name = "PORT")]
    pub port: Option<String>,
    /// Port of the admin listener: metrics, readiness, build [default: 9090; of a service port + 4000]
    #[arg(long, global = true, value_name = "PORT")]
    pub admin_port: Option<String>,
    /// Log level or directives, such as `debug` or `info,order=debug` [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// `auto`, `json` or `pretty` [default: auto: pretty on a terminal]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl Options {
    /// The flags that were given, as configuration keys.
    pub fn overrides(&self) -> Vec<(&'static str, String)> {
        let given = [
            ("profile", &self.profile),
            ("data", &self.data),
            ("bind", &self.bind),
            ("port", &self.port),
            ("admin_port", &self.admin_port),
            ("log", &self.log),
            ("log_format", &self.log_format),
        ];
        given
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?)))
            .collect()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole shop in this process: gateway, services, demo data
    #[command(
        after_help = "Then open http://localhost:8080. Stop with Ctrl-C; what was \
        acknowledged is on disk. Delete the data folder to start anew."
    )]
    Up {
        /// Fill the empty data folder with demo data and demo users though bound beyond this machine
        #[arg(long)]
        demo: bool,
        /// Never fill the data folder with demo data
        #[arg(long, conflicts_with = "demo")]
        no_demo: bool,
    },
    /// Run one target in this process; the others are reached as peers
    #[command(
        after_help = "Peers come from STOA_PEERS__INVENTORY=http://host:port, or from \
        INVENTORY_SERVICE_HOST and INVENTORY_SERVICE_PORT; databases from \
        STOA_ORDER__DATABASE_URL. Run `stoa migrate` first: serving never migrates."
    )]
    Serve {
        /// Which one
        #[arg(value_parser = targets())]
        target: Target,
    },
    /// Bring the databases of all services, or of one, to this binary's schema
    #[command(
        after_help = "Services of the version before go on serving meanwhile, unless a change was not \
        made for them: docs/running.md names those. A database that a newer binary has changed \
        is left as it is."
    )]
    Migrate {
        /// Only this service
        #[arg(value_parser = services())]
        service: Option<&'static Slice>,
        /// How long to wait for another that is migrating the same PostgreSQL database [default: 60s]
        #[arg(long, value_name = "TIME", value_parser = typed::time)]
        wait: Option<Duration>,
    },
    /// Check money, stock and promises over all databases; exit 1 on a breach
    #[command(
        after_help = "Run it when the system is quiet. It waits for orders that are still \
        moving as long as --settle says."
    )]
    Audit {
        /// What clients were told, as JSON lines; without it I8 and I9 are not checked
        #[arg(long, value_name = "FILE")]
        history: Option<PathBuf>,
        /// How long to wait for orders that are not terminal yet
        #[arg(long, value_name = "TIME", default_value = "60s", value_parser = typed::time)]
        settle: Duration,
        /// One JSON object instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Manage accounts without signing in, on the machine that has the database
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Print what others generate clients from
    Export {
        #[command(subcommand)]
        command: ExportCommand,
    },
    /// Make rpcs of a running process fail, be late or lose their answers, to see how everybody else bears it
    #[command(
        after_help = "It speaks to the admin listener: --admin-port is 9090 of `stoa up`, of a service \
        its port + 4000. In production an admin's token is needed, and `faults.enabled`.\n  \
        stoa fault set payment.ProcessPayment --code unavailable --percent 50 --for 2m\n  \
        stoa fault set inventory --delay 200ms\n  stoa fault clear"
    )]
    Fault {
        #[command(subcommand)]
        command: FaultCommand,
    },
    /// Hear what the services of a running process tell each other
    #[command(
        after_help = "It speaks to the admin listener: --admin-port is 9090 of `stoa up`, of a service \
        its port + 4000, which tells that service's facts. In production an admin's token is needed."
    )]
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// See the facts that consumers of a running process failed at, and have them tried again
    #[command(
        after_help = "A fact is tried five times within two seconds; then it is a dead letter, kept until it is 30 days old. \
        It speaks to the admin listener: --admin-port is 9090 of `stoa up`, of a service its port + 4000. In \
        production an admin's token is needed.\n  \
        stoa dlq list\n  stoa dlq show 019ab…\n  stoa dlq redrive --all --group order-views"
    )]
    Dlq {
        #[command(subcommand)]
        command: DlqCommand,
    },
    /// Ask a running Stoa whether it is ready; exit 0 if it is
    Healthcheck {
        /// Where it listens [default: the configured address and port]
        #[arg(value_name = "URL")]
        url: Option<String>,
    },
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create an account: the way to the first admin
    #[command(
        after_help = "The password is read from standard input, so that it stands in no \
        process list and no shell history:\n  stoa user create --role admin --email you@example.com < password.txt"
    )]
    Create {
        /// The sign-in name
        #[arg(long)]
        email: String,
        /// How the person is called [default: the part of the e-mail address before the @]
        #[arg(long)]
        name: Option<String>,
        /// A role beside `customer`: support, operator or admin; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
    },
}

/// Who asks an admin listener.
#[derive(Args, Debug)]
pub struct AsAdmin {
    /// File with an admin's access token
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// What to do with facts.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print each as a line of JSON, until stopped; what the contract calls sensitive is masked
    #[command(
        after_help = "Each fact is told once it is committed, in the order in which its service tells it.\n  \
        stoa events tail order.created order.confirmed\n  stoa events tail --from-beginning | jq .data"
    )]
    Tail(FactsWanted),
}

/// Which facts to print.
#[derive(Args, Debug)]
pub struct FactsWanted {
    /// Only these [default: all topics]
    #[arg(value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// Begin with the oldest that is kept, not with what is told from now on
    #[arg(long)]
    pub from_beginning: bool,
    #[command(flatten)]
    pub admin: AsAdmin,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// Show what waits aside: dead letters, and facts that are still tried or wait behind such
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        admin: AsAdmin,
    },
    /// Show one whole, but for what the contract calls sensitive
    Show {
        /// The fact's id, as `list` shows it
        event_id: Uuid,
        #[command(flatten)]
        admin: AsAdmin,
    },
    /// Have dead letters tried again, five times each; what was acted on already has no second effect
    Redrive {
        /// Their ids, as `list` shows them
        #[arg(value_name = "EVENT_ID", required_unless_present = "all")]
        event_ids: Vec<Uuid>,
        /// All of them
        #[arg(long, conflicts_with = "event_ids")]
        all: bool,
        /// Only those of this consumer
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        #[command(flatten)]
        admin: AsAdmin,
    },
}

/// What to do with faults.
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Set one, in place of what was set for the same rpc
    Set {
        #[command(flatten)]
        wish: Wished,
        /// File with an admin's access token
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Show those that are set
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
        /// File with an admin's access token
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Take back one, or all
    Clear {
        /// Which one: the name it was set for
        rpc: Option<String>,
        /// File with an admin's access token
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
}

/// A fault, as it is typed.
#[derive(Args, Debug)]
pub struct Wished {
    /// `payment.ProcessPayment`, or `payment` for all of its rpcs
    rpc: String,
    /// Fail with this code, `unavailable` say, and do nothing
    #[arg(long, conflicts_with_all = ["drop", "crash"])]
    code: Option<String>,
    /// Begin so much later: `200ms`
    #[arg(long, value_name = "TIME", value_parser = typed::time)]
    delay: Option<Duration>,
    /// Do what is asked and lose the answer: the caller waits until his deadline
    #[arg(long, conflicts_with = "crash")]
    drop: bool,
    /// Do what is asked and let the process die before it answers
    #[arg(long, value_name = "WHEN", value_parser = [AFTER_COMMIT])]
    crash: Option<String>,
    /// How many of a hundred calls, spread evenly
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    percent: u32,
    /// For how long: `90s`, `2m`, at most a day
    #[arg(long = "for", value_name = "TIME", default_value = "2m", value_parser = typed::time)]
    lasts: Duration,
}

impl From<Wished> for FaultWish {
    fn from(typed: Wished) -> Self {
        let delay = typed.delay.unwrap_or_default();
        Self {
            rpc: typed.rpc,
            code: typed.code,
            delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            drop: typed.drop,
            crash: typed.crash,
            percent: typed.percent,
            seconds: typed.lasts.as_secs_f64().ceil() as u64,
        }
    }
}

/// What to print.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// The contract as a FileDescriptorSet: `stoa export descriptors > stoa.binpb`
    Descriptors,
}

fn targets() -> impl TypedValueParser<Value = Target> {
    let names = Target::all().map(Target::name);
    PossibleValuesParser::new(names).map(|name| Target::named(&name).expect("one of the names"))
}

fn services() -> impl TypedValueParser<Value = &'static Slice> {
    let names = SERVICES.iter().map(|slice| slice.name);
    PossibleValuesParser::new(names).map(|name| service(&name).expect("one of the names"))
}
