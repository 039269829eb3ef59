//! Keeps the leases of all that is driven here, wherever it stands: at a call, before a peer that is busy, between
//! two attempts. So no other driver takes any of it over while this one lives.
//!
//! Each write of a saga brings a new lease, so a statement is sent only when one has stood still for a while.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use sql::{Fault, fault, retrying};

use crate::domain::id::OrderId;
use crate::saga::driver::Driver;
use crate::saga::record::{Lease, Record};
use crate::store;

/// How often leases are looked at: one that has a third behind it is renewed, so four tries may fail.
pub(in crate::saga) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Leases that one statement renews.
const RENEWED_MAX: usize = 200;

impl Driver {
    /// Renews leases for as long as it is polled and the driver is not dead.
    pub(super) async fn keep_leases(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.dead().run_until_cancelled(self.renew()).await;
        }
    }

    /// Renews what ends soon, once: the next look comes before it is too late.
    async fn renew(&self) {
        for ids in self.ending(self.parts().clock.now()).chunks(RENEWED_MAX) {
            let mut renewed = self.renew_together(ids).await;
            if matches!(&renewed, Err(error) if fault(error) != Fault::Unavailable) {
                // One of them is in the way, so that each is tried for itself.
                for id in ids {
                    renewed = self
                        .renew_together(std::slice::from_ref(id))
                        .await
                        .and(renewed);
                }
            }
            if let Err(error) = renewed {
                let cause = call::error::chain(&error);
                tracing::warn!(cause, "Leases of checkouts could not be renewed");
            }
        }
    }

    async fn renew_together(&self, ids: &[OrderId]) -> Result<(), DbErr> {
        retrying(async || {
            let (db, lease) = (&self.parts().db, self.lease());
            let txn = db.begin_write().await?;
            let renewed = store::saga::renew(&txn, lease.owner, ids, lease.until).await?;
            txn.commit().await?;
            for id in renewed {
                self.hold(id, lease);
            }
            Ok(())
        })
        .await
    }

    /// A lease of this driver's that begins now.
    pub(in crate::saga) fn lease(&self) -> Lease {
        Lease::new(self.id(), self.parts().clock.now())
    }

    /// What is driven here by a lease that has a third behind it.
    fn ending(&self, now: DateTime<Utc>) -> Vec<OrderId> {
        let fresh = now + Lease::LENGTH * 2 / 3;
        let ends = |lease: Lease| lease.until < fresh || !lease.is_alive(now);
        let driven = self.driven();
        let ending = driven
            .iter()
            .filter(|(_, known)| known.lease.is_some_and(ends));
        ending.map(|(id, _)| *id).collect()
    }

    /// Takes note of a lease that was renewed, unless the saga has none by now.
    fn hold(&self, id: OrderId, renewed: Lease) {
        if let Some(known) = self.driven().get_mut(&id) {
            known.lease = known.lease.map(|_| renewed);
        }
    }

    /// Takes note of the lease that a saga was written or read with.
    pub(in crate::saga) fn note_lease(&self, record: &Record) {
        if let Some(known) = self.driven().get_mut(&record.order.id) {
            let lease = record.saga.lease;
            known.lease = lease.filter(|lease| lease.owner == self.id());
        }
    }

    /// Whether this driver has the lease of a saga, so that no other should be at it.
    pub(in crate::saga) fn holds(&self, id: OrderId) -> bool {
        let now = self.parts().clock.now();
        let driven = self.driven();
        let lease = driven.get(&id).and_then(|known| known.lease);
        lease.is_some_and(|lease| lease.is_alive(now))
    }
}
