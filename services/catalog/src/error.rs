//! Everything that can go wrong in this service, and what of it a caller learns.

#![warn(clippy::wildcard_enum_match_arm)]

use call::{ConnectError, Kind, Reason};
use sea_orm::DbErr;

use crate::domain::product::{ProductId, Sku};

/// The domain of this service's reasons.
const DOMAIN: &str = "stoa.catalog";

/// Everything that can go wrong in this service, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no product with the id.
    #[error("product {0} does not exist")]
    ProductNotFound(ProductId),
    /// Another product has the SKU.
    #[error("SKU {0} is taken")]
    SkuTaken(Sku),
    /// More products at once than one call may read.
    #[error("ids, skus: at most {max} together")]
    TooManyProducts {
        /// How many one call may read.
        max: usize,
    },
    /// A field that the contract's rules should have refused.
    #[error("{field}: is not valid")]
    Field {
        /// The field it came in.
        field: &'static str,
    },
    /// A page size or page token that cannot be.
    #[error(transparent)]
    Page(#[from] sql::page::Error),
    /// The command could not be claimed or kept.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// The database failed.
    #[error("catalog storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is on the wire.
    pub fn kind(&self) -> Kind {
        match self {
            Self::ProductNotFound(_) => Kind::NotFound,
            Self::SkuTaken(_) => Kind::AlreadyExists,
            Self::TooManyProducts { .. } | Self::Field { .. } | Self::Page(_) => {
                Kind::InvalidArgument
            }
            Self::Command(error) => error.kind(),
            Self::Store(error) => command::storage_kind(error),
        }
    }

    /// The reason that programs read, where there is more to tell than the kind.
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::SkuTaken(sku) => Some(Reason::new(DOMAIN, "SKU_TAKEN").with("sku", sku.as_str())),
            Self::ProductNotFound(_)
            | Self::TooManyProducts { .. }
            | Self::Field { .. }
            | Self::Page(_)
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
