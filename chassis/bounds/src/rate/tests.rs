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
    let held = || rates.reads.len();
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
        assert!(
            rates.reads.check(person, None).is_ok(),
            "a person has his own"
        );
    }
}

/// What a signed-in person reads.
const READ: Asked = Asked {
    only_reads: true,
    is_public: false,
};
/// What he changes.
const WRITE: Asked = Asked {
    only_reads: false,
    is_public: false,
};

fn person(number: u128) -> Caller {
    Caller::User(User {
        id: Uuid::from_u128(number),
        roles: Roles::default(),
        session: None,
    })
}

/// row: X12, S-07
#[test]
fn a_person_is_one_client_wherever_he_is() {
    let rates = Rates::new("3/h".parse().unwrap());
    let caller = person(0);
    for number in 0..3 {
        let called = rates.call(READ, None, Some(address(number)), &caller);
        called.unwrap();
    }
    let again = rates.call(READ, None, Some(address(9)), &caller);
    assert!(again.is_err());
    let stranger = rates.call(READ, None, Some(address(0)), &Caller::Anonymous);
    assert!(stranger.is_ok(), "his neighbour");
}

/// row: G6, X12
#[test]
fn what_an_rpc_bears_is_counted_by_person_wherever_he_is() {
    let mut rates = Rates::new(RateLimit::Usual);
    let own = rates.own(Some("2/h".parse().unwrap())).unwrap();
    let ask = |number, from| rates.call(WRITE, Some(&own), Some(address(from)), &person(number));
    for from in [1, 2] {
        assert!(ask(1, from).is_ok());
    }
    for from in [1, 2, 3] {
        assert!(ask(1, from).is_err(), "he asked twice, from two places");
    }
    assert!(ask(2, 1).is_ok(), "another, from the same place");
    let elsewhere = rates.call(WRITE, None, Some(address(1)), &person(1));
    assert!(elsewhere.is_ok(), "another rpc");
}

/// row: G6
#[test]
fn what_an_rpc_bears_holds_beside_one_budget_for_all() {
    let mut rates = Rates::new("4/h".parse().unwrap());
    let own = rates.own(Some("2/h".parse().unwrap())).unwrap();
    let ask = |own: Option<&Limit>| rates.call(WRITE, own, None, &person(1));
    let limit = |refused: ConnectError| refused.meta().unwrap()["x-ratelimit-limit"].clone();
    for _ in 0..2 {
        assert!(ask(Some(&own)).is_ok());
    }
    assert_eq!(limit(ask(Some(&own)).unwrap_err()), "2");
    assert!(ask(None).is_ok(), "what was refused was the third of four");
    assert_eq!(limit(ask(None).unwrap_err()), "4");
}

/// Whoever was signed out may use up what their session has, whatever they ask for and however it ends: the owner has more.
///
/// row: G6, X23
#[test]
fn a_session_takes_a_third_at_most_of_what_its_person_has() {
    let mut rates = Rates::new("9/h".parse().unwrap());
    let own = rates.own(Some("3/h".parse().unwrap())).unwrap();
    let ask = |session: u128| {
        let Caller::User(mut user) = person(1) else {
            unreachable!("a person is one");
        };
        user.session = Some(Uuid::from_u128(session));
        rates.call(WRITE, Some(&own), None, &Caller::User(user))
    };
    let takes = |session| (0..20).filter(|_| ask(session).is_ok()).count();
    assert_eq!(takes(1), 3);
    let refused = ask(1).unwrap_err();
    assert_eq!(
        refused.meta().unwrap()["x-ratelimit-limit"],
        "9",
        "of all it asks"
    );
    assert_eq!(takes(2), 3, "the owner");
    assert_eq!(takes(3), 3);
    let refused = ask(4).unwrap_err();
    assert_eq!(
        refused.meta().unwrap()["x-ratelimit-limit"],
        "27",
        "over all sessions"
    );
}

/// Whoever has an IPv6 address has all of its /64, and whoever has the next one is somebody else.
///
/// row: X12, S-07
#[test]
fn addresses_of_one_ipv6_network_have_one_budget() {
    let rates = Rates::new("3/h".parse().unwrap());
    let page = |address: &str| {
        let address = ClientAddress::of(address.parse().unwrap());
        rates.page(Some(Client::Address(address))).is_ok()
    };
    for from in [
        "2001:db8:0:7::1",
        "2001:db8:0:7::ffff",
        "2001:db8:0:7:8000::1",
    ] {
        assert!(page(from), "{from}");
    }
    assert!(!page("2001:db8:0:7:1:2:3:4"), "three have asked from there");
    assert!(page("2001:db8:0:8::1"), "the next network");
}
