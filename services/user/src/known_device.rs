//! Devices that an account has signed in on, told by a mark that they show at the next sign-in. It
//! signs nobody in: the password is asked for as ever. It only says that this is none of the
//! strangers who guess at the account, so that nobody is locked out by what others do.
//!
//! A mark is good for as long as the password is the account's that it was given for. So whoever has
//! learnt a password and signs in on a thousand devices has no more guesses at the next one. Which
//! password that was is told by when it became the account's, to the microsecond: no clock is read
//! and no two times are put in order, so neither a clock that was set back nor a change under way
//! makes an old mark a good one.
//!
//! These are the device cookies of OWASP (`Slow Down Online Guessing Attacks with Device Cookies`):
//! signed, for one account each, kept by the device and nowhere else.

use chrono::{DateTime, Utc};
use clock::Clock;
use serde::{Deserialize, Serialize};
use sql::page::Signer;
use uuid::Uuid;

use crate::domain::email::EmailKey;
use crate::domain::id::{DeviceId, UserId};
use crate::password::KeptPassword;

/// Marks of different accounts that one device keeps: as many people share a browser.
const MARKS_MAX: usize = 4;
/// No mark of ours is longer.
const MARK_LENGTH_MAX: usize = 300;
/// What separates them: no character of a mark.
const BETWEEN: char = '.';

/// A device, known by its mark. Its name says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    id: Uuid,
    user: Uuid,
    since: DateTime<Utc>,
}

/// The password that somebody has shown or chosen: whose it is and since when, which names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquaintance {
    /// Whose it is.
    pub user: UserId,
    /// When it became theirs, as it is stored.
    pub since: DateTime<Utc>,
}

impl Acquaintance {
    /// By a password that is kept.
    pub fn of(user: UserId, kept: &KeptPassword) -> Self {
        let since = kept.since;
        Self { user, since }
    }
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

    /// Its name, which stays when its mark is renewed.
    pub fn id(self) -> DeviceId {
        DeviceId(self.id)
    }

    /// Whether it was by this very password that the account came to know it.
    pub fn is_known_by(self, kept: Acquaintance) -> bool {
        UserId(self.user) == kept.user && self.since == kept.since
    }
}

/// What the device shows from now on, of whose marks one is of this account.
pub fn renew(
    signer: &Signer,
    clock: &Clock,
    shown: &str,
    (account, by): (&EmailKey, Acquaintance),
) -> String {
    let known = KnownDevice::find(signer, shown, account);
    let device = KnownDevice {
        id: known.map_or_else(|| clock.id(), |known| known.id),
        user: by.user.0,
        since: by.since,
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

    fn known(account: &EmailKey, since: i64) -> (&EmailKey, Acquaintance) {
        let user = UserId(Uuid::from_u128(1));
        let since = DateTime::from_timestamp_micros(since).unwrap();
        (account, Acquaintance { user, since })
    }

    /// Be it a microsecond older or newer, and whatever the clock says.
    ///
    /// row: X23, S-08
    #[test]
    fn a_mark_is_good_for_one_password_of_one_account() {
        let signer = Signer::new([7; 32]);
        let (clock, time) =
            Manual::new(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let ada = account("ada");
        let (_, password) = known(&ada, 1_700_000_000_000_001);
        let shown = renew(&signer, &clock, "", (&ada, password));
        let device = KnownDevice::find(&signer, &shown, &ada).unwrap();
        time.advance(std::time::Duration::from_secs(1));
        assert!(device.is_known_by(password));
        for other in [1_700_000_000_000_000, 1_700_000_000_000_002] {
            assert!(!device.is_known_by(known(&ada, other).1));
        }
        let user = UserId(Uuid::from_u128(2));
        assert!(!device.is_known_by(Acquaintance { user, ..password }));

        let (_, next) = known(&ada, 1_900_000_000_000_000);
        let renewed = renew(&signer, &clock, &shown, (&ada, next));
        let renewed = KnownDevice::find(&signer, &renewed, &ada).unwrap();
        assert_eq!(renewed.id(), device.id());
        assert!(renewed.is_known_by(next) && !renewed.is_known_by(password));
    }

    /// row: X23, S-08
    #[test]
    fn a_mark_is_good_for_one_account_and_a_device_keeps_a_few() {
        let signer = Signer::new([7; 32]);
        let (clock, _) = Manual::new(chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let (ada, grace) = (account("ada"), account("grace"));
        let mut shown = renew(&signer, &clock, "", known(&ada, 0));
        let first = KnownDevice::find(&signer, &shown, &ada);
        assert!(first.is_some());
        assert_eq!(KnownDevice::find(&signer, &shown, &grace), None);
        assert_eq!(KnownDevice::find(&Signer::new([8; 32]), &shown, &ada), None);

        shown = renew(&signer, &clock, &shown, known(&grace, 0));
        assert_eq!(KnownDevice::find(&signer, &shown, &ada), first);
        let again = renew(&signer, &clock, &shown, known(&ada, 0));
        assert_eq!(KnownDevice::find(&signer, &again, &ada), first);
        assert!(KnownDevice::find(&signer, &again, &grace).is_some());

        for number in 0..MARKS_MAX {
            shown = renew(
                &signer,
                &clock,
                &shown,
                known(&account(&number.to_string()), 0),
            );
        }
        assert_eq!(shown.split(BETWEEN).count(), MARKS_MAX);
        assert_eq!(KnownDevice::find(&signer, &shown, &ada), None);
        for bad in ["", "....", "x", &"A".repeat(4000), "é"] {
            assert_eq!(KnownDevice::find(&signer, bad, &ada), None);
            let renewed = renew(&signer, &clock, bad, known(&ada, 0));
            assert!(KnownDevice::find(&signer, &renewed, &ada).is_some());
        }
    }
}
