//! Facts as rows, written in the transaction that makes them true.
//!
//! A row holds the whole envelope of `stoa.event.v1.Event`, so that publishing it later needs
//! nothing else. Rows are never changed, and pruned once no cursor resumes before them.

mod extent;
mod measure;
mod prune;

use chrono::{DateTime, Utc};
use clock::Clock;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult};
use sql::Transaction;
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::lane;
use crate::schema::{Outbox, State};

pub use extent::{CLOCKS_DIFFER_MAX, Extent, extent, remembers};
pub use measure::measure;
pub use prune::{KEPT, prune};

/// Facts that one statement adds at most: a statement takes a limited number of values.
const PUSHED_MAX: usize = 100;

/// Something that became true.
#[derive(Clone, Debug)]
pub struct Fact {
    /// What happened: the kind of thing, a dot, a past participle. `order.created`
    pub topic: &'static str,
    /// The thing it happened to.
    pub key: String,
    /// The number of facts about that thing, this one included: 1, 2, 3 without a gap.
    pub version: i64,
    /// The user it concerns, for those who watch what concerns them.
    pub subject: Option<Uuid>,
    /// The encoded message of `stoa.event.v1`.
    pub data: Vec<u8>,
}

/// Which request, saga or job made the fact true.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The id that all of its log lines carry.
    pub correlation_id: String,
    /// W3C trace context.
    pub traceparent: String,
    /// Made by a check of ours, not by a person.
    pub synthetic: bool,
}

impl Origin {
    /// That of what no call made true, under a correlation id of its own.
    pub fn internal(correlation_id: impl Into<String>) -> Self {
        Self {
            correlation_id: correlation_id.into(),
            ..Self::default()
        }
    }
}

/// A fact as the outbox keeps it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The fact's own id, the same wherever it is delivered.
    pub event_id: Uuid,
    /// The place behind it.
    pub cursor: Cursor,
    /// What happened.
    pub topic: String,
    /// The thing it happened to.
    pub key: String,
    /// Its number among the facts about that thing.
    pub version: i64,
    /// The service that said so.
    pub source: String,
    /// The user it concerns.
    pub subject: Option<Uuid>,
    /// When it became true.
    pub at: DateTime<Utc>,
    /// Where it came from.
    pub origin: Origin,
    /// The encoded message of `stoa.event.v1`.
    pub data: Vec<u8>,
}

/// Adds a fact to the transaction and returns its id; the commit wakes those who watch.
///
/// # Errors
/// A write that was deferred before failed. That the thing has a fact of that version already
/// is an error of the commit, [`sql::Fault::Unique`].
pub async fn push(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    fact: Fact,
) -> Result<Uuid, DbErr> {
    let event_id = clock.id();
    add(txn, clock, origin, [(event_id, fact)]).await?;
    Ok(event_id)
}

/// Adds facts to the transaction, in this order, which matters where several are about one
/// thing.
///
/// # Errors
/// As [`push`].
pub async fn push_all(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    facts: impl IntoIterator<Item = Fact>,
) -> Result<(), DbErr> {
    let facts: Vec<_> = facts.into_iter().map(|fact| (clock.id(), fact)).collect();
    let mut facts = facts.into_iter();
    while facts.len() > 0 {
        let some: Vec<_> = facts.by_ref().take(PUSHED_MAX).collect();
        add(txn, clock, origin, some).await?;
    }
    Ok(())
}

