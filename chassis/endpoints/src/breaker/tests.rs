use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const OPEN: Duration = Duration::from_secs(30);

fn breaker() -> (Breaker, Instant) {
    let now = Instant::now();
    (Breaker::new(BreakerRules::default(), now), now)
}

/// Lets one call pass that comes out so.
fn call(breaker: &mut Breaker, outcome: Impression, now: Instant) {
    let ticket = breaker.admit(now).unwrap();
    breaker.settle(ticket, outcome, now);
}

fn opened() -> (Breaker, Instant) {
    let (mut breaker, now) = breaker();
    for _ in 0..5 {
        assert_eq!(breaker.circuit(), Circuit::Closed);
        call(&mut breaker, Impression::Failed, now);
    }
    assert_eq!(breaker.circuit(), Circuit::Open);
    (breaker, now)
}

/// row: R1
#[test]
fn five_failures_in_a_row_open_it_and_one_answer_between_them_does_not() {
    let (mut breaker, now) = breaker();
    for _ in 0..2 {
        for outcome in [Impression::Failed; 4] {
            call(&mut breaker, outcome, now);
        }
        call(&mut breaker, Impression::Unknown, now);
        assert_eq!(breaker.circuit(), Circuit::Closed);
        for outcome in [Impression::Answered; 9] {
            call(&mut breaker, outcome, now);
        }
    }
    let (mut breaker, now) = opened();
    assert_eq!(breaker.admit(now), Err(OPEN));
    assert_eq!(breaker.admit(now + 29 * SECOND), Err(SECOND));
    assert_eq!(breaker.circuit(), Circuit::Open);
}

