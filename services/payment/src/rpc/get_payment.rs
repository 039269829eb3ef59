//! GetPayment.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use money::Amount;
use proto::payment::v1::{self as pb, GetPaymentRequest, GetPaymentResponse, PaymentStatus};

use crate::domain::payment::Payment;
use crate::{App, payments, wire};

/// Reads the payment of an order.
pub async fn get_payment(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetPaymentRequest>,
) -> Result<ConnectResponse<GetPaymentResponse>, ConnectError> {
    let order_id = wire::order_id(&edge::valid(request)?.order_id)?;
    let payment = payments::get(&app, order_id, call.scope).await?;
    Ok(ConnectResponse::new(GetPaymentResponse {
        payment: Some(payment.into()),
    }))
}

impl From<Payment> for pb::Payment {
    fn from(payment: Payment) -> Self {
        let nothing = Amount::zero(payment.amount.currency());
        let refunded = payment
            .refund
            .as_ref()
            .map_or(nothing, |refund| refund.amount);
        Self {
            order_id: payment.order_id.to_string(),
            status: PaymentStatus::from(payment.status()).into(),
            transaction_id: payment.transaction_id.unwrap_or_default(),
            amount: Some(payment.amount.into()),
            refunded: Some(refunded.into()),
            created_at: Some(payment.created_at.into()),
        }
    }
}
