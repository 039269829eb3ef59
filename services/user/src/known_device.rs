//! Devices that an account has signed in on, told by a mark that they show at the next sign-in. It
//! signs nobody in: the password is asked for as ever. It only says that this is none of the
//! strangers who guess at the account, so that nobody is locked out by what others do.
//!
//! A mark is good for as long as the password is the account's that it was given for. So whoever has
//! learnt a password and signs in on a thousand devices has no more guesses at the next one.
//!
//! These are the device cookies of OWASP (`Slow Down Online Guessing Attacks with Device Cookies`):
//! signed, for one account each, kept by the device and nowhere else.

use chrono::{DateTime, Utc};
use clock::Clock;
use serde::{Deserialize, Serialize};
use sql::page::Signer;
use uuid::Uuid;

use crate::domain::email::EmailKey;

/// Marks of different accounts that one device keeps: as many people share a browser.
const MARKS_MAX: usize = 4;
/// No mark of ours is longer.
const MARK_LENGTH_MAX: usize = 200;
/// What separates them: no character of a mark.
const BETWEEN: char = '.';

/// A device, known by its mark. Its name says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KnownDevice {
    id: Uuid,
    since: DateTime<Utc>,
}

/// What a mark is bound to, so that it is good for this account only and for nothing else.
#[derive(Serialize)]
struct Account<'a> {
    known_device_of: &'a str,
}

impl KnownDevice {
    /// The device that shows these marks, if the account knows it.
    pub fn find(signer: &Signer, shown: &str, account: &EmailKey) -> Option<Self> {
        marks(shown).find_map(|mark| open(signer, mark, account))
    }

    /// Whether it was known when the account's password had become what it is, or later.
    pub fn knows_password_since(self, since: DateTime<Utc>) -> bool {
        self.since >= since
    }
}

/// What the device shows from now on, of whose marks one is of this account.
pub fn renew(signer: &Signer, clock: &Clock, shown: &str, account: &EmailKey) -> String {
    let known = KnownDevice::find(signer, shown, account);
    let device = KnownDevice {
        id: known.map_or_else(|| clock.id(), |known| known.id),
        since: clock.now(),
    };
    let mut all = signer.sign(&device, &of(account));
    let others = marks(shown).filter(|mark| open(signer, mark, account).is_none());
    for other in others.take(MARKS_MAX - 1) {
        all.push(BETWEEN);
        all.push_str(other);
    }
    all
}

fn of(account: &EmailKey) -> Account<'_> {
    Account {
        known_device_of: account.as_str(),
    }
}

fn open(signer: &Signer, mark: &str, account: &EmailKey) -> Option<KnownDevice> {
    signer.open(mark, &of(account)).ok().flatten()
}

/// No more than one device keeps, of those that could be marks: who sends a thousand has four of
/// them looked at.
fn marks(shown: &str) -> impl Iterator<Item = &str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let could_be =
        move |mark: &&str| (1..=MARK_LENGTH_MAX).contains(&mark.len()) && mark.bytes().all(plain);
    shown.split(BETWEEN).filter(could_be).take(MARKS_MAX)
}

#[cfg(test)]
mod tests {
    use clock::Manual;

    use super::*;
    use crate::domain::email::Email;

    fn account(name: &str) -> EmailKey {
        Email::new(&format!("{name}@example.test")).key()
    }

    /// row: X23, S-08
    #[test]
    fn a_mark_is_good_for_one_account_and_a_device_keeps_a_few() {
        let signer = Signer::new([7; 32]);
        let (clock, _) = Manual::new(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let (ada, grace) = (account("ada"), account("grace"));
        let mut shown = renew(&signer, &clock, "", &ada);
        let first = KnownDevice::find(&signer, &shown, &ada);
        assert!(first.is_some());
        assert_eq!(KnownDevice::find(&signer, &shown, &grace), None);
        assert_eq!(KnownDevice::find(&Signer::new([8; 32]), &shown, &ada), None);

        shown = renew(&signer, &clock, &shown, &grace);
        assert_eq!(KnownDevice::find(&signer, &shown, &ada), first);
        let again = renew(&signer, &clock, &shown, &ada);
        assert_eq!(KnownDevice::find(&signer, &again, &ada), first);
        assert!(KnownDevice::find(&signer, &again, &grace).is_some());

        for number in 0..MARKS_MAX {
            shown = renew(&signer, &clock, &shown, &account(&number.to_string()));
        }
        assert_eq!(shown.split(BETWEEN).count(), MARKS_MAX);
        assert_eq!(KnownDevice::find(&signer, &shown, &ada), None);
        for bad in ["", "....", "x", &"A".repeat(4000), "é"] {
            assert_eq!(KnownDevice::find(&signer, bad, &ada), None);
            let renewed = renew(&signer, &clock, bad, &ada);
            assert!(KnownDevice::find(&signer, &renewed, &ada).is_some());
        }
    }
}
