//! The same histories through the pure core and through the database: after every event, what is stored
//! reads back as what the core said, on both engines.

use std::sync::Mutex;

use call::Scope;
use chrono::DateTime;
use clock::{Clock, Manual};
use events::Origin;
use futures::future::BoxFuture;
use money::Amount;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sea_orm::prelude::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};
use sql::Database;

use testkit::{Engine, both_engines};

use super::*;
use crate::domain::id::{CustomerId, OrderId};
use crate::domain::order::{EndReason, Line, Order, Status};
use crate::domain::payment_method::PaymentMethod;
use crate::saga::checkout::{Progress, Reply, State};
use crate::saga::record::Saga;

/// Histories on each engine.
const HISTORIES: usize = 60;

const RULES: Rules = Rules {
    step_budget: Duration::from_secs(30),
    cancel_window: Duration::from_secs(24 * 60 * 60),
    backoff_first: Duration::from_millis(100),
    backoff_max: Duration::from_secs(10),
};

/// What happens next, told by the saga's present state.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Done,
    Refused,
    Failed,
    Cancelled,
    Resumed,
}

fn history() -> impl Strategy<Value = Vec<(u64, Happens)>> {
    let happens = prop_oneof![
        6 => Just(Happens::Done),
        1 => Just(Happens::Refused),
        2 => Just(Happens::Failed),
        1 => Just(Happens::Cancelled),
        1 => Just(Happens::Resumed),
    ];
    prop::collection::vec((0_u64..20, happens), 1..16)
}

fn event(saga: &Saga, happens: Happens) -> Event {
    let answer = match happens {
        Happens::Done => Reply::Done(Some("transaction".to_owned())),
        Happens::Refused => Reply::Refused,
        Happens::Failed => Reply::Failed("unavailable"),
        Happens::Cancelled => return Event::CancelAsked(EndReason::StaffRequest),
        Happens::Resumed => return Event::Resumed,
    };
    match saga.state.pending() {
        Some(attempt) => Event::Answered {
            task: attempt.task,
            attempt: attempt.number,
            answer,
        },
        None => Event::Resumed,
    }
}

