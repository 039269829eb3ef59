//! Everything that can go wrong in this service, and what of it a caller learns.

#![warn(clippy::wildcard_enum_match_arm)]

use call::{ConnectError, Kind};
use sea_orm::DbErr;

/// Everything that can go wrong in this service, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What somebody else may like was asked for. It names no id, so that a person reads as nobody.
    #[error("user not found")]
    UserNotFound,
    /// A field that the contract's rules should have refused, or that a fact lacks.
    #[error("{0}: is not valid")]
    Field(&'static str),
    /// The database failed.
    #[error("recommendation storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is on the wire.
    pub fn kind(&self) -> Kind {
        match self {
            Self::UserNotFound => Kind::NotFound,
            Self::Field(_) => Kind::InvalidArgument,
            Self::Store(error) => command::storage_kind(error),
        }
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        call::to_wire(error.kind(), &error)
    }
}
