//! Table `sagas`: how far each order's checkout is, and who drives it.

use call::Scope;
use chrono::{DateTime, TimeDelta, Utc};
use events::Origin;
use proto::order::v1::order_service::CREATE_ORDER;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType, Query};
use sea_orm::{Condition, QueryOrder, QueryResult, QuerySelect, QueryTrait, Set};
use sql::Transaction;
use sql::idempotency::Key;

use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{EndReason, Status};
use crate::domain::payment_method::PaymentMethod;
use crate::saga::checkout::{Progress, State};
use crate::saga::record::{Lease, Record, Saga};
use crate::saga::step::{Step, Undo};
use crate::store::{broken, order};

/// No lease reaches further ahead than this: one that does was written by a clock that was wrong.
const LEASE_MAX: TimeDelta = TimeDelta::seconds(60);

const AT_REST: i16 = 0;
const DOING: i16 = 1;
const UNDOING: i16 = 2;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sagas")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    order_id: Uuid,
    revision: i64,
    phase: i16,
    step: Option<i16>,
    undos: String,
    attempt: i32,
    since: Option<DateTime<Utc>>,
    due: Option<DateTime<Utc>>,
    end_status: Option<i16>,
    end_reason: Option<i16>,
    confirmed_at: Option<DateTime<Utc>>,
    payment_method: String,
    correlation_id: String,
    traceparent: String,
    synthetic: bool,
    key_subject: Option<String>,
    key: Option<String>,
    key_hash: Option<Vec<u8>>,
    lease_owner: Option<Uuid>,
    lease_until: Option<DateTime<Utc>>,
}

/// Its means of payment and its key never reach a log by way of `{:?}`.
impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({}, …)", self.order_id)
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Stores the saga of a new order.
///
/// # Errors
/// The database failed.
pub async fn insert(txn: &Transaction, id: OrderId, saga: &Saga) -> Result<(), DbErr> {
    let (key_subject, key, key_hash) = match &saga.key {
        Some(key) => (
            Some(key.subject.clone()),
            Some(key.key.clone()),
            Some(key.request_hash.to_vec()),
        ),
        None => (None, None, None),
    };
    let row = ActiveModel {
        order_id: Set(id.0),
        payment_method: Set(saga.payment_method.expose().to_owned()),
        correlation_id: Set(saga.origin.correlation_id.clone()),
        traceparent: Set(saga.origin.traceparent.clone()),
        synthetic: Set(saga.origin.synthetic),
        key_subject: Set(key_subject),
        key: Set(key),
        key_hash: Set(key_hash),
        ..progress(saga)
    };
    txn.defer(Entity::insert(row).as_query()).await
}

/// Stores how far a saga is now, one revision after the one it was read in. When somebody else was
/// faster, the commit fails with [`DbErr::RecordNotUpdated`] and nothing is written.
///
/// # Errors
/// The database failed.
pub async fn update(txn: &Transaction, id: OrderId, saga: &Saga) -> Result<(), DbErr> {
    let mut row = progress(saga);
    if !may_charge(&saga.state.progress) {
        row.payment_method = Set(String::new()); // nobody is charged any more, so nobody need know
    }
    let update = Entity::update_many()
        .set(row)
        .filter(Column::OrderId.eq(id.0))
        .filter(Column::Revision.eq(saga.revision - 1));
    txn.defer_required(update.as_query()).await
}

/// An order with its saga, if it is within reach.
///
/// Outside of a transaction they are read one after the other. The saga comes first, so that it is
/// never newer than its order: whoever writes by the revision of an old one is refused and reads again.
///
/// # Errors
/// The database failed.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: Scope,
    id: OrderId,
) -> Result<Option<Record>, DbErr> {
    let row = Entity::find_by_id(id.0).one(db).await?;
    let Some(order) = order::find(db, scope, id).await? else {
        return Ok(None);
    };
    let row = row.ok_or_else(|| broken("orders", "saga"))?;
    Ok(Some(Record {
        saga: row.saga(order.status)?,
        order,
    }))
}

