//! Facts as rows.

use std::time::Duration;

use clock::Manual;
use events::{Cursor, Fact, Origin, Recorded, outbox};
use sql::{Database, Fault, fault};
use testkit::{Engine, both_engines};
use uuid::Uuid;

use crate::{fact, push, start, write};

/// Reads facts until there are any: a transaction of another test on the same server holds them
/// back for a moment.
pub async fn page(db: &Database, after: Option<Cursor>) -> Vec<Recorded> {
    for _ in 0..500 {
        let facts = outbox::page(db.read(), after, 10).await.unwrap();
        if !facts.is_empty() {
            return facts;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no fact came");
}

/// row: E1, I6
#[both_engines]
async fn a_fact_is_read_as_it_was_written_with_its_whole_envelope(engine: Engine) {
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let subject = Uuid::from_u128(7);
    let fact = Fact {
        topic: "thing.made",
        key: "k".into(),
        version: 1,
        subject: Some(subject),
        data: vec![0, 255, 1],
    };
    let origin = Origin {
        correlation_id: "c".into(),
        traceparent: "t".into(),
        synthetic: true,
    };
    let txn = db.begin_write().await.unwrap();
    let event_id = outbox::push(&txn, &clock, &origin, fact).await;
    let event_id = event_id.unwrap();
    txn.commit().await.unwrap();

    let facts = page(&db, None).await;
    let [fact] = facts.as_slice() else {
        panic!("one fact was expected: {facts:?}")
    };
    assert_eq!(fact.event_id, event_id);
    assert_eq!(outbox::committed(db.read(), 10).await.unwrap().len(), 1);
    assert_eq!(event_id.get_version_num(), 7);
    assert_eq!(
        (fact.topic.as_str(), fact.key.as_str()),
        ("thing.made", "k")
    );
    assert_eq!((fact.version, fact.source.as_str()), (1, "events"));
    assert_eq!((fact.subject, fact.at), (Some(subject), start()));
    assert_eq!(fact.data, [0, 255, 1]);
    assert_eq!(fact.origin.correlation_id, "c");
    assert_eq!(fact.origin.traceparent, "t");
    assert!(fact.origin.synthetic);
    let after = outbox::page(db.read(), Some(fact.cursor), 10)
        .await
        .unwrap();
    assert!(after.is_empty());
}

/// What a sweep or a command line does has an id in the log too, by which its facts are found.
///
/// row: O2
#[both_engines]
async fn a_fact_that_no_call_made_true_has_an_id_of_its_own(engine: Engine) {
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let txn = db.begin_write().await.unwrap();
    let origin = Origin::internal("sweep-7");
    outbox::push(&txn, &clock, &origin, fact("k", 1))
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let origin = page(&db, None).await.swap_remove(0).origin;
    assert_eq!(origin.correlation_id, "sweep-7");
    assert_eq!((origin.traceparent.as_str(), origin.synthetic), ("", false));
}

/// row: E10
#[both_engines]
async fn a_fact_goes_with_the_transaction_it_was_written_in(engine: Engine) {
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let txn = db.begin_write().await.unwrap();
    write(&txn, &clock, fact("k", 1)).await;
    txn.rollback().await.unwrap();
    assert!(outbox::page(db.read(), None, 10).await.unwrap().is_empty());
}

/// row: I6
#[both_engines]
async fn a_thing_has_one_fact_per_version(engine: Engine) {
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let txn = db.begin_write().await.unwrap();
    push(&txn, &clock, fact("k", 2)).await.unwrap();
    push(&txn, &clock, fact("other", 2)).await.unwrap();
    let of_another_kind = Fact {
        topic: "other.changed",
        ..fact("k", 2)
    };
    push(&txn, &clock, of_another_kind).await.unwrap();
    let again = Fact {
        topic: "thing.made",
        ..fact("k", 2)
    };
    push(&txn, &clock, again).await.unwrap();
    let fault = fault(&txn.commit().await.unwrap_err());
    assert!(matches!(fault, Fault::Unique { .. }), "{fault:?}");
    let columns = ["outbox.aggregate", "outbox.key", "outbox.version"];
    assert!(fault.is_unique("outbox_one_per_version", &columns));
}

/// row: I6
#[both_engines]
async fn facts_that_are_pushed_together_keep_their_order_however_many(engine: Engine) {
    const MANY: i64 = 3_000; // with more values than one statement takes
    let db = super::on(engine).await;
    let (clock, _manual) = Manual::new(start());
    let txn = db.begin_write().await.unwrap();
    let (origin, facts) = (
        Origin::default(),
        (1..=MANY).map(|version| fact("k", version)),
    );
    outbox::push_all(&txn, &clock, &origin, facts)
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let facts = outbox::committed(db.read(), 2 * MANY as u64).await.unwrap();
    assert!(facts.iter().map(|fact| fact.version).eq(1..=MANY));
}
