//! RefundPayment.

use axum::extract::State;
use proto::payment::v1::{
    PaymentStatus, RefundPaymentRequest, RefundPaymentResponse, payment_service,
};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use crate::domain::id::{CustomerId, Key};
use crate::domain::money::Amount;
use crate::domain::payment::{Refund, RefundRequest};
use crate::{App, payments, wire};
use command::Command;

/// Gives an order's money back.
pub async fn refund_payment(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<RefundPaymentRequest>,
) -> Result<ConnectResponse<RefundPaymentResponse>, ConnectError> {
    let command = Command::of(&call, payment_service::REFUND_PAYMENT, &request);
    let request = rpc::valid(request)?.into_inner();
    let refund = RefundRequest {
        order_id: wire::order_id(&request.order_id)?,
        customer_id: command.user.map(CustomerId),
        key: Key::new(request.idempotency_key),
        nothing: Amount::zero(app.currency),
    };
    let answer = payments::refund(&app, command, refund).await?;
    Ok(answer.respond(&call))
}

impl From<Refund> for RefundPaymentResponse {
    fn from(refund: Refund) -> Self {
        Self {
            status: PaymentStatus::Refunded.into(),
            refund_id: refund.id.unwrap_or_default(),
            amount: Some(wire::money(refund.amount)),
        }
    }
}
