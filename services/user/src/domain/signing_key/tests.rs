use std::collections::BTreeSet;

use super::*;

const SCHEDULE: Schedule = Schedule {
    rotation: TimeDelta::days(30),
    publish_ahead: TimeDelta::hours(24),
    keep: TimeDelta::seconds(600 + 300 + 15),
};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn key(kid: &str, now: DateTime<Utc>, signs_from: DateTime<Utc>) -> SigningKey {
    let private_key = Vec::new().into();
    SigningKey {
        kid: kid.to_owned(),
        private_key,
        public_key: [0; 32],
        created_at: now,
        signs_from,
    }
}

fn signer(keys: &[SigningKey], now: DateTime<Utc>) -> &SigningKey {
    &keys[current(keys.iter().map(|key| key.signs_from), now).unwrap()]
}

/// Does what is due, as the background task would.
fn tend(keys: &mut Vec<SigningKey>, now: DateTime<Utc>) {
    let due = due(keys, now, &SCHEDULE);
    if let Some(signs_from) = due.create {
        keys.push(key(&now.timestamp().to_string(), now, signs_from));
    }
    keys.retain(|key| !due.retire.contains(&key.kid));
}

#[test]
fn the_first_key_signs_at_once() {
    let mut keys = Vec::new();
    tend(&mut keys, start());
    assert_eq!(signer(&keys, start()).signs_from, start());
    assert_eq!(due(&keys, start(), &SCHEDULE), Due::default());
}

/// A year of rotations, tended every 5 minutes: a verifier that reads the key set no more often
/// than once in 5 minutes knows every key that can stand in a living token.
///
/// row: G4, S-03
#[test]
fn no_verifier_meets_a_key_it_has_not_seen() {
    let (mut keys, mut now) = (Vec::new(), start());
    let (mut signed, mut known) = (Vec::<(DateTime<Utc>, String)>::new(), BTreeSet::new());
    let mut signers = BTreeSet::new();
    while now < start() + TimeDelta::days(365) {
        let seen_by_a_verifier: BTreeSet<String> = std::mem::take(&mut known);
        tend(&mut keys, now);
        known.extend(keys.iter().map(|key| key.kid.clone()));

        let kid = signer(&keys, now).kid.clone();
        assert!(seen_by_a_verifier.is_empty() || seen_by_a_verifier.contains(&kid));
        signers.insert(kid.clone());
        signed.push((now, kid));
        signed.retain(|(at, _)| *at + TimeDelta::seconds(600 + 15) >= now);
        assert!(signed.iter().all(|(_, kid)| known.contains(kid)), "{now}");
        assert!(keys.len() <= 2, "{now}: {}", keys.len());
        now += TimeDelta::minutes(5);
    }
    assert_eq!(signers.len(), 13);
}

/// A service that slept through the day of publication still warns a day ahead.
#[test]
fn a_late_key_is_still_published_ahead() {
    let keys = [key("old", start(), start())];
    let late = start() + TimeDelta::days(40);
    assert_eq!(
        due(&keys, late, &SCHEDULE).create,
        Some(late + TimeDelta::hours(24))
    );
}

/// row: R-19
#[test]
fn a_clock_set_back_still_finds_a_key() {
    let keys = [key("only", start(), start())];
    assert_eq!(signer(&keys, start() - TimeDelta::hours(1)).kid, "only");
}
