//! A provider that moves no money and decides by the name of the token.
//!
//! It stands for a company elsewhere, so it has a memory of its own, written before it
//! answers: a crash between its answer and our record changes nothing. It never looks at our
//! payments.

use std::time::Duration;

use clock::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::DbErr;
use sql::{Database, retrying};

use super::{Capture, Provider, ProviderError, Token};
use crate::domain::id::{OrderId, PaymentKey};
use crate::domain::payment::{ChargeError, Outcome, Returned};
use crate::store;
use crate::store::sandbox_charge::{Memory, SandboxCharge};

/// The sandbox, over a database that remembers.
#[derive(Clone, Debug)]
pub struct Sandbox {
    db: Database,
    clock: Clock,
    slow: Duration,
}

impl Sandbox {
    /// A sandbox that takes `slow` for `tok_slow`.
    pub fn new(db: Database, clock: Clock, slow: Duration) -> Self {
        Self { db, clock, slow }
    }

    /// What becomes of a charge that was never heard of before.
    async fn decide(&self, token: &Token) -> Result<Outcome, ProviderError> {
        let declined = |reason: &str| Outcome::Declined {
            reason: reason.to_owned(),
        };
        match token.expose() {
            "tok_unavailable" => return Err(ProviderError::Unavailable),
            "tok_declined" => return Ok(declined("card_declined")),
            "tok_slow" => tokio::time::sleep(self.slow).await,
            "tok_ok" => {}
            _ => return Ok(declined("unknown_payment_method")),
        }
        let transaction_id = format!("txn_{}", self.clock.id().simple());
        Ok(Outcome::Captured { transaction_id })
    }

    async fn remember_charge(
        &self,
        capture: &Capture,
        outcome: &Outcome,
    ) -> Result<Outcome, ProviderError> {
        let record = SandboxCharge {
            order_id: capture.order_id,
            memory: Memory::Charged {
                key: capture.key.clone(),
                amount: capture.amount,
                outcome: outcome.clone(),
                refund_id: None,
            },
        };
        let txn = self.db.begin_guarded().await?;
        store::sandbox_charge::insert_with_commit(&txn, &record, self.clock.now()).await?;
        match txn.commit().await {
            Ok(()) => return Ok(outcome.clone()),
            Err(DbErr::RecordNotUpdated) => {} // the order or the key is known already
            Err(error) => return Err(error.into()),
        }
        let (order_id, key) = (capture.order_id, Some(&capture.key));
        let known = store::sandbox_charge::find(self.db.read(), order_id, key).await?;
        known.map_or(Err(ChargeError::KeyReused.into()), |known| {
            repeat(&known, capture)
        })
    }

    async fn remember_refund(&self, order_id: OrderId) -> Result<Returned, ProviderError> {
        let txn = self.db.begin_write().await?;
        let void = SandboxCharge {
            order_id,
            memory: Memory::Voided,
        };
        if store::sandbox_charge::insert(&txn, &void, self.clock.now()).await? {
            txn.commit().await?;
            return Ok(Returned::Nothing);
        }
        let known = store::sandbox_charge::find(&txn, order_id, None).await?;
        let Some(Memory::Charged {
            amount,
            outcome: Outcome::Captured { transaction_id },
            refund_id,
            ..
        }) = known.map(|known| known.memory)
        else {
            txn.rollback().await?;
            return Ok(Returned::Nothing);
        };
        let refund_id = match refund_id {
            Some(refund_id) => {
                txn.rollback().await?;
                refund_id
            }
            None => {
                let refund_id = format!("re_{}", self.clock.id().simple());
                store::sandbox_charge::mark_returned(&txn, order_id, &refund_id).await?;
                txn.commit().await?;
                refund_id
            }
        };
        Ok(Returned::Captured {
            transaction_id,
            refund_id,
            amount,
        })
    }
}

/// The answer to a charge of which something is known.
fn repeat(known: &SandboxCharge, capture: &Capture) -> Result<Outcome, ProviderError> {
    if known.order_id != capture.order_id {
        return Err(ChargeError::KeyReused.into());
    }
    match &known.memory {
        Memory::Voided => Err(ProviderError::Voided),
        Memory::Charged {
            key,
            amount,
            outcome,
            ..
        } if *key == capture.key => {
            if *amount == capture.amount {
                Ok(outcome.clone())
            } else {
                Err(ChargeError::KeyReused.into())
            }
        }
        Memory::Charged {
            refund_id: Some(_), ..
        } => Err(ProviderError::Voided),
        Memory::Charged { .. } => Err(ChargeError::AlreadyCharged.into()),
    }
}

impl Provider for Sandbox {
    fn charge(&self, capture: Capture) -> BoxFuture<'_, Result<Outcome, ProviderError>> {
        async move {
            let outcome = self.decide(&capture.token).await?;
            retrying(|| self.remember_charge(&capture, &outcome)).await
        }
        .boxed()
    }

    fn refund(
        &self,
        _key: PaymentKey,
        order_id: OrderId,
    ) -> BoxFuture<'_, Result<Returned, ProviderError>> {
        async move { retrying(|| self.remember_refund(order_id)).await }.boxed()
    }
}