/// The order that a customer's key was accepted for, then.
///
/// # Errors
/// The database failed.
pub async fn of_key(
    txn: &Transaction,
    customer: CustomerId,
    accepted: DateTime<Utc>,
    key: &Key,
) -> Result<Option<OrderId>, DbErr> {
    let ids = Entity::find()
        .select_only()
        .column(Column::OrderId)
        .filter(Column::OrderId.in_subquery(order::ids_at(customer, accepted)))
        .filter(Column::KeySubject.eq(&*key.subject))
        .filter(Column::Key.eq(&*key.key));
    let id: Option<Uuid> = ids.into_tuple().one(txn).await?;
    Ok(id.map(OrderId))
}

/// A saga with something pending whose driver is gone. Orphans are in the order of `since`, and in
/// that of their ids where it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Whose saga it is.
    pub id: OrderId,
    /// When its lease ran out.
    pub since: DateTime<Utc>,
}

/// Sagas with something pending whose driver is gone, at most `limit`, longest orphaned first,
/// those behind `after`.
///
/// With `all_but`, every saga that is not driven by this one counts: for a database that only one
/// process can have open, where a lease of another owner is one of an earlier life.
///
/// # Errors
/// The database failed.
pub async fn orphans(
    db: &impl ConnectionTrait,
    all_but: Option<Uuid>,
    now: DateTime<Utc>,
    after: Option<Orphan>,
    limit: u64,
) -> Result<Vec<Orphan>, DbErr> {
    let expired = Condition::any()
        .add(Column::LeaseUntil.lt(now))
        .add(Column::LeaseUntil.gt(now + LEASE_MAX));
    let orphaned = match all_but {
        Some(owner) => Condition::all()
            .add(Column::LeaseUntil.is_not_null())
            .add(expired.add(Column::LeaseOwner.ne(owner))),
        None => expired,
    };
    let mut orphans = Entity::find()
        .select_only()
        .columns([Column::OrderId, Column::LeaseUntil])
        .filter(Column::Phase.gt(AT_REST))
        .filter(orphaned)
        .order_by_asc(Column::LeaseUntil)
        .order_by_asc(Column::OrderId)
        .limit(limit);
    if let Some(Orphan { id, since }) = after {
        let later = Condition::any().add(Column::LeaseUntil.gt(since)).add(
            Condition::all()
                .add(Column::LeaseUntil.eq(since))
                .add(Column::OrderId.gt(id.0)),
        );
        orphans = orphans.filter(later);
    }
    let rows: Vec<(Uuid, DateTime<Utc>)> = orphans.into_tuple().all(db).await?;
    let orphan = |(id, since)| Orphan {
        id: OrderId(id),
        since,
    };
    Ok(rows.into_iter().map(orphan).collect())
}

/// Lets `owner` drive those of these sagas that are its own until then, and returns which they are. One whose row
/// somebody holds is left out, so that it keeps nobody waiting.
///
/// # Errors
/// The database failed.
pub async fn renew(
    txn: &Transaction,
    owner: Uuid,
    ids: &[OrderId],
    until: DateTime<Utc>,
) -> Result<Vec<OrderId>, DbErr> {
    let own = Query::select()
        .column(Column::OrderId)
        .from(Entity)
        .and_where(Column::OrderId.is_in(ids.iter().map(|id| id.0)))
        .and_where(Column::LeaseOwner.eq(owner))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned();
    let update = Query::update()
        .table(Entity)
        .value(Column::LeaseUntil, until)
        .and_where(Column::OrderId.in_subquery(own))
        .returning_col(Column::OrderId)
        .to_owned();
    let rows = txn.query_all(&update).await?;
    let id = |row: &QueryResult| row.try_get("", "order_id").map(OrderId);
    rows.iter().map(id).collect()
}

/// How many orders have something pending.
///
/// # Errors
/// The database failed.
pub async fn active(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    Entity::find()
        .filter(Column::Phase.gt(AT_REST))
        .filter(Column::Synthetic.eq(false))
        .count(db)
        .await
}

impl Lease {
    /// Whether its owner may be presumed at work.
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        (now..=now + LEASE_MAX).contains(&self.until)
    }
}

