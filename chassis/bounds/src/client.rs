//! Whom bounds are for.

use uuid::Uuid;

use crate::address::ClientAddress;

/// A person, or the address of whoever is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever comes from there.
    Address(ClientAddress),
    /// Somebody who signed in.
    Person(Uuid),
}

impl Client {
    /// What it is, in labels and messages.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Person(_) => "person",
        }
    }
}
