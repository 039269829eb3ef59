//! What one client may have under way at once: calls, streams, and the bytes of messages that are not whole yet; by
//! the address that it comes from, by who it is, and of all clients together.
//!
//! Half of what all may have together goes to whoever comes first. From then on a client gets only a little, so that
//! few clients cannot take what is left from the many.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::HashMap;
use call::Caller;
use call::error::with_retry_after;
use connectrpc_axum::prelude::{Code, ConnectError};

use crate::address::ClientAddress;
use crate::client::Client;

/// When to come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How much at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Calls that are no streams, from their headers to the end of their answer.
    pub calls: usize,
    /// Streams, in either direction.
    pub streams: usize,
    /// Bytes of messages that are not whole, or wait for a place.
    pub bytes: usize,
}

/// How much each client and all clients may have under way.
#[derive(Clone, Copy, Debug)]
pub struct ShareBounds {
    /// All together. The calls of our own services are not counted: they answer for theirs.
    pub all: Bounds,
    /// Whoever comes from one address.
    pub address: Bounds,
    /// One person, from wherever.
    pub person: Bounds,
    /// One of a person's sessions: it may be over, and must leave its person some.
    pub session: Bounds,
    /// An address, a session or a person once half of what all may have is taken.
    pub scarce: Bounds,
}

impl Default for ShareBounds {
    fn default() -> Self {
        Self {
            all: Bounds {
                calls: 4096,
                streams: 10_000,
                bytes: 64 << 20,
            },
            address: Bounds {
                calls: 256,
                streams: 1000,
                bytes: 8 << 20,
            },
            person: Bounds {
                calls: 192,
                streams: 384,
                bytes: 6 << 20,
            },
            session: Bounds {
                calls: 128,
                streams: 256,
                bytes: 4 << 20,
            },
            scarce: Bounds {
                calls: 16,
                streams: 16,
                bytes: (1 << 20) + (64 << 10), // the longest message, in any frame
            },
        }
    }
}

/// Of what a client asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Calls,
    Streams,
    Bytes,
}

impl What {
    fn of(self, bounds: &Bounds) -> usize {
        match self {
            Self::Calls => bounds.calls,
            Self::Streams => bounds.streams,
            Self::Bytes => bounds.bytes,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Streams => "streams",
            Self::Bytes => "bytes",
        }
    }
}

type Held = [usize; 3];

#[derive(Default)]
struct Table {
    all: Held,
    each: HashMap<Client, Held>,
}

/// What all clients have under way.
#[derive(Clone)]
pub struct Shares(Arc<Inner>);

struct Inner {
    bounds: ShareBounds,
    table: Mutex<Table>,
}

/// What one call has of it, until this is dropped.
pub struct Share {
    shares: Shares,
    clients: [Option<Client>; 3],
    what: What,
    bytes: usize,
}

impl Shares {
    /// Nobody has anything yet.
    pub fn new(bounds: ShareBounds) -> Self {
        let table = Mutex::default();
        Self(Arc::new(Inner { bounds, table }))
    }