/// The columns that change.
fn progress(saga: &Saga) -> ActiveModel {
    let mut row = ActiveModel {
        revision: Set(saga.revision),
        phase: Set(AT_REST),
        step: Set(None),
        undos: Set(String::new()),
        attempt: Set(0),
        since: Set(None),
        due: Set(None),
        end_status: Set(None),
        end_reason: Set(None),
        confirmed_at: Set(saga.state.confirmed_at),
        lease_owner: Set(saga.lease.map(|lease| lease.owner)),
        lease_until: Set(saga.lease.map(|lease| lease.until)),
        ..Default::default()
    };
    match &saga.state.progress {
        Progress::AtRest => {}
        Progress::Doing {
            step,
            attempt,
            since,
            due,
            ..
        } => {
            row.phase = Set(DOING);
            row.step = Set(Some(*step as i16));
            row.attempt = Set(tries(*attempt));
            row.since = Set(Some(*since));
            row.due = Set(Some(*due));
        }
        Progress::Undoing {
            undos,
            attempt,
            due,
            end,
        } => {
            row.phase = Set(UNDOING);
            let names: Vec<&str> = undos.iter().map(|undo| undo.name()).collect();
            row.undos = Set(names.join(","));
            row.attempt = Set(tries(*attempt));
            row.due = Set(Some(*due));
            row.end_status = Set(Some(end.0 as i16));
            row.end_reason = Set(Some(end.1 as i16));
        }
    }
    row
}

/// Whether the means of payment is still needed: it is for the charge alone, and no step goes back.
fn may_charge(progress: &Progress) -> bool {
    match progress {
        Progress::Doing { step, .. } => *step <= Step::ProcessPayment,
        Progress::AtRest | Progress::Undoing { .. } => false,
    }
}

fn tries(attempt: u32) -> i32 {
    i32::try_from(attempt).unwrap_or(i32::MAX)
}

impl Model {
    fn saga(self, status: Status) -> Result<Saga, DbErr> {
        let progress = self.progress().ok_or_else(|| broken("sagas", "progress"))?;
        let lease = self
            .lease_owner
            .zip(self.lease_until)
            .map(|(owner, until)| Lease { owner, until });
        let hash = self
            .key_hash
            .and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        let key = match (self.key_subject, self.key, hash) {
            (Some(subject), Some(key), Some(request_hash)) => Some(Key {
                subject,
                method: CREATE_ORDER,
                key,
                request_hash,
            }),
            _ => None,
        };
        Ok(Saga {
            state: State {
                status,
                progress,
                confirmed_at: self.confirmed_at,
            },
            revision: self.revision,
            origin: Origin {
                correlation_id: self.correlation_id,
                traceparent: self.traceparent,
                synthetic: self.synthetic,
            },
            payment_method: PaymentMethod::new(self.payment_method),
            key,
            lease,
        })
    }

    fn progress(&self) -> Option<Progress> {
        let attempt = u32::try_from(self.attempt).ok()?;
        match self.phase {
            AT_REST => Some(Progress::AtRest),
            DOING => {
                let step = Step::ALL
                    .into_iter()
                    .find(|step| Some(*step as i16) == self.step)?;
                Some(Progress::Doing {
                    step,
                    reach: Step::LAST_ASKED, // nobody but its driver knows how far that has run ahead
                    attempt,
                    since: self.since?,
                    due: self.due?,
                })
            }
            UNDOING => {
                let undos: Option<Vec<Undo>> = self.undos.split(',').map(Undo::parse).collect();
                let end = (
                    Status::from_number(self.end_status?)?,
                    EndReason::from_number(self.end_reason?)?,
                );
                Some(Progress::Undoing {
                    undos: undos?,
                    attempt,
                    due: self.due?,
                    end,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: X10
    #[test]
    fn how_it_is_paid_is_kept_for_as_long_as_it_may_be_charged() {
        let at = DateTime::UNIX_EPOCH;
        let kept = Step::ALL.map(|step| {
            may_charge(&Progress::Doing {
                step,
                reach: step,
                attempt: 1,
                since: at,
                due: at,
            })
        });
        assert_eq!(kept, [true, true, false, false]);
        assert!(!may_charge(&Progress::AtRest));
    }
}
