//! One order in its world: its drivers, its peers, and what is under way between them.

use super::peers::{Goods, Peers};
use super::{
    Action, Attempt, DateTime, EndReason, Event, Faults, NO_FAULTS, Progress, RULES, Reply,
    Sabotage, State, Status, Task, Utc, accepted, at, step,
};

/// A driver, by its place among those that the order had; what is sent for it comes back to it alone.
type Who = usize;
/// Whose request is on its way while he himself is gone.
const NOBODY: Who = Who::MAX;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What the database knows.
    saved: State,
    /// What each driver believes; none of one that can do nothing more. Only the last goes by what is saved: whoever
    /// else must write finds a revision that is not his.
    drivers: Vec<Option<State>>,
    peers: Peers,
    late: bool,
    requests: Vec<(Who, Task, u32)>,
    answers: Vec<(Who, Task, u32, Reply)>,
    faults: Faults,
}

impl World {
    /// An order that was just accepted.
    pub fn new(peers: Peers, faults: Faults) -> Self {
        let (saga, _) = accepted(at(0));
        let mut world = Self {
            saved: saga.clone(),
            drivers: vec![Some(saga)],
            peers,
            late: false,
            requests: Vec::new(),
            answers: Vec::new(),
            faults,
        };
        world.send(0);
        world
    }

    fn now(&self) -> DateTime<Utc> {
        if self.late { at(3600) } else { at(0) }
    }

    /// The driver that goes by what is saved.
    fn owner(&self) -> Who {
        self.drivers.len() - 1
    }

    fn pending(&self) -> Option<Attempt> {
        self.drivers.last()?.as_ref()?.pending()
    }

    /// A driver hears something.
    fn hear(&mut self, who: Who, event: Event, sabotage: Sabotage) {
        let Some(mut before) = self.drivers[who].clone() else {
            return;
        };
        let event = match sabotage {
            Sabotage::BelieveRefusals => believe(&mut before, event),
            _ => event,
        };
        let Some((next, asks)) = decide(&before, event, self.now()) else {
            return;
        };
        let ahead = before.may_run_ahead(&next);
        if !ahead && who != self.owner() {
            self.drivers[who] = None; // its write has found somebody else's
        } else {
            if !ahead {
                self.saved = next.clone();
            }
            self.drivers[who] = Some(next);
            if asks {
                self.send(who);
            }
        }
        self.tidy();
    }

    /// What ran ahead is saved.
    fn flush(&mut self) {
        if let Some(Some(state)) = self.drivers.last() {
            self.saved = state.clone();
        }
        self.tidy();
    }

    /// Somebody else changes what is saved, and a driver of his own goes on with it.
    fn seize(&mut self, event: Event, sabotage: Sabotage) {
        let resumed = event == Event::Resumed;
        let Some((mut next, asks)) = decide(&self.saved, event, self.now()) else {
            return;
        };
        match (&mut next.progress, &self.saved.progress) {
            (
                Progress::Doing {
                    step,
                    reach,
                    attempt,
                    ..
                },
                _,
            ) if resumed => {
                if sabotage == Sabotage::ForgetAttempts {
                    (*reach, *attempt) = (*step, 1);
                }
                if sabotage == Sabotage::ForgetAhead {
                    *reach = *step;
                }
            }
            (Progress::Undoing { undos, .. }, Progress::Doing { step, .. })
                if !resumed && sabotage == Sabotage::CancelWhatIsSaved =>
            {
                *undos = step.undos_from_here();
            }
            _ => {}
        }
        self.saved = next.clone();
        self.drivers.push(Some(next));
        if asks {
            self.send(self.owner());
        }
        self.tidy();
    }

    /// Asks what a driver waits for.
    fn send(&mut self, who: Who) {
        let pending = self.drivers[who].as_ref().and_then(State::pending);
        if let Some(Attempt { task, number, .. }) = pending {
            let request = (who, task, number);
            if !self.requests.contains(&request) {
                self.requests.push(request);
            }
        }
    }

    /// Worlds that differ in nothing that can matter are one: in the order of messages in flight, in what nobody waits
    /// for, and in drivers that hear nothing any more, or can only find that somebody else has written.
    fn tidy(&mut self) {
        let owner = self.owner();
        for who in 0..owner {
            let asked = self.requests.iter().any(|request| request.0 == who)
                || self.answers.iter().any(|answer| answer.0 == who);
            let state = &mut self.drivers[who];
            let may_go_on = state
                .as_ref()
                .is_some_and(|state| matches!(state.progress, Progress::Doing { .. }));
            if !asked || !may_go_on {
                *state = None;
            }
        }
        let drivers = &self.drivers;
        let waits = |who: Who, task: Task| {
            let state = drivers.get(who).and_then(Option::as_ref);
            state.and_then(State::pending).is_some_and(|pending| {
                pending.task == task || matches!((pending.task, task), (Task::Do(next), Task::Do(later)) if next < later)
            })
        };
        self.answers.retain(|(who, task, ..)| waits(*who, *task));
        for (who, task, _) in &mut self.requests {
            if !waits(*who, *task) {
                *who = NOBODY;
            }
        }
        self.requests.sort();
        self.requests.dedup();
        self.answers.sort();
    }

    fn deliver(&self, at: usize, keep: bool, sabotage: Sabotage) -> Self {
        let mut next = self.clone();
        let (who, task, attempt) = next.requests[at];
        if !keep {
            next.requests.remove(at);
        }
        let answer = next.peers.ask(task, sabotage);
        if who != NOBODY {
            next.answers.push((who, task, attempt, answer));
        }
        next.tidy();
        next
    }

