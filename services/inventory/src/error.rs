//! Everything that can go wrong in inventory, in its own words, and what callers see of it.
#![warn(clippy::wildcard_enum_match_arm)]

use call::{ConnectError, Kind, Reason};

use crate::domain::item::{ItemsError, Sku};
use crate::domain::reservation::{ReservationError, Shortage};

const DOMAIN: &str = "stoa.inventory";

/// Everything that can go wrong in this service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state of the reservation or of the stock does not allow it.
    #[error(transparent)]
    Refused(#[from] ReservationError),
    /// No pieces of that SKU ever came in.
    #[error("SKU {0} is not stocked")]
    SkuNotFound(Sku),
    /// More pieces would go than there are.
    #[error("only {available} pieces of {sku} are available")]
    NotEnough {
        /// What was to be adjusted.
        sku: Sku,
        /// What there is.
        available: i64,
    },
    /// Others moved the same stock each time, in other processes.
    #[error("others move the same stock, try again")]
    Overtaken,
    /// The items of a request are no order's.
    #[error(transparent)]
    Items(#[from] ItemsError),
    /// A field that the contract's rules should have refused.
    #[error("{field}: is not valid")]
    Field {
        /// Its name in the contract.
        field: &'static str,
    },
    /// The command could not be claimed or kept.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The database failed.
    #[error("stock storage failed")]
    Store(#[from] sea_orm::DbErr),
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(_) | Self::NotEnough { .. } => Kind::FailedPrecondition,
            Self::SkuNotFound(_) => Kind::NotFound,
            Self::Overtaken => Kind::Aborted,
            Self::Items(_) | Self::Field { .. } => Kind::InvalidArgument,
            Self::Command(error) => error.kind(),
            Self::Store(error) => command::storage_kind(error),
        }
    }

    fn reason(&self) -> Option<Reason> {
        let reason = |name| Some(Reason::new(DOMAIN, name));
        match self {
            Self::Refused(ReservationError::OutOfStock(short)) => {
                Some(shortages("OUT_OF_STOCK", short))
            }
            Self::Refused(ReservationError::Expired(short)) => {
                Some(shortages("RESERVATION_EXPIRED", short))
            }
            Self::Refused(ReservationError::Released) => reason("RESERVATION_RELEASED"),
            Self::Refused(ReservationError::OtherItems) => reason("RESERVATION_CONFLICT"),
            Self::Refused(ReservationError::Missing) => reason("RESERVATION_MISSING"),
            Self::SkuNotFound(sku) => {
                Some(Reason::new(DOMAIN, "SKU_NOT_FOUND").with("sku", sku.as_str()))
            }
            Self::NotEnough { sku, available } => Some(
                Reason::new(DOMAIN, "NOT_ENOUGH_STOCK")
                    .with("sku", sku.as_str())
                    .with("available", available.to_string()),
            ),
            Self::Overtaken
            | Self::Items(_)
            | Self::Field { .. }
            | Self::Command(_)
            | Self::Store(_) => None,
        }
    }
}

/// Names what is short: at most as many SKUs as an order has.
fn shortages(reason: &'static str, short: &[Shortage]) -> Reason {
    let skus: Vec<&str> = short.iter().map(|one| one.sku.as_str()).collect();
    Reason::new(DOMAIN, reason).with("skus", skus.join(","))
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
