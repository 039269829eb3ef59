//! A registry that says what it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use endpoints::{Address, Endpoints, Resolve, Source, Standing, Unresolved};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::watch;

pub const EJECTION: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub struct Registry {
    known: Mutex<Option<Vec<Address>>>,
    asked: watch::Sender<usize>,
}

impl Registry {
    /// Knows these from now on; without any it fails.
    pub fn tell(&self, hosts: Option<&[&str]>) {
        *self.known.lock().unwrap() = hosts.map(all);
    }

    /// Waits until it was asked so often, and its answer is known.
    pub async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        asked.wait_for(|asked| *asked > times).await.unwrap();
    }
}

impl Resolve for Registry {
    fn resolve(&self) -> BoxFuture<'_, Result<Vec<Address>, Unresolved>> {
        async {
            self.asked.send_modify(|asked| *asked += 1);
            let known = self.known.lock().unwrap().clone();
            known.ok_or_else(|| "it is away".into())
        }
        .boxed()
    }

    fn pause(&self) -> Duration {
        PAUSE
    }
}

pub fn all(hosts: &[&str]) -> Vec<Address> {
    let parse = |host: &&str| format!("{host}:5000").parse().unwrap();
    hosts.iter().map(parse).collect()
}

/// Keeps for each replica how busy it is said to be.
pub fn set(source: Source) -> Endpoints<Arc<Mutex<usize>>> {
    Endpoints::new("order", source, Some(EJECTION), |_| Arc::default())
}

pub fn standings<T>(set: &Endpoints<T>) -> Vec<(String, Standing)> {
    let mut all = Vec::new();
    set.each(|address, standing, _| all.push((address.host().to_owned(), standing)));
    all
}
