//! The core against its table, row by row, and against random histories.

mod waits;

use proptest::prelude::*;

use super::*;

pub(super) const RULES: Rules = Rules {
    step_budget: Duration::from_secs(30),
    cancel_window: Duration::from_secs(24 * 60 * 60),
    backoff_first: Duration::from_millis(100),
    backoff_max: Duration::from_secs(10),
};

/// That many seconds into the test.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn answered(task: Task, attempt: u32, answer: Reply) -> Event {
    Event::Answered {
        task,
        attempt,
        answer,
    }
}

const DONE: Reply = Reply::Done(None);
const GONE: Reply = Reply::Failed("unavailable");
const CANCEL: Event = Event::CancelAsked(EndReason::CustomerRequest);
const RELEASE: Task = Task::Undo(Undo::ReleaseInventory);
const REFUND: Task = Task::Undo(Undo::RefundPayment);

/// Feeds events at given seconds and checks that every change of status is legal.
struct Run {
    state: State,
    entered: Vec<(Status, Option<EndReason>)>,
    settled: usize,
}

impl Run {
    fn new() -> Self {
        Self {
            state: accepted(at(0)).0,
            entered: Vec::new(),
            settled: 0,
        }
    }

    fn on(mut self, seconds: i64, event: Event) -> Self {
        let (state, commands) = step(&RULES, &self.state, event, at(seconds)).unwrap();
        for command in &commands {
            match command {
                Action::Enter(status, reason) => self.entered.push((*status, *reason)),
                Action::Settle => self.settled += 1,
                Action::Call(attempt) => assert_eq!(Some(*attempt), state.pending()),
                Action::Log { .. } | Action::NoteTransaction(_) => {}
            }
        }
        self.state = state;
        self
    }

    /// Answers what is pending.
    fn answer(self, answer: Reply) -> Self {
        let Attempt { task, number, .. } = self.state.pending().unwrap();
        self.on(0, answered(task, number, answer))
    }

    fn upto(steps: usize) -> Self {
        (0..steps).fold(Self::new(), |run, _| run.answer(DONE))
    }

    fn pending(&self) -> Option<Task> {
        self.state.pending().map(|attempt| attempt.task)
    }

    /// The undos still to be done, all answered with done, and the end they lead to.
    fn undos(mut self) -> (Vec<Task>, Status, Self) {
        let mut undos = Vec::new();
        while let Some(task) = self.pending() {
            assert!(matches!(task, Task::Undo(_)), "{task:?} is no undo");
            undos.push(task);
            self = self.answer(DONE);
        }
        (undos, self.state.status, self)
    }
}

/// row: E7, D9
#[test]
fn a_checkout_without_trouble_is_paid_and_confirmed() {
    let run = Run::upto(3);
    assert_eq!(
        run.entered,
        [(Status::Paid, None), (Status::Confirmed, None)]
    );
    assert_eq!((run.state.progress, run.settled), (Progress::AtRest, 1));
}

/// A certain refusal at step k runs the undos of the steps before k, in reverse, each once.
///
/// row: E7, E8, E6
#[test]
fn a_refusal_at_each_step_undoes_the_steps_before_it() {
    let table = [
        (0, vec![], EndReason::OutOfStock),
        (1, vec![RELEASE], EndReason::PaymentDeclined),
        (2, vec![REFUND, RELEASE], EndReason::ReservationExpired),
    ];
    for (done, undos, reason) in table {
        let (ran, end, run) = Run::upto(done).answer(Reply::Refused).undos();
        assert_eq!((ran, end), (undos, Status::Rejected));
        assert_eq!(run.entered.last(), Some(&(Status::Rejected, Some(reason))));
        assert_eq!(run.settled, 1);
    }
}

/// Once an answer is lost, a later refusal is no longer certain and the step itself is undone too.
///
/// row: E8
#[test]
fn a_refusal_after_a_lost_answer_undoes_its_own_step_too() {
    let table = [vec![RELEASE], vec![REFUND, RELEASE], vec![RELEASE, REFUND]];
    for (done, undos) in table.into_iter().enumerate() {
        let lost = Run::upto(done).answer(GONE).answer(Reply::Refused).undos();
        assert_eq!((lost.0, lost.1), (undos, Status::Rejected));
    }
}

/// A driver that is gone may have run ahead of what it saved: whichever step is refused after that, and however it is
/// tried, everything is undone.
///
/// row: E8, E9
#[test]
fn a_refusal_after_a_crash_undoes_the_steps_after_it_too() {
    for done in 0..3 {
        for taken in 0..3 - done {
            let resumed = Run::upto(done).on(0, Event::Resumed);
            let run = (0..taken).fold(resumed, |run, _| run.answer(DONE));
            assert_eq!(run.state.pending().unwrap().number, 2);
            let (ran, end, _) = run.answer(Reply::Refused).undos();
            assert_eq!((ran, end), (vec![RELEASE, REFUND], Status::Rejected));
        }
    }
}