async fn add(
    txn: &Transaction,
    clock: &Clock,
    origin: &Origin,
    facts: impl IntoIterator<Item = (Uuid, Fact)>,
) -> Result<(), DbErr> {
    let mut insert = Query::insert();
    insert.into_table(Outbox::Table).columns([
        Outbox::EventId,
        Outbox::Topic,
        Outbox::Aggregate,
        Outbox::Lane,
        Outbox::Key,
        Outbox::Version,
        Outbox::Source,
        Outbox::Subject,
        Outbox::At,
        Outbox::CorrelationId,
        Outbox::Traceparent,
        Outbox::Synthetic,
        Outbox::Data,
    ]);
    for (event_id, fact) in facts {
        insert.values_panic([
            event_id.into(),
            fact.topic.into(),
            aggregate(fact.topic).into(),
            lane::of(&fact.key).into(),
            fact.key.into(),
            fact.version.into(),
            txn.service().into(),
            fact.subject.into(),
            clock.now().into(),
            origin.correlation_id.as_str().into(),
            origin.traceparent.as_str().into(),
            origin.synthetic.into(),
            fact.data.into(),
        ]);
    }
    if txn.is_announced() {
        txn.caught_up().await?; // of two inserts that wait together either may come first
    }
    txn.announce();
    txn.defer(&insert).await
}

/// Returns up to `limit` facts in order, from the first one, or from the one after `cursor`.
/// Facts of transactions that may still be overtaken by a slower one are left for later.
///
/// # Errors
/// The database failed.
pub async fn page(
    db: &impl ConnectionTrait,
    after: Option<Cursor>,
    limit: u64,
) -> Result<Vec<Recorded>, DbErr> {
    let mut query = select(db.get_database_backend());
    if let Some(after) = after {
        query.and_where(after_place(db.get_database_backend(), after.place()));
    }
    read(db, query.limit(limit)).await
}

/// Returns up to `limit` facts of some topics in order, from the one after `after` up to `end`, which is that of an
/// [`Extent`]: nothing is written before it any more. It is not asked anew, see [`select_settled`]: facts that are left
/// out here would never be read by who goes on from that end.
///
/// # Errors
/// The database failed.
pub async fn page_of(
    db: &impl ConnectionTrait,
    topics: &[&str],
    after: Cursor,
    end: Cursor,
    limit: u64,
) -> Result<Vec<Recorded>, DbErr> {
    let backend = db.get_database_backend();
    let mut query = select_settled(backend);
    query
        .and_where(after_place(backend, after.place()))
        .and_where(up_to_place(backend, end.place()))
        .and_where(Expr::col(Outbox::Topic).is_in(topics.iter().copied()))
        .limit(limit);
    read(db, &query).await
}

