//! Everything that can go wrong in this service, and what of it a caller learns.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use call::{ConnectError, Kind, Reason};
use command::storage_kind;
use events::WatchError;
use sea_orm::DbErr;

use crate::domain::draft::{BadDraft, BadQuote};
use crate::domain::id::OrderId;
use crate::domain::order::{EndReason, IllegalMove};
use crate::saga::checkout::Illegal;

/// The domain of this service's reasons.
const DOMAIN: &str = "stoa.order";
/// When to come back to us, when we are full.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// Everything that can go wrong in this service, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such order within the caller's reach. It names no id, so that a foreign one reads as a random one.
    #[error("order not found")]
    OrderNotFound,
    /// Orders of somebody else were asked for.
    #[error("user not found")]
    UserNotFound,
    /// A command in somebody else's name.
    #[error("customer_id: is not the caller")]
    NotTheCaller,
    /// A field that the contract's rules should have refused.
    #[error("{0}: is not valid")]
    Field(&'static str),
    /// What is asked for cannot be an order.
    #[error("items: {0}")]
    Draft(#[from] BadDraft),
    /// The customer may not place orders.
    #[error("User blocked")]
    UserBlocked,
    /// An item is no product of ours.
    #[error("SKU not found")]
    SkuNotFound,
    /// An item has no price in the currency.
    #[error("{0}")]
    NoPrice(String),
    /// The things cost more than any sum of money can say.
    #[error("{0}")]
    SumTooLarge(String),
    /// Plainly short, before there was an order.
    #[error("Out of stock")]
    Short(Vec<String>),
    /// The order was accepted and came to nothing.
    #[error("{}", sentence(*reason))]
    Rejected {
        /// The order.
        order_id: OrderId,
        /// Why.
        reason: EndReason,
    },
    /// The order cannot be cancelled.
    #[error(transparent)]
    Cancel(#[from] Illegal),
    /// The core asked for a move that an order may not make.
    #[error("the checkout broke a rule of its own")]
    Move(#[from] IllegalMove),
    /// Pricing quoted nonsense.
    #[error("pricing gave an unusable quote")]
    Quote(#[from] BadQuote),
    /// A peer did not answer as it should.
    #[error("{peer} did not answer")]
    Peer {
        /// Which one.
        peer: &'static str,
        /// What came instead.
        #[source]
        status: Box<tonic::Status>,
    },
    /// As many orders are being placed as there is room for.
    #[error("too many orders are being placed, try again")]
    Busy,
    /// A page that is not there.
    #[error(transparent)]
    Page(#[from] sql::page::Error),
    /// A stream that cannot go on, with the cursor to resume from.
    #[error("{source}")]
    Watch {
        /// Where to resume; empty if the stream never began.
        cursor: String,
        /// Why it ended.
        #[source]
        source: WatchError,
    },
    /// The command could not be claimed or sealed.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// A fail point of a test has killed what was at work here.
    #[error("killed at a fail point")]
    Killed,
    /// A task of ours died.
    #[error("a task ended before its work was done")]
    Task(#[from] tokio::task::JoinError),
    /// The database failed.
    #[error("order storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is on the wire.
    pub fn kind(&self) -> Kind {
        match self {
            Self::OrderNotFound | Self::UserNotFound => Kind::NotFound,
            Self::NotTheCaller => Kind::PermissionDenied,
            Self::Field(_) | Self::Draft(_) | Self::SkuNotFound | Self::Page(_) => {
                Kind::InvalidArgument
            }
            Self::UserBlocked
            | Self::NoPrice(_)
            | Self::SumTooLarge(_)
            | Self::Short(_)
            | Self::Rejected { .. }
            | Self::Cancel(_) => Kind::FailedPrecondition,
            Self::Busy => Kind::ResourceExhausted,
            Self::Peer { status, .. } => Kind::of_peer(status.code()),
            Self::Watch { source, .. } => watch_kind(source),
            Self::Move(_) | Self::Quote(_) | Self::Task(_) => Kind::Internal,
            Self::Killed => Kind::Unavailable,
            Self::Command(error) => error.kind(),
            Self::Store(error) => storage_kind(error),
        }
    }

    /// The reason that programs read, where there is more to tell than the kind.
    fn reason(&self) -> Option<Reason> {
        let reason = |reason| Reason::new(DOMAIN, reason);
        match self {
            Self::UserBlocked => Some(reason("USER_BLOCKED")),
            Self::NoPrice(_) => Some(reason("NO_PRICE")),
            Self::SumTooLarge(_) => Some(reason("SUM_TOO_LARGE")),
            Self::Short(skus) => Some(reason("OUT_OF_STOCK").with("skus", skus.join(","))),
            Self::Rejected {
                order_id,
                reason: why,
            } => Some(reason(why.name()).with("order_id", order_id.to_string())),
            Self::Cancel(Illegal::Ended(_)) => Some(reason("ORDER_ENDED")),
            Self::Cancel(Illegal::TooLate(_)) => Some(reason("CANCELLATION_TOO_LATE")),
            Self::Watch {
                cursor,
                source: WatchError::Closing | WatchError::Db(_),
            } => Some(reason("RESUME").with("cursor", cursor.clone())),
            Self::OrderNotFound
            | Self::UserNotFound
            | Self::NotTheCaller
            | Self::Field(_)
            | Self::Draft(_)
            | Self::SkuNotFound
            | Self::Page(_)
            | Self::Busy
            | Self::Peer { .. }
            | Self::Watch { .. }
            | Self::Move(_)
            | Self::Quote(_)
            | Self::Killed
            | Self::Task(_)
            | Self::Command(_)
            | Self::Store(_) => None,
        }
    }
}

/// What a rejected order is told as.
fn sentence(reason: EndReason) -> &'static str {
    match reason {
        EndReason::OutOfStock => "Out of stock",
        EndReason::PaymentDeclined => "Payment declined",
        EndReason::PaymentUnavailable => "Payment unavailable",
        EndReason::ReservationExpired => "The reservation expired",
        EndReason::CustomerRequest | EndReason::StaffRequest => "The order was cancelled",
    }
}

fn watch_kind(error: &WatchError) -> Kind {
    match error {
        WatchError::Invalid(_) => Kind::InvalidArgument,
        WatchError::Expired => Kind::OutOfRange,
        WatchError::Closing => Kind::Unavailable,
        WatchError::Db(error) => storage_kind(error),
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        let wire = call::to_wire(error.kind(), &error);
        match (&error, error.reason()) {
            (Error::Peer { status, .. }, _) => call::error::with_retry_of_peer(wire, status.code()),
            (Error::Busy, _) => call::error::with_retry_after(wire, BUSY_FOR),
            (_, Some(reason)) => reason.attach(wire),
            (_, None) => wire,
        }
    }
}
