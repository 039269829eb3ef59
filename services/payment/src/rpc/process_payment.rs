//! ProcessPayment.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::payment::v1::{PaymentStatus, ProcessPaymentRequest, ProcessPaymentResponse};

use crate::domain::id::{CustomerId, PaymentKey};
use crate::domain::payment::{Charge, Charged, Request};
use crate::error::Error;
use crate::provider::Token;
use crate::{App, payments, wire};

/// Charges a customer for an order.
pub async fn process_payment(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ProcessPaymentRequest>,
) -> Result<ConnectResponse<ProcessPaymentResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let method = request.method.as_ref();
    let token = Token::new(method.map_or("", |method| method.token.as_str()));
    let charge = Charge::try_from(request)?;
    let charged = payments::charge(&app, command::origin(&call), charge, token).await?;
    Ok(ConnectResponse::new(charged.into()))
}

impl TryFrom<Valid<ProcessPaymentRequest>> for Charge {
    type Error = Error;

    fn try_from(request: Valid<ProcessPaymentRequest>) -> Result<Self, Error> {
        let hash = wire::hash(&*request);
        let request = request.into_inner();
        let amount = request.amount.and_then(|money| money.amount());
        let amount = amount.filter(|amount| !amount.is_zero());
        Ok(Self {
            order_id: wire::order_id(&request.order_id)?,
            customer_id: request
                .customer_id
                .parse()
                .map(CustomerId)
                .map_err(|_| Error::Field {
                    field: "customer_id",
                })?,
            request: Request {
                key: PaymentKey::new(request.idempotency_key),
                hash,
            },
            amount: amount.ok_or(Error::NotPositive)?,
        })
    }
}

impl From<Charged> for ProcessPaymentResponse {
    fn from(charged: Charged) -> Self {
        let (status, transaction_id, decline_reason) = match charged {
            Charged::Completed { transaction_id } => {
                (PaymentStatus::Completed, transaction_id, String::new())
            }
            Charged::Declined { reason } => (PaymentStatus::Declined, String::new(), reason),
            Charged::Blocked => {
                let reason = "REFUNDED_BEFORE_CHARGE".to_owned();
                (PaymentStatus::Refunded, String::new(), reason)
            }
        };
        Self {
            status: status.into(),
            transaction_id,
            decline_reason,
        }
    }
}
