//! What may be spent on repeats of calls to one peer: ten a second, and one for each five calls, of the last ten
//! seconds. A repeat for each call would make of a peer that is nearly down one that is.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Seconds that are looked back on.
const SECONDS: usize = 10;
/// In fifths of a repeat.
const REPEAT: i64 = 5;
const RESERVE: i64 = 10 * SECONDS as i64 * REPEAT;

/// What is left to spend.
#[derive(Debug)]
pub struct Budget {
    since: Instant,
    slots: Mutex<[Slot; SECONDS]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    balance: i64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

impl Budget {
    /// A whole one.
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            slots: Mutex::default(),
        }
    }

    /// A call was made.
    pub fn deposit(&self) {
        self.with(|slot, _| slot.balance += 1);
    }

    /// Whether one may be repeated, which is then spent.
    pub fn withdraw(&self) -> bool {
        self.with(|slot, left| {
            let enough = left >= REPEAT;
            slot.balance -= if enough { REPEAT } else { 0 };
            enough
        })
    }

    /// How many repeats are left.
    pub fn left(&self) -> i64 {
        self.with(|_, left| left / REPEAT)
    }

    fn with<T>(&self, told: impl FnOnce(&mut Slot, i64) -> T) -> T {
        let second = self.since.elapsed().as_secs();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = slots.iter();
        let recent = recent.filter(|slot| slot.second + SECONDS as u64 > second);
        let left = RESERVE + recent.map(|slot| slot.balance).sum::<i64>();
        let slot = &mut slots[second as usize % SECONDS];
        if slot.second != second {
            *slot = Slot { second, balance: 0 };
        }
        told(slot, left)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// row: R6
    #[tokio::test(start_paused = true)]
    async fn a_repeat_costs_five_calls_or_a_tenth_of_a_second() {
        let budget = Budget::new();
        assert_eq!(budget.left(), 100);
        for _ in 0..10 {
            budget.deposit();
        }
        assert_eq!((0..200).filter(|_| budget.withdraw()).count(), 102);
        assert_eq!(budget.left(), 0);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!budget.withdraw());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(budget.left(), 100);
    }
}
