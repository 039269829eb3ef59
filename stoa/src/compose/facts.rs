//! `/facts` on the admin listener: what the services of this process tell, page by page.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use clock::Clock;
use events::{Cursor, Recorded, outbox};
use http::StatusCode;
use sea_orm::DbErr;
use serde_json::json;
use sql::Database;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::Base;
use super::admin::refusal;
use crate::facts::Facts;

/// Facts of one service in one answer.
const PAGE_MAX: u64 = 100;
/// The longest that an answer waits for something to be told.
const WAIT_MAX: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Clone)]
struct Page {
    clock: Clock,
    databases: Arc<[Database]>,
    facts: Arc<Facts>,
}

/// What is asked for, by `topic` (again and again), `after` (a service, a colon and its place), `begin` and `wait`
/// (seconds).
#[derive(Default)]
struct Asked {
    topics: Vec<String>,
    after: BTreeMap<String, Cursor>,
    /// Where there is no place: from the oldest fact that is kept, or from now on.
    from_begin: bool,
    wait: Duration,
}

/// The page of a process with these databases.
pub fn page(base: &Base, databases: &[Database], facts: &Arc<Facts>) -> Router {
    let page = Page {
        clock: base.clock.clone(),
        databases: databases.into(),
        facts: facts.clone(),
    };
    Router::new().route("/facts", get(tell)).with_state(page)
}

async fn tell(State(page): State<Page>, RawQuery(query): RawQuery) -> Response {
    let invalid = |said: &str| refusal(StatusCode::BAD_REQUEST, "invalid_argument", said);
    let asked = match Asked::read(query.as_deref().unwrap_or_default()) {
        Ok(asked) => asked,
        Err(said) => return invalid(&said),
    };
    let topics = match page.facts.named(&asked.topics) {
        Ok(topics) => topics,
        Err(said) => return invalid(&said),
    };
    match page.read(&asked, &topics).await {
        Ok(told) => {
            let facts: Vec<_> = told
                .facts
                .iter()
                .map(|fact| page.facts.show(fact))
                .collect();
            Json(json!({"facts": facts, "next": told.next, "lost": told.lost})).into_response()
        }
        Err((service, error)) => {
            warn!(
                service,
                cause = call::error::chain(&error),
                "Facts could not be read"
            );
            let said = format!("The database of {service} does not answer");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "unavailable", &said)
        }
    }
}

impl Asked {
    fn read(query: &str) -> Result<Self, String> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "topic" => asked.topics.push(value.into_owned()),
                "begin" => asked.from_begin = true,
                "wait" => {
                    let seconds: u32 = value.parse().map_err(|_| "wait is seconds".to_owned())?;
                    asked.wait = WAIT_MAX.min(Duration::from_secs(seconds.into()));
                }
                "after" => {
                    let place = value.split_once(':').and_then(|(service, place)| {
                        Some((service.to_owned(), place.parse().ok()?))
                    });
                    asked
                        .after
                        .extend([place.ok_or_else(|| format!("after {value:?} is no place"))?]);
                }
                other => return Err(format!("there is no {other}")),
            }
        }
        Ok(asked)
    }
}

/// What was told.
#[derive(Default)]
struct Told {
    facts: Vec<Recorded>,
    /// Where each service goes on.
    next: BTreeMap<&'static str, String>,
    /// Services whose facts after a place that was asked for are gone, or which tell another history by now.
    lost: Vec<&'static str>,
}

impl Page {
    /// Reads what comes, and waits for it as long as was asked.
    async fn read(&self, asked: &Asked, topics: &[&str]) -> Result<Told, (&'static str, DbErr)> {
        let until = Instant::now() + asked.wait;
        let mut told = Told::default();
        let mut places = BTreeMap::new();
        for db in &*self.databases {
            let place = self.place(db, asked, &mut told.lost).await;
            places.insert(db.service(), place.map_err(|error| (db.service(), error))?);
        }
        loop {
            let mut runs = Vec::new();
            for db in &*self.databases {
                let place = places.get_mut(db.service()).expect("each has one");
                let facts = self.after(db, place, topics).await;
                runs.push(facts.map_err(|error| (db.service(), error))?);
            }
            told.facts = merged(runs, |fact| fact.at);
            if !told.facts.is_empty() || Instant::now() >= until {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        let next = places.into_iter();
        told.next = next
            .map(|(service, place)| (service, place.to_string()))
            .collect();
        Ok(told)
    }

    /// Where to begin.
    async fn place(
        &self,
        db: &Database,
        asked: &Asked,
        lost: &mut Vec<&'static str>,
    ) -> Result<Cursor, DbErr> {
        let (extent, now) = (outbox::extent(db).await?, self.clock.now());
        Ok(match asked.after.get(db.service()) {
            Some(&after) if extent.holds(after) && outbox::remembers(db.read(), after).await? => {
                after
            }
            Some(_) => {
                lost.push(db.service());
                extent.begin(now)
            }
            None if asked.from_begin => extent.begin(now),
            None => extent.end(now),
        })
    }

    /// What comes after `place`, which moves behind it.
    async fn after(
        &self,
        db: &Database,
        place: &mut Cursor,
        topics: &[&str],
    ) -> Result<Vec<Recorded>, DbErr> {
        let end = outbox::extent(db).await?.end(self.clock.now());
        let facts = outbox::page_of(db.read(), topics, *place, end, PAGE_MAX).await?;
        *place = match facts.last() {
            Some(last) if facts.len() as u64 == PAGE_MAX => last.cursor,
            _ => place.later(end),
        };
        Ok(facts)
    }
}

/// Several services' facts as one, each service's in its own order: of what comes next of each, what became true first.
fn merged<F>(runs: Vec<Vec<F>>, at: impl Fn(&F) -> DateTime<Utc>) -> Vec<F> {
    let mut runs: Vec<_> = runs.into_iter().map(VecDeque::from).collect();
    let mut all = Vec::new();
    loop {
        let heads = runs.iter_mut().filter(|run| !run.is_empty());
        match heads.min_by_key(|run| run.front().map(&at)) {
            Some(run) => all.extend(run.pop_front()),
            None => return all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that was set back says nothing of the order in which one service tells.
    ///
    /// row: E1
    #[test]
    fn what_one_service_told_stays_in_its_order() {
        let second = |at| DateTime::from_timestamp(at, 0).expect("a time");
        let runs = vec![
            vec![('a', 5), ('b', 2), ('c', 6)],
            vec![('x', 1), ('y', 5), ('z', 7)],
        ];
        let told: String = merged(runs, |(_, at)| second(*at))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(told, "xabycz");
    }
}
