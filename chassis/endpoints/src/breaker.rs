//! When a peer is left alone, and when it is asked again: a machine without a clock, told what time it is.

use std::time::Duration;

use tokio::time::Instant;

/// What a breaker goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// So many failed calls in a row open it.
    pub failures_in_a_row: u32,
    /// So many of a hundred calls open it as well ...
    pub failed_percent: u32,
    /// ... if there were as many as this ...
    pub calls_min: u32,
    /// ... within this time.
    pub window: Duration,
    /// How long nobody asks the first time, if that is less than `open`; each time that a probe fails twice as long.
    pub open_first: Duration,
    /// How long nobody asks at most, and then how long a probe keeps all others waiting at most.
    pub open: Duration,
    /// So many probes must do well, one after another, to close it.
    pub successes: u32,
    /// Whether an answer can be a failure, by its code, and its lateness. Off where that may be somebody else's fault:
    /// of clients, whose request the peer cannot read or who are too many, or of a peer behind it. Then only who cannot
    /// be reached fails.
    pub answers: bool,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            failures_in_a_row: 5,
            failed_percent: 50,
            calls_min: 10,
            window: Duration::from_secs(30),
            open_first: Duration::from_secs(30),
            open: Duration::from_secs(30),
            successes: 2,
            answers: true,
        }
    }
}

/// Parts of the window that are forgotten one at a time.
const SLOTS: usize = 30;
/// When to come back, while a probe is out.
const PROBE_SOON: Duration = Duration::from_secs(1);

/// What a call says of its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impression {
    /// It is there, whatever its answer.
    Answered,
    /// It is away, or ill.
    Failed,
    /// Nothing: whoever asked left, or the call never got there for want of a place.
    Unknown,
}

/// Where a breaker stands, as its gauge shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed = 0,
    /// None does.
    Open = 1,
    /// One at a time does.
    HalfOpen = 2,
}

/// Lets one call pass, and belongs to what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage(u64);

/// The breaker of one peer.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    state: State,
    /// How long it is open the next time.
    open_next: Duration,
    tickets: u64,
}

#[derive(Debug)]
enum State {
    Closed {
        /// All calls of one such time have the same; those of an earlier one count no more.
        ticket: Passage,
        in_a_row: u32,
        window: Box<Window>,
    },
    Open {
        until: Instant,
    },
    HalfOpen {
        successes: u32,
        /// The call that is out, and until when it is waited for.
        probe: Option<(Passage, Instant)>,
    },
}

impl Breaker {
    /// A closed one.
    pub fn new(rules: BreakerRules, now: Instant) -> Self {
        Self {
            rules,
            state: State::closed(Passage(0), now),
            open_next: rules.open_first,
            tickets: 0,
        }
    }

    /// Where it stands.
    pub fn circuit(&self) -> Circuit {
        match self.state {
            State::Closed { .. } => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// Lets a call pass, or says after what time to come back.
    pub fn admit(&mut self, now: Instant) -> Result<Passage, Duration> {
        if let State::Open { until } = self.state {
            if now < until {
                return Err(until - now);
            }
            self.state = State::HalfOpen {
                successes: 0,
                probe: None,
            };
        }
        match &mut self.state {
            State::Closed { ticket, .. } => Ok(*ticket),
            State::HalfOpen {
                probe: Some((_, until)),
                ..
            } if now < *until => Err(PROBE_SOON),
            State::HalfOpen { probe, .. } => {
                self.tickets += 1;
                let ticket = Passage(self.tickets);
                *probe = Some((ticket, now + self.rules.open));
                Ok(ticket)
            }
            State::Open { until } => Err(*until - now), // it is over by then, see above
        }
    }

    /// Hears how a call that it let pass came out. Each call says so once.
    pub fn settle(&mut self, told: Passage, outcome: Impression, now: Instant) {
        let failed = outcome == Impression::Failed;
        let rules = self.rules;
        match &mut self.state {
            State::Closed {
                ticket,
                in_a_row,
                window,
            } if *ticket == told && outcome != Impression::Unknown => {
                *in_a_row = if failed { *in_a_row + 1 } else { 0 };
                let (calls, bad) = window.count(&rules, failed, now);
                let percent = u64::from(rules.failed_percent);
                let often = u64::from(bad) * 100 >= u64::from(calls) * percent;
                if *in_a_row >= rules.failures_in_a_row || (calls >= rules.calls_min && often) {
                    self.open(now);
                }
            }
            State::HalfOpen { successes, probe } if probe.is_some_and(|(id, _)| id == told) => {
                *probe = None;
                match outcome {
                    Impression::Failed => self.open(now),
                    Impression::Unknown => {}
                    Impression::Answered => {
                        *successes += 1;
                        if *successes >= rules.successes {
                            self.tickets += 1;
                            self.state = State::closed(Passage(self.tickets), now);
                            self.open_next = rules.open_first;
                        }
                    }
                }
            }
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => {}
        }
    }

    fn open(&mut self, now: Instant) {
        let open = self.open_next.min(self.rules.open);
        self.open_next = open.saturating_mul(2);
        let until = now + open;
        self.state = State::Open { until };
    }
}

impl State {
    fn closed(ticket: Passage, now: Instant) -> Self {
        Self::Closed {
            ticket,
            in_a_row: 0,
            window: Box::new(Window {
                since: now,
                slots: [Slot::default(); SLOTS],
            }),
        }
    }
}

/// The calls of the last while, in as little room however many there are.
#[derive(Debug)]
struct Window {
    since: Instant,
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    number: u64,
    calls: u32,
    failed: u32,
}

impl Window {
    /// Counts a call; how many there were in the window, and how many of these failed.
    fn count(&mut self, rules: &BreakerRules, failed: bool, now: Instant) -> (u32, u32) {
        let length = (rules.window / SLOTS as u32).max(Duration::from_nanos(1));
        let passed = now.saturating_duration_since(self.since);
        let number = (passed.as_nanos() / length.as_nanos()) as u64;
        let slot = &mut self.slots[number as usize % SLOTS];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot.calls += 1;
        slot.failed += u32::from(failed);
        let recent = self.slots.iter();
        let recent = recent.filter(|slot| slot.number + SLOTS as u64 > number);
        recent.fold((0, 0), |(calls, failed), slot| {
            (calls + slot.calls, failed + slot.failed)
        })
    }
}

#[cfg(test)]
mod tests;
