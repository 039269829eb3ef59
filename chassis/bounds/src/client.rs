//! Whom bounds are for.

use uuid::Uuid;

use crate::address::ClientAddress;

/// A person, one of their sessions, or the address of whoever is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever comes from there.
    Address(ClientAddress),
    /// Somebody who signed in.
    Person(Uuid),
    /// One time that somebody signed in. It may be over by now, which only its service knows, and never was theirs if its
    /// token was stolen: so it has bounds of its own, below its person's.
    Session(Uuid),
}

impl Client {
    /// What it is, in labels and messages.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Person(_) => "person",
            Self::Session(_) => "session",
        }
    }
}
