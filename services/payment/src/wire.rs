//! Domain types as messages, where more than one rpc or fact shows them.

use prost::Message;
use proto::payment::v1::PaymentStatus;
use sha2::{Digest, Sha256};

use crate::domain::id::OrderId;
use crate::domain::payment::Status;
use crate::error::Error;

/// The order of a valid request: its id is a UUID by contract.
pub fn order_id(text: &str) -> Result<OrderId, Error> {
    let id = text
        .parse()
        .map_err(|_| Error::Field { field: "order_id" })?;
    Ok(OrderId(id))
}

impl From<Status> for PaymentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Completed => Self::Completed,
            Status::Declined => Self::Declined,
            Status::Refunded => Self::Refunded,
        }
    }
}

/// A fingerprint of all that a request says.
pub fn hash(request: &impl Message) -> [u8; 32] {
    Sha256::digest(request.encode_to_vec()).into()
}
