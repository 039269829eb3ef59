//! RefundPayment.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use money::Amount;
use proto::payment::v1::{PaymentStatus, RefundPaymentRequest, RefundPaymentResponse};

use crate::domain::id::{CustomerId, PaymentKey};
use crate::domain::payment::{Refund, RefundRequest};
use crate::{App, payments, wire};

/// Gives an order's money back.
pub async fn refund_payment(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<RefundPaymentRequest>,
) -> Result<ConnectResponse<RefundPaymentResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let refund = RefundRequest {
        order_id: wire::order_id(&request.order_id)?,
        customer_id: call.caller.user_id().map(CustomerId),
        key: PaymentKey::new(request.idempotency_key),
        nothing: Amount::zero(app.currency),
    };
    let refunded = payments::refund(&app, command::origin(&call), refund).await?;
    Ok(ConnectResponse::new(refunded.into()))
}

impl From<Refund> for RefundPaymentResponse {
    fn from(refund: Refund) -> Self {
        Self {
            status: PaymentStatus::Refunded.into(),
            refund_id: refund.id.unwrap_or_default(),
            amount: Some(refund.amount.into()),
        }
    }
}