/// An order that was just placed.
fn placed(clock: &Clock) -> Record {
    let (now, price) = (clock.now(), Amount::parse("EUR", 1999).unwrap());
    let line = Line {
        sku: "lamp".to_owned(),
        quantity: 1,
        unit_price: price,
        amount: price,
    };
    let order = Order {
        id: OrderId(clock.id()),
        customer_id: CustomerId(clock.id()),
        status: Status::Pending,
        end_reason: None,
        lines: vec![line],
        total: price,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let (state, _) = checkout::accepted(now);
    let saga = Saga {
        state,
        revision: 1,
        origin: Origin::default(),
        payment_method: PaymentMethod::new("tok_ok"),
        key: None,
        lease: None,
    };
    Record { order, saga }
}

async fn accept(db: &Database, clock: &Clock) -> Record {
    let Record { order, saga } = placed(clock);
    let txn = db.begin_write().await.unwrap();
    store::order::insert(&txn, &order).await.unwrap();
    store::saga::insert(&txn, order.id, &saga).await.unwrap();
    outbox::push(&txn, clock, &saga.origin, event::of(&order, None))
        .await
        .unwrap();
    txn.commit().await.unwrap();
    Record { order, saga }
}

/// row: X14
#[tokio::test]
async fn a_timeline_stays_short_however_often_an_undo_fails() {
    let migrate = async |db: &Database| migrations::up(db, "order").await;
    let db = testkit::database::sqlite("order", migrate).await;
    let (clock, time) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let mut record = accept(&db, &clock).await;
    let mut told = Vec::new();
    let failures = std::iter::repeat_n(Happens::Failed, 10_000);
    for happens in [Happens::Done, Happens::Cancelled]
        .into_iter()
        .chain(failures)
        .chain([Happens::Done; 3])
    {
        time.advance(Duration::from_secs(10));
        let on = Occasion {
            driver: record.order.id.0,
            now: clock.now(),
            took: Duration::ZERO,
            note: String::new(),
        };
        let change = change(&RULES, &record, event(&record.saga, happens), &on).unwrap();
        let Some(change) = change else { break };
        told.extend(change.entries);
        record = change.record;
    }
    assert_eq!(record.order.status, Status::Cancelled);
    assert!(told.len() < 50, "{} lines", told.len());
    let attempts = |kind| {
        let of_kind = told.iter().filter(move |entry| entry.kind == kind);
        of_kind.map(|entry| (entry.attempt, entry.outcome.as_str()))
    };
    let failed = attempts(LogKind::Undo).filter(|(_, outcome)| *outcome == "unavailable");
    assert!(
        failed
            .map(|(attempt, _)| attempt)
            .take(22)
            .eq((1..=20).chain([32, 64]))
    );
    assert!(attempts(LogKind::Undo).any(|told| told == (10_001, "done")));
}

/// What a driver wrote, as anybody else takes it: nobody knows how far it has run ahead.
fn as_found(mut state: State) -> State {
    if let Progress::Doing { reach, .. } = &mut state.progress {
        *reach = Step::LAST_ASKED;
    }
    state
}

async fn play(db: &Database, clock: &Clock, time: &Manual, history: &[(u64, Happens)]) {
    let mut record = accept(db, clock).await;
    let id = record.order.id;
    for (seconds, happens) in history {
        time.advance(Duration::from_secs(*seconds));
        let on = Occasion {
            driver: id.0,
            now: clock.now(),
            took: Duration::ZERO,
            note: String::new(),
        };
        let Ok(Some(change)) = change(&RULES, &record, event(&record.saga, *happens), &on) else {
            continue;
        };
        let txn = db.begin_write().await.unwrap();
        change.write(&txn, clock).await.unwrap();
        txn.commit().await.unwrap();
        let txn = db.begin_write().await.unwrap();
        change.write(&txn, clock).await.unwrap();
        let twice = txn.commit().await;
        assert!(
            matches!(twice, Err(DbErr::RecordNotUpdated)),
            "the same revision was written twice: {twice:?}"
        );
        let stored = store::saga::find(db.read(), Scope::Everyone, id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stored.order, change.record.order, "{history:?}");
        assert_eq!(
            stored.saga.state,
            as_found(change.record.saga.state.clone()),
            "{history:?}"
        );
        assert_eq!(stored.saga.lease, change.record.saga.lease, "{history:?}");
        assert_eq!(
            stored.saga.revision, change.record.saga.revision,
            "{history:?}"
        );
        record = change.record;
    }
}

/// row: E8, E13, I3
#[both_engines]
async fn what_is_stored_reads_back_as_what_the_core_said(engine: Engine) {
    let migrate = async |db: &Database| migrations::up(db, "order").await;
    let db = testkit::database::on(engine, crate::NAME, migrate).await;
    let (clock, time) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let mut runner = TestRunner::deterministic();
    for _ in 0..HISTORIES {
        let history = history().new_tree(&mut runner).unwrap().current();
        play(&db, &clock, &time, &history).await;
    }
}

/// The timeline says in whose words an order was undone: those of a person, or the reason's name.
///
/// row: X14
#[test]
fn a_status_is_told_with_the_note_of_who_asked_or_with_its_reason() {
    let (clock, _) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    for (note, happens, told) in [
        ("wrong colour", Happens::Cancelled, "wrong colour"),
        ("", Happens::Cancelled, EndReason::StaffRequest.name()),
        ("", Happens::Refused, EndReason::OutOfStock.name()),
    ] {
        let record = placed(&clock);
        let on = Occasion {
            driver: record.order.id.0,
            now: clock.now(),
            took: Duration::from_millis(7),
            note: note.to_owned(),
        };
        let change = change(&RULES, &record, event(&record.saga, happens), &on);
        let entries = change.unwrap().unwrap().entries;
        let status = entries.iter().find(|entry| entry.kind == LogKind::Status);
        assert_eq!(status.unwrap().outcome, told);
    }
}

/// Whoever made a change has the saga for a while, and nobody needs one that rests.
///
/// row: E9
#[test]
fn a_driver_holds_what_it_goes_on_with_and_lets_go_at_the_end() {
    let (clock, time) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let mut record = placed(&clock);
    for _ in 0..3 {
        time.advance(Duration::from_secs(1));
        let on = Occasion {
            driver: clock.id(),
            now: clock.now(),
            took: Duration::ZERO,
            note: String::new(),
        };
        let done = event(&record.saga, Happens::Done);
        let change = change(&RULES, &record, done, &on).unwrap().unwrap();
        record = change.record;
        match record.saga.lease {
            Some(lease) => {
                assert_eq!(lease.owner, on.driver);
                assert!(lease.until > on.now, "{lease:?}");
            }
            None => assert!(record.saga.state.pending().is_none()),
        }
        assert_eq!(
            record.saga.lease.is_none(),
            record.order.status.is_terminal()
        );
    }
    assert_eq!(record.order.status, Status::Confirmed);
}

/// row: X14
#[test]
fn the_timeline_names_every_step_and_undo_as_it_came() {
    let (clock, _) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let mut record = placed(&clock);
    let mut told = Vec::new();
    let (done, cancelled) = (Happens::Done, Happens::Cancelled);
    for happens in [done, done, done, cancelled, done, done] {
        let on = Occasion {
            driver: record.order.id.0,
            now: clock.now(),
            took: Duration::from_millis(7),
            note: String::new(),
        };
        let change = change(&RULES, &record, event(&record.saga, happens), &on);
        let change = change.unwrap().unwrap();
        assert_eq!(
            change.record.saga.revision,
            record.saga.revision + 1,
            "so that of two drivers one writes"
        );
        told.extend(change.entries);
        record = change.record;
    }
    let of = |kind| {
        let told = told.iter().filter(move |entry| entry.kind == kind);
        told.map(|entry| (entry.step.as_str(), entry.attempt, entry.duration_ms))
    };
    assert!(of(LogKind::Step).eq([
        ("reserve-inventory", 1, 7),
        ("process-payment", 1, 7),
        ("commit-inventory", 1, 7),
        ("confirm-order", 1, 0),
    ]));
    assert!(of(LogKind::Undo).eq([("release-inventory", 1, 7), ("refund-payment", 1, 7)]));
    assert_eq!(record.order.status, Status::Cancelled);
}

/// row: E8, X14
#[test]
fn two_changes_as_one_tell_all_that_both_told() {
    let (clock, _) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let record = placed(&clock);
    let on = Occasion {
        driver: record.order.id.0,
        now: clock.now(),
        took: Duration::ZERO,
        note: String::new(),
    };
    let next = |record: &Record, happens| {
        let change = change(&RULES, record, event(&record.saga, happens), &on);
        change.unwrap().unwrap()
    };
    let reserved = next(&record, Happens::Done);
    let paid = next(&reserved.record, Happens::Done);
    let cancelled = next(&paid.record, Happens::Cancelled);
    let joined = cancelled.clone().after(paid.clone());
    let topics =
        |change: &Changeset| -> Vec<_> { change.facts.iter().map(|fact| fact.topic).collect() };
    assert_eq!(
        topics(&joined),
        [topics(&paid), topics(&cancelled)].concat()
    );
    assert_eq!(topics(&joined).len(), 2);
    assert_eq!(joined.entries, [paid.entries, cancelled.entries].concat());
    let (saga, last) = (joined.record.saga, cancelled.record.saga);
    assert_eq!(
        saga.revision,
        reserved.record.saga.revision + 1,
        "one write"
    );
    assert_eq!((saga.state, saga.lease), (last.state, last.lease));
}

/// A reader who is overtaken by a write after the first of its statements.
struct Overtaken<'a> {
    db: &'a Database,
    write: Mutex<Option<BoxFuture<'a, ()>>>,
}

