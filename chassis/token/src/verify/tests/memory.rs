//! What was verified once and is remembered.

use super::*;

impl Bench {
    /// Has the verifier remember a text as the token of a caller, until seconds from now.
    fn remembers(&self, text: &str, caller: Caller, kid: &str, seconds: i64) {
        let now = self.clock.now();
        let entry = Remembered {
            token: text.into(),
            caller,
            kid: kid.to_owned(),
            exp: now + TimeDelta::seconds(seconds),
            foreign: None,
        };
        let ending = *text.as_bytes().last_chunk().unwrap();
        self.verifier.remember(ending, entry, now);
    }

    fn remembered(&self) -> usize {
        self.verifier.0.remembered.read().unwrap().len()
    }
}

/// What was verified is not verified again, for as long as it holds and its key is known. The texts
/// here are no tokens at all, so only memory can take them for some.
///
/// row: S-02, G4
#[tokio::test]
async fn a_remembered_token_is_recalled_while_it_holds_and_its_key_is_known() {
    let service = || Caller::Service {
        name: "order".into(),
        acting_for: None,
    };
    for (caller, kid, seconds, recalled) in [
        (Caller::User(customer()), "k1", 60, true),
        (Caller::User(customer()), "k1", -14, true),
        (Caller::User(customer()), "k1", -15, false),
        (Caller::User(customer()), "order", 60, false),
        (service(), "order", 60, true),
        (service(), "k1", 60, false),
    ] {
        let bench = bench();
        bench.remembers("0123456789abcdef", caller.clone(), kid, seconds);
        let found = bench.verifier.verify("0123456789abcdef").await;
        assert_eq!(
            found,
            recalled.then_some(caller).ok_or(Unverified::Bad),
            "{kid} {seconds}"
        );
        bench
            .refuses("the same end", "another 0123456789abcdef")
            .await;
    }
}

#[tokio::test]
async fn what_is_remembered_is_bounded_and_what_expired_makes_room_first() {
    let bench = bench();
    let fill = |from: usize, seconds: fn(usize) -> i64| {
        for number in from..REMEMBERED_MAX {
            let caller = Caller::User(customer());
            bench.remembers(&format!("{number:020}"), caller, "k1", seconds(number));
        }
    };
    fill(0, |number| if number % 4 == 0 { -15 } else { -14 });
    assert_eq!(bench.remembered(), REMEMBERED_MAX);
    let token = bench.sign(header(), &bench.good());
    assert!(bench.verifier.verify(&token).await.is_ok());
    assert_eq!(bench.remembered(), REMEMBERED_MAX / 4 * 3 + 1);
    fill(0, |_| 60);
    assert!(bench.remembered() <= REMEMBERED_MAX);
}
