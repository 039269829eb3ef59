//! Sessions: the table `sessions`. Ending a session deletes its row.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sql::sweep;
use uuid::Uuid;

use crate::domain::device::DeviceName;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{Session, Turn};

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "sessions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub user_id: Uuid,
        pub family_hash: Vec<u8>,
        pub token_hash: Vec<u8>,
        pub previous_hash: Option<Vec<u8>>,
        pub successor_nonce: Option<Vec<u8>>,
        pub rotated_at: Option<ChronoDateTimeUtc>,
        pub created_at: ChronoDateTimeUtc,
        pub expires_at: ChronoDateTimeUtc,
        pub device: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Its hashes never reach a log by way of `{:?}`.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Model(…)")
        }
    }
}

use entity::{ActiveModel, Column, Entity, Model};

/// Sessions that an account has at most: one per browser, and none for a loop of sign-ins.
const SESSIONS_MAX: u64 = 50;
/// More sessions than these are neither ended nor listed at once.
const AT_ONCE_MAX: u64 = 1000;

/// Stores a new session.
pub async fn insert(db: &impl ConnectionTrait, session: &Session) -> Result<(), DbErr> {
    Entity::insert(row(session))
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Stores the turn that a session has taken.
pub async fn update(db: &impl ConnectionTrait, session: &Session) -> Result<(), DbErr> {
    let updated = Entity::update_many()
        .set(row(session))
        .filter(Column::Id.eq(session.id.0))
        .exec(db)
        .await?;
    match updated.rows_affected {
        1 => Ok(()),
        _ => Err(DbErr::RecordNotUpdated), // it was read in this very transaction
    }
}

/// Finds a session, and holds it until the transaction ends.
pub async fn find_to_change(
    db: &impl ConnectionTrait,
    id: SessionId,
) -> Result<Option<Session>, DbErr> {
    let found = Entity::find_by_id(id.0).lock_exclusive().one(db).await?;
    found.map(Session::try_from).transpose()
}

/// Reads the sessions of an account that are not over, in no order.
pub async fn list_of(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<Session>, DbErr> {
    let found = Entity::find()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ExpiresAt.gt(now))
        .limit(AT_ONCE_MAX)
        .all(db)
        .await?;
    found.into_iter().map(Session::try_from).collect()
}

/// Whether an account has this session, and it is not over.
pub async fn lives(
    db: &impl ConnectionTrait,
    user: UserId,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let found: Option<Uuid> = Entity::find_by_id(id.0)
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ExpiresAt.gt(now))
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Whether an account has any session that is not over.
pub async fn any_lives(
    db: &impl ConnectionTrait,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let found: Option<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user.0))
        .filter(Column::ExpiresAt.gt(now))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Ends a session of an account; whether it had that one.
pub async fn delete_of(
    db: &impl ConnectionTrait,
    user: UserId,
    id: SessionId,
) -> Result<bool, DbErr> {
    let deleted = Entity::delete_by_id(id.0)
        .filter(Column::UserId.eq(user.0))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected > 0)
}

/// Ends a session.
pub async fn delete(db: &impl ConnectionTrait, id: SessionId) -> Result<(), DbErr> {
    Entity::delete_by_id(id.0).exec(db).await.map(drop)
}

/// Ends all sessions of an account.
pub async fn delete_all_of(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user.0))
        .exec(db)
        .await
        .map(drop)
}

/// Ends all sessions of an account but one.
pub async fn delete_others_of(
    db: &impl ConnectionTrait,
    user: UserId,
    kept: SessionId,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user.0))
        .filter(Column::Id.ne(kept.0))
        .exec(db)
        .await
        .map(drop)
}

/// Ends the oldest sessions of an account if it has as many as it may have, to make room for one.
pub async fn end_oldest_of(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    let surplus: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::UserId.eq(user.0))
        .order_by_desc(Column::CreatedAt)
        .offset(SESSIONS_MAX - 1)
        .limit(AT_ONCE_MAX)
        .into_tuple()
        .all(db)
        .await?;
    if surplus.is_empty() {
        return Ok(());
    }
    Entity::delete_many()
        .filter(Column::Id.is_in(surplus))
        .exec(db)
        .await
        .map(drop)
}

/// Forgets sessions whose time is over, at most [`sweep::BATCH`] of them; returns how many.
pub async fn prune(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let expired: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::ExpiresAt.lte(now))
        .limit(sweep::BATCH)
        .into_tuple()
        .all(db)
        .await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let deleted = Entity::delete_many()
        .filter(Column::Id.is_in(expired))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

fn row(session: &Session) -> ActiveModel {
    let last = session.last.as_ref();
    ActiveModel {
        id: Set(session.id.0),
        user_id: Set(session.user_id.0),
        family_hash: Set(session.family_hash.to_vec()),
        token_hash: Set(session.turn_hash.to_vec()),
        previous_hash: Set(last.map(|turn| turn.hash.to_vec())),
        successor_nonce: Set(last.map(|turn| turn.nonce.to_vec())),
        rotated_at: Set(last.map(|turn| turn.at)),
        created_at: Set(session.created_at),
        expires_at: Set(session.expires_at),
        device: Set(Some(session.device.as_str().to_owned())),
    }
}

impl TryFrom<Model> for Session {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let last = match (row.previous_hash, row.successor_nonce, row.rotated_at) {
            (Some(hash), Some(nonce), Some(at)) => Some(Turn {
                hash: bytes(hash)?,
                nonce: bytes(nonce)?,
                at,
            }),
            _ => None,
        };
        Ok(Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            family_hash: bytes(row.family_hash)?,
            turn_hash: bytes(row.token_hash)?,
            last,
            created_at: row.created_at,
            expires_at: row.expires_at,
            device: DeviceName::stored(row.device.unwrap_or_default()),
        })
    }
}

fn bytes(value: Vec<u8>) -> Result<[u8; 32], DbErr> {
    value
        .try_into()
        .map_err(|_| DbErr::Type("a hash or nonce has 32 bytes".to_owned()))
}
