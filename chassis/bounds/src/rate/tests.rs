use std::time::Instant;

use call::{Roles, User};
use uuid::Uuid;

use super::*;

fn address(number: u32) -> Client {
    Client::Address(ClientAddress::of(std::net::Ipv4Addr::from(number).into()))
}

#[test]
fn a_rate_is_read_as_it_is_written() {
    for (text, requests, seconds) in [
        ("100/15m", 100, 900),
        ("50/s", 50, 1),
        (" 5/h ", 5, 3600),
        ("1/30s", 1, 30),
    ] {
        let rate = Rate::new(requests, Duration::from_secs(seconds));
        assert_eq!(text.parse::<RateLimit>().unwrap(), RateLimit::All(rate));
    }
    for bad in [
        "",
        "on",
        "0/s",
        "-1/s",
        "5",
        "5/",
        "5/0s",
        "5/d",
        "5/1.5s",
        "5/25h",
        "9999999999/s",
    ] {
        assert!(bad.parse::<RateLimit>().is_err(), "{bad:?}");
    }
    assert_eq!("off".parse::<RateLimit>().unwrap(), RateLimit::Off);
    assert_eq!("usual".parse::<RateLimit>().unwrap(), RateLimit::Usual);
}

/// row: G6, S-07
#[test]
fn nobody_gets_more_than_a_burst_and_the_rate() {
    let rates = Rates::new(match proof::sabotaged("S-07") {
        true => RateLimit::Off,
        false => RateLimit::Usual,
    });
    let began = Instant::now();
    let (mut taken, mut trials) = (0, 0);
    while began.elapsed() < Duration::from_secs(1) {
        taken += u32::from(rates.page(Some(address(1))).is_ok());
        trials += 1;
    }
    let most = 100.0 + 50.0 * began.elapsed().as_secs_f64() + 1.0;
    let said = format_args!("{taken} of {most}");
    proof::must("S-07", f64::from(taken) <= most, said);
    assert!(taken >= 120, "{said}");
    assert!(rates.page(Some(address(2))).is_ok(), "somebody else");
    let refused = std::iter::repeat_with(|| rates.page(Some(address(1))))
        .find_map(Result::err)
        .unwrap();
    let meta = |name: &str| refused.meta().unwrap().get(name).unwrap().clone();
    assert_eq!(meta("x-ratelimit-limit"), "100");
    assert_eq!(meta("x-ratelimit-remaining"), "0");
    assert_eq!(meta("retry-after"), "1");
    proof::held(
        "S-07",
        trials,
        format!("{most:.0} let through, {taken} were"),
    );
}

/// row: S-07
#[test]
fn budgets_are_bounded_and_forgotten_when_they_are_whole() {
    let rates = Rates::new(RateLimit::Usual);
    let held = || rates.reads.cells.len();
    for number in 0..1_000_000 {
        // A network of an attacker's own after the other.
        let _ = rates.page(Some(address(0x0a00_0000 + number)));
    }
    assert!(
        (ENTRIES_MAX..=ENTRIES_MAX + 5000).contains(&held()),
        "{}",
        held()
    );
    let began = Instant::now();
    while held() > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{} are left",
            held()
        );
        std::thread::sleep(Duration::from_millis(100)); // each network asked 256 times
        rates.sweep();
    }
}

/// row: S-07, S-14
#[test]
fn who_takes_all_budgets_shares_the_rest_with_himself() {
    let rates = Rates::new("5/h".parse().unwrap());
    for number in 0..30_000 {
        let _ = rates.page(Some(address(0x0a00_0000 + number)));
    }
    assert!(
        rates.page(Some(address(0x0a00_7530))).is_err(),
        "his network has asked"
    );
    assert!(
        rates.page(Some(address(0xcb00_7101))).is_ok(),
        "another has not"
    );
    let person = Client::Person(Uuid::from_u128(1));
    for _ in 0..5 {
        assert!(rates.reads.check(person).is_ok(), "a person has his own");
    }
}

/// row: X12
#[test]
fn a_person_is_one_client_wherever_he_is() {
    let rates = Rates::new("3/h".parse().unwrap());
    let asked = Asked {
        only_reads: true,
        is_public: false,
    };
    let caller = Caller::User(User {
        id: Uuid::nil(),
        roles: Roles::default(),
        session: None,
    });
    for number in 0..3 {
        let called = rates.call(asked, None, Some(address(number)), &caller);
        called.unwrap();
    }
    let again = rates.call(asked, None, Some(address(9)), &caller);
    assert!(again.is_err());
    let stranger = rates.call(asked, None, Some(address(0)), &Caller::Anonymous);
    assert!(stranger.is_ok(), "his neighbour");
}
