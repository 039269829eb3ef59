//! A trial: rounds of checkouts at once, with a death in the middle of each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clock::Clock;
use futures::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::customer::{Checkout, End, Told, Visit};
use super::journal::Journal;
use super::orders::Orders;
use super::plan::{Plan, Sabotage};
use super::system::System;
use super::verdict::Verdict;
use crate::shop::{Customer, Door};

/// How many people order; each in several windows at once.
const PEOPLE: usize = 4;
/// Tokens live for ten minutes.
const SIGN_IN_EVERY: Duration = Duration::from_secs(240);
/// Long enough for a step to be tried, short enough to see its end.
const STEP_BUDGET: (&str, &str) = ("STOA_ORDER__STEP_BUDGET_SECONDS", "3");
/// So short that most are told of their order while it is under way, and some of its end at once.
const OUTCOME_WAIT: (&str, &str) = ("STOA_ORDER__OUTCOME_WAIT_MS", "20");
/// What is accepted wherever it is shown.
const PAYS: &str = "tok_ok";
const PASSWORD: &str = "a short sentence";

/// A trial under way.
struct Trial {
    plan: Plan,
    seed: u64,
    random: StdRng,
    system: System,
    journal: Journal,
    folder: PathBuf,
    people: Vec<Customer>,
    signed_in: Instant,
    skus: Vec<String>,
    /// How long a round takes that nobody disturbs: deaths fall anywhere within.
    usual: Duration,
    kills: Vec<DateTime<Utc>>,
    told: Vec<Told>,
    ended_after: Vec<Duration>,
    broken: Vec<String>,
}

/// Runs a trial to its end.
pub async fn run(plan: Plan) -> Verdict {
    let begun = Instant::now();
    let mut trial = Trial::begin(plan).await;
    let rounds = trial.plan.trials.div_ceil(trial.plan.clients);
    let bar = ProgressBar::new(rounds as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} deaths, {eta} left");
    bar.set_style(style.expect("the template is right"));
    for round in 0..rounds {
        trial.round(round).await;
        bar.inc(1);
    }
    bar.finish_and_clear();
    trial.audit().await;
    let orders = Orders::read(&trial.system).await;
    let under_way = |at: &DateTime<Utc>| {
        let told = trial.told.iter();
        told.filter(|told| orders.is_under_way(told, *at)).count()
    };
    let paid = trial.told.iter().filter(|told| told.method == PAYS);
    if !trial.broken.is_empty() {
        let output = trial.folder.join("output");
        std::fs::write(output, trial.system.output()).expect("the target folder is ours");
        println!(
            "{}\nkept in {}",
            trial.broken.join("\n"),
            trial.folder.display()
        );
    }
    let mut verdict = Verdict {
        plan: trial.plan,
        seed: trial.seed,
        under_way: trial.kills.iter().map(under_way).collect(),
        sold: paid.filter(|told| orders.was_confirmed(told)).count(),
        ended_after: trial.ended_after,
        broken: trial.broken,
        took: begun.elapsed(),
    };
    verdict.judge();
    verdict
}

