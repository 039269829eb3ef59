//! One effect and one answer for each key.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sql::idempotency::{self, Claim, ClaimError, KEPT, Key};
use sql::{Database, retrying};
use testkit::{Engine, both_engines};

use crate::{on, read, set};

fn key() -> Key {
    Key {
        subject: "user:1".into(),
        method: "/stoa.order.v1.OrderService/CreateOrder",
        key: "k".into(),
        request_hash: [7; 32],
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// Does what a mutating rpc does: claim, effect, seal, commit; returns the answer.
async fn call(db: &Database, key: &Key, at: DateTime<Utc>) -> Result<Vec<u8>, ClaimError> {
    let txn = db.begin_write().await?;
    match idempotency::claim(&txn, Some(key), at).await? {
        Claim::Replay(answer) => return Ok(answer),
        Claim::Pending(_) => panic!("claimed, sealed and committed together, so never pending"),
        Claim::New => {}
    }
    let value = read(&txn, "a").await? + 1;
    set(&txn, "a", value).await?;
    let answer = value.to_be_bytes().to_vec();
    idempotency::seal(&txn, Some(key), at, &answer).await?;
    txn.commit().await?;
    Ok(answer)
}

/// row: S-16, X16, I8
#[both_engines]
async fn a_repetition_gets_the_same_bytes_and_changes_nothing(engine: Engine) {
    let db = on(engine).await;
    let first = call(&db, &key(), now()).await.unwrap();
    let second = call(&db, &key(), now() + TimeDelta::hours(23))
        .await
        .unwrap();
    assert_eq!(first, second);
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);
}

/// row: S-16
#[both_engines]
async fn another_request_under_the_same_key_is_refused_without_effect(engine: Engine) {
    let db = on(engine).await;
    call(&db, &key(), now()).await.unwrap();
    let other = Key {
        request_hash: [8; 32],
        ..key()
    };
    assert!(matches!(
        call(&db, &other, now()).await,
        Err(ClaimError::Mismatch)
    ));
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);
}

/// row: S-16
#[both_engines]
async fn a_key_is_one_callers_and_one_methods(engine: Engine) {
    let db = on(engine).await;
    let keys = [
        key(),
        Key {
            subject: "user:2".into(),
            ..key()
        },
        Key {
            method: "/stoa.order.v1.OrderService/CancelOrder",
            ..key()
        },
        Key {
            key: "K".into(),
            ..key()
        },
    ];
    for key in &keys {
        call(&db, key, now()).await.unwrap();
    }
    assert_eq!(read(db.read(), "a").await.unwrap(), 4);
}

/// row: S-16
#[both_engines]
async fn an_attempt_that_rolled_back_leaves_the_key_free(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    assert_eq!(
        idempotency::claim(&txn, Some(&key()), now()).await.unwrap(),
        Claim::New
    );
    drop(txn);
    assert_eq!(
        idempotency::answer(db.read(), &key(), now()).await.unwrap(),
        None
    );
    call(
        &db,
        &Key {
            request_hash: [8; 32],
            ..key()
        },
        now(),
    )
    .await
    .unwrap();
}

/// row: S-16
#[both_engines]
async fn a_key_is_new_again_after_a_day(engine: Engine) {
    let db = on(engine).await;
    let first = call(&db, &key(), now()).await.unwrap();
    let just_before = now() + KEPT - TimeDelta::microseconds(1);
    assert_eq!(call(&db, &key(), just_before).await.unwrap(), first);
    let other = Key {
        request_hash: [8; 32],
        ..key()
    };
    let second = call(&db, &other, now() + KEPT).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(call(&db, &other, now() + KEPT).await.unwrap(), second);
    assert_eq!(read(db.read(), "a").await.unwrap(), 2);
}