impl Overtaken<'_> {
    async fn let_write(&self) {
        let write = self.write.lock().unwrap().take();
        if let Some(write) = write {
            write.await;
        }
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Overtaken<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.db.read().get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.db.read().execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.db.read().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let found = self.db.read().query_one_raw(statement).await;
        self.let_write().await;
        found
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let found = self.db.read().query_all_raw(statement).await;
        self.let_write().await;
        found
    }
}

/// An order and its saga that were not read as one: the saga is the older of them, so that whoever goes on from there is
/// refused by its revision. A saga newer than its order would be written over what the order has become.
///
/// row: E8
#[both_engines]
async fn a_saga_is_never_read_newer_than_its_order(engine: Engine) {
    let migrate = async |db: &Database| migrations::up(db, "order").await;
    let db = testkit::database::on(engine, crate::NAME, migrate).await;
    let (clock, _time) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let record = accept(&db, &clock).await;
    let on = Occasion {
        driver: record.order.id.0,
        now: clock.now(),
        took: Duration::ZERO,
        note: String::new(),
    };
    let cancel = Event::CancelAsked(EndReason::CustomerRequest);
    let cancelled = change(&RULES, &record, cancel, &on).unwrap().unwrap();
    let write = async {
        let txn = db.begin_write().await.unwrap();
        cancelled.write(&txn, &clock).await.unwrap();
        txn.commit().await.unwrap();
    };
    let reader = Overtaken {
        db: &db,
        write: Mutex::new(Some(Box::pin(write))),
    };
    let found = store::saga::find(&reader, Scope::Everyone, record.order.id).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.order.status, Status::Cancelling);
    assert_eq!(found.saga.revision, record.saga.revision);
}
