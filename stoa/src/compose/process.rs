//! A process from its first listener to exit 0.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use edge::{App, BackgroundTask};
use futures::future::join_all;
use serve::{Serve, serve};
use sql::Database;
use token::Keys;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::Base;
use crate::config::{self, Profile};

/// From SIGTERM to exit, whatever peers do.
const STOP_MAX: Duration = Duration::from_secs(25);
/// How long background work may take of it to come to its end.
const TASKS_MAX: Duration = Duration::from_secs(5);
/// How long the admin listener may take, which nobody's call depends on.
const ADMIN_MAX: Duration = Duration::from_secs(1);
/// How long the databases may take to close, all at once.
const CLOSE_MAX: Duration = Duration::from_secs(3);
/// What all parts leave over.
const SLACK: Duration = Duration::from_secs(1);
/// What is left for connections at least.
const DRAIN_SECONDS_MIN: u64 = 2;
const _: () = assert!(
    config::PRE_STOP_SECONDS_MAX
        + DRAIN_SECONDS_MIN
        + TASKS_MAX.as_secs()
        + ADMIN_MAX.as_secs()
        + CLOSE_MAX.as_secs()
        + SLACK.as_secs()
        <= STOP_MAX.as_secs(),
    "every part of a stop fits into its time"
);
/// File descriptors that are kept for databases, peers and the log.
const DESCRIPTORS_KEPT: u64 = 200;

/// A process, put together and not started yet.
pub struct ProcessParts {
    pub app: App,
    /// How long an answer may wait for its reader.
    pub unread_max: Duration,
    pub admin: App,
    pub tasks: Vec<BackgroundTask>,
    pub keys: Vec<Keys>,
    pub databases: Vec<Database>,
}

/// The two sockets of a process.
pub struct Listeners {
    public: TcpListener,
    admin: TcpListener,
}

impl Listeners {
    /// Binds both.
    ///
    /// # Errors
    ///
    /// An address that is taken or not ours; the text says how to choose another.
    pub async fn bind(base: &Base, port: u16, admin_port: u16) -> anyhow::Result<Self> {
        let general = &base.config.general;
        let port = general.port.unwrap_or(port);
        let admin_port = general.admin_port.unwrap_or(admin_port);
        let public = SocketAddr::new(general.bind(), port);
        let admin = SocketAddr::new(general.admin_bind, admin_port);
        Ok(Self {
            public: TcpListener::bind(public)
                .await
                .with_context(|| format!("cannot listen on {public}: choose another --port"))?,
            admin: TcpListener::bind(admin).await.with_context(|| {
                format!("cannot listen on {admin}: choose another --admin-port")
            })?,
        })
    }

    /// Where both listen, also when the system chose the port.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn addresses(&self) -> std::io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.public.local_addr()?, self.admin.local_addr()?))
    }
}

