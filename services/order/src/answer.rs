//! What CreateOrder answers, sealed under the caller's key before it is sent, so that every repetition gets the very
//! same, an error too.

use call::ConnectError;
use prost::Message;
use proto::order::v1::CreateOrderResponse;

use crate::domain::order::{Order, Status};
use crate::error::Error;

/// An answer of CreateOrder. The numbers are those of stored answers: never reuse one.
#[derive(Clone, PartialEq, Message)]
pub struct CreateOrderAnswer {
    #[prost(message, optional, tag = "1")]
    response: Option<CreateOrderResponse>,
    /// The code of an error, as gRPC numbers it.
    #[prost(int32, tag = "2")]
    code: i32,
    #[prost(string, tag = "3")]
    message: String,
    /// An encoded `google.rpc.Status`.
    #[prost(bytes = "vec", tag = "4")]
    details: Vec<u8>,
}

impl CreateOrderAnswer {
    /// The answer about an order as it stands: itself, or the reason why it was rejected.
    pub fn about(order: &Order) -> Self {
        match (order.status, order.end_reason) {
            (Status::Rejected, Some(reason)) => {
                let error = ConnectError::from(Error::Rejected {
                    order_id: order.id,
                    reason,
                });
                let status = tonic::Status::from(error);
                Self {
                    response: None,
                    code: status.code().into(),
                    message: status.message().to_owned(),
                    details: status.details().to_vec(),
                }
            }
            _ => Self {
                response: Some(CreateOrderResponse {
                    order: Some(order.into()),
                }),
                ..Self::default()
            },
        }
    }

    /// The answer as a handler gives it.
    ///
    /// # Errors
    /// The error that was sealed.
    pub fn into_result(self) -> Result<CreateOrderResponse, ConnectError> {
        self.response.ok_or_else(|| {
            let code = tonic::Code::from_i32(self.code);
            tonic::Status::with_details(code, self.message, self.details.into()).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{CustomerId, OrderId};
    use crate::domain::order::EndReason;
    use call::Code;
    use chrono::DateTime;
    use money::Amount;
    use uuid::Uuid;

    fn order(status: Status, end_reason: Option<EndReason>) -> Order {
        let now = DateTime::from_timestamp(1_700_000_000, 5_000).unwrap();
        Order {
            id: OrderId(Uuid::from_u128(7)),
            customer_id: CustomerId(Uuid::from_u128(8)),
            status,
            end_reason,
            lines: Vec::new(),
            total: Amount::parse("EUR", 0).unwrap(),
            created_at: now,
            updated_at: now,
            version: 2,
        }
    }

    /// row: S-16, X16
    #[test]
    fn an_order_reads_back_as_it_was_sealed() {
        let sealed = CreateOrderAnswer::about(&order(Status::Confirmed, None)).encode_to_vec();
        let response = CreateOrderAnswer::decode(sealed.as_slice()).unwrap();
        let response = response.into_result().unwrap();
        assert_eq!(
            response.order,
            Some((&order(Status::Confirmed, None)).into())
        );
    }

    /// row: S-16, E7
    #[test]
    fn a_rejection_reads_back_with_its_reason_and_order() {
        let rejected = order(Status::Rejected, Some(EndReason::PaymentDeclined));
        let sealed = CreateOrderAnswer::about(&rejected).encode_to_vec();
        let answer = CreateOrderAnswer::decode(sealed.as_slice()).unwrap();
        let error = answer.into_result().unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
        let (domain, reason, metadata) =
            call::error::reason_of(&tonic::Status::from(error)).unwrap();
        assert_eq!(
            (domain.as_str(), reason.as_str()),
            ("stoa.order", "PAYMENT_DECLINED")
        );
        assert_eq!(metadata["order_id"], Uuid::from_u128(7).to_string());
    }
}