    /// A call's or a stream's share. None for one of our own services.
    ///
    /// # Errors
    /// `resource_exhausted` with a time to come back when its address, its caller or all have too many.
    pub fn take(
        &self,
        address: Option<ClientAddress>,
        caller: &Caller,
        is_stream: bool,
    ) -> Result<Option<Share>, ConnectError> {
        let (session, person) = match caller {
            Caller::Service { .. } => return Ok(None),
            Caller::User(user) => (user.session, Some(Client::Person(user.id))),
            Caller::Anonymous => (None, None),
        };
        let clients = [
            address.map(Client::Address),
            session.map(Client::Session),
            person,
        ];
        let what = match is_stream {
            true => What::Streams,
            false => What::Calls,
        };
        self.add(clients, what, 1)?;
        Ok(Some(Share {
            shares: self.clone(),
            clients,
            what,
            bytes: 0,
        }))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(
        &self,
        clients: [Option<Client>; 3],
        what: What,
        more: usize,
    ) -> Result<(), ConnectError> {
        let bounds = &self.0.bounds;
        let mut table = self.table();
        let all = table.all[what as usize];
        let scarce = all >= what.of(&bounds.all) / 2;
        if all + more > what.of(&bounds.all) {
            return Err(refuse(what, "all"));
        }
        for (place, client) in clients.into_iter().enumerate() {
            let Some(client) = client else { continue };
            let bound = match client {
                Client::Address(_) => &bounds.address,
                Client::Person(_) => &bounds.person,
                Client::Session(_) => &bounds.session,
            };
            let max = match scarce {
                true => what.of(&bounds.scarce).min(what.of(bound)),
                false => what.of(bound),
            };
            let held = &mut table.each.entry(client).or_default()[what as usize];
            *held += more;
            if *held > max {
                for client in clients.into_iter().take(place + 1).flatten() {
                    table.give_back(client, &[(what, more)]);
                }
                return Err(refuse(what, client.kind()));
            }
        }
        table.all[what as usize] += more;
        Ok(())
    }
}

impl Table {
    fn give_back(&mut self, client: Client, given: &[(What, usize)]) {
        let Entry::Occupied(mut entry) = self.each.entry(client) else {
            return; // whoever gives back has taken
        };
        for (what, less) in given {
            entry.get_mut()[*what as usize] -= less;
        }
        if *entry.get() == Held::default() {
            entry.remove();
        }
    }
}

impl Share {
    /// Notes that so many more bytes are held of a message.
    ///
    /// # Errors
    /// As [`Shares::take`].
    pub fn hold(&mut self, bytes: usize) -> Result<(), ConnectError> {
        self.shares.add(self.clients, What::Bytes, bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Notes that the message has its place.
    pub fn let_go(&mut self) {
        if self.bytes > 0 {
            let bytes = std::mem::take(&mut self.bytes);
            self.give_back(&[(What::Bytes, bytes)]);
        }
    }

    fn give_back(&self, given: &[(What, usize)]) {
        let mut table = self.shares.table();
        for (what, less) in given {
            table.all[*what as usize] -= less;
        }
        for client in self.clients.into_iter().flatten() {
            table.give_back(client, given);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(&[(self.what, 1), (What::Bytes, self.bytes)]);
    }
}

fn refuse(what: What, of: &'static str) -> ConnectError {
    let message = match of {
        "all" => format!("The server has too many {} under way", what.label()),
        _ => format!("This {of} has too many {} under way", what.label()),
    };
    metrics::counter!("rpc_share_refusals_total", "of" => of, "what" => what.label()).increment(1);
    with_retry_after(
        ConnectError::new(Code::ResourceExhausted, message),
        RETRY_AFTER,
    )
}

#[cfg(test)]
mod tests {
    use call::{Roles, User};
    use uuid::Uuid;

    use super::*;

    const BOUNDS: ShareBounds = ShareBounds {
        all: Bounds {
            calls: 8,
            streams: 8,
            bytes: 800,
        },
        address: Bounds {
            calls: 3,
            streams: 2,
            bytes: 300,
        },
        person: Bounds {
            calls: 2,
            streams: 1,
            bytes: 200,
        },
        session: Bounds {
            calls: 1,
            streams: 1,
            bytes: 150,
        },
        scarce: Bounds {
            calls: 1,
            streams: 1,
            bytes: 100,
        },
    };

    fn address(last: u8) -> Option<ClientAddress> {
        Some(ClientAddress::of([192, 0, 2, last].into()))
    }

    fn person(id: u128) -> Caller {
        let roles = Roles::default();
        Caller::User(User {
            id: Uuid::from_u128(id),
            roles,
            session: None,
        })
    }

    /// row: S-14
    #[test]
    fn an_address_a_person_and_all_have_their_bounds_and_leave_nothing_behind() {
        let shares = Shares::new(BOUNDS);
        let take = |last, caller: &Caller| shares.take(address(last), caller, false);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(take(1, &Caller::Anonymous).unwrap());
        }
        let refused = take(1, &Caller::Anonymous).err().unwrap();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(refused.meta().unwrap().contains_key("retry-after"));
        held.push(take(2, &person(1)).unwrap());
        // Half is gone: one for each that has none, until all are.
        assert!(
            take(3, &person(1)).is_err(),
            "that person has one from elsewhere"
        );
        for last in 3..7 {
            held.push(take(last, &Caller::Anonymous).unwrap());
            assert!(take(last, &Caller::Anonymous).is_err());
        }
        assert!(
            take(9, &Caller::Anonymous).is_err(),
            "all have what there is"
        );
        let service = Caller::Service {
            name: "order".into(),
            acting_for: None,
        };
        assert!(
            take(1, &service).unwrap().is_none(),
            "our own are not counted"
        );
        drop(held);
        let table = shares.table();
        assert!(table.each.is_empty() && table.all == Held::default());
    }

    /// Whoever was signed out, and leaves all that they begin unfinished.
    ///
    /// row: S-14, X23
    #[test]
    fn a_session_leaves_its_person_some() {
        let shares = Shares::new(BOUNDS);
        let of = |session: u128| {
            let Caller::User(mut user) = person(1) else {
                unreachable!("a person is one");
            };
            user.session = Some(Uuid::from_u128(session));
            Caller::User(user)
        };
        let take = |session| shares.take(address(1), &of(session), false);
        let _held = take(1).unwrap();
        assert!(take(1).is_err(), "all that a session may have");
        assert!(take(2).is_ok(), "the owner");
    }

    /// row: S-14
    #[test]
    fn bytes_are_held_until_their_message_has_its_place() {
        let shares = Shares::new(BOUNDS);
        let mut one = shares.take(address(1), &person(1), true).unwrap().unwrap();
        assert!(one.hold(150).is_ok());
        assert!(one.hold(51).is_err(), "a person's share");
        assert!(one.hold(50).is_ok());
        assert!(
            shares.take(address(2), &person(1), true).is_err(),
            "a second stream"
        );
        one.let_go();
        assert_eq!(shares.table().all, [0, 1, 0]);
        assert!(one.hold(200).is_ok());
        drop(one);
        assert!(shares.table().each.is_empty());
    }
}