/// Only the step after one that was taken is asked for before that is saved.
///
/// row: E8
#[test]
fn nothing_but_a_step_that_was_taken_runs_ahead() {
    let ahead = |run: &Run, answer: Reply| {
        let Attempt { task, number, .. } = run.state.pending().unwrap();
        let event = answered(task, number, answer);
        let (next, _) = step(&RULES, &run.state, event, at(0)).unwrap();
        run.state.may_run_ahead(&next)
    };
    let done = [0, 1, 2].map(|taken| ahead(&Run::upto(taken), DONE));
    assert_eq!(done, [true, true, false]);
    for taken in 0..3 {
        let run = Run::upto(taken);
        assert!(!ahead(&run, GONE) && !ahead(&run, Reply::Refused));
        let cancelled = Run::upto(taken).on(0, CANCEL);
        assert!(!run.state.may_run_ahead(&cancelled.state));
        assert!(!ahead(&cancelled, DONE) && !ahead(&cancelled, GONE));
    }
}

/// row: E8
#[test]
fn a_step_is_tried_until_its_budget_is_spent_and_then_undone() {
    let reasons = [
        EndReason::OutOfStock,
        EndReason::PaymentUnavailable,
        EndReason::ReservationExpired,
    ];
    for (done, reason) in reasons.into_iter().enumerate() {
        let run = Run::upto(done).answer(GONE);
        let again = run.state.pending().unwrap();
        assert_eq!((again.number, again.due), (2, at(0) + RULES.backoff_first));
        let task = again.task;
        let run = run.on(29, answered(task, 2, GONE));
        let last = run.state.pending().unwrap();
        assert_eq!((last.task, last.number), (task, 3));
        assert!(last.due <= at(30), "the last try waits beyond the budget");
        let (_, end, run) = run.on(30, answered(task, 3, GONE)).undos();
        assert_eq!(end, Status::Rejected);
        assert_eq!(run.entered.last(), Some(&(Status::Rejected, Some(reason))));
    }
}

/// row: E8
#[test]
fn an_undo_is_tried_for_ever_at_most_ten_seconds_apart() {
    let mut run = Run::upto(1).answer(Reply::Refused);
    for attempt in 1..200 {
        let pending = run.state.pending().unwrap();
        assert_eq!((pending.task, pending.number), (RELEASE, attempt));
        let answer = if attempt % 2 == 0 {
            GONE
        } else {
            Reply::Refused
        };
        run = run.on(i64::from(attempt) * 10, answered(RELEASE, attempt, answer));
        let wait = run.state.pending().unwrap().due - at(i64::from(attempt) * 10);
        assert!(wait.to_std().unwrap() <= RULES.backoff_max);
    }
    assert_eq!(run.answer(DONE).state.status, Status::Rejected);
}

/// row: D9
#[test]
fn a_cancel_at_any_time_gives_everything_back() {
    for done in 0..4 {
        let run = Run::upto(done).on(1, CANCEL);
        assert_eq!(run.state.status, Status::Cancelling);
        let repeated = Run {
            state: run.state.clone(),
            entered: run.entered.clone(),
            settled: run.settled,
        };
        assert_eq!(
            repeated.on(2, CANCEL).state,
            run.state,
            "a repeated cancel changed something"
        );
        let (ran, end, run) = run.undos();
        // Its driver may be ahead of what is known: every step may have been asked for.
        assert_eq!((ran, end), (vec![RELEASE, REFUND], Status::Cancelled));
        assert_eq!(
            run.entered.last(),
            Some(&(Status::Cancelled, Some(EndReason::CustomerRequest)))
        );
        assert_eq!(run.on(3, CANCEL).state.status, Status::Cancelled);
    }
}

/// row: D9
#[test]
fn a_cancel_while_a_refusal_is_being_undone_takes_over() {
    let run = Run::upto(1).answer(Reply::Refused).on(1, CANCEL);
    assert_eq!(run.state.status, Status::Cancelling);
    let (ran, end, _) = run.undos();
    assert_eq!((ran, end), (vec![RELEASE], Status::Cancelled));
}

/// row: D9
#[test]
fn a_cancel_of_a_lost_reservation_does_not_hide_that_it_was_lost() {
    let run = Run::upto(2).answer(Reply::Refused);
    assert_eq!(run.state.status, Status::Cancelling);
    let (_, end, run) = run.on(1, CANCEL).undos();
    assert_eq!(end, Status::Rejected);
    assert_eq!(
        run.entered.last().unwrap().1,
        Some(EndReason::ReservationExpired)
    );
}

