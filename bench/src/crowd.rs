//! Customers who order at once, each as soon as the last order is confirmed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use crate::peer::KeyIn;
use crate::shop::Shop;
use crate::{peer, shop, tables};

/// How many they are, all together.
pub const CUSTOMERS: usize = 16;

/// Pieces of each product that are put on the shelf first, so that none runs out.
const PIECES: u32 = 100_000;
/// How often a customer asks again when writers collided.
const AGAIN_MAX: usize = 20;

/// The customers of one program.
pub struct Crowd {
    customers: Vec<Customer>,
    skus: Arc<Vec<String>>,
    /// Numbers given to orders so far, of which a few were not placed.
    numbers: Arc<AtomicU64>,
}

#[derive(Clone)]
enum Customer {
    Shop(shop::Customer),
    Peer(peer::Customer),
}

/// When they go home.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this time.
    Time(Duration),
    /// After so many orders.
    Count(u64),
}

/// What they did.
#[derive(Clone, Debug)]
pub struct Done {
    /// Orders that were confirmed.
    pub confirmed: u64,
    /// From the first question to the last answer.
    pub took: Duration,
    /// In microseconds.
    pub latency: Histogram<u64>,
}

impl Crowd {
    /// Customers of a shop, each with an account.
    ///
    /// # Errors
    /// The shop refuses, or sells nothing.
    pub async fn of_shop(shop: &Shop) -> anyhow::Result<Self> {
        let mut customers = Vec::new();
        for place in 0..CUSTOMERS {
            customers.push(shop.door.sign_up(&format!("customer-{place}")).await?);
        }
        let skus = shop.door.skus().await?;
        ensure!(!skus.is_empty(), "the shop sells nothing");
        shop.door.stock_up(&skus, PIECES).await?;
        let customers = customers.into_iter().map(Customer::Shop).collect();
        Ok(Self::new(customers, skus))
    }

    /// Customers of a program at `origin`.
    pub fn of_peer(origin: &str, told: KeyIn) -> Self {
        let customer = || Customer::Peer(peer::Customer::new(origin, told));
        let customers = std::iter::repeat_with(customer).take(CUSTOMERS).collect();
        let skus = (0..tables::PRODUCTS).map(|number| format!("SKU-{number:03}"));
        Self::new(customers, skus.collect())
    }

    fn new(customers: Vec<Customer>, skus: Vec<String>) -> Self {
        Self {
            customers,
            skus: Arc::new(skus),
            numbers: Arc::default(),
        }
    }

    /// Lets `count` of them order.
    ///
    /// # Errors
    /// An order is refused or not confirmed in time.
    pub async fn check_out(&self, count: usize, until: Until) -> anyhow::Result<Done> {
        let began = Instant::now();
        let first = self.numbers.load(Ordering::Relaxed);
        let mut running = JoinSet::new();
        for customer in self.customers.iter().take(count) {
            let customer = customer.clone();
            let (skus, numbers) = (self.skus.clone(), self.numbers.clone());
            running.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let over = match until {
                        Until::Time(time) => began.elapsed() >= time,
                        Until::Count(count) => number >= first + count,
                    };
                    if over {
                        return anyhow::Ok(took);
                    }
                    // All shelves are emptied evenly.
                    let sku = &skus[usize::try_from(number)? % skus.len()];
                    let (key, asked) = (format!("bench-{number}"), Instant::now());
                    let confirmed = customer.check_out(sku, &key).await?;
                    ensure!(
                        confirmed,
                        "order {number} of {sku} was not confirmed in time"
                    );
                    took.push(asked.elapsed());
                }
            });
        }
        let mut latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        let mut confirmed = 0;
        while let Some(ended) = running.join_next().await {
            for took in ended?? {
                latency.saturating_record(u64::try_from(took.as_micros())?);
                confirmed += 1;
            }
        }
        Ok(Done {
            confirmed,
            took: began.elapsed(),
            latency,
        })
    }
}

impl Customer {
    async fn check_out(&self, sku: &str, key: &str) -> anyhow::Result<bool> {
        match self {
            Self::Shop(customer) => customer.check_out(sku, key, AGAIN_MAX).await,
            Self::Peer(customer) => customer.check_out(sku, key).await,
        }
    }
}
