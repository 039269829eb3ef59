//! Everything that can go wrong in this service, and what of it a caller learns.

#![warn(clippy::wildcard_enum_match_arm)]

use call::{ConnectError, Kind, Reason};
use money::Currency;
use sea_orm::DbErr;

use crate::domain::promotion::EmptyWindow;
use crate::domain::quote::{self, QuoteError};
use crate::domain::sku::Sku;
use crate::promotions::PROMOTIONS_PER_TARGET_MAX;

/// The domain of this service's reasons.
const DOMAIN: &str = "stoa.pricing";

/// Everything that can go wrong in this service, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The SKU has no price in the currency, or is no SKU at all: pricing cannot tell.
    #[error("{sku} has no price in {currency}")]
    PriceNotFound {
        /// The SKU asked for.
        sku: Sku,
        /// The currency asked for.
        currency: Currency,
    },
    /// A price of nothing or less.
    #[error("amount: must be positive")]
    NotPositive,
    /// The promotion's time cannot be.
    #[error("ends_at: {0}")]
    Window(#[from] EmptyWindow),
    /// A time before or after all that can be told.
    #[error("{field}: is out of range")]
    Time {
        /// The field it came in.
        field: &'static str,
    },
    /// A field that the contract's rules should have refused.
    #[error("{field}: is not valid")]
    Field {
        /// The field it came in.
        field: &'static str,
    },
    /// So many promotions for one target that a quote would have to read too much.
    #[error(
        "at most {PROMOTIONS_PER_TARGET_MAX} promotions that are not over may have the same target"
    )]
    TooManyPromotions,
    /// The items have no quote.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// The command could not be claimed or kept.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The catalog did not hear of a price.
    #[error("the catalog could not be told")]
    Catalog(#[from] tonic::Status),
    /// The database failed.
    #[error("pricing storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is on the wire.
    pub fn kind(&self) -> Kind {
        match self {
            Self::PriceNotFound { .. } => Kind::NotFound,
            Self::NotPositive | Self::Window(_) | Self::Time { .. } | Self::Field { .. } => {
                Kind::InvalidArgument
            }
            Self::TooManyPromotions
            | Self::Quote(QuoteError::NoPrice { .. } | QuoteError::Overflow) => {
                Kind::FailedPrecondition
            }
            Self::Catalog(_) => Kind::Unavailable,
            Self::Command(error) => error.kind(),
            Self::Store(error) => command::storage_kind(error),
        }
    }

    /// The reason that programs read, where there is more to tell than the kind.
    fn reason(&self) -> Option<Reason> {
        let reason = |reason| Some(Reason::new(DOMAIN, reason));
        match self {
            Self::Quote(QuoteError::NoPrice { skus, currency }) => {
                let reason = Reason::new(DOMAIN, "NO_PRICE")
                    .with("skus", quote::named(skus).join(","))
                    .with("currency_code", currency.as_str());
                Some(reason)
            }
            Self::Quote(QuoteError::Overflow) => reason("SUM_TOO_LARGE"),
            Self::TooManyPromotions => reason("TOO_MANY_PROMOTIONS"),
            Self::PriceNotFound { .. }
            | Self::NotPositive
            | Self::Window(_)
            | Self::Time { .. }
            | Self::Field { .. }
            | Self::Catalog(_)
            | Self::Command(_)
            | Self::Store(_) => None,
        }
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
