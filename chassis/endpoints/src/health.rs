//! When a replica is left alone, and when it is asked again: a machine without a clock, told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// How a replica stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is asked.
    Ready,
    /// It could not be reached, and is not asked before then, unless no other is there.
    Ejected(Instant),
    /// One call finds out whether it can be reached again.
    Probed,
}

/// Belongs to what one call says of a replica; of an earlier time it counts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

#[derive(Debug)]
pub(crate) struct Health {
    state: State,
    changes: u64,
}

#[derive(Debug)]
enum State {
    Ready,
    Ejected { until: Instant },
    Probed { until: Instant },
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Ready,
            changes: 0,
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        match self.state {
            State::Ready => Standing::Ready,
            State::Ejected { until } => Standing::Ejected(until),
            State::Probed { .. } => Standing::Probed,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    /// A call goes there, whatever its standing.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket(self.changes)
    }

    /// Lets one call look whether it can be reached again, `grace` after its time, and no other while that one may
    /// still tell, for as long as `patience`.
    pub(crate) fn probe(
        &mut self,
        now: Instant,
        patience: Duration,
        grace: Duration,
    ) -> Option<Ticket> {
        match self.state {
            State::Ejected { until } | State::Probed { until } if now >= until + grace => {
                let until = now + patience;
                self.change(State::Probed { until });
                Some(self.ticket())
            }
            State::Ready | State::Ejected { .. } | State::Probed { .. } => None,
        }
    }

    /// It answered. Whether that is news.
    pub(crate) fn reached(&mut self, told: Ticket) -> bool {
        let news = told == self.ticket() && !self.is_ready();
        if news {
            self.change(State::Ready);
        }
        news
    }

    /// It could not be reached. Whether it is left alone for that, and was not before.
    pub(crate) fn lost(&mut self, told: Ticket, now: Instant, ejection: Duration) -> bool {
        if told != self.ticket() || matches!(self.state, State::Ejected { .. }) {
            return false;
        }
        let was_ready = self.is_ready();
        let until = now + ejection;
        self.change(State::Ejected { until });
        was_ready
    }

    /// A probe was left without a word: the next call may be one.
    pub(crate) fn left(&mut self, told: Ticket, now: Instant) {
        if told == self.ticket() && matches!(self.state, State::Probed { .. }) {
            self.change(State::Ejected { until: now });
        }
    }

    fn change(&mut self, state: State) {
        self.changes += 1;
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EJECTION: Duration = Duration::from_secs(30);

    /// row: G7
    #[test]
    fn one_that_was_lost_is_probed_by_one_call_at_a_time() {
        let (mut health, now) = (Health::new(), Instant::now());
        let (early, lost) = (health.ticket(), health.ticket());
        assert!(health.lost(lost, now, EJECTION));
        assert_eq!(health.standing(), Standing::Ejected(now + EJECTION));
        // What was under way says nothing more.
        assert!(!health.lost(early, now + EJECTION / 2, EJECTION));
        assert!(!health.reached(early));
        assert_eq!(
            health.probe(now + EJECTION / 2, EJECTION, Duration::ZERO),
            None
        );
        let later = now + EJECTION;
        let probe = health
            .probe(later, EJECTION, Duration::ZERO)
            .expect("it is time");
        assert_eq!(health.probe(later, EJECTION, Duration::ZERO), None);
        assert!(!health.lost(probe, later, EJECTION), "no news");
        assert_eq!(health.standing(), Standing::Ejected(later + EJECTION));
        let later = later + EJECTION;
        let left = health
            .probe(later, EJECTION, Duration::ZERO)
            .expect("it is time");
        health.left(left, later);
        let hangs = health
            .probe(later, EJECTION, Duration::ZERO)
            .expect("the last one left");
        let later = later + EJECTION;
        let probe = health
            .probe(later, EJECTION, Duration::ZERO)
            .expect("it took too long");
        assert!(!health.reached(hangs));
        assert!(health.reached(probe));
        assert_eq!(health.standing(), Standing::Ready);
    }

    /// Where no other was left, one that was lost is asked at once, and may be back.
    #[test]
    fn one_that_answers_is_ready() {
        let (mut health, now) = (Health::new(), Instant::now());
        health.lost(health.ticket(), now, EJECTION);
        assert!(health.reached(health.ticket()));
        assert!(health.is_ready());
    }
}
