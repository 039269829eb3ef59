//! The facts that payment tells: from the domain to `stoa.event.v1`.

use events::Fact;
use proto::event::v1 as pb;

use crate::domain::payment::Payment;

/// Tells what became of a payment with its last change.
pub fn payment(payment: &Payment) -> Fact {
    let order_id = payment.order_id.to_string();
    let user_id = payment
        .customer_id
        .map(|customer| customer.to_string())
        .unwrap_or_default();
    if let Some(refund) = &payment.refund {
        let refund_id = refund.id.clone().unwrap_or_default();
        let amount = Some(refund.amount.into());
        return fact(
            &pb::PaymentRefunded {
                order_id,
                user_id,
                refund_id,
                amount,
            },
            payment,
        );
    }
    match &payment.transaction_id {
        Some(transaction_id) => {
            let transaction_id = transaction_id.clone();
            let amount = Some(payment.amount.into());
            fact(
                &pb::PaymentCompleted {
                    order_id,
                    user_id,
                    transaction_id,
                    amount,
                },
                payment,
            )
        }
        None => {
            let reason = payment.decline_reason.clone().unwrap_or_default();
            fact(
                &pb::PaymentFailed {
                    order_id,
                    user_id,
                    reason,
                },
                payment,
            )
        }
    }
}

fn fact<F: proto::Fact>(message: &F, payment: &Payment) -> Fact {
    let subject = payment.customer_id.map(|customer| customer.0);
    command::fact(message, payment.version, subject)
}