    /// This world with one fault fewer left, if there is one.
    fn struck(&self, left: fn(&mut Faults) -> &mut u8) -> Option<Self> {
        let mut faults = self.faults;
        faults.spend(left).then(|| Self {
            faults,
            ..self.clone()
        })
    }

    /// Every world that one more thing happening leads to.
    pub fn successors(&self, sabotage: Sabotage) -> Vec<Self> {
        let mut worlds = Vec::new();
        let mut fault = |left: fn(&mut Faults) -> &mut u8, change: &mut dyn FnMut(&mut Self)| {
            if let Some(mut next) = self.struck(left) {
                change(&mut next);
                worlds.push(next);
            }
        };
        if let Some(Attempt { task, number, .. }) = self.pending() {
            let lost = Event::Answered {
                task,
                attempt: number,
                answer: Reply::Failed("unavailable"),
            };
            fault(|f| &mut f.lost_answers, &mut |w| {
                w.hear(w.owner(), lost.clone(), sabotage)
            });
            fault(|f| &mut f.lost_answers, &mut |w| {
                w.late = true;
                w.hear(w.owner(), lost.clone(), sabotage);
            });
            fault(|f| &mut f.crashes, &mut |w| {
                w.seize(Event::Resumed, sabotage)
            });
        }
        fault(|f| &mut f.cancels, &mut |w| {
            w.seize(Event::CancelAsked(EndReason::CustomerRequest), sabotage)
        });
        fault(|f| &mut f.stock_moves, &mut |w| {
            w.peers.in_stock = !w.peers.in_stock
        });
        if self.peers.goods == Goods::Reserved {
            fault(|f| &mut f.expiries, &mut |w| w.peers.goods = Goods::Expired);
        }
        if self.drivers[self.owner()].as_ref() != Some(&self.saved) {
            let mut flushed = self.clone();
            flushed.flush();
            worlds.push(flushed);
        }
        self.deliveries(sabotage, &mut worlds);
        worlds
    }

    /// Those that a message leads to which arrives.
    fn deliveries(&self, sabotage: Sabotage, worlds: &mut Vec<Self>) {
        for index in 0..self.requests.len() {
            worlds.push(self.deliver(index, false, sabotage));
            // The first try of a step is sent once, by one driver: see "one attempt" in the module above.
            if matches!(self.requests[index], (_, Task::Do(_), 1)) {
                continue;
            }
            if let Some(doubled) = self.struck(|f| &mut f.doubles) {
                worlds.push(doubled.deliver(index, true, sabotage));
            }
        }
        for index in 0..self.answers.len() {
            let mut next = self.clone();
            let (who, task, attempt, answer) = next.answers.remove(index);
            let event = Event::Answered {
                task,
                attempt,
                answer: answer.clone(),
            };
            next.hear(who, event, sabotage);
            if let Some(mut doubled) = next.struck(|f| &mut f.doubles) {
                doubled.answers.push((who, task, attempt, answer));
                doubled.tidy();
                worlds.push(doubled);
            }
            worlds.push(next);
        }
    }

    /// At rest goods and money agree with the order's end, whatever is still in flight: it may arrive, or not.
    pub fn fault_found(&self) -> Option<String> {
        if self.saved.progress != Progress::AtRest {
            return (self.pending().is_none()).then(|| format!("stuck: {self:?}"));
        }
        if !self.saved.status.is_terminal() {
            return Some(format!("at rest but not at an end: {self:?}"));
        }
        let right = self.peers.agree(self.saved.status == Status::Confirmed);
        (!right).then(|| format!("goods or money astray: {self:?}"))
    }

    /// This world without further faults, and with nobody and nothing in it but the driver that goes by what is saved.
    pub fn calm(&self) -> Self {
        Self {
            drivers: self.drivers.last().cloned().into_iter().collect(),
            saved: self.saved.clone(),
            requests: Vec::new(),
            answers: Vec::new(),
            faults: NO_FAULTS,
            ..*self
        }
    }

    /// Without further faults, and with all that is in flight lost, the order comes to its right end in a few
    /// exchanges.
    pub fn settles(&self) -> bool {
        let mut world = self.clone();
        for _ in 0..12 {
            let Some(Attempt { task, number, .. }) = world.pending() else {
                return world.fault_found().is_none();
            };
            let answer = world.peers.ask(task, Sabotage::None);
            let event = Event::Answered {
                task,
                attempt: number,
                answer,
            };
            world.hear(world.owner(), event, Sabotage::None);
        }
        false
    }
}

/// What becomes of a state, and whether it asks for something now.
fn decide(before: &State, event: Event, now: DateTime<Utc>) -> Option<(State, bool)> {
    let Ok((next, commands)) = step(&RULES, before, event, now) else {
        return None; // a cancellation that is refused
    };
    let mut status = before.status;
    for command in &commands {
        if let Action::Enter(to, _) = command {
            assert!(
                status.may_become(*to),
                "{status:?} became {to:?}: {before:?}"
            );
            status = *to;
        }
    }
    assert_eq!(
        status, next.status,
        "an entered status is not the state's: {before:?}"
    );
    let asks = commands
        .iter()
        .any(|command| matches!(command, Action::Call(_)));
    (!commands.is_empty() || asks).then_some((next, asks))
}

/// Takes a refusal for a certain one.
fn believe(before: &mut State, event: Event) -> Event {
    match (event, &mut before.progress) {
        (
            Event::Answered {
                task,
                attempt: answered,
                answer: Reply::Refused,
            },
            Progress::Doing {
                step,
                reach,
                attempt,
                ..
            },
        ) if answered == *attempt => {
            (*reach, *attempt) = (*step, 1);
            Event::Answered {
                task,
                attempt: 1,
                answer: Reply::Refused,
            }
        }
        (event, _) => event,
    }
}
