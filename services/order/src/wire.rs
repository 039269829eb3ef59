//! Domain values as the contract writes them: what several rpcs and the facts share.

use proto::order::v1::{EndReason as WireEndReason, Order as WireOrder, OrderLine, OrderStatus};
use uuid::Uuid;

use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{EndReason, Line, Order, Status};
use crate::error::Error;

/// The lines of an order on the wire.
pub fn lines(lines: &[Line]) -> Vec<OrderLine> {
    let line = |line: &Line| OrderLine {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price: Some(line.unit_price.into()),
        amount: Some(line.amount.into()),
    };
    lines.iter().map(line).collect()
}

/// A status on the wire.
pub fn status(status: Status) -> OrderStatus {
    match status {
        Status::Pending => OrderStatus::Pending,
        Status::Paid => OrderStatus::Paid,
        Status::Confirmed => OrderStatus::Confirmed,
        Status::Cancelling => OrderStatus::Cancelling,
        Status::Cancelled => OrderStatus::Cancelled,
        Status::Rejected => OrderStatus::Rejected,
    }
}

/// A reason on the wire.
pub fn end_reason(reason: Option<EndReason>) -> WireEndReason {
    match reason {
        None => WireEndReason::Unspecified,
        Some(EndReason::OutOfStock) => WireEndReason::OutOfStock,
        Some(EndReason::PaymentDeclined) => WireEndReason::PaymentDeclined,
        Some(EndReason::PaymentUnavailable) => WireEndReason::PaymentUnavailable,
        Some(EndReason::ReservationExpired) => WireEndReason::ReservationExpired,
        Some(EndReason::CustomerRequest) => WireEndReason::CustomerRequest,
        Some(EndReason::StaffRequest) => WireEndReason::StaffRequest,
    }
}

impl From<&Order> for WireOrder {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id.to_string(),
            customer_id: order.customer_id.to_string(),
            status: status(order.status).into(),
            items: lines(&order.lines),
            total: Some(order.total.into()),
            end_reason: end_reason(order.end_reason).into(),
            created_at: Some(order.created_at.into()),
            updated_at: Some(order.updated_at.into()),
            version: order.version,
            discount: Some(order.discount().into()),
        }
    }
}

/// Reads an id that the contract has checked.
pub fn order_id(text: &str) -> Result<OrderId, Error> {
    Uuid::parse_str(text)
        .map(OrderId)
        .map_err(|_| Error::Field("order_id"))
}

/// Reads an id that the contract has checked.
pub fn customer_id(text: &str, field: &'static str) -> Result<CustomerId, Error> {
    Uuid::parse_str(text)
        .map(CustomerId)
        .map_err(|_| Error::Field(field))
}