/// row: R1
#[test]
fn one_probe_at_a_time_and_two_that_do_well_close_it() {
    let (mut breaker, now) = opened();
    let now = now + OPEN;
    for _ in 0..2 {
        let probe = breaker.admit(now).unwrap();
        assert_eq!(breaker.circuit(), Circuit::HalfOpen);
        assert_eq!(breaker.admit(now), Err(PROBE_SOON));
        breaker.settle(probe, Impression::Answered, now);
    }
    assert_eq!(breaker.circuit(), Circuit::Closed);
    // What was before counts no more.
    for _ in 0..4 {
        call(&mut breaker, Impression::Failed, now);
    }
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

/// row: R1
#[test]
fn a_probe_that_fails_opens_it_again() {
    let (mut breaker, now) = opened();
    call(&mut breaker, Impression::Answered, now + OPEN);
    call(&mut breaker, Impression::Failed, now + OPEN);
    assert_eq!(breaker.circuit(), Circuit::Open);
    assert_eq!(breaker.admit(now + 2 * OPEN - SECOND), Err(SECOND));
    // It takes two from the beginning.
    call(&mut breaker, Impression::Answered, now + 2 * OPEN);
    assert_eq!(breaker.circuit(), Circuit::HalfOpen);
}

/// A peer that only restarts is missed for a moment, one that stays away is asked ever less often.
#[test]
fn it_is_open_for_longer_each_time() {
    let rules = BreakerRules {
        open_first: SECOND,
        open: 5 * SECOND,
        ..BreakerRules::default()
    };
    let mut now = Instant::now();
    let mut breaker = Breaker::new(rules, now);
    for _ in 0..2 {
        for _ in 0..5 {
            call(&mut breaker, Impression::Failed, now);
        }
        for open in [1, 2, 4, 5, 5] {
            assert_eq!(breaker.admit(now), Err(open * SECOND));
            now += open * SECOND;
            call(&mut breaker, Impression::Failed, now);
        }
        now += 5 * SECOND;
        for _ in 0..2 {
            call(&mut breaker, Impression::Answered, now);
        }
        assert_eq!(breaker.circuit(), Circuit::Closed);
    }
}

/// row: R1
#[test]
fn a_probe_that_is_left_makes_room_for_another_and_says_nothing() {
    let (mut breaker, now) = opened();
    let now = now + OPEN;
    call(&mut breaker, Impression::Answered, now);
    call(&mut breaker, Impression::Unknown, now);
    assert_eq!(breaker.circuit(), Circuit::HalfOpen);
    call(&mut breaker, Impression::Answered, now);
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

/// Such as a stream whose head does not come.
#[test]
fn a_probe_that_hangs_is_not_waited_for_for_ever() {
    let (mut breaker, now) = opened();
    let hangs = breaker.admit(now + OPEN).unwrap();
    assert_eq!(breaker.admit(now + 2 * OPEN - SECOND), Err(PROBE_SOON));
    let other = breaker.admit(now + 2 * OPEN).unwrap();
    breaker.settle(hangs, Impression::Failed, now + 2 * OPEN);
    assert_eq!(breaker.circuit(), Circuit::HalfOpen);
    breaker.settle(other, Impression::Failed, now + 2 * OPEN);
    assert_eq!(breaker.circuit(), Circuit::Open);
}

/// Calls that were under way when it opened.
#[test]
fn what_was_asked_before_is_no_probe() {
    let (mut breaker, now) = breaker();
    let early = breaker.admit(now).unwrap();
    for _ in 0..5 {
        call(&mut breaker, Impression::Failed, now);
    }
    breaker.settle(early, Impression::Answered, now);
    assert_eq!(breaker.circuit(), Circuit::Open);
    let probe = breaker.admit(now + OPEN).unwrap();
    breaker.settle(early, Impression::Failed, now + OPEN);
    assert_eq!(breaker.circuit(), Circuit::HalfOpen);
    breaker.settle(probe, Impression::Answered, now + OPEN);
    call(&mut breaker, Impression::Answered, now + OPEN);
    breaker.settle(early, Impression::Failed, now + OPEN);
    assert_eq!(breaker.circuit(), Circuit::Closed);
}

/// row: R2
#[test]
fn half_of_ten_calls_open_it() {
    let (mut breaker, now) = breaker();
    for number in 1..=10 {
        assert_eq!(breaker.circuit(), Circuit::Closed, "before {number}");
        let failed = [1, 3, 5, 7, 9, 10].contains(&number);
        let outcome = match failed {
            true => Impression::Failed,
            false => Impression::Answered,
        };
        call(&mut breaker, outcome, now + number * SECOND);
    }
    assert_eq!(breaker.circuit(), Circuit::Open);
}

/// row: R2
#[test]
fn calls_of_another_half_minute_do_not_count() {
    let (mut breaker, now) = breaker();
    for number in 0..100 {
        let outcome = match number % 2 {
            0 => Impression::Failed,
            _ => Impression::Answered,
        };
        // Never more than nine within the window.
        call(&mut breaker, outcome, now + number * 10 * SECOND / 3);
        assert_eq!(breaker.circuit(), Circuit::Closed, "{number}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Begin,
    End(usize, Impression),
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        3 => Just(Impression::Failed),
        3 => Just(Impression::Answered),
        1 => Just(Impression::Unknown),
    ];
    prop_oneof![
        6 => Just(Act::Begin),
        6 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Act::End(which, outcome)),
        1 => (0..40_u32).prop_map(Act::Wait),
    ]
}

/// What the calls of a closed breaker said, all of it, by the second.
#[derive(Default)]
struct Told(VecDeque<(Instant, bool)>);

impl Told {
    /// Whether all of it together asks to open.
    fn opens(&self, now: Instant) -> bool {
        let last: Vec<bool> = self.0.iter().rev().take(5).map(|(_, bad)| *bad).collect();
        let recent = self.0.iter().filter(|(at, _)| now - *at < OPEN);
        let recent: Vec<bool> = recent.map(|(_, bad)| *bad).collect();
        let failed = recent.iter().filter(|bad| **bad).count();
        last == [true; 5] || (recent.len() >= 10 && failed * 2 >= recent.len())
    }
}

proptest! {
    /// Against one that remembers every call.
    ///
    /// row: R1, R2
    #[test]
    fn it_opens_when_it_must_and_lets_one_probe_out_at_a_time(
        acts in proptest::collection::vec(act(), 0..300),
    ) {
        let (mut breaker, mut now) = breaker();
        let mut out: Vec<(Passage, Circuit, u32)> = Vec::new();
        let (mut told, mut changes) = (Told::default(), 0);
        let (mut opened, mut well, mut probe) = (now, 0, None::<(Passage, Instant)>);
        for act in acts {
            let before = breaker.circuit();
            match act {
                Act::Wait(seconds) => now += seconds * SECOND,
                Act::Begin => {
                    let admitted = breaker.admit(now);
                    let busy = probe.is_some_and(|(_, until)| now < until);
                    let passes = match before {
                        Circuit::Closed => true,
                        Circuit::Open => now >= opened + OPEN,
                        Circuit::HalfOpen => !busy,
                    };
                    prop_assert_eq!(admitted.is_ok(), passes);
                    if before == Circuit::Open && passes {
                        well = 0;
                        changes += 1;
                    }
                    if let Ok(ticket) = admitted {
                        out.push((ticket, breaker.circuit(), changes));
                        if breaker.circuit() == Circuit::HalfOpen {
                            probe = Some((ticket, now + OPEN));
                        }
                    }
                }
                Act::End(_, _) if out.is_empty() => {}
                Act::End(which, outcome) => {
                    let (ticket, asked, then) = out.swap_remove(which % out.len());
                    breaker.settle(ticket, outcome, now);
                    let mut expected = before;
                    if before == Circuit::Closed && asked == before && then == changes {
                        if outcome != Impression::Unknown {
                            told.0.push_back((now, outcome == Impression::Failed));
                        }
                        if outcome != Impression::Unknown && told.opens(now) {
                            expected = Circuit::Open;
                        }
                    } else if before == Circuit::HalfOpen && probe.is_some_and(|(id, _)| id == ticket) {
                        probe = None;
                        well += u32::from(outcome == Impression::Answered);
                        expected = match outcome {
                            Impression::Failed => Circuit::Open,
                            _ if well == 2 => Circuit::Closed,
                            _ => before,
                        };
                    }
                    prop_assert_eq!(breaker.circuit(), expected);
                    if expected != before {
                        changes += 1;
                        (opened, told) = (now, Told::default());
                    }
                }
            }
        }
    }
}