impl Trial {
    async fn begin(plan: Plan) -> Self {
        let seed = plan
            .seed
            .unwrap_or_else(|| u32::from_be_bytes(Clock::system().random::<4>()).into());
        let system = System::start(plan.shape, plan.database, &[STEP_BUDGET, OUTCOME_WAIT]).await;
        if let Some(sabotage) = plan.sabotage {
            sabotage.begin(&system, plan.database).await;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "crash-{seed}-{:?}-{:?}-{:?}",
            plan.shape, plan.database, plan.sabotage
        ));
        let door = system.door();
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(door.sign_up(&email(number)).await);
        }
        let skus = skus(door).await;
        Self {
            random: StdRng::seed_from_u64(seed),
            journal: Journal::new(&folder),
            plan,
            seed,
            system,
            folder,
            people,
            signed_in: Instant::now(),
            skus,
            usual: Duration::ZERO,
            kills: Vec::new(),
            told: Vec::new(),
            ended_after: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// A batch of checkouts; but for the first, which shows how long one takes, somebody dies.
    async fn round(&mut self, round: usize) {
        self.keep_signed_in().await;
        if let Some(sabotage) = self.plan.sabotage {
            sabotage.remember(&self.system);
        }
        let first = round * self.plan.clients;
        let last = self.plan.trials.min(first + self.plan.clients);
        let checkouts: Vec<Checkout> = (first..last).map(|number| self.choose(number)).collect();
        let patience = match self.plan.sabotage {
            None => Duration::from_secs(60),
            Some(_) => Duration::from_secs(6),
        };
        let visits = join_all(checkouts.iter().map(|checkout| {
            let visit = Visit {
                customer: &self.people[checkout.number % PEOPLE],
                journal: &self.journal,
                patience,
            };
            async move { visit.make(checkout).await }
        }));
        let started = Instant::now();
        let deaths = deaths(
            &mut self.system,
            &mut self.random,
            self.plan.sabotage,
            self.usual,
        );
        let (ends, deaths) = match self.plan.sabotage {
            Some(Sabotage::Idle) => (visits.await, deaths.await),
            _ => tokio::join!(visits, deaths),
        };
        if round == 0 {
            self.usual = started.elapsed();
        }
        self.kills.extend(deaths.iter().map(|death| death.clock));
        self.note(ends, &deaths);
    }

    /// What a customer wants, by chance.
    fn choose(&mut self, number: usize) -> Checkout {
        let random = &mut self.random;
        // The first round tells the usual time: nothing slow in it.
        let usual = number < self.plan.clients;
        // What is forgotten must be under way at the death.
        let forgets = self.plan.sabotage == Some(Sabotage::Saga);
        let method = match random.random_range(0..100) {
            _ if self.plan.sabotage == Some(Sabotage::Declined) => "tok_declined",
            _ if usual => PAYS,
            0..50 if forgets => "tok_slow",
            0..80 => PAYS,
            80..88 => "tok_declined",
            88..96 => "tok_slow",
            _ => "tok_unavailable",
        };
        Checkout {
            number,
            sku: self.skus[random.random_range(0..self.skus.len())].clone(),
            quantity: random.random_range(1..=3),
            method,
            cancel: random.random_ratio(1, 5),
        }
    }

    fn note(&mut self, ends: Vec<End>, deaths: &[Death]) {
        for end in ends {
            self.broken.extend(end.broken);
            self.told.extend(end.told);
            let Some(terminal) = end.terminal else {
                continue;
            };
            let spanned = |death: &&Death| end.invoked < death.at && death.ready < terminal;
            if let Some(death) = deaths.iter().rev().find(spanned) {
                self.ended_after.push(terminal - death.ready);
            }
        }
    }

    async fn keep_signed_in(&mut self) {
        if self.signed_in.elapsed() < SIGN_IN_EVERY {
            return;
        }
        for number in 0..PEOPLE {
            let door = self.system.door();
            self.people[number] = door.sign_in(&email(number), PASSWORD).await;
        }
        self.signed_in = Instant::now();
    }

    async fn audit(&mut self) {
        let settle = match self.plan.sabotage {
            None => "30",
            Some(_) => "2",
        };
        let history = self.journal.history().display().to_string();
        let arguments = ["audit", "--json", "--settle", settle, "--history", &history];
        let (code, printed) = self.system.stoa(&arguments).await;
        let found = printed
            .lines()
            .find_map(|line| serde_json::from_str::<Vec<Value>>(line).ok());
        let before = self.broken.len();
        for finding in found.unwrap_or_default() {
            let breaches = finding["breaches"].as_array().into_iter().flatten();
            let id = finding["id"].as_str().unwrap_or("?");
            self.broken.extend(
                breaches.map(|breach| format!("{id}: {}", breach.as_str().unwrap_or_default())),
            );
        }
        if code != 0 && self.broken.len() == before {
            self.broken
                .push(format!("the audit ended with {code}: {printed}"));
        }
    }
}

/// One `kill -9`.
struct Death {
    at: Instant,
    /// The same, by the clock that the services read.
    clock: DateTime<Utc>,
    /// When the shop was whole again.
    ready: Instant,
}

/// Kills at a random moment within `usual`, sometimes once more while it recovers.
async fn deaths(
    system: &mut System,
    random: &mut StdRng,
    sabotage: Option<Sabotage>,
    usual: Duration,
) -> Vec<Death> {
    let mut deaths = Vec::new();
    if usual.is_zero() {
        return deaths;
    }
    let times = if random.random_ratio(1, 4) { 2 } else { 1 };
    for _ in 0..times {
        sleep(random.random_range(Duration::ZERO..usual)).await;
        let victim = system.kill(random, sabotage.is_some());
        let (at, clock) = (Instant::now(), Clock::system().now());
        if let Some(sabotage) = sabotage {
            sabotage.at_death(system).await;
        }
        system.revive(victim).await;
        deaths.push(Death {
            at,
            clock,
            ready: Instant::now(),
        });
    }
    deaths
}

fn email(number: usize) -> String {
    format!("person-{number}@example.test")
}

/// What the shop sells.
async fn skus(door: &Door) -> Vec<String> {
    let answer = door
        .call(
            "catalog.v1.CatalogService/ListProducts",
            json!({"pageSize": 100}),
        )
        .await;
    let body = answer.json();
    let products = body["products"].as_array().expect("products");
    let skus = products
        .iter()
        .filter_map(|product| product["sku"].as_str());
    skus.map(str::to_owned).collect()
}