/// row: S-16, X16, I8
#[both_engines]
async fn a_hundred_at_once_have_one_effect_and_one_answer(engine: Engine) {
    let db = on(engine).await;
    let callers = (0..100).map(|_| {
        let db = db.database.clone();
        tokio::spawn(async move {
            let key = key();
            retrying(|| call(&db, &key, now())).await
        })
    });
    let mut answers = Vec::new();
    for outcome in join_all(callers).await {
        // Who lost five races in a row is told to come again; nobody has a second effect.
        if let Ok(answer) = outcome.unwrap() {
            answers.push(answer);
        }
    }
    assert!(
        answers.len() >= 90,
        "only {} of 100 were answered",
        answers.len()
    );
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(read(db.read(), "a").await.unwrap(), 1);
}

#[both_engines]
async fn a_claim_whose_answer_is_still_to_come_is_pending_until_sealed_once(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    assert_eq!(
        idempotency::claim(&txn, Some(&key()), now()).await.unwrap(),
        Claim::New
    );
    txn.commit().await.unwrap();

    let txn = db.begin_write().await.unwrap();
    assert_eq!(
        idempotency::claim(&txn, Some(&key()), now()).await.unwrap(),
        Claim::Pending(now())
    );
    assert_eq!(
        idempotency::answer(&txn, &key(), now()).await.unwrap(),
        None
    );
    idempotency::seal(&txn, Some(&key()), now(), b"")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    assert_eq!(
        idempotency::answer(db.read(), &key(), now()).await.unwrap(),
        Some(Vec::new())
    );

    let txn = db.begin_write().await.unwrap();
    let replay = idempotency::claim(&txn, Some(&key()), now()).await.unwrap();
    assert_eq!(
        replay,
        Claim::Replay(Vec::new()),
        "an empty answer is an answer"
    );
    idempotency::seal(&txn, Some(&key()), now(), b"other")
        .await
        .unwrap_err();
    txn.rollback().await.unwrap();

    let txn = db.begin_write().await.unwrap();
    let unclaimed = Key {
        key: "unclaimed".into(),
        ..key()
    };
    idempotency::seal(&txn, Some(&unclaimed), now(), b"")
        .await
        .unwrap_err();
}

/// An order may take longer than its key is kept, and the key stand for another request by then.
///
/// row: S-16
#[both_engines]
async fn an_answer_is_sealed_under_its_own_claim_and_no_later_one(engine: Engine) {
    let db = on(engine).await;
    let (earlier, later) = (now(), now() + KEPT);
    let other = Key {
        request_hash: [8; 32],
        ..key()
    };
    for (key, at) in [(&key(), earlier), (&other, later)] {
        let txn = db.begin_write().await.unwrap();
        let claim = idempotency::claim(&txn, Some(key), at).await.unwrap();
        assert_eq!(claim, Claim::New);
        txn.commit().await.unwrap();
    }
    let txn = db.begin_write().await.unwrap();
    let late = idempotency::seal(&txn, Some(&key()), earlier, b"late").await;
    assert!(matches!(late, Err(DbErr::RecordNotUpdated)), "{late:?}");
    idempotency::seal_if_pending(&txn, Some(&key()), earlier, b"late")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let look = idempotency::look(db.read(), &other, later).await.unwrap();
    assert_eq!(look, Some(Claim::Pending(later)));

    let txn = db.begin_write().await.unwrap();
    idempotency::seal_if_pending(&txn, Some(&other), later, b"own")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let answer = async |at| idempotency::answer(db.read(), &key(), at).await.unwrap();
    assert_eq!(answer(earlier).await, None);
    assert_eq!(answer(later).await, Some(b"own".to_vec()));
}

#[both_engines]
async fn a_look_tells_what_a_claim_would_find_and_claims_nothing(engine: Engine) {
    let db = on(engine).await;
    let look = async |key: &Key, at| idempotency::look(db.read(), key, at).await;
    assert_eq!(look(&key(), now()).await.unwrap(), None);
    let answer = call(&db, &key(), now()).await.unwrap();
    let replay = Some(Claim::Replay(answer));
    assert_eq!(look(&key(), now()).await.unwrap(), replay);
    let other = Key {
        request_hash: [8; 32],
        ..key()
    };
    let refused = look(&other, now()).await;
    assert!(matches!(refused, Err(ClaimError::Mismatch)));
    assert_eq!(look(&other, now() + KEPT).await.unwrap(), None);
}