/// row: D9
#[test]
fn a_day_after_confirmation_a_cancel_is_refused() {
    let confirmed = Run::upto(3).state;
    let day = 24 * 60 * 60;
    assert!(step(&RULES, &confirmed, CANCEL, at(day - 1)).is_ok());
    assert_eq!(
        step(&RULES, &confirmed, CANCEL, at(day)),
        Err(Illegal::TooLate(at(0)))
    );
    let rejected = Run::new().answer(Reply::Refused).state;
    assert_eq!(
        step(&RULES, &rejected, CANCEL, at(1)),
        Err(Illegal::Ended(Status::Rejected))
    );
}

/// row: E9
#[test]
fn a_saga_resumed_after_its_budget_is_undone_not_tried() {
    let run = Run::upto(1).on(31, Event::Resumed);
    assert_eq!(run.pending(), Some(RELEASE));
    let rested = Run::upto(3);
    let before = rested.state.clone();
    assert_eq!(
        rested.on(31, Event::Resumed).state,
        before,
        "a finished saga was resumed"
    );
}

#[test]
fn late_doubled_and_foreign_answers_change_nothing() {
    let run = Run::upto(1);
    let reserve = Task::Do(Step::ReserveInventory);
    let charge = Task::Do(Step::ProcessPayment);
    let strangers = [
        answered(reserve, 1, DONE),
        answered(reserve, 1, Reply::Refused),
        answered(RELEASE, 1, DONE),
        answered(charge, 2, DONE),
        answered(charge, 0, Reply::Refused),
    ];
    for event in strangers {
        let (state, commands) = step(&RULES, &run.state, event.clone(), at(1)).unwrap();
        assert_eq!(
            (state, commands),
            (run.state.clone(), Vec::new()),
            "{event:?}"
        );
    }
    let retried = run.answer(GONE);
    let (state, _) = step(
        &RULES,
        &retried.state,
        answered(charge, 1, Reply::Refused),
        at(1),
    )
    .unwrap();
    assert_eq!(
        state, retried.state,
        "a late refusal of an earlier try counted"
    );
    let (state, _) = step(&RULES, &retried.state, answered(charge, 1, DONE), at(1)).unwrap();
    assert_eq!(
        state.status,
        Status::Paid,
        "a late success of an earlier try did not count"
    );
}

fn task() -> impl Strategy<Value = Task> {
    prop_oneof![
        (0_usize..4).prop_map(|k| Task::Do(Step::ALL[k])),
        Just(RELEASE),
        Just(REFUND),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![4 => Just(DONE), 2 => Just(GONE), 1 => Just(Reply::Refused)];
    prop_oneof![
        6 => (task(), 1_u32..4, answer).prop_map(|(task, attempt, answer)| answered(task, attempt, answer)),
        1 => Just(CANCEL),
        1 => Just(Event::Resumed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Whatever comes, in whatever order: moves are legal, a saga either rests at an end or has exactly
    /// one attempt out, the last command is that attempt, and from there it always comes to its end.
    ///
    /// row: D9, E8
    #[test]
    fn any_history_keeps_the_rules(
        history in prop::collection::vec((0_i64..60, event()), 0..50),
    ) {
        let (mut state, _) = accepted(at(0));
        let mut seconds = 0;
        for (wait, event) in history {
            seconds += wait;
            let Ok((next, commands)) = step(&RULES, &state, event, at(seconds)) else { continue };
            let mut status = state.status;
            for command in &commands {
                if let Action::Enter(to, _) = command {
                    prop_assert!(status.may_become(*to), "{:?} became {:?}", status, to);
                    status = *to;
                }
            }
            prop_assert_eq!(status, next.status);
            let calls: Vec<_> = commands.iter().filter_map(|c| match c {
                Action::Call(attempt) => Some(*attempt),
                _ => None,
            }).collect();
            prop_assert!(calls.len() <= 1);
            if next != state {
                prop_assert_eq!(calls.first().copied(), next.pending());
            } else {
                prop_assert!(commands.is_empty());
            }
            prop_assert_eq!(next.pending().is_none(), next.status.is_terminal());
            state = next;
        }
        for _ in 0..6 {
            let Some(Attempt { task, number, .. }) = state.pending() else { break };
            state = step(&RULES, &state, answered(task, number, DONE), at(seconds)).unwrap().0;
        }
        prop_assert!(state.pending().is_none() && state.status.is_terminal());
    }
}
