//! What goes wrong on purpose: staff say which rpcs of a process fail, are late, lose their answers or bring the process
//! down, how often and for how long, to see how everybody else bears it. Nothing is kept beyond the process.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use call::Code;
use tokio::time::Instant;

/// The longest time for which a fault may last.
pub const LASTS_MAX: Duration = Duration::from_secs(24 * 3600);
/// The longest delay: more than any deadline.
pub const DELAY_MAX: Duration = Duration::from_secs(60);

/// The faults of a process; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether there may be one: all that a call looks at while there is none.
    any: AtomicBool,
    set: Mutex<Vec<Standing>>,
}

/// A fault that is set.
#[derive(Debug)]
struct Standing {
    fault: Injection,
    until: Instant,
    /// Hundredths of a fault that were passed over.
    due: u32,
    met: u64,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// What it was set for: `payment.ProcessPayment`, or `payment` for all of them. Setting it again replaces it.
    pub name: String,
    /// The paths of the rpcs that meet it.
    pub paths: HashSet<Arc<str>>,
    /// What happens to them.
    pub harm: Harm,
    /// How many of a hundred calls meet it, spread evenly: 1 to 100.
    pub percent: u32,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Harm {
    /// It begins so much later.
    pub delay: Duration,
    /// How it ends, if not as it would.
    pub end: Option<End>,
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is done, and this is answered.
    Fails(Code),
    /// It is done and its answer is lost: the caller waits until his deadline.
    Drops,
    /// It is done, what it stored is committed, and the process dies before it answers.
    Crashes,
}

/// A fault as it stands.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The fault.
    pub fault: Injection,
    /// How long it still lasts.
    pub left: Duration,
    /// How many calls have met it.
    pub met: u64,
}

impl Faults {
    /// Sets a fault for so long, at most [`LASTS_MAX`], in place of one of the same name.
    pub fn set(&self, fault: Injection, lasts: Duration) {
        let mut set = self.standing();
        set.retain(|standing| standing.fault.name != fault.name);
        set.push(Standing {
            fault,
            until: Instant::now() + lasts.min(LASTS_MAX),
            due: 0,
            met: 0,
        });
        self.0.any.store(true, Ordering::Relaxed);
    }

    /// The faults that stand, in the order in which they were set.
    pub fn list(&self) -> Vec<Listed> {
        let now = Instant::now();
        let set = self.standing();
        let listed = set.iter().map(|standing| Listed {
            fault: standing.fault.clone(),
            left: standing.until - now,
            met: standing.met,
        });
        listed.collect()
    }

    /// Takes back the fault of that name, or all, and returns how many there were.
    pub fn clear(&self, name: Option<&str>) -> usize {
        let mut set = self.standing();
        let before = set.len();
        set.retain(|standing| name.is_some_and(|name| standing.fault.name != name));
        self.0.any.store(!set.is_empty(), Ordering::Relaxed);
        before - set.len()
    }

    /// What happens to a call of that path: of several faults the one that was set last.
    pub fn meet(&self, path: &str) -> Option<Harm> {
        if !self.0.any.load(Ordering::Relaxed) {
            return None;
        }
        let mut set = self.standing();
        let standing = set
            .iter_mut()
            .rev()
            .filter(|standing| standing.fault.paths.contains(path))
            .find_map(|standing| standing.is_due().then_some(standing))?;
        standing.met += 1;
        Some(standing.fault.harm)
    }

    /// Those that are not over.
    fn standing(&self) -> MutexGuard<'_, Vec<Standing>> {
        let mut set = self.0.set.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        set.retain(|standing| standing.until > now);
        if set.is_empty() {
            self.0.any.store(false, Ordering::Relaxed);
        }
        set
    }
}

impl Standing {
    fn is_due(&mut self) -> bool {
        self.due += self.fault.percent;
        let due = self.due >= 100;
        if due {
            self.due -= 100;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str, paths: &[&str], code: Code, percent: u32) -> Injection {
        Injection {
            name: name.to_owned(),
            paths: paths.iter().map(|path| Arc::from(*path)).collect(),
            harm: Harm {
                delay: Duration::ZERO,
                end: Some(End::Fails(code)),
            },
            percent,
        }
    }

    /// row: X8
    #[test]
    fn so_many_of_a_hundred_meet_it_evenly() {
        for percent in [1, 7, 33, 50, 99, 100] {
            let faults = Faults::default();
            faults.set(fault("a", &["/a"], Code::Aborted, percent), LASTS_MAX);
            let met: Vec<u32> = (0..1000)
                .map(|_| u32::from(faults.meet("/a").is_some()))
                .collect();
            assert_eq!(met.iter().sum::<u32>(), percent * 10);
            for hundred in met.chunks(100) {
                assert_eq!(hundred.iter().sum::<u32>(), percent);
            }
            assert_eq!(faults.list()[0].met, u64::from(percent) * 10);
            assert_eq!(faults.meet("/b"), None);
        }
    }

    /// row: X8
    #[tokio::test(start_paused = true)]
    async fn a_fault_is_over_in_its_time_or_when_it_is_cleared() {
        let faults = Faults::default();
        let minute = Duration::from_secs(60);
        faults.set(fault("a", &["/a"], Code::Aborted, 100), minute);
        faults.set(fault("b", &["/a", "/b"], Code::Internal, 100), 2 * minute);
        let code = |path: &str| match faults.meet(path)?.end? {
            End::Fails(code) => Some(code),
            other => panic!("{other:?}"),
        };
        assert_eq!(code("/a"), Some(Code::Internal), "the later one");
        assert_eq!(faults.clear(Some("b")), 1);
        assert_eq!(code("/a"), Some(Code::Aborted));
        faults.set(fault("a", &["/c"], Code::Aborted, 100), minute);
        assert_eq!(code("/a"), None, "it was replaced");
        tokio::time::advance(minute).await;
        assert_eq!(code("/c"), None);
        assert!(faults.list().is_empty());
        faults.set(fault("a", &["/a"], Code::Aborted, 100), minute);
        faults.set(fault("b", &["/a"], Code::Aborted, 100), minute);
        assert_eq!((faults.clear(None), faults.clear(None)), (2, 0));
        assert_eq!(code("/a"), None);
    }
}