#[both_engines]
async fn without_a_key_everything_is_new(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            idempotency::claim(&txn, None, now()).await.unwrap(),
            Claim::New
        );
        idempotency::seal(&txn, None, now(), b"answer")
            .await
            .unwrap();
    }
}

#[both_engines]
async fn pruning_deletes_old_records_alone_however_many(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    for number in 0..1500 {
        let key = Key {
            key: format!("old {number}"),
            ..key()
        };
        idempotency::claim(&txn, Some(&key), now()).await.unwrap();
    }
    let young = Key {
        key: "young".into(),
        ..key()
    };
    let later = now() + TimeDelta::seconds(1);
    idempotency::claim(&txn, Some(&young), later).await.unwrap();
    txn.commit().await.unwrap();

    assert_eq!(idempotency::prune(&db, now()).await.unwrap(), 1500);
    assert_eq!(idempotency::prune(&db, now()).await.unwrap(), 0);
    let txn = db.begin_write().await.unwrap();
    let claim = idempotency::claim(&txn, Some(&young), later).await.unwrap();
    assert_eq!(claim, Claim::Pending(later));
}

/// The deletion waits for whoever claims the key anew, and looks at the row again.
#[tokio::test]
async fn a_key_that_is_claimed_anew_meanwhile_is_not_pruned_on_postgres() {
    let db = on(Engine::Postgres).await;
    call(&db, &key(), now()).await.unwrap();
    let later = now() + KEPT;
    let anew = db.begin_write().await.unwrap();
    let claim = idempotency::claim(&anew, Some(&key()), later)
        .await
        .unwrap();
    assert_eq!(claim, Claim::New);
    let pruning = tokio::spawn({
        let db = db.database.clone();
        async move { idempotency::prune(&db, now()).await.unwrap() }
    });
    let waits = "select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let waits = Statement::from_string(DbBackend::Postgres, waits);
    while db
        .read()
        .query_one_raw(waits.clone())
        .await
        .unwrap()
        .is_none()
    {
        assert!(!pruning.is_finished(), "it waits for nobody");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    anew.commit().await.unwrap();
    assert_eq!(pruning.await.unwrap(), 0);
    let look = idempotency::look(db.read(), &key(), later).await.unwrap();
    assert_eq!(look, Some(Claim::Pending(later)));
}

#[both_engines]
async fn a_key_that_is_claimed_with_the_commit_was_claimed_by_nobody_else(engine: Engine) {
    let db = on(engine).await;
    let txn = db.begin_write().await.unwrap();
    idempotency::claim_with_commit(&txn, Some(&key()), now())
        .await
        .unwrap();
    txn.commit().await.unwrap();
    let txn = db.begin_write().await.unwrap();
    idempotency::seal_with_commit(&txn, Some(&key()), now(), b"first")
        .await
        .unwrap();
    txn.commit().await.unwrap();

    let txn = db.begin_write().await.unwrap();
    set(&txn, "a", 5).await.unwrap();
    idempotency::claim_with_commit(&txn, Some(&key()), now())
        .await
        .unwrap();
    let again = txn.commit().await;
    assert!(matches!(again, Err(DbErr::RecordNotUpdated)), "{again:?}");
    assert_eq!(read(db.read(), "a").await.unwrap(), 0);

    let txn = db.begin_write().await.unwrap();
    idempotency::seal_with_commit(&txn, Some(&key()), now(), b"second")
        .await
        .unwrap();
    let sealed = txn.commit().await;
    assert!(matches!(sealed, Err(DbErr::RecordNotUpdated)), "{sealed:?}");

    let txn = db.begin_write().await.unwrap();
    idempotency::seal_if_pending(&txn, Some(&key()), now(), b"third")
        .await
        .unwrap();
    txn.commit().await.unwrap();
    assert_eq!(
        idempotency::answer(db.read(), &key(), now()).await.unwrap(),
        Some(b"first".to_vec())
    );
}
