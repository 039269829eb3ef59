//! The life of a payment, as a pure core.
//!
//! The order is the key: an order has one payment, one charge and at most one refund of all
//! of it. A command is planned before the provider is asked ([`Payment::plan_charge`],
//! [`Payment::plan_refund`]) and recorded with the provider's word ([`record_charge`],
//! [`record_refund`]); between the two another command may have come first, so recording
//! plans anew.
//!
//! | payment              | charge, same key | charge, another key | refund                        |
//! |----------------------|------------------|---------------------|-------------------------------|
//! | none                 | ask the provider | ask the provider    | ask; block every later charge |
//! | captured             | its answer       | refused: charged    | ask the provider, once        |
//! | declined             | its answer       | refused: charged    | nothing to give back          |
//! | refunded, no charge  | blocked          | blocked             | its answer                    |
//! | refunded, had charge | its first answer | blocked             | its answer                    |

#[cfg(test)]
pub mod tests;

use chrono::{DateTime, Utc};
use money::Amount;

use crate::domain::id::{CustomerId, OrderId, PaymentKey};
use crate::domain::ledger::{Entry, Movement};

/// What became of the money of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The order, and the key.
    pub order_id: OrderId,
    /// Who pays; unknown where a refund came first and did not say.
    pub customer_id: Option<CustomerId>,
    /// The request for the charge; none where a refund came first.
    pub request: Option<Request>,
    /// What was asked for, or what the refund found captured.
    pub amount: Amount,
    /// The provider's id of the capture, if there was one.
    pub transaction_id: Option<String>,
    /// The provider's word on why there was none.
    pub decline_reason: Option<String>,
    /// The refund, if there was one.
    pub refund: Option<Refund>,
    /// How many facts were published for it.
    pub version: i64,
    /// When it was first heard of.
    pub created_at: DateTime<Utc>,
}

/// Names a request to charge, so that a repeat can be told from a misuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The caller's name for it.
    pub key: PaymentKey,
    /// SHA-256 of all it says.
    pub hash: [u8; 32],
}

/// A charge that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The order to pay.
    pub order_id: OrderId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// Names the request.
    pub request: Request,
    /// How much.
    pub amount: Amount,
}

/// Money that went back, or a charge that is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The caller's name for it.
    pub key: PaymentKey,
    /// The provider's id of it; none if nothing was captured.
    pub id: Option<String>,
    /// How much went back: all that was captured, 0 if nothing was.
    pub amount: Amount,
}

/// Where a payment stands, as callers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The money is captured.
    Completed,
    /// Nothing was captured.
    Declined,
    /// It went back, or was blocked before it came.
    Refunded,
}

/// The provider's word on a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the money.
    Captured {
        /// The provider's id of the capture.
        transaction_id: String,
    },
    /// It does not get the money, for this reason.
    Declined {
        /// The provider's word for why.
        reason: String,
    },
}

/// The provider's word on a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It had captured this, and gave it back.
    Captured {
        /// The provider's id of the capture.
        transaction_id: String,
        /// The provider's id of the refund.
        refund_id: String,
        /// What it gave back.
        amount: Amount,
    },
    /// It had captured nothing, and will not from now on.
    Nothing,
}

/// The answer to a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charged {
    /// Paid.
    Completed {
        /// The provider's id of the capture.
        transaction_id: String,
    },
    /// Not paid.
    Declined {
        /// The provider's word for why.
        reason: String,
    },
    /// A refund came first.
    Blocked,
}

/// Why a charge may not be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChargeError {
    /// The key stands for another request.
    #[error("the idempotency key was used for another payment")]
    KeyReused,
    /// Another key has charged the order.
    #[error("the order was charged under another key")]
    AlreadyCharged,
}

/// What to do about a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<A> {
    /// Ask the provider, then record its word.
    Ask,
    /// Answer this: it was done before.
    Answer(A),
}

/// What a recorded word of the provider changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// The payment as it is now.
    pub payment: Payment,
    /// What goes into the books.
    pub entries: Vec<Entry>,
}

impl Payment {
    /// Where it stands.
    pub fn status(&self) -> Status {
        match (&self.refund, &self.transaction_id) {
            (Some(_), _) => Status::Refunded,
            (None, Some(_)) => Status::Completed,
            (None, None) => Status::Declined,
        }
    }

