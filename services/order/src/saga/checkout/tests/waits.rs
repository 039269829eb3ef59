//! When a task is tried again.

use super::*;

/// row: E8
#[test]
fn waits_double_from_the_first_to_the_longest() {
    let mut run = Run::upto(1).answer(Reply::Refused);
    let waits = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
    for (attempt, wait) in (1..).zip(waits) {
        run = run.on(0, answered(RELEASE, attempt, GONE));
        let due = run.state.pending().unwrap().due;
        assert_eq!(due - at(0), chrono::TimeDelta::milliseconds(wait));
    }
}

/// What was asked by a driver that is gone is asked again, at once and as another try.
///
/// row: E9
#[test]
fn a_saga_that_is_resumed_asks_again_at_once() {
    for run in [Run::upto(1), Run::upto(1).answer(Reply::Refused)] {
        let before = run.state.pending().unwrap();
        let resumed = run.on(7, Event::Resumed).state.pending().unwrap();
        assert_eq!((resumed.task, resumed.number), (before.task, 2));
        assert_eq!(resumed.due, at(7));
    }
}

/// row: E8
#[test]
fn what_is_pending_is_asked_for_whatever_happened() {
    let charge = Task::Do(Step::ProcessPayment);
    for event in [
        answered(charge, 1, DONE),
        answered(charge, 1, GONE),
        answered(charge, 1, Reply::Refused),
        CANCEL,
        Event::Resumed,
    ] {
        let (next, commands) = step(&RULES, &Run::upto(1).state, event, at(1)).unwrap();
        let calls = commands.into_iter().filter_map(|command| match command {
            Action::Call(attempt) => Some(attempt),
            _ => None,
        });
        assert!(calls.eq(next.pending()), "{next:?}");
    }
}
