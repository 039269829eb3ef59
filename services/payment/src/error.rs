//! Everything that can go wrong in payment, in its own words, and what callers see of it.
#![warn(clippy::wildcard_enum_match_arm)]

use call::{ConnectError, Kind, Reason};

use crate::domain::payment::ChargeError;
use crate::provider::ProviderError;

const DOMAIN: &str = "stoa.payment";

/// Everything that can go wrong in this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The charge is named like another one.
    #[error(transparent)]
    Refused(#[from] ChargeError),
    /// Nothing was ever asked about that order, or it is somebody else's.
    #[error("payment not found")]
    PaymentNotFound,
    /// A charge of nothing, or of less.
    #[error("amount: a charge must be more than 0")]
    NotPositive,
    /// A field that the contract's rules should have refused.
    #[error("{field}: is not valid")]
    Field {
        /// Its name in the contract.
        field: &'static str,
    },
    /// The provider cannot be reached.
    #[error("the payment provider is unavailable")]
    ProviderUnavailable,
    /// The work broke off.
    #[error("a payment broke off")]
    Broken(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error("payment storage failed")]
    Store(#[from] sea_orm::DbErr),
}

impl From<ProviderError> for Error {
    fn from(error: ProviderError) -> Self {
        match error {
            // Only a charge can be voided, and it answers that itself.
            ProviderError::Unavailable | ProviderError::Voided => Self::ProviderUnavailable,
            ProviderError::Refused(refusal) => Self::Refused(refusal),
            ProviderError::Store(error) => Self::Store(error),
        }
    }
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(ChargeError::AlreadyCharged) => Kind::FailedPrecondition,
            Self::Refused(ChargeError::KeyReused) | Self::NotPositive | Self::Field { .. } => {
                Kind::InvalidArgument
            }
            Self::PaymentNotFound => Kind::NotFound,
            Self::ProviderUnavailable => Kind::Unavailable,
            Self::Broken(_) => Kind::Internal,
            Self::Store(error) => command::storage_kind(error),
        }
    }

    fn reason(&self) -> Option<Reason> {
        let name = match self {
            Self::Refused(ChargeError::AlreadyCharged) => "ALREADY_CHARGED",
            Self::Refused(ChargeError::KeyReused) => "KEY_REUSED",
            Self::ProviderUnavailable => "PROVIDER_UNAVAILABLE",
            Self::PaymentNotFound
            | Self::NotPositive
            | Self::Field { .. }
            | Self::Broken(_)
            | Self::Store(_) => return None,
        };
        Some(Reason::new(DOMAIN, name))
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        let wire = call::to_wire(error.kind(), &error);
        match error.reason() {
            Some(reason) => reason.attach(wire),
            None => wire,
        }
    }
}
