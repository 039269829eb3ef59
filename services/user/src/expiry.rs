//! Forgets sessions and forgotten passwords whose time is over.

use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use sql::{Database, retrying, sweep};

use crate::store;

/// Forgets what was over by `now`, a batch at a time, so that it holds up no writer.
///
/// # Errors
/// The database failed; what was forgotten stays so.
pub async fn forget(db: Database, now: DateTime<Utc>) -> Result<(), DbErr> {
    let batch = || retrying(|| forget_some(&db, now));
    sweep::in_batches(batch).await.map(drop)
}

async fn forget_some(db: &Database, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let txn = sweep::begin(db).await?;
    let sessions = store::session::prune(&txn, now).await?;
    let resets = store::password_reset::prune(&txn, now).await?;
    txn.commit().await?;
    Ok(sessions.max(resets))
}

#[cfg(test)]
mod tests {
    use call::{Roles, Scope};
    use chrono::TimeDelta;
    use uuid::Uuid;

    use testkit::{Engine, both_engines};

    use super::*;
    use crate::domain::email::Email;
    use crate::domain::id::{SessionId, UserId};
    use crate::domain::line::SingleLine;
    use crate::domain::session::Session;
    use crate::domain::user::User;

    /// row: X23
    #[both_engines]
    async fn sessions_are_forgotten_when_they_are_over_and_not_before(engine: Engine) {
        let migrate = async |db: &Database| migrations::up(db, crate::NAME).await;
        let db = testkit::database::on(engine, crate::NAME, migrate).await;
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (id, email) = (UserId(Uuid::from_u128(1)), Email::new("ada@example.test"));
        let ada = User::new(id, SingleLine::default(), email, Roles::default(), now);
        let txn = db.begin_write().await.unwrap();
        store::user::insert(&txn, &ada).await.unwrap();
        for days in 1..=3 {
            let session = SessionId(Uuid::from_u128(days));
            let life = TimeDelta::days(i64::try_from(days).unwrap());
            let (session, _) = Session::start(session, id, ([1; 16], [2; 32]), now, life);
            store::session::insert(&txn, &session).await.unwrap();
        }
        txn.commit().await.unwrap();

        let later = now + TimeDelta::days(2);
        forget(db.database.clone(), later).await.unwrap();
        let txn = db.begin_write().await.unwrap();
        for (days, left) in [(1, false), (2, false), (3, true)] {
            let session = SessionId(Uuid::from_u128(days));
            let found = store::session::find_to_change(&txn, session).await.unwrap();
            assert_eq!(found.is_some(), left, "{days}");
        }
        let ada = store::user::find(&txn, Scope::Everyone, id).await.unwrap();
        assert!(ada.is_some());
        txn.rollback().await.unwrap();
    }
}
