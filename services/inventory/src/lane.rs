//! Queues in front of the database, one per SKU or order, so that those who want the same row
//! wait in line here instead of failing there.
//!
//! On PostgreSQL every second transaction that touches a hot row has to be run again, and a
//! thousand buyers of one SKU would use up their tries. In line, each finds the row free.
//! Other processes are not in the line: for them there is still the retry. Lanes are hashed,
//! so that memory is bounded; two names in one lane only wait for each other needlessly.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::item::{OrderId, Sku};

const LANES: usize = 1024;

/// All queues of this process.
#[derive(Clone, Debug)]
pub struct Lanes(Arc<[Arc<Mutex<()>>]>);

/// A place at the head of some queues, given up when dropped.
#[derive(Debug)]
pub struct Pass(#[expect(dead_code, reason = "held, never read")] Vec<OwnedMutexGuard<()>>);

impl Lanes {
    /// Makes the queues, all empty.
    pub fn new() -> Self {
        Self((0..LANES).map(|_| Arc::default()).collect())
    }

    /// Waits until it is this caller's turn for all of these. Lanes are entered in one
    /// order by everyone, so that no two wait for each other.
    pub async fn enter(&self, orders: &[OrderId], skus: &[Sku]) -> Pass {
        let mut indexes: Vec<usize> = orders
            .iter()
            .map(index)
            .chain(skus.iter().map(index))
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        let mut guards = Vec::with_capacity(indexes.len());
        for index in indexes {
            guards.push(Arc::clone(&self.0[index]).lock_owned().await);
        }
        Pass(guards)
    }
}

fn index<T: Hash>(name: &T) -> usize {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    // The remainder is below the number of lanes, whatever the width of a usize.
    (hasher.finish() % LANES as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// row: R-08
    #[tokio::test(flavor = "multi_thread")]
    async fn one_at_a_time_and_nobody_waits_for_ever() {
        let lanes = Lanes::new();
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks = (0..200).map(|number| {
            let (lanes, inside) = (lanes.clone(), Arc::clone(&inside));
            tokio::spawn(async move {
                let names = if number % 2 == 0 {
                    ["hot", "a", "b"]
                } else {
                    ["b", "hot", "c"]
                };
                let _pass = lanes.enter(&[], &names.map(Sku::new)).await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