    /// What to do about a charge, before the provider hears of it.
    ///
    /// # Errors
    /// [`ChargeError`] for a key that stands for something else, or an order that is charged.
    pub fn plan_charge(
        current: Option<&Self>,
        charge: &Charge,
    ) -> Result<Plan<Charged>, ChargeError> {
        let Some(current) = current else {
            return Ok(Plan::Ask);
        };
        match &current.request {
            Some(request) if request.key == charge.request.key => {
                if request.hash == charge.request.hash && current.order_id == charge.order_id {
                    Ok(Plan::Answer(current.charged()))
                } else {
                    Err(ChargeError::KeyReused)
                }
            }
            _ if current.refund.is_some() => Ok(Plan::Answer(Charged::Blocked)),
            _ => Err(ChargeError::AlreadyCharged),
        }
    }

    /// What to do about a refund, before the provider hears of it.
    pub fn plan_refund(current: Option<&Self>) -> Plan<Refund> {
        match current.and_then(|current| current.refund.as_ref()) {
            Some(refund) => Plan::Answer(refund.clone()),
            None => Plan::Ask,
        }
    }

    /// The first answer that its charge got.
    pub fn charged(&self) -> Charged {
        match (&self.transaction_id, &self.decline_reason) {
            (Some(id), _) => Charged::Completed {
                transaction_id: id.clone(),
            },
            (None, Some(reason)) => Charged::Declined {
                reason: reason.clone(),
            },
            (None, None) => Charged::Blocked,
        }
    }
}

/// Records the provider's word on a charge of an order that has no payment yet.
pub fn record_charge(charge: &Charge, outcome: Outcome, now: DateTime<Utc>) -> Booking {
    let (transaction_id, decline_reason, entries) = match outcome {
        Outcome::Captured { transaction_id } => {
            let entry = Entry::new(charge.order_id, Movement::Capture, charge.amount);
            (Some(transaction_id), None, vec![entry])
        }
        Outcome::Declined { reason } => (None, Some(reason), Vec::new()),
    };
    let payment = Payment {
        order_id: charge.order_id,
        customer_id: Some(charge.customer_id),
        request: Some(charge.request.clone()),
        amount: charge.amount,
        transaction_id,
        decline_reason,
        refund: None,
        version: 1,
        created_at: now,
    };
    Booking { payment, entries }
}

/// A refund that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// The order whose money goes back.
    pub order_id: OrderId,
    /// Whose money it is, as far as the caller says.
    pub customer_id: Option<CustomerId>,
    /// Names the request.
    pub key: PaymentKey,
    /// Nothing, in the currency to say it in.
    pub nothing: Amount,
}

/// Records the provider's word on a refund of an order whose payment, `current` if there is
/// one, has none yet. The provider may have captured what we never recorded: a crash came
/// between the two, or a charge is still on its way. Then both go into the books at once.
///
/// # Panics
/// If the provider gave back another capture or sum than the one in the books: no further
/// step may be built on that.
pub fn record_refund(
    current: Option<&Payment>,
    request: &RefundRequest,
    returned: Returned,
    now: DateTime<Utc>,
) -> Booking {
    let order_id = request.order_id;
    let mut payment = current.cloned().unwrap_or(Payment {
        order_id,
        customer_id: request.customer_id,
        request: None,
        amount: request.nothing,
        transaction_id: None,
        decline_reason: None,
        refund: None,
        version: 0,
        created_at: now,
    });
    let mut entries = Vec::new();
    let (id, amount) = match returned {
        Returned::Captured {
            transaction_id,
            refund_id,
            amount,
        } => {
            match &payment.transaction_id {
                Some(known) => assert!(
                    *known == transaction_id && payment.amount == amount,
                    "order {order_id} has capture {known} of {:?}, the provider gave back \
                     {transaction_id} of {amount:?}",
                    payment.amount,
                ),
                None => {
                    entries.push(Entry::new(order_id, Movement::Capture, amount));
                    payment.amount = amount;
                    payment.transaction_id = Some(transaction_id);
                }
            }
            entries.push(Entry::new(order_id, Movement::Refund, amount));
            (Some(refund_id), amount)
        }
        Returned::Nothing => {
            assert!(
                payment.transaction_id.is_none(),
                "order {order_id} has a capture that the provider does not know",
            );
            (None, Amount::zero(payment.amount.currency()))
        }
    };
    payment.refund = Some(Refund {
        key: request.key.clone(),
        id,
        amount,
    });
    payment.version += 1;
    Booking { payment, entries }
}
