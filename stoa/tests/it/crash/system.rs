//! The shop under trial: in one process or in many, on files or on a server, killed and revived.

use std::path::PathBuf;

use rand::RngExt;
use rand::rngs::StdRng;
use sea_orm::ConnectionTrait;
use testkit::postgres::Server;

use super::plan::{Engine, Shape};
use crate::fleet::Fleet;
use crate::shop::{Door, Shop};

/// Of the processes that die, order does so every other time.
const VICTIMS: [&str; 4] = ["order", "order", "payment", "inventory"];

/// A shop that runs.
pub struct System {
    running: Running,
    server: Option<Server>,
}

enum Running {
    Up(Box<Shop>),
    Split(Box<Fleet>),
}

impl System {
    /// Starts it full of demo data, with these settings.
    pub async fn start(shape: Shape, engine: Engine, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter();
        let mut variables: Vec<(String, String)> = settings
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        match engine {
            Engine::Sqlite => Self::run(shape, None, &variables).await,
            Engine::Postgres => {
                let server = testkit::postgres::durable().await;
                variables.extend(databases(&server).await);
                Self::on(shape, server, &variables).await
            }
        }
    }

    /// Starts it on a server, with variables that say by which way it is reached.
    pub async fn on(shape: Shape, server: Server, variables: &[(String, String)]) -> Self {
        Self::run(shape, Some(server), variables).await
    }

    async fn run(shape: Shape, server: Option<Server>, variables: &[(String, String)]) -> Self {
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let running = match shape {
            Shape::Up => Running::Up(Box::new(Shop::up_with(&owned(&variables)).await)),
            Shape::Split => Running::Split(Box::new(Fleet::start_with(&variables).await)),
        };
        Self { running, server }
    }

    /// Where customers come in.
    pub fn door(&self) -> &Door {
        match &self.running {
            Running::Up(shop) => &shop.door,
            Running::Split(fleet) => &fleet.gateway,
        }
    }

    /// Where a service keeps its rows.
    pub fn store(&self, service: &str) -> sql::Config {
        match &self.server {
            Some(server) => sql::Config::new(server.url(&database(service))),
            None => sql::Config::sqlite(&self.file(service)),
        }
    }

    /// Opens the database of a service, beside its processes.
    pub async fn open(&self, service: &'static str) -> sql::Database {
        let store = sql::Database::connect(service, &self.store(service)).await;
        store.expect("the database is there")
    }

    /// The server below, which a test may stop and start.
    pub fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it runs on PostgreSQL")
    }

    /// The file of a service on SQLite.
    pub fn file(&self, service: &str) -> PathBuf {
        let data = match &self.running {
            Running::Up(shop) => &shop.data,
            Running::Split(fleet) => &fleet.data,
        };
        data.join(format!("{service}.db"))
    }

    /// Kills the one process, or one of those that check out; `only` order if a protection of
    /// order is off.
    pub fn kill(&mut self, random: &mut StdRng, only_order: bool) -> &'static str {
        match &mut self.running {
            Running::Up(shop) => {
                shop.process.kill();
                "stoa"
            }
            Running::Split(fleet) => {
                let chosen = VICTIMS[random.random_range(0..VICTIMS.len())];
                let victim = if only_order { "order" } else { chosen };
                let process = fleet.processes.get_mut(victim).expect("it runs");
                process.kill();
                victim
            }
        }
    }

    /// Starts again who was killed, until it is ready.
    pub async fn revive(&mut self, victim: &'static str) {
        match &mut self.running {
            Running::Up(shop) => shop.restart().await,
            Running::Split(fleet) => {
                fleet.launch(victim);
                fleet.wait_ready(victim).await;
            }
        }
    }

    /// Starts one more process of a target; only in many processes.
    pub async fn replica(&mut self, name: &'static str) -> Door {
        match &mut self.running {
            Running::Up(_) => panic!("one process has no replica"),
            Running::Split(fleet) => fleet.replica(name).await,
        }
    }

    /// Runs `stoa` on these databases.
    pub async fn stoa(&self, arguments: &[&str]) -> (i32, String) {
        match &self.running {
            Running::Up(shop) => shop.stoa(arguments).await,
            Running::Split(fleet) => fleet.stoa(arguments).await,
        }
    }

    /// Everything the processes logged.
    pub fn output(&self) -> String {
        match &self.running {
            Running::Up(shop) => shop.process.output(),
            Running::Split(fleet) => {
                let outputs = fleet
                    .processes
                    .values()
                    .map(testkit::process::Process::output);
                outputs.collect::<Vec<_>>().concat()
            }
        }
    }
}

fn owned<'a>(variables: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

fn database(service: &str) -> String {
    format!("{service}_db")
}

/// Makes a database per service, and says how each is told of its own.
pub async fn databases(server: &Server) -> Vec<(String, String)> {
    let admin = sea_orm::Database::connect(server.url("postgres"))
        .await
        .expect("the server runs");
    let mut variables = Vec::new();
    for service in migrations::services() {
        let name = database(service);
        let statement = format!("create database {name}");
        let made = admin.execute_unprepared(&statement).await;
        made.expect("the name is free");
        let key = format!("STOA_{}__DATABASE_URL", service.to_uppercase());
        variables.push((key, server.url(&name)));
    }
    admin.close().await.expect("it closes");
    variables
}