/// Serves until SIGTERM or Ctrl-C, then stops in order: not ready, listener
/// closed, streams and connections ended, background work ended, databases
/// closed.
///
/// # Errors
///
/// Too few file descriptors in `production`.
pub async fn run(base: &Base, parts: ProcessParts, listeners: Listeners) -> anyhow::Result<()> {
    let config = Serve {
        connections_max: connections_max(base)?,
        unread_max: parts.unread_max,
        drain_max: drain_max(pre_stop(base)),
        ..Serve::default()
    };
    let admin_config = Serve {
        drain_max: ADMIN_MAX,
        ..Serve::default()
    };
    let admin_stop = CancellationToken::new();
    let admin = tokio::spawn(serve(
        listeners.admin,
        parts.admin,
        admin_config,
        admin_stop.clone(),
    ));
    let mut public = tokio::spawn(serve(
        listeners.public,
        parts.app,
        config,
        base.stopping.clone(),
    ));
    let background = TaskTracker::new();
    let stopping = || base.stopping.clone();
    let health = base.health.clone();
    background.spawn(tasks::supervise("stoa", "health", stopping(), move || {
        health.clone().run()
    }));
    for keys in parts.keys {
        let (stop, keep) = (stopping(), move || keys.clone().keep_fresh());
        let kept = move || until(stop.clone(), keep());
        background.spawn(tasks::supervise("stoa", "token keys", stopping(), kept));
    }
    for task in parts.tasks {
        background.spawn(task.run(stopping()));
    }
    background.close();
    tokio::select! {
        signalled = stop_signal() => signalled?,
        // Nobody can take its place at the socket: whoever watches over the process begins anew.
        _ = &mut public => anyhow::bail!("the listener ended by itself"),
    }
    // A second signal, or a bound that passes, ends the process without ceremony.
    tokio::spawn(async {
        tokio::select! {
            () = tokio::time::sleep(STOP_MAX) => warn!("The stop took too long and was cut"),
            _ = stop_signal() => {}
        }
        telemetry::flush();
        std::process::exit(1);
    });
    info!("Stopping");
    base.draining.cancel();
    tokio::time::sleep(pre_stop(base)).await;
    base.stopping.cancel();
    let _ = public.await;
    if tokio::time::timeout(TASKS_MAX, background.wait())
        .await
        .is_err()
    {
        warn!(
            left = background.len(),
            "Background work did not end in time"
        );
    }
    admin_stop.cancel();
    let _ = admin.await;
    let closing = join_all(parts.databases.into_iter().map(close));
    if tokio::time::timeout(CLOSE_MAX, closing).await.is_err() {
        warn!("A database did not close in time"); // what was answered is durable all the same
    }
    info!("Stopped");
    Ok(())
}

/// Resolves once everything is well; for whoever has something to announce.
pub async fn announce_ready(base: &Base, announce: impl FnOnce()) {
    base.health.wait_ready().await;
    announce();
}

async fn close(db: Database) {
    let name = db.service();
    if let Err(error) = db.close().await {
        warn!(
            database = name,
            error = &error as &(dyn std::error::Error + 'static),
            "A database did not close"
        );
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// How long a target that is not ready any more still takes calls, so that
/// balancers notice.
fn pre_stop(base: &Base) -> Duration {
    let general = &base.config.general;
    general.pre_stop.unwrap_or(match general.profile {
        Profile::Dev => Duration::ZERO,
        Profile::Production => Duration::from_secs(5),
    })
}

/// How long connections may take to end, so that all parts of a stop are over in its time.
fn drain_max(pre_stop: Duration) -> Duration {
    let others = pre_stop + TASKS_MAX + ADMIN_MAX + CLOSE_MAX + SLACK;
    let left = STOP_MAX.saturating_sub(others);
    left.min(Serve::default().drain_max)
}

/// How many connections the file descriptors allow: the soft limit is raised
/// as far as the system lets us.
fn connections_max(base: &Base) -> Result<usize, config::Error> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = Serve::default().connections_max;
    let needed = wanted as u64 + DESCRIPTORS_KEPT;
    let limit = getrlimit(Resource::Nofile);
    let enough = |soft: Option<u64>| soft.is_none_or(|soft| soft >= needed);
    if enough(limit.current) {
        return Ok(wanted);
    }
    let raised = limit.maximum.map_or(needed, |hard| hard.min(needed));
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        },
    );
    let soft = getrlimit(Resource::Nofile).current;
    if enough(soft) {
        return Ok(wanted);
    }
    let have = soft.unwrap_or(needed);
    if base.config.general.profile == Profile::Production {
        let reason =
            format!("allows {have} open files, {needed} are needed: raise it (`ulimit -n`)");
        return Err(config::Error::new("the system", reason));
    }
    let connections = have.saturating_sub(DESCRIPTORS_KEPT).max(16);
    warn!(
        connections,
        "Too few open files are allowed: fewer connections are taken"
    );
    Ok(usize::try_from(connections).unwrap_or(wanted))
}