/// Returns up to `limit` facts, oldest position first, with those that a slower transaction may
/// still overtake: for audits and tests, which want all there is and follow nothing.
///
/// # Errors
/// The database failed.
pub async fn committed(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<Recorded>, DbErr> {
    let query = columns()
        .order_by(Outbox::Position, Order::Asc)
        .limit(limit)
        .to_owned();
    read(db, &query).await
}

/// The oldest transaction that may still commit a row here, by the snapshot of the statement it
/// stands in; the next one to begin, if none runs. Numbers are given out before their
/// transaction commits, so below this one no row can appear any more.
///
/// Transactions of other databases draw from the same numbers and write no row here, so a long
/// one of theirs holds nothing back. That a number belongs to another database never changes;
/// one that cannot be told, as when the role may not see other roles' sessions, counts as ours.
const OLDEST_RUNNING: &str = "(
    select coalesce(min(id), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    from (select x::text::bigint as id from pg_snapshot_xip(pg_current_snapshot()) x) as running
    where not exists (
        select from pg_stat_get_activity(null) as session
        where session.backend_xid::text::bigint = id & 4294967295
        and session.datid <> (select oid from pg_database where datname = current_database())
    )
)";

/// Selects whole rows that can no longer be overtaken, in order.
pub(crate) fn select(backend: DbBackend) -> SelectStatement {
    let mut query = select_settled(backend);
    if backend == DbBackend::Postgres {
        query.and_where(Expr::col(Outbox::TransactionId).lt(Expr::cust(OLDEST_RUNNING)));
    }
    query
}

/// Selects whole rows in order, of a range that nothing is written into any more: where that is
/// known it is not asked again, since whose a transaction is cannot be told while it ends, and rows
/// would be left out that were there before.
pub(crate) fn select_settled(backend: DbBackend) -> SelectStatement {
    let mut query = columns();
    in_order(&mut query, backend, Order::Asc);
    query
}

/// Orders rows by place.
fn in_order(query: &mut SelectStatement, backend: DbBackend, order: Order) {
    if backend == DbBackend::Postgres {
        query.order_by(Outbox::TransactionId, order.clone());
    }
    query.order_by(Outbox::Position, order);
}

/// Returns when the first fact after `cursor` became true, committed and yet perhaps not to be
/// read, since a slower transaction may overtake it.
///
/// # Errors
/// The database failed.
pub(crate) async fn first_after(
    db: &impl ConnectionTrait,
    cursor: Cursor,
) -> Result<Option<DateTime<Utc>>, DbErr> {
    let backend = db.get_database_backend();
    let mut first = Query::select();
    first
        .column(Outbox::At)
        .from(Outbox::Table)
        .and_where(after_place(backend, cursor.place()))
        .limit(1);
    in_order(&mut first, backend, Order::Asc);
    let row = db.query_one(&first).await?;
    row.map(|row| row.try_get("", "at")).transpose()
}

fn columns() -> SelectStatement {
    let epoch = Query::select()
        .column(State::Epoch)
        .from(State::Table)
        .and_where(Expr::col(State::Id).eq(1))
        .to_owned();
    Query::select()
        .columns([
            Outbox::Position,
            Outbox::TransactionId,
            Outbox::EventId,
            Outbox::Topic,
            Outbox::Key,
            Outbox::Version,
            Outbox::Source,
            Outbox::Subject,
            Outbox::At,
            Outbox::CorrelationId,
            Outbox::Traceparent,
            Outbox::Synthetic,
            Outbox::Data,
        ])
        .expr_as(SimpleExpr::SubQuery(None, Box::new(epoch.into())), "epoch")
        .from(Outbox::Table)
        .to_owned()
}

/// Rows after a place.
pub(crate) fn after_place(backend: DbBackend, place: (i64, i64)) -> SimpleExpr {
    if backend == DbBackend::Postgres {
        place_of_row().gt(tuple(place))
    } else {
        Expr::col(Outbox::Position).gt(place.1)
    }
}

/// Rows up to a place.
pub(crate) fn up_to_place(backend: DbBackend, place: (i64, i64)) -> SimpleExpr {
    if backend == DbBackend::Postgres {
        place_of_row().lte(tuple(place))
    } else {
        Expr::col(Outbox::Position).lte(place.1)
    }
}

pub(crate) async fn read(
    db: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<Recorded>, DbErr> {
    db.query_all(query).await?.iter().map(recorded).collect()
}

fn place_of_row() -> SimpleExpr {
    Expr::tuple([
        Expr::col(Outbox::TransactionId),
        Expr::col(Outbox::Position),
    ])
}

fn tuple((transaction_id, position): (i64, i64)) -> SimpleExpr {
    Expr::tuple([Expr::val(transaction_id), Expr::val(position)])
}

pub(crate) fn recorded(row: &QueryResult) -> Result<Recorded, DbErr> {
    let at: DateTime<Utc> = row.try_get("", "at")?;
    Ok(Recorded {
        event_id: row.try_get("", "event_id")?,
        cursor: Cursor {
            epoch: row.try_get("", "epoch")?,
            transaction_id: row.try_get("", "transaction_id")?,
            position: row.try_get("", "position")?,
            at,
        },
        topic: row.try_get("", "topic")?,
        key: row.try_get("", "key")?,
        version: row.try_get("", "version")?,
        source: row.try_get("", "source")?,
        subject: row.try_get("", "subject")?,
        at,
        origin: Origin {
            correlation_id: row.try_get("", "correlation_id")?,
            traceparent: row.try_get("", "traceparent")?,
            synthetic: row.try_get("", "synthetic")?,
        },
        data: row.try_get("", "data")?,
    })
}

/// What kind of thing a topic speaks of.
pub(crate) fn aggregate(topic: &str) -> &str {
    topic
        .split_once('.')
        .map_or(topic, |(aggregate, _)| aggregate)
}
